//! Typed facts about processes, as the source hands them to the model. Every pid is that of the
//! initial pid namespace unless its name says otherwise; every time is in ns of the boot clock.
//!
//! Recordings hold them as they stand here: the order of fields and variants is part of their format
//! (docs/recording.md), and another one is another version of it.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

pub use self::{
    identity::{Comm, Identity, Start, TICK_NS},
    limits::{Filled, ForkCall, ForkFailed, Limits, Measure, Space, Zombie},
    remembered::{Remembered, Waiting},
    wait::{Awaited, Call, Outcome, Waited},
};

mod identity;
mod limits;
mod remembered;
mod wait;

/// Bytes that came from a traced process: untrusted, not necessarily UTF-8.
pub type Bytes = Arc<[u8]>;

/// Where a process lives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Home {
    /// Real user id.
    pub uid: Option<u32>,
    /// Path of its cgroup v2 directory from the hierarchy's root.
    pub cgroup: Option<Bytes>,
    /// Inode number of its pid namespace.
    pub pidns: Option<u32>,
    /// Its pid inside that namespace.
    pub ns_pid: Option<u32>,
}

/// How a process ended, as its parent reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// By `exit`, with this code.
    Code(u8),
    /// By a signal.
    Signal {
        /// Its number.
        number: u8,
        /// A core file was written.
        core: bool,
    },
}

impl From<u32> for Status {
    /// From a wait status: the low seven bits are the signal, the eighth is the core mark.
    fn from(raw: u32) -> Self {
        match raw & 0x7f {
            0 => Self::Code((raw >> 8) as u8),
            number => Self::Signal { number: number as u8, core: raw & 0x80 != 0 },
        }
    }
}

/// What a parent does with SIGCHLD, as far as it decides who reaps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sigchld {
    /// `SIG_IGN`: the kernel reaps, and sends no signal.
    pub ignored: bool,
    /// `SA_NOCLDWAIT`: the kernel reaps.
    pub no_wait: bool,
}

impl Sigchld {
    /// The kernel releases the child at once (`do_notify_parent`, kernel/signal.c).
    pub fn reaps_itself(self) -> bool {
        self.ignored || self.no_wait
    }
}

/// What became of the signal that tells of a death.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fate {
    /// Queued for the parent.
    Delivered,
    /// One was already pending: the two are one signal now.
    Pending,
    /// The parent's action is to ignore it, explicitly or by default.
    Ignored,
    /// No signal was sent.
    None,
}

/// Why a process takes over orphans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AdopterKind {
    /// The machine's init.
    Init,
    /// An ancestor that set `PR_SET_CHILD_SUBREAPER`.
    Subreaper,
    /// The init of its pid namespace.
    PidnsInit,
}

/// A fact and its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// When.
    pub at: u64,
    /// What.
    pub fact: Fact,
}

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fact {
    /// A process was created.
    Forked(Forked),
    /// A program was replaced.
    Execed(Execed),
    /// The main thread left, others live on.
    LeaderExited {
        /// The process.
        id: Identity,
        /// Threads still alive.
        threads: u32,
    },
    /// The last thread began to exit.
    Exited(Exited),
    /// The process became reapable.
    Died(Died),
    /// A wait returned.
    Waited(Waited),
    /// The process is gone, whoever reaped it.
    Freed {
        /// The process.
        id: Identity,
    },
    /// The process leaves the process table, in the context of its reaper.
    Released(Released),
    /// It stands in the process table.
    Found(Found),
    /// It was known to be there, and stands in the process table as a zombie.
    FoundDead {
        /// The process.
        id: Identity,
    },
    /// It was looked at, because a zombie waits for it, or because its main thread is dead.
    Looked {
        /// The process.
        id: Identity,
        /// What the table showed.
        look: Look,
    },
    /// A process or thread could not be created.
    ForkFailed(Box<ForkFailed>),
    /// How full the machine and its cgroups are.
    Measured(Vec<Measure>),
    /// Records were lost.
    Lost(Lost),
    /// The process table shows that it has reaped a child at some time, or what ran in it before has.
    HasReaped {
        /// The process.
        id: Identity,
    },
    /// What was seen, before this file of a recording began, of one that was found at its beginning.
    Remembered(Box<Remembered>),
}

/// What the process table shows of a process at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// What keeps it from waiting for its children.
    pub doing: Doing,
    /// SIGCHLD calls a handler of it.
    pub handles: bool,
    /// It is the init of a pid namespace, or the machine's.
    pub is_init: bool,
    /// What SIGTERM does to it.
    pub sigterm: Sigterm,
    /// Its threads that are not dead, by their state as `ps` has it.
    pub threads: BTreeMap<char, u32>,
    /// Whom it waits for in the call that it sits in, if it does.
    pub waits_for: Option<Awaited>,
}

impl Look {
    /// How many threads are not dead.
    pub fn count(&self) -> u32 {
        self.threads.values().fold(0, |all, threads| all.saturating_add(*threads))
    }
}

