//! Conclusions: what the contract calls events. Sinks turn them into text and JSON.

use std::sync::Arc;

use crate::{
    lifecycle::{gauge::Gauge, summary::Summary, waits::Alike},
    observation::{
        AdopterKind, Bytes, Call, Comm, Fate, Filled, ForkCall, Home, Lost, Program, Status,
    },
};

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When, ns of the boot clock.
    pub at: u64,
    /// Of which process, if of one.
    pub who: Option<Who>,
    /// What.
    pub what: What,
}

/// The process an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Who {
    /// Its pid.
    pub pid: u32,
    /// Its start in ns: with the pid its identity, the same in all its events.
    pub start: u64,
    /// Its parent at that time.
    pub ppid: Option<u32>,
    /// Its name at that time.
    pub comm: Option<Comm>,
}

/// Another process an event names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its pid.
    pub pid: u32,
    /// Its name.
    pub comm: Option<Comm>,
}

/// The kinds of event.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// The first event of a session.
    Session(Box<Session>),
    /// Stood in the process table at the start.
    Existing {
        /// As a zombie, for at least this long.
        zombie_at_least: Option<u64>,
    },
    /// Created.
    Fork {
        /// The process that called.
        forker: u32,
        /// Where it lives.
        home: Home,
    },
    /// Runs another program.
    Exec {
        /// Which.
        program: Program,
        /// The calling thread when it was not the main one.
        thread: Option<u32>,
    },
    /// Its main thread left.
    LeaderExit {
        /// Threads that live on.
        threads: u32,
    },
    /// Its last thread left.
    Exit(Exit),
    /// It became reapable, or was released without a wait.
    Zombie {
        /// From exit to zombie, ns.
        teardown: Option<u64>,
        /// What became of the signal.
        notified: Option<Fate>,
        /// Who has to reap it.
        parent: Option<Peer>,
    },
    /// Its parent died.
    Reparent {
        /// The dead parent.
        from: Peer,
        /// The new one.
        to: Peer,
        /// Why that one.
        kind: AdopterKind,
        /// For how long it had been a zombie, if it was one, ns.
        zombie: Option<u64>,
        /// It came into its pid namespace from outside: the init there is no ancestor of it.
        entered: Option<bool>,
    },
    /// It is gone from the process table. Every life has one: in a box it would be an allocation for each.
    Reap(Reap),
    /// It has been a zombie for long.
    Unreaped {
        /// For how long, ns.
        zombie: u64,
        /// Whose fault it may be.
        parent: Option<Peer>,
        /// Causes, most likely first.
        why: Vec<Cause>,
        /// For whom the parent's last waits were, the very last first.
        waits: Box<[Alike]>,
        /// Where in the kernel the parent is blocked, if it is.
        place: Option<Arc<str>>,
        /// What to do.
        remedy: String,
    },
    /// It could not create a process or thread.
    ForkFailed(Box<ForkFailure>),
    /// Soon there is no room for another process or thread.
    PidSpace(Gauge),
    /// Records were lost.
    Lost(Lost),
    /// The last event of a session.
    Summary(Box<Summary>),
}

/// [`What::Session`]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Session {
    /// Version of the tracer.
    pub tracer: String,
    /// Name of the machine.
    pub host: String,
    /// Release of its kernel.
    pub kernel: String,
    /// Which hooks run.
    pub tier: String,
    /// Why the exact ones do not, where nobody asked for others.
    pub tier_why: Option<String>,
    /// What was asked for, as on the command line.
    pub filters: Vec<String>,
    /// Processes found at the start that match.
    pub existing: u64,
}

/// [`What::Exit`]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// How.
    pub status: Status,
    /// From start to exit, ns.
    pub lifetime: Option<u64>,
    /// User CPU time, ns.
    pub cpu_user: u64,
    /// System CPU time, ns.
    pub cpu_system: u64,
    /// Largest resident size, bytes.
    pub max_rss: u64,
}

/// [`What::ForkFailed`]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForkFailure {
    /// What the call returned, as a positive errno.
    pub errno: i32,
    /// Which call.
    pub call: Option<ForkCall>,
    /// A thread was asked for, not a process.
    pub thread: Option<bool>,
    /// Which limit it was.
    pub cause: Option<ForkCause>,
    /// How full it was.
    pub filled: Option<Filled>,
    /// Whose, when it is that of a user.
    pub uid: Option<u32>,
    /// Whose, when it is that of a cgroup.
    pub cgroup: Option<Bytes>,
    /// Whose, when it is that of a pid namespace other than the machine's.
    pub pidns: Option<u32>,
    /// How much of it zombies held.
    pub zombies: Option<Held>,
    /// So many forks failed like this one, which is the last of them.
    pub count: u64,
}

/// What zombies hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// How many there are.
    pub total: u64,
    /// Whose, most first.
    pub of: Vec<(Peer, u64)>,
}

/// Why a process or thread could not be created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ForkCause {
    /// The user's processes and threads.
    RlimitNproc,
    /// The cgroup's.
    PidsMax,
    /// The machine's.
    ThreadsMax,
    /// The numbers of the machine, or of a pid namespace.
    PidMax,
    /// The init of the pid namespace is dead.
    PidnsInitDead,
    /// There was no memory for it.
    Memory,
}

