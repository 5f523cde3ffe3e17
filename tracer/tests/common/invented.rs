//! Recordings of what never happened, in which every time is known.

#![allow(dead_code, reason = "each program that has it uses a part")]

use std::collections::HashMap;

use tracer::{
    lifecycle::filter::Asked,
    observation::{
        Adopter, AdopterKind, Call, Comm, Death, Died, Execed, Exited, Fact, Fate, Forked, Found,
        Home, Identity, Observation, Program, Released, Sigchld, Start, Status,
    },
    recording::{Counts, Header, Writer},
};

/// When it begins, on the boot clock.
const BEGAN: u64 = 1_000_000_000_000;
/// And by the calendar: 2026-01-01T00:00:00Z.
const BEGAN_UNIX: i64 = 1_767_225_600_000_000_000;
pub(crate) const MS: u64 = 1_000_000;
const SIGCHLD: u32 = 17;
/// A process starts so long before its fork is told (`copy_process`, then `kernel_clone`, kernel/fork.c,
/// Linux 6.12).
const UNTOLD: u64 = 20_000;

/// What happens, by ns since the beginning.
#[derive(Default)]
pub(crate) struct Invented {
    facts: Vec<Observation>,
    ids: HashMap<u32, Identity>,
    comms: HashMap<u32, Comm>,
    asked: Asked,
}

fn home() -> Home {
    Home { uid: Some(1000), ..Home::default() }
}

impl Invented {
    fn add(&mut self, at: u64, fact: Fact) {
        self.facts.push(Observation { at: BEGAN + at, fact });
    }

    fn id(&self, pid: u32) -> Identity {
        self.ids[&pid]
    }

    /// It is there from before the beginning, as a zombie for so long if it is one.
    pub(crate) fn found(&mut self, pid: u32, parent: u32, name: &str, zombie: Option<u64>) {
        let id = Identity { pid, start: Start::Tick(u64::from(pid) * 10 * MS) };
        self.ids.insert(pid, id);
        self.comms.insert(pid, name.as_bytes().into());
        let zombie = zombie.map(|age| Death { earliest: BEGAN - age, latest: Some(BEGAN - age) });
        let found = Found {
            id,
            parent,
            number: Some(pid),
            comm: self.comms[&pid],
            zombie,
            leader_gone: false,
            traced: true,
            home: home(),
        };
        self.add(0, Fact::Found(found));
    }

    pub(crate) fn fork(&mut self, at: u64, pid: u32, parent: u32) {
        let id = Identity { pid, start: Start::Exact(BEGAN + at - UNTOLD) };
        self.ids.insert(pid, id);
        self.comms.insert(pid, self.comms[&parent]);
        let fork = Forked {
            id,
            parent: self.id(parent),
            forker: parent,
            number: Some(pid),
            exit_signal: SIGCHLD,
            comm: self.comms[&pid],
            home: home(),
            nproc: None,
        };
        self.add(at, Fact::Forked(fork));
    }

    pub(crate) fn exec(&mut self, at: u64, pid: u32, argv: &[&str]) {
        let name = argv[0].rsplit('/').next().unwrap_or_default();
        self.comms.insert(pid, name.as_bytes().into());
        let joined = format!("{}\0", argv.join("\0"));
        let program = Program {
            exe: Some(argv[0].as_bytes().into()),
            argv: Some(joined.as_bytes().into()),
            truncated: false,
        };
        let (id, comm) = (self.id(pid), self.comms[&pid]);
        self.add(at, Fact::Execed(Execed { id, comm, thread: None, program, home: home() }));
    }

    /// Its last thread leaves; a tenth of a millisecond later it is a zombie. An adopter takes its
    /// children.
    pub(crate) fn die(&mut self, at: u64, pid: u32, parent: u32, code: u8, adopter: u32) {
        let adopter = self.ids.get(&adopter).map(|id| Adopter {
            id: *id,
            kind: AdopterKind::Init,
            sigchld: Sigchld::default(),
        });
        let (id, parent) = (self.id(pid), self.id(parent));
        let exited = Exited {
            id,
            comm: self.comms[&pid],
            parent,
            ptracer: None,
            adopter,
            status: Status::Code(code),
            cpu_user: MS,
            cpu_system: MS,
            max_rss: 1 << 20,
            sigchld: Sigchld::default(),
            exit_signal: SIGCHLD,
            home: home(),
        };
        self.add(at, Fact::Exited(exited));
        let died = Died { id, target: parent, fate: Fate::Delivered, autoreap: false };
        self.add(at + MS / 10, Fact::Died(died));
    }

    pub(crate) fn reap(&mut self, at: u64, pid: u32, by: u32) {
        let (id, comm) = (self.id(pid), self.comms[&by]);
        let released = Released { id, by, tid: by, comm, call: Some(Call::Wait4) };
        self.add(at, Fact::Released(released));
        self.add(at + MS, Fact::Freed { id });
    }

