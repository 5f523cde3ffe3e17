//! The backstop: `sched_process_free(task)`, raised by `delayed_put_task_struct` (kernel/exit.c) an
//! RCU grace period after the release, in whatever context runs then. It proves that the process is
//! gone when no wait told of it.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use tracer_common::{Free, Kind};

use crate::{
    emit::{self, record},
    filter,
    task::Task,
    told,
};

#[btf_tracepoint(function = "sched_process_free")]
fn on_free(ctx: BtfTracePointContext) -> i32 {
    // SAFETY: the argument is typed as task_struct.
    let task = unsafe { Task::new(ctx.arg(0)) };
    // Of most a wait has told: nothing more of them is fetched into the cache.
    let is_told = task.is_main_thread() && told::of(task.process_of_main());
    if is_told {
        filter::forget(task.process_of_main());
    } else if let Some(process) = filter::wants_released(task) {
        record!(Free { head: emit::head(emit::now(), Kind::Free, process) });
        filter::forget(process);
    }
    0
}
