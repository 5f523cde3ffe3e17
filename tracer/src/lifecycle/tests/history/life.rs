//! What the naive kernel knows of one life.

use super::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub(in super::super) enum Stage {
    Running,
    Exiting,
    Zombie,
    /// Gone from the table of processes.
    Released,
    Freed,
}

/// Who released a life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Hand {
    /// A wait that named it, or not, and its return. One that told for certain tells it for all.
    Wait { returned: Option<u64>, pid: u32, tid: u32, named: bool, certain: bool },
    /// The kernel, at its death.
    Kernel,
    /// The kernel, when a parent that wants no zombies adopted it.
    Handover,
}

/// The truth about one life. Its index marks all its records, to tell them from those of others.
#[derive(Debug)]
pub(in super::super) struct Life {
    pub(in super::super) id: Identity,
    pub(in super::super) found: bool,
    pub(in super::super) stage: Stage,
    pub(in super::super) status: Status,
    pub(in super::super) forked_at: Option<u64>,
    /// When its main thread left, perhaps several times: another one may take its place by exec.
    pub(in super::super) leader_left: Vec<u64>,
    pub(in super::super) exited_at: Option<u64>,
    pub(in super::super) zombie_at: Option<u64>,
    pub(in super::super) released_at: Option<u64>,
    pub(in super::super) hand: Option<Hand>,
    /// Its pid, or its parent's, had a new life before anything told who released it.
    pub(in super::super) overtaken: bool,
    /// Its parents, one after the other.
    pub(in super::super) parents: Vec<u32>,
    pub(super) parent: usize,
    pub(super) adopter: usize,
    /// When it last waited without naming anybody.
    pub(super) unnamed_wait: Option<u64>,
    pub(super) sigchld: Sigchld,
    pub(super) subreaper: bool,
}

impl Life {
    /// By a wait that did not name it.
    pub(in super::super) fn is_reaped_by(&self, reaper: Option<u32>) -> bool {
        matches!(self.hand, Some(Hand::Wait { named: false, pid, .. }) if reaper == Some(pid))
    }
}
