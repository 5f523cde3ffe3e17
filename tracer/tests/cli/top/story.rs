//! A machine in trouble, recorded: one parent that leaks thousands, one that is lazy, one that is not,
//! a subreaper, and names that nobody would choose.

use tracer::{
    lifecycle::filter::Asked,
    observation::{
        Adopter, AdopterKind, Awaited, Call, Comm, Died, Exited, Fact, Fate, Filled, Forked, Found,
        Home, Identity, Lost, LostWhere, Measure, Observation, Outcome, Sigchld, Space, Start,
        Status, Waited,
    },
    recording::{Counts, Header, Writer},
};

const MS: u64 = 1_000_000;
const SECOND: u64 = 1000 * MS;
/// The boot clock at the start.
const BEGAN: u64 = 1000 * SECOND;
const END: u64 = BEGAN + 21 * SECOND;
/// Pids of those that were there.
const INIT: u32 = 1;
const WORKER: u32 = 27977;
const LAZY: u32 = 512;
const MAKE: u32 = 800;
const TINI: u32 = 601;
const SHELL: u32 = 602;
const HOSTILE: u32 = 700;

struct Story(Vec<Observation>);

fn id(pid: u32) -> Identity {
    Identity { pid, start: Start::Exact(u64::from(pid) * MS) }
}

fn child(pid: u32, at: u64) -> Identity {
    Identity { pid, start: Start::Exact(at) }
}

fn home() -> Home {
    Home { uid: Some(1000), cgroup: None, pidns: None, ns_pid: None }
}

impl Story {
    fn tell(&mut self, at: u64, fact: Fact) {
        self.0.push(Observation { at, fact });
    }

    fn found(&mut self, pid: u32, parent: u32, comm: &[u8]) {
        let found = Found {
            id: id(pid),
            parent,
            number: Some(pid),
            comm: Comm::from(comm),
            zombie: None,
            leader_gone: false,
            traced: true,
            home: home(),
        };
        self.tell(BEGAN, Fact::Found(found));
    }

    fn fork(&mut self, at: u64, pid: u32, parent: u32, comm: &[u8]) {
        let forked = Forked {
            id: child(pid, at),
            parent: id(parent),
            forker: parent,
            number: Some(pid),
            exit_signal: 17,
            comm: Comm::from(comm),
            home: home(),
            nproc: None,
        };
        self.tell(at, Fact::Forked(forked));
    }

    /// Its end, and the moment from which its parent can reap it.
    fn exit(&mut self, at: u64, id: Identity, parent: u32, comm: &[u8], adopter: Option<Adopter>) {
        let exited = Exited {
            id,
            comm: Comm::from(comm),
            parent: self::id(parent),
            ptracer: None,
            adopter,
            status: Status::Code(0),
            cpu_user: MS,
            cpu_system: 2 * MS,
            max_rss: 2 << 20,
            sigchld: Sigchld::default(),
            exit_signal: 17,
            home: home(),
        };
        self.tell(at, Fact::Exited(exited));
        let died = Died { id, target: self::id(parent), fate: Fate::Delivered, autoreap: false };
        self.tell(at + 100_000, Fact::Died(died));
    }

    fn wait(&mut self, at: u64, parent: u32, comm: &[u8], pid: u32) {
        let waited = Waited {
            pid: parent,
            tid: parent,
            comm: Comm::from(comm),
            call: Call::Wait4,
            awaited: Awaited::Any,
            reaps: true,
            outcome: Outcome::Child { pid, reaped: Some(true) },
        };
        self.tell(at, Fact::Waited(waited));
    }

    /// A child that lives for 5 ms, and is reaped so long after.
    fn life(
        &mut self,
        at: u64,
        pid: u32,
        (parent, name): (u32, &[u8]),
        comm: &[u8],
        zombie: Option<u64>,
    ) {
        self.fork(at, pid, parent, comm);
        let end = at + 5 * MS;
        self.exit(end, child(pid, at), parent, comm, None);
        if let Some(zombie) = zombie {
            self.wait(end + 100_000 + zombie, parent, name, pid);
        }
    }

