//! The end of a zombie, in the fentry tier: `release_task(task)` (kernel/exit.c), the moment it leaves
//! the process table. The running thread is the reaper; it is a thread of the process itself on
//! auto-reap, the parent that dies, or the init of a pid namespace that ends.

use aya_ebpf::{
    helpers::{bpf_get_current_comm, bpf_get_current_pid_tgid},
    macros::fentry,
    programs::FEntryContext,
};
use tracer_common::{Kind, Release};

use crate::{
    emit::{self, record},
    filter,
    task::{Registers, Task},
};

#[fentry(function = "release_task")]
fn on_release(ctx: FEntryContext) -> i32 {
    // SAFETY: the argument is typed as task_struct.
    let task = unsafe { Task::new(ctx.arg(0)) };
    let Some(process) = filter::wants_released(task) else { return 0 };
    let thread = bpf_get_current_pid_tgid();
    record!(Release {
        head: emit::head(emit::now(), Kind::Release, process),
        comm: bpf_get_current_comm().unwrap_or_default(),
        reaper: (thread >> 32) as u32,
        reaper_tid: thread as u32,
        call: Registers::current_number(),
        reserved: 0,
    });
    filter::forget(process);
    0
}
