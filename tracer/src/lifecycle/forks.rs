//! Forks that fail: which limit it was, and how much of it zombies hold.

use std::collections::BTreeMap;

use super::{
    Model,
    event::{ForkCause, ForkFailure, Held, Peer},
    state::Seen,
};
use crate::observation::{Bytes, Filled, ForkFailed, Limits, Zombie};

/// include/uapi/asm-generic/errno-base.h
const EAGAIN: i32 = 11;
const ENOMEM: i32 = 12;
/// `RESERVED_PIDS`, include/linux/pid.h: the numbers below are given out once only, so a pid
/// namespace is full when so many are missing to its `pid_max`.
const RESERVED_PIDS: u64 = 300;
/// Parents of zombies named in one event.
const HOLDERS: usize = 10;

/// A limit that was reached, and whose.
struct Reached {
    cause: ForkCause,
    filled: Option<Filled>,
    uid: Option<u32>,
    cgroup: Option<Bytes>,
    pidns: Option<u32>,
}

impl Reached {
    fn new(cause: ForkCause, filled: impl Into<Option<Filled>>) -> Self {
        Self { cause, filled: filled.into(), uid: None, cgroup: None, pidns: None }
    }

    /// Whether this zombie is one of those that are counted; unknown without what it is known by.
    fn counts(&self, zombie: &Zombie) -> Option<bool> {
        match self.cause {
            ForkCause::RlimitNproc => Some(zombie.uid == self.uid?),
            ForkCause::PidsMax => {
                Some(super::filter::below(zombie.cgroup.as_ref()?, self.cgroup.as_ref()?))
            }
            // One further down has a number there, too, and is not counted.
            ForkCause::PidMax if self.pidns.is_some() => Some(zombie.pidns? == self.pidns?),
            ForkCause::PidMax | ForkCause::ThreadsMax => Some(true),
            ForkCause::PidnsInitDead | ForkCause::Memory => None,
        }
    }
}

impl Model {
    pub(super) fn fork_failed(&mut self, at: u64, failed: &ForkFailed) {
        let Some((process, _)) = self.known(at, failed.id, Seen::ForkFailed) else { return };
        process.comm = Some(failed.comm);
        process.move_to(failed.home.clone());
        let machine = self.pidns;
        let reached = reached(failed, machine);
        let zombies = reached
            .as_ref()
            .filter(|reached| reached.filled.is_some())
            .zip(failed.zombies.as_ref())
            .and_then(|(reached, zombies)| held(reached, zombies));
        let failure = ForkFailure {
            errno: failed.errno,
            call: failed.call,
            thread: failed.thread,
            cause: reached.as_ref().map(|reached| reached.cause),
            filled: reached.as_ref().and_then(|reached| reached.filled),
            uid: reached.as_ref().and_then(|reached| reached.uid),
            pidns: reached.as_ref().and_then(|reached| reached.pidns),
            cgroup: reached.and_then(|reached| reached.cgroup),
            zombies,
            count: 1,
        };
        let event = self.matching(failed.id.pid).and_then(|who| self.flood.take(at, who, failure));
        if let Some(event) = event {
            self.tell(event);
        }
    }
}

/// The limit that made the kernel refuse, if one is reached that gives this error. The order is the
/// kernel's: `copy_process` (kernel/fork.c) looks at `RLIMIT_NPROC` and at `threads-max`, then
/// `alloc_pid` (kernel/pid.c) for a number in each pid namespace, and last `pids_can_fork`
/// (kernel/cgroup/pids.c) at the cgroups.
fn reached(failed: &ForkFailed, machine: Option<u32>) -> Option<Reached> {
    match (failed.errno, failed.limits.dead_pidns) {
        (EAGAIN, _) => full(failed, machine),
        (ENOMEM, Some(pidns)) => {
            Some(Reached { pidns: Some(pidns), ..Reached::new(ForkCause::PidnsInitDead, None) })
        }
        (ENOMEM, None) => Some(Reached::new(ForkCause::Memory, None)),
        (_, _) => None,
    }
}

fn full(failed: &ForkFailed, machine: Option<u32>) -> Option<Reached> {
    let Limits { nproc, pids, pidns, machine: used, threads_max, pid_max, .. } = &failed.limits;
    let used = *used;
    if let Some(filled) = nproc.filter(|filled| filled.used >= filled.limit) {
        let reached = Reached::new(ForkCause::RlimitNproc, filled);
        return Some(Reached { uid: failed.home.uid, ..reached });
    }
    if let Some(limit) = threads_max.filter(|limit| used >= *limit) {
        return Some(Reached::new(ForkCause::ThreadsMax, Filled { used, limit }));
    }
    if let Some((inode, filled)) = *pidns {
        let nested = Some(inode).filter(|inode| Some(*inode) != machine);
        return Some(Reached { pidns: nested, ..Reached::new(ForkCause::PidMax, filled) });
    }
    if let Some(limit) = pid_max.filter(|limit| used.saturating_add(RESERVED_PIDS) >= *limit) {
        return Some(Reached::new(ForkCause::PidMax, Filled { used, limit }));
    }
    let (cgroup, filled) = pids.clone()?;
    Some(Reached { cgroup, ..Reached::new(ForkCause::PidsMax, filled) })
}

/// The zombies among those that are counted, by their parents.
fn held(reached: &Reached, zombies: &[Zombie]) -> Option<Held> {
    let mut by_parent: BTreeMap<u32, (Peer, u64)> = BTreeMap::new();
    let mut total = 0;
    for zombie in zombies {
        if reached.counts(zombie)? {
            let parent = Peer { pid: zombie.parent, comm: zombie.parent_comm };
            by_parent.entry(zombie.parent).or_insert((parent, 0)).1 += 1;
            total += 1;
        }
    }
    let mut of: Vec<(Peer, u64)> = by_parent.into_values().collect();
    of.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    of.truncate(HOLDERS);
    Some(Held { total, of })
}