    fn measure(&mut self, at: u64, space: Space, used: u64, limit: u64) {
        let measure = Measure { space, filled: Filled { used, limit } };
        self.tell(at, Fact::Measured(vec![measure]));
    }
}

fn story() -> Vec<Observation> {
    let mut story = Story(Vec::new());
    story.found(INIT, 0, b"systemd");
    for (pid, parent, comm) in [
        (WORKER, INIT, &b"worker"[..]),
        (LAZY, INIT, b"lazyd"),
        (MAKE, INIT, b"make"),
        (TINI, INIT, b"tini"),
        (SHELL, TINI, b"sh"),
        (HOSTILE, INIT, b"\x1b[2J\x1b[31mevil"),
        (HOSTILE + 1, INIT, "日本語ね".as_bytes()),
    ] {
        story.found(pid, parent, comm);
    }
    for n in 0..2000 {
        story.life(
            BEGAN + SECOND + u64::from(n) * 10 * MS,
            30_000 + n,
            (WORKER, b"worker"),
            b"job",
            None,
        );
    }
    for n in 0..200 {
        // In bursts, every other second.
        let at = BEGAN + u64::from(n) * 100 * MS;
        let zombie = 2 * SECOND - at % (2 * SECOND);
        story.life(at, 33_000 + n, (LAZY, b"lazyd"), b"task", Some(zombie));
        story.life(at + 50 * MS, 34_000 + n, (MAKE, b"make"), b"cc", Some(60_000));
    }
    for name in [HOSTILE, HOSTILE + 1] {
        story.life(BEGAN + 15 * SECOND, 35_000 + name, (name, b""), b"\x07bell\x1b]0;x", None);
    }
    // A shell leaves three of its children to the subreaper above it.
    for n in 0..3 {
        story.fork(BEGAN + 2 * SECOND, 36_000 + n, SHELL, b"sleep");
    }
    let tini = Adopter { id: id(TINI), kind: AdopterKind::Subreaper, sigchld: Sigchld::default() };
    story.exit(BEGAN + 3 * SECOND, id(SHELL), TINI, b"sh", Some(tini));
    story.wait(BEGAN + 3 * SECOND + MS, TINI, b"tini", SHELL);
    for n in 0..2 {
        let at = BEGAN + 4 * SECOND + u64::from(n) * SECOND;
        story.exit(at, child(36_000 + n, BEGAN + 2 * SECOND), TINI, b"sleep", None);
        story.wait(at + 100_000 + 70 * MS, TINI, b"tini", 36_000 + n);
    }
    for second in 0..21 {
        let (at, used) = (BEGAN + second * SECOND, 340 + second * 100);
        story.measure(at, Space::Pids, used, 32_768);
        story.measure(at, Space::Threads, used + 57, 63_704);
        story.measure(
            at,
            Space::Cgroup(b"/system.slice/worker.service"[..].into()),
            used - 300,
            2500,
        );
        story.measure(at, Space::User(1000), 100, 1000);
    }
    story.0.sort_by_key(|observation| observation.at);
    story.0
}

/// The recording, and one in which records were lost.
pub(crate) fn recording(lost: u64) -> Vec<u8> {
    let header = Header {
        tracer: "0.1.0".to_owned(),
        host: "crowded".to_owned(),
        kernel: "6.12".to_owned(),
        tier: "fentry".to_owned(),
        began: BEGAN,
        boot_to_unix: 1_700_000_000 * SECOND as i64,
        asked: Asked::default(),
        sees_fork_failures: true,
        of_command: false,
        tier_why: None,
    };
    let mut writer = Writer::new(&header);
    for observation in story() {
        writer.observed(&observation);
    }
    if lost > 0 {
        let lost = Lost { count: lost, place: LostWhere::Ring, since: BEGAN };
        writer.observed(&Observation { at: END - SECOND, fact: Fact::Lost(lost) });
    }
    writer.ended(END, Counts::default());
    writer.take()
}
