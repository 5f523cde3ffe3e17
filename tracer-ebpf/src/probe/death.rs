//! The moment a process becomes reapable, in the tracepoint tier: `signal_generate(sig, info, task,
//! group, result)` out of `do_notify_parent` (kernel/signal.c), raised by the dying task after it was
//! made a zombie. `task` is the parent, or the tracer. A parent that ignores SIGCHLD raises none.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use tracer_common::{Death, Kind};

use crate::{
    emit::{self, record},
    filter,
    task::{SIGCHLD, Task},
    told,
};

#[btf_tracepoint(function = "signal_generate")]
fn on_signal(ctx: BtfTracePointContext) -> i32 {
    let dying = Task::running();
    if !dying.has_exited() || dying.group().live_threads() != 0 {
        return 0;
    }
    let process = dying.process();
    // A traced thread that is not the main one tells its tracer of its own end, not of the
    // process's. The last thread of an untraced process is released first and then tells for it.
    if !dying.is_main_thread() && !dying.is_released() {
        return 0;
    }
    // SAFETY: the third argument is typed as task_struct.
    let target = unsafe { Task::new(ctx.arg(2)) };
    let signal: u32 = ctx.arg(0);
    let expected = if process.is_ptraced() { SIGCHLD } else { process.exit_signal() };
    // Other signals of a zombie: SIGHUP and SIGCONT to a process group it orphans.
    if (signal != expected && signal != process.exit_signal())
        || target.tgid() != process.parent().tgid()
        || !filter::wants_born_unseen(process)
    {
        return 0;
    }
    // By one that came after its exit hook, too.
    if process.is_ptraced() {
        told::dies_traced();
    }
    // The rule of `do_notify_parent`.
    let autoreap = !process.is_ptraced() && signal == SIGCHLD && target.sigchld() != 0;
    record!(Death {
        head: emit::head(emit::now(), Kind::Death, process),
        target_start: target.process().start(),
        target: target.tgid(),
        signal,
        result: ctx.arg(4),
        autoreap: u32::from(autoreap),
    });
    0
}