impl ForkCause {
    /// Its name in the contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::RlimitNproc => "rlimit_nproc",
            Self::PidsMax => "pids_max",
            Self::ThreadsMax => "threads_max",
            Self::PidMax => "pid_max",
            Self::PidnsInitDead => "pidns_init_dead",
            Self::Memory => "memory",
        }
    }
}

/// Who ended a zombie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reaper {
    /// The process.
    pub pid: u32,
    /// The thread, if it was seen.
    pub tid: Option<u32>,
    /// The thread's name.
    pub comm: Comm,
}

/// In what role it was reaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// By the parent it was born to.
    Parent,
    /// By a process that adopted it.
    Adopter,
    /// By its ptrace tracer.
    Tracer,
    /// By nobody: the kernel released it.
    Kernel,
}

/// How it was reaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// By a system call.
    Call(Call),
    /// Released at once, its parent wants no zombies.
    Autoreap,
    /// Its pid namespace ended.
    PidnsDeath,
    /// Not seen.
    Unknown,
}

/// Why nobody reaps a zombie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// Its parent is stopped.
    ParentStopped,
    /// Its parent is blocked in a system call that is no wait.
    ParentBlocked,
    /// It was forked before its parent's last exec: the new program does not know it.
    InheritedOverExec,
    /// Several deaths, one signal, one wait.
    SigchldCoalesced,
    /// An init or subreaper adopted it and has not been seen to wait.
    InitNotReaping,
    /// No wait call was seen from its parent.
    ParentNeverWaits,
    /// Its parent has waited before, and computes without a pause.
    ParentBusy,
    /// Its main thread is dead, others live on.
    ThreadsAlive,
    /// The parent waits, for others.
    ParentWaitsForOthers,
    /// A ptrace tracer holds it.
    Ptraced,
    /// It sends no SIGCHLD at death, plain waits do not see it.
    ExitSignalNone,
}

impl Cause {
    /// Its name in the contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::ParentStopped => "parent_stopped",
            Self::ParentBlocked => "parent_blocked",
            Self::InheritedOverExec => "inherited_over_exec",
            Self::SigchldCoalesced => "sigchld_coalesced",
            Self::InitNotReaping => "init_not_reaping",
            Self::ParentNeverWaits => "parent_never_waits",
            Self::ParentWaitsForOthers => "parent_waits_for_others",
            Self::ParentBusy => "parent_busy",
            Self::ThreadsAlive => "threads_alive",
            Self::Ptraced => "ptraced",
            Self::ExitSignalNone => "exit_signal_none",
        }
    }
}

/// [`What::Reap`]
#[derive(Clone, Debug, PartialEq)]
pub struct Reap {
    /// How it had ended.
    pub status: Option<Status>,
    /// How long it was a zombie, ns.
    pub zombie: Option<u64>,
    /// From exit to zombie, ns.
    pub teardown: Option<u64>,
    /// From start to exit, ns.
    pub lifetime: Option<u64>,
    /// Who reaped it.
    pub reaper: Option<Reaper>,
    /// In what role.
    pub by: Option<By>,
    /// How.
    pub via: Via,
    /// How often its parent died.
    pub reparents: u32,
    /// Causes seen while it waited.
    pub why: Vec<Cause>,
    /// `zombie` is exact, not an upper bound.
    pub exact: bool,
    /// The dates of its life.
    pub life: Life,
}

#[cfg(test)]
impl Reap {
    /// Of a process of which nothing else is known.
    pub(crate) fn of_a_stranger() -> Self {
        Self {
            status: None,
            zombie: None,
            teardown: None,
            lifetime: None,
            reaper: None,
            by: None,
            via: Via::Unknown,
            reparents: 0,
            why: Vec::new(),
            exact: false,
            life: Life::default(),
        }
    }
}

/// The dates of a finished life, in ns of the boot clock.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Life {
    /// Created.
    pub forked_at: Option<u64>,
    /// The programs it ran, the last [`Life::EXECS`] of them.
    pub execs: Vec<(u64, Program)>,
    /// How many programs it ran.
    pub exec_count: u64,
    /// Its last thread left.
    pub exited_at: Option<u64>,
    /// It became reapable.
    pub zombie_at: Option<u64>,
    /// It was reaped.
    pub reaped_at: Option<u64>,
}

impl Life {
    /// Programs kept of one process: a script that re-executes itself forever stays bounded.
    pub const EXECS: usize = 16;
}

/// Text of a traced process in an event, for sinks.
pub fn arguments(argv: &Bytes) -> impl Iterator<Item = &[u8]> {
    let text = argv.strip_suffix(&[0]).unwrap_or(argv);
    text.split(|byte| *byte == 0).take(if argv.is_empty() { 0 } else { usize::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_split_at_nul() {
        let split =
            |text: &[u8]| -> Vec<Vec<u8>> { arguments(&text.into()).map(<[u8]>::to_vec).collect() };
        assert_eq!(split(b"ls\0-l\0"), [b"ls".to_vec(), b"-l".to_vec()]);
        assert_eq!(split(b"sh\0\0x"), [b"sh".to_vec(), b"".to_vec(), b"x".to_vec()]);
        assert_eq!(split(b""), Vec::<Vec<u8>>::new());
        assert_eq!(split(b"\0"), [b"".to_vec()], "one empty argument");
    }
}
