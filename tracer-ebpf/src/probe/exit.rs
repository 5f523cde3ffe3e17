//! The end: `sched_process_exit(task, …)`, raised by `do_exit` (kernel/exit.c) once per thread,
//! after the thread has been taken off `signal->live`. Up to 6.15 it comes after the address space
//! is gone, since 6.16 before; its second argument, new in 6.16, is not needed for this.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use tracer_common::{Exit, Kind, LeaderExit};

use crate::{
    emit::{self, record},
    filter,
    task::{Group, Process, Task},
    told,
};

#[btf_tracepoint(function = "sched_process_exit")]
fn on_exit(ctx: BtfTracePointContext) -> i32 {
    // SAFETY: the first argument is typed as task_struct.
    let task = unsafe { Task::new(ctx.arg(0)) };
    let group = task.group();
    let threads = group.live_threads();
    if task.is_kernel_thread() || (threads > 0 && !task.is_main_thread()) {
        return 0;
    }
    let process = task.process();
    if (threads > 0 && group.is_ending()) || !filter::wants_born_unseen(process) {
        return 0;
    }
    if threads > 0 {
        record!(LeaderExit {
            head: emit::head(emit::now(), Kind::LeaderExit, process),
            threads,
            reserved: 0,
        });
    } else {
        last_thread(process, group);
    }
    0
}

#[inline(always)]
fn last_thread(process: Process, group: Group) {
    let parent = process.real_parent();
    let mut ptracer = 0;
    if process.is_ptraced() {
        told::dies_traced();
        let tracer = process.parent().tgid();
        ptracer = if tracer == parent.tgid() { 0 } else { tracer };
    }
    let adopter = process.adopter(group);
    record!(Exit {
        head: emit::head_with_user(emit::now(), Kind::Exit, process),
        ids: process.ids(),
        comm: process.comm(),
        parent_start: parent.start(),
        adopter_start: adopter.start,
        utime: group.utime() + process.sum(Task::utime),
        stime: group.stime() + process.sum(Task::stime),
        runtime: group.runtime() + process.sum(Task::runtime),
        maxrss_pages: group.maxrss_pages(),
        parent: parent.tgid(),
        ptracer,
        adopter: adopter.tgid,
        adopter_kind: adopter.kind,
        status: process.status(group),
        sigchld: parent.task().sigchld(),
        exit_signal: process.exit_signal(),
        adopter_sigchld: adopter.sigchld,
    });
}
