//! What one file of a recording hands on to the next, which is read alone.

use serde::{Deserialize, Serialize};

use super::{Awaited, Fate, Identity, Program, Sigchld, Status};

/// [`Fact::Remembered`](super::Fact::Remembered)
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// The process.
    pub id: Identity,
    /// When it was forked, if that was seen.
    pub forked_at: Option<u64>,
    /// When its main thread left, others living on.
    pub leader_left: Option<u64>,
    /// When its last thread left.
    pub exited_at: Option<u64>,
    /// When its parent was told.
    pub zombie_at: Option<u64>,
    /// How it ended.
    pub status: Option<Status>,
    /// What became of the signal that tells of its death.
    pub fate: Option<Fate>,
    /// Signal it sends at death, 0 for none.
    pub exit_signal: Option<u32>,
    /// What its parent did with SIGCHLD when it ended.
    pub sigchld: Sigchld,
    /// The ptrace tracer, when it was not the parent.
    pub ptracer: Option<u32>,
    /// That one has not waited for it.
    pub is_held: bool,
    /// At what age it is to be reported next, ns.
    pub next: Option<u64>,
    /// How often it lost its parent.
    pub reparents: u32,
    /// When the last time was.
    pub adopted_at: Option<u64>,
    /// The program it runs, and since when, where it has children from before.
    pub program: Option<(u64, Program)>,
    /// Its waits.
    pub seen: u64,
    /// Of these, those that take the dead.
    pub reaping: u64,
    /// Of these, those that any child could have answered.
    pub any: u64,
    /// Children that it has reaped.
    pub reaped: u64,
    /// The process table showed that it has reaped some at some time.
    pub has_reaped: bool,
    /// Deaths of children whose signal fell together with one that was pending.
    pub coalesced: u64,
    /// For whom its waits were, the last one last.
    pub kinds: Vec<Waiting>,
}

/// Waits that are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Whom they were for.
    pub awaited: Awaited,
    /// Whether they take the dead.
    pub reaps: bool,
    /// How many.
    pub count: u64,
    /// When the last was seen.
    pub last: u64,
}
