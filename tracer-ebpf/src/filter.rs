//! Which processes are reported: all, or those in a map that children inherit at fork. The tracer
//! itself never is.

use aya_ebpf::{macros::map, maps::HashMap};
use tracer_common::Loss;

use crate::{
    emit,
    settings::read,
    task::{Process, Task},
};

/// Tracked processes: thread group id to start time, because a pid alone may be another life. The
/// loader sets the size.
#[map]
static TRACKED: HashMap<u32, u64> = HashMap::with_max_entries(1, 0);

/// Start time of a process that the loader put in without knowing it to the nanosecond.
const ANY_START: u64 = 0;

#[inline(always)]
fn is_tracer(tgid: u32) -> bool {
    tgid as usize == read!(CONFIG.tracer_tgid)
}

/// Whether records about this process are wanted.
#[inline(always)]
pub(crate) fn wants(process: Process) -> bool {
    let tgid = process.tgid();
    if is_tracer(tgid) {
        return false;
    }
    read!(CONFIG.tree_only) == 0 || is_tracked(tgid, process.start())
}

/// The process that is released with this task, if records about it are wanted. Threads are released one
/// by one. The old main thread that `execve` of another one replaces has given its id away by then
/// (`de_thread`, fs/exec.c).
#[inline(always)]
pub(crate) fn wants_released(task: Task) -> Option<Process> {
    if !task.is_main_thread() || task.is_kernel_thread() {
        return None;
    }
    let process = task.process_of_main();
    wants(process).then_some(process)
}

/// The same of a process that is known by its numbers only.
#[inline(always)]
pub(crate) fn wants_id(tgid: u32, start: u64) -> bool {
    !is_tracer(tgid) && (read!(CONFIG.tree_only) == 0 || is_tracked(tgid, start))
}

#[inline(always)]
fn is_tracked(tgid: u32, start: u64) -> bool {
    // SAFETY: the value is copied at once; a concurrent overwrite yields another valid start.
    match unsafe { TRACKED.get(tgid) } {
        Some(tracked) => *tracked == ANY_START || *tracked == start,
        None => false,
    }
}

/// Whether a wait by `waiter` that reported `child` is wanted: of a tracked waiter, or of a tracked
/// child, by whomever.
#[inline(always)]
pub(crate) fn wants_wait(waiter: u32, child: u32) -> bool {
    // SAFETY: only the presence is looked at.
    read!(CONFIG.tree_only) == 0
        || unsafe { TRACKED.get(waiter).is_some() || (child != 0 && TRACKED.get(child).is_some()) }
}

/// Whether records about this process are wanted, also when its birth was not seen: the kernel leaves
/// out a program that another task on the CPU was preempted in. Then its parent is tracked.
#[inline(always)]
pub(crate) fn wants_born_unseen(process: Process) -> bool {
    if wants(process) {
        return true;
    }
    // The first is for the verifier, which drops the rest where it is a constant.
    if read!(CONFIG.tree_only) == 0 || is_tracer(process.tgid()) {
        return false;
    }
    let parent = process.real_parent();
    if !is_own(parent.tgid()) && !is_tracked(parent.tgid(), parent.start()) {
        return false;
    }
    track(process);
    true
}

/// The tracer, when the children it starts are tracked.
#[inline(always)]
fn is_own(tgid: u32) -> bool {
    is_tracer(tgid) && read!(CONFIG.track_own_children) == 1
}

#[inline(always)]
fn track(process: Process) {
    if TRACKED.insert(process.tgid(), process.start(), 0).is_err() {
        emit::count(Loss::TrackedFull);
    }
}

/// A fork: the child of a tracked process is tracked. Says whether the child is wanted.
#[inline(always)]
pub(crate) fn inherit(forker: Process, child: Process) -> bool {
    if read!(CONFIG.tree_only) == 0 {
        return true;
    }
    if !is_own(forker.tgid()) && !wants_born_unseen(forker) {
        return false;
    }
    track(child);
    true
}

/// The process is gone. Its pid may already be that of another tracked one.
#[inline(always)]
pub(crate) fn forget(process: Process) {
    let tgid = process.tgid();
    if read!(CONFIG.tree_only) == 1 && is_tracked(tgid, process.start()) {
        // The entry is there: it was just found. A failure would mean that it is already gone.
        let _ = TRACKED.remove(tgid);
    }
}