    /// The recording, which ends then.
    pub(crate) fn recorded(mut self, end: u64) -> Vec<u8> {
        self.facts.sort_by_key(|observation| observation.at);
        let header = Header {
            tracer: "0.1.0".to_owned(),
            host: "testhost".to_owned(),
            kernel: "6.12".to_owned(),
            tier: "fentry".to_owned(),
            began: BEGAN,
            boot_to_unix: BEGAN_UNIX - BEGAN as i64,
            asked: self.asked,
            sees_fork_failures: true,
            of_command: false,
            tier_why: None,
        };
        let mut writer = Writer::new(&header);
        for observation in &self.facts {
            writer.observed(observation);
            writer.close(observation.at, Counts::default);
        }
        writer.due(BEGAN + end);
        writer.ended(BEGAN + end, Counts::default());
        writer.take()
    }
}

/// What a name may try in a page.
pub(crate) const HOSTILE: &str = "<img src=x onerror=window.hacked=1>";

/// Ten seconds of a small family, with one of each kind of trouble.
pub(crate) fn family() -> Vec<u8> {
    family_recorded_with(Asked::default())
}

/// The same, recorded with filters.
pub(crate) fn family_recorded_with(asked: Asked) -> Vec<u8> {
    let mut all = Invented { asked, ..Invented::default() };
    all.found(1, 0, "init", None);
    all.found(100, 1, "daemon", None);
    all.found(90, 100, "old", Some(3000 * MS));
    all.fork(10 * MS, 200, 100);
    all.exec(12 * MS, 200, &["/usr/bin/make", "-j4", "all"]);
    all.fork(100 * MS, 201, 200);
    all.exec(101 * MS, 201, &["/usr/bin/cc", "-c", "main.c"]);
    all.die(150 * MS, 201, 200, 1, 1);
    all.reap(151 * MS, 201, 200);
    // A zombie of exactly five seconds, of a hostile name.
    all.fork(200 * MS, 202, 200);
    all.exec(201 * MS, 202, &[HOSTILE, "</script><script>window.hacked=2</script>"]);
    all.die(1000 * MS - MS / 10, 202, 200, 0, 1);
    all.reap(6000 * MS, 202, 200);
    // Its parent ends first.
    all.fork(250 * MS, 203, 200);
    all.fork(300 * MS, 204, 203);
    all.die(400 * MS, 203, 200, 0, 1);
    all.reap(401 * MS, 203, 200);
    all.exec(410 * MS, 204, &["/usr/bin/orphan"]);
    all.die(2000 * MS, 204, 1, 0, 1);
    all.reap(2001 * MS, 204, 1);
    // Never waits.
    all.fork(20 * MS, 300, 100);
    all.exec(21 * MS, 300, &["/usr/sbin/leaker"]);
    for child in 0..5 {
        let born = (500 + 100 * u64::from(child)) * MS;
        all.fork(born, 301 + child, 300);
        all.die(born + 50 * MS, 301 + child, 300, 0, 1);
    }
    all.die(9000 * MS, 200, 100, 0, 1);
    all.reap(9001 * MS, 200, 100);
    all.recorded(10_000 * MS)
}

/// A process that lives for 50 µs, and is not reaped.
pub(crate) fn brief() -> Vec<u8> {
    let mut all = Invented::default();
    all.found(1, 0, "init", None);
    all.fork(10 * MS, 200, 1);
    all.die(10 * MS + 30_000, 200, 1, 0, 1);
    all.recorded(5000 * MS)
}

/// A parent that leaves a zombie to its init, which reaps both.
pub(crate) fn leaker_that_ends(asked: Asked) -> Vec<u8> {
    let mut all = Invented { asked, ..Invented::default() };
    all.found(1, 0, "init", None);
    all.fork(10 * MS, 300, 1);
    all.exec(11 * MS, 300, &["/usr/sbin/leaker"]);
    all.fork(20 * MS, 301, 300);
    all.die(30 * MS, 301, 300, 0, 1);
    all.die(3000 * MS, 300, 1, 0, 1);
    all.reap(3001 * MS, 300, 1);
    all.reap(3002 * MS, 301, 1);
    all.recorded(5000 * MS)
}

/// So many processes of a build, some of which leave zombies for a while.
pub(crate) fn build(processes: u32) -> Vec<u8> {
    let mut all = Invented::default();
    all.found(1, 0, "init", None);
    all.found(2, 1, "make", None);
    let count = u64::from(processes);
    for job in 0..u64::from(processes / 5) {
        let first = 1000 + job as u32 * 5;
        let begin = job * 3 * MS + job % 7;
        let shell = ["/bin/sh", "-c", "cc -O2 -c part.c && ld -r part.o"];
        all.fork(begin, first, 2);
        all.exec(begin + MS, first, &shell);
        for step in 1..5 {
            let pid = first + step as u32;
            let at = begin + step * (20 + job % 13) * MS;
            let source = format!("src/part{}.c", job % 500);
            all.fork(at, pid, first);
            all.exec(at + MS, pid, &["/usr/bin/cc", "-O2", "-c", &source]);
            let died = at + (5 + (job * 31 + step * 7) % 40) * MS;
            all.die(died, pid, first, u8::from(job % 50 == 0), 1);
            let late = if job % 40 == 0 { 2000 * MS } else { (job % 9) * MS / 4 };
            all.reap(died + MS + late, pid, first);
        }
        let end = begin + if job % 40 == 0 { 2400 } else { 400 } * MS;
        all.die(end, first, 2, 0, 1);
        all.reap(end + MS, first, 2);
    }
    all.recorded(count / 5 * 3 * MS + 5000 * MS)
}
