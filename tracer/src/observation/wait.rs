//! Waits: who waits for whom, and what came of it.

use serde::{Deserialize, Serialize};

use super::Comm;

/// Which call waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Call {
    /// `wait4`, behind `wait`, `waitpid`, `wait3`.
    Wait4,
    /// `waitid`.
    Waitid,
}

/// Whom a wait is for, as the waiter's pid namespace numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Awaited {
    /// Any child.
    Any,
    /// One process.
    Process(u32),
    /// A process group; 0 is the waiter's own.
    Group(u32),
    /// What a descriptor stands for.
    Descriptor,
    /// Some child or group: the hook that saw it is not told which.
    Someone,
}

impl Awaited {
    /// By the first argument of `wait4` (`kernel_wait4`, kernel/exit.c).
    pub fn by_wait4(id: i32) -> Self {
        match id {
            -1 => Self::Any,
            1.. => Self::Process(id.unsigned_abs()),
            _ => Self::Group(id.unsigned_abs()),
        }
    }

    /// By the first two arguments of `waitid`: `P_ALL`, `P_PID`, `P_PGID`, `P_PIDFD`
    /// (include/uapi/linux/wait.h), and a number.
    pub fn by_waitid(kind: u32, id: u32) -> Option<Self> {
        match kind {
            0 => Some(Self::Any),
            1 => Some(Self::Process(id)),
            2 => Some(Self::Group(id)),
            3 => Some(Self::Descriptor),
            _ => None,
        }
    }

    /// Its kind in a word.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Process(_) => "process",
            Self::Group(_) => "group",
            Self::Descriptor => "descriptor",
            Self::Someone => "unknown",
        }
    }

    /// The pid or the process group, if it is one.
    pub fn id(self) -> Option<u32> {
        match self {
            Self::Process(id) | Self::Group(id) => Some(id),
            Self::Any | Self::Descriptor | Self::Someone => None,
        }
    }

    /// In words.
    pub fn words(self) -> String {
        match self {
            Self::Any => "any child".to_owned(),
            Self::Process(pid) => format!("process {pid}"),
            Self::Group(0) => "its own process group".to_owned(),
            Self::Group(group) => format!("process group {group}"),
            Self::Descriptor => "the process of a pidfd".to_owned(),
            Self::Someone => "one of its children".to_owned(),
        }
    }
}

/// What a returned wait says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It reported this child, as the waiter's pid namespace numbers it.
    Child {
        /// The child.
        pid: u32,
        /// Whether the child was dead and is released; unknown when the caller asked for no status.
        reaped: Option<bool>,
    },
    /// It may have released a child, and nothing tells which.
    Unnamed,
    /// It released nothing: no child was ready, it only peeked, or it failed.
    Nothing,
}

/// [`Fact::Waited`](super::Fact::Waited)
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waited {
    /// The waiting process.
    pub pid: u32,
    /// The waiting thread.
    pub tid: u32,
    /// Its name.
    pub comm: Comm,
    /// The call.
    pub call: Call,
    /// Whom it is for.
    pub awaited: Awaited,
    /// Whether it takes the dead: `waitid` can be asked to leave them (`WNOWAIT`), or not to look for
    /// them (no `WEXITED`).
    pub reaps: bool,
    /// What came of it.
    pub outcome: Outcome,
}
