//! The moment a process becomes reapable, in the fentry tier: the return of
//! `do_notify_parent(task, sig) -> autoreap` (kernel/signal.c; `bool` with these two arguments in all
//! of 5.10 to 7.3). It runs in the dying task, in the last thread of its process, in a dying parent
//! that hands a zombie on, or in a tracer that lets go of one.

use aya_ebpf::{
    EbpfContext as _,
    helpers::bpf_get_current_pid_tgid,
    macros::{btf_tracepoint, fexit, map},
    maps::PerCpuArray,
    programs::{BtfTracePointContext, FExitContext},
};
use tracer_common::{Death, Kind, NO_SIGNAL};

use crate::{
    emit::{self, record},
    filter,
    task::{SIGCHLD, Task},
};

/// The last signal raised on this CPU.
#[derive(Clone, Copy)]
#[repr(C)]
struct Raised {
    by: u64,
    target: u32,
    signal: u32,
    result: u32,
    reserved: u32,
}

/// `do_notify_parent` raises its signal under a spinlock: on the same CPU, with nothing between.
#[map]
static RAISED: PerCpuArray<Raised> = PerCpuArray::with_max_entries(1, 0);

#[btf_tracepoint(function = "signal_generate")]
fn on_fate(ctx: BtfTracePointContext) -> i32 {
    let Some(raised) = RAISED.get_ptr_mut(0) else { return 0 };
    // SAFETY: the third argument is typed as task_struct.
    let target = unsafe { Task::new(ctx.arg(2)) };
    // SAFETY: the slot is this CPU's own.
    unsafe {
        *raised = Raised {
            by: bpf_get_current_pid_tgid(),
            target: target.tgid(),
            signal: ctx.arg(0),
            result: ctx.arg(4),
            reserved: 0,
        };
    }
    0
}

/// What became of this signal to this process, if it was raised here just now.
#[inline(always)]
fn fate(target: u32, signal: u32) -> u32 {
    let Some(raised) = RAISED.get_ptr_mut(0) else { return NO_SIGNAL };
    // SAFETY: the slot is this CPU's own.
    unsafe {
        let last = *raised;
        // Told once: the same signal may not be raised the next time.
        (*raised).by = 0;
        let ours = last.by == bpf_get_current_pid_tgid();
        if ours && last.target == target && last.signal == signal { last.result } else { NO_SIGNAL }
    }
}

#[fexit(function = "do_notify_parent")]
fn on_notified(ctx: FExitContext) -> i32 {
    // SAFETY: the arguments lie in the context as words, the result behind the last of them; the
    // helper that reads it is missing in 5.10. The first is typed as task_struct.
    let (task, signal, autoreap) = unsafe {
        let words = ctx.as_ptr().cast::<u64>();
        (Task::new(*words.cast::<*const u8>()), *words.add(1) as u32, *words.add(2) as u8)
    };
    // A traced thread tells its tracer of its own end, not of the process's.
    if !task.is_main_thread() || task.group().live_threads() != 0 {
        return 0;
    }
    let process = task.process_of_main();
    let target = process.parent().process();
    let result = fate(target.tgid(), signal);
    if !filter::wants_born_unseen(process) {
        return 0;
    }
    record!(Death {
        head: emit::head(emit::now(), Kind::Death, process),
        target_start: target.start(),
        target: target.tgid(),
        signal: if signal == 0 { SIGCHLD } else { signal },
        result,
        autoreap: u32::from(autoreap != 0),
    });
    0
}
