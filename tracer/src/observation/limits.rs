//! How many processes and threads there may be, who has them, and forks that failed for it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Bytes, Comm, Home, Identity};

/// How much of a limit on processes and threads is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filled {
    /// So many there are.
    pub used: u64,
    /// So many there may be.
    pub limit: u64,
}

/// The call that was to create a process or thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ForkCall {
    /// `fork`.
    Fork,
    /// `vfork`.
    Vfork,
    /// `clone`.
    Clone,
    /// `clone3`.
    Clone3,
}

/// [`Fact::ForkFailed`](super::Fact::ForkFailed)
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForkFailed {
    /// The process that called.
    pub id: Identity,
    /// Its name.
    pub comm: Comm,
    /// Where it lives, as far as the record says.
    pub home: Home,
    /// Which call.
    pub call: Option<ForkCall>,
    /// A thread was asked for, not a process.
    pub thread: Option<bool>,
    /// What it returned, as a positive errno.
    pub errno: i32,
    /// How full everything was that can have been the reason.
    pub limits: Limits,
    /// The zombies of the machine, as of a moment ago. Many failures share one list, which a recording
    /// has once, by itself.
    #[serde(skip)]
    pub zombies: Option<Arc<[Zombie]>>,
}

/// What bounds the number of processes and threads, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Those of the user, unless the caller may exceed its limit.
    pub nproc: Option<Filled>,
    /// The nearest cgroup up the tree that is at its limit.
    pub pids: Option<(Option<Bytes>, Filled)>,
    /// The pids of the nearest pid namespace up the tree that has none left.
    pub pidns: Option<(u32, Filled)>,
    /// The nearest pid namespace up the tree whose init is dead.
    pub dead_pidns: Option<u32>,
    /// Pids taken of the machine.
    pub machine: u64,
    /// The machine's `threads-max`.
    pub threads_max: Option<u64>,
    /// The machine's `pid_max`.
    pub pid_max: Option<u64>,
}

/// A zombie of the process table, by what it takes from whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Zombie {
    /// Its parent.
    pub parent: u32,
    /// The parent's name.
    pub parent_comm: Option<Comm>,
    /// Real user id.
    pub uid: u32,
    /// Inode number of its pid namespace.
    pub pidns: Option<u32>,
    /// Its cgroup in the hierarchy that limits pids.
    pub cgroup: Option<Bytes>,
}

/// What has room for a number of processes and threads.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Space {
    /// The machine, by `pid_max`.
    Pids,
    /// The machine, by `threads-max`.
    Threads,
    /// A cgroup with `pids.max`.
    Cgroup(Bytes),
    /// A user, by `RLIMIT_NPROC`.
    User(u32),
}

/// How full a space is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measure {
    /// Which.
    pub space: Space,
    /// How full.
    pub filled: Filled,
}
