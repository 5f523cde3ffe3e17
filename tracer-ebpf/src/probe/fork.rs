//! Birth: `sched_process_fork(parent, child)`, raised by `kernel_clone` (kernel/fork.c) before the
//! child first runs. The first argument is the task that called, not the new task's parent.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use tracer_common::{Filled, Fork, Head, Kind};

use crate::{
    emit::{self, record},
    filter,
    task::Task,
};

#[btf_tracepoint(function = "sched_process_fork")]
fn on_fork(ctx: BtfTracePointContext) -> i32 {
    // SAFETY: both arguments are typed as task_struct.
    let (forker, child) = unsafe { (Task::new(ctx.arg(0)), Task::new(ctx.arg(1))) };
    if !child.is_main_thread() || child.is_kernel_thread() {
        return 0;
    }
    let (caller, child) = (forker.process(), child.process_of_main());
    if !filter::inherit(caller, child) {
        return 0;
    }
    let parent = child.real_parent();
    let uid = child.uid();
    record!(Fork {
        // The kernel has just taken the time: to read the clock again is a third of what a record costs.
        head: Head { uid, ..emit::head(child.start(), Kind::Fork, child) },
        ids: child.ids(),
        // No limit of the superuser's (`copy_process`, kernel/fork.c).
        nproc: if uid == 0 { Filled::default() } else { child.nproc() },
        parent_start: parent.start(),
        parent: parent.tgid(),
        forker: caller.tgid(),
        number: child.number_for(parent),
        exit_signal: child.exit_signal(),
        comm: child.comm(),
    });
    0
}
