//! The moment a process that sends no signal at death becomes reapable, in the tracepoint tier:
//! `do_notify_parent` (kernel/signal.c) raises nothing for it. What comes next is that the dying task
//! is switched away from, microseconds after `exit_notify` (kernel/exit.c) made it a zombie:
//! `sched_switch(preempt, prev, …)`, raised by `__schedule` (kernel/sched/core.c).

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use tracer_common::{Death, Kind, NO_SIGNAL};

use crate::{
    emit::{self, record},
    filter,
    task::Task,
};

#[btf_tracepoint(function = "sched_switch")]
fn on_switch(ctx: BtfTracePointContext) -> i32 {
    // SAFETY: the second argument is typed as task_struct.
    let task = unsafe { Task::new(ctx.arg(1)) };
    // A main thread that went before the others dies with the last of them, which is released by now:
    // what it points to may be gone.
    if !task.has_exited() || !task.is_main_thread() || task.group().live_threads() != 0 {
        return 0;
    }
    let process = task.process_of_main();
    if process.exit_signal() != 0 || process.is_ptraced() || !filter::wants(process) {
        return 0;
    }
    let target = process.parent().process();
    record!(Death {
        head: emit::head(emit::now(), Kind::Death, process),
        target_start: target.start(),
        target: target.tgid(),
        signal: 0,
        result: NO_SIGNAL,
        autoreap: 0,
    });
    0
}