/// What SIGTERM does to a process. The first two are what recordings have had for no and yes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sigterm {
    /// It ends it.
    #[default]
    Ends,
    /// Nothing: it is ignored, or blocked.
    Nothing,
    /// It calls a handler, which may end it.
    Handled,
}

/// What keeps a process from waiting for its children, as the process table shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Doing {
    /// All its threads are stopped.
    Stopped {
        /// By this debugger, not by a signal.
        by: Option<u32>,
    },
    /// All its threads are in the kernel and wait for one thing, which is no child.
    Blocked {
        /// Where in the kernel the main thread is.
        place: Arc<str>,
        /// No signal gets it out of there.
        uninterruptible: bool,
    },
    /// At least one of its threads runs, and all others are blocked.
    Busy,
    /// Nothing of that.
    Other,
}

/// [`Fact::Forked`]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forked {
    /// The child.
    pub id: Identity,
    /// Its parent.
    pub parent: Identity,
    /// The process that called.
    pub forker: u32,
    /// What its parent's waits call it: its number in the parent's pid namespace.
    pub number: Option<u32>,
    /// Signal it sends at death, 0 for none.
    pub exit_signal: u32,
    /// Its name.
    pub comm: Comm,
    /// Where it lives.
    pub home: Home,
    /// The processes and threads of its user, where these are limited.
    pub nproc: Option<Filled>,
}

/// [`Fact::Execed`]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Execed {
    /// The process.
    pub id: Identity,
    /// Its new name.
    pub comm: Comm,
    /// The thread that called, when it was not the main one.
    pub thread: Option<u32>,
    /// The program.
    pub program: Program,
    /// Where it lives.
    pub home: Home,
}

/// What was executed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// The path that was given.
    pub exe: Option<Bytes>,
    /// The arguments, each ended by NUL (the last one perhaps not).
    pub argv: Option<Bytes>,
    /// There were more arguments than were kept.
    pub truncated: bool,
}

/// [`Fact::Exited`]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exited {
    /// The process.
    pub id: Identity,
    /// Its name.
    pub comm: Comm,
    /// Its parent.
    pub parent: Identity,
    /// The ptrace tracer, when it is not the parent.
    pub ptracer: Option<u32>,
    /// Who takes over its children.
    pub adopter: Option<Adopter>,
    /// How it ended.
    pub status: Status,
    /// User CPU time, ns.
    pub cpu_user: u64,
    /// System CPU time, ns.
    pub cpu_system: u64,
    /// Largest resident size, bytes.
    pub max_rss: u64,
    /// What its parent does with SIGCHLD.
    pub sigchld: Sigchld,
    /// Signal it sends at death, 0 for none.
    pub exit_signal: u32,
    /// Where it lives.
    pub home: Home,
}

/// Who takes over the children of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adopter {
    /// The process.
    pub id: Identity,
    /// In what role.
    pub kind: AdopterKind,
    /// What it does with SIGCHLD: it may want no zombies.
    pub sigchld: Sigchld,
}

/// [`Fact::Died`]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Died {
    /// The process.
    pub id: Identity,
    /// Who was told: the parent, or the tracer.
    pub target: Identity,
    /// What became of the signal.
    pub fate: Fate,
    /// Nobody will wait: the kernel releases it at once.
    pub autoreap: bool,
}

/// [`Fact::Released`]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Released {
    /// The process.
    pub id: Identity,
    /// The process in whose context it is released: its reaper, unless the kernel does it there.
    pub by: u32,
    /// The thread.
    pub tid: u32,
    /// Its name.
    pub comm: Comm,
    /// The wait it is in, if it is in one and that is known.
    pub call: Option<Call>,
}

/// When one that is found dead died, ns of the boot clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Death {
    /// Not before.
    pub earliest: u64,
    /// Not after, if that can be told.
    pub latest: Option<u64>,
}

/// [`Fact::Found`]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// The process.
    pub id: Identity,
    /// Its parent's pid, 0 for none.
    pub parent: u32,
    /// What its parent's waits call it: its number in the parent's pid namespace.
    pub number: Option<u32>,
    /// Its name.
    pub comm: Comm,
    /// It is a zombie, since then.
    pub zombie: Option<Death>,
    /// Its main thread is dead, others live.
    pub leader_gone: bool,
    /// It is in the traced tree, if only a tree is traced.
    pub traced: bool,
    /// Where it lives.
    pub home: Home,
}

/// Where records were lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LostWhere {
    /// The ring buffer was full, or the kernel side could not follow.
    Ring,
    /// A record could not be decoded.
    Decode,
    /// The output failed.
    Output,
}

/// [`Fact::Lost`]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// How many.
    pub count: u64,
    /// Where.
    pub place: LostWhere,
    /// They were lost after this time.
    pub since: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_status_keeps_signal_and_core_apart() {
        assert_eq!(Status::from(0x0300), Status::Code(3));
        assert_eq!(Status::from(9), Status::Signal { number: 9, core: false });
        assert_eq!(Status::from(0x8b), Status::Signal { number: 11, core: true });
        assert_eq!(Status::from(0xff00), Status::Code(255));
    }
}
