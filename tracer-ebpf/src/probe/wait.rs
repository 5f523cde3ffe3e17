//! Who waits. In the tracepoint tier: the ends of `wait4` and `waitid`, whose registers still hold the
//! arguments (x86-64), so that no second hook is needed at their entry; failed forks, which end in the
//! same way, are handed to `clone`. Those system calls have tracepoints of their own, behind a filter
//! that is not BPF (`perf_syscall_exit`, kernel/trace/trace_syscalls.c). Where these cannot be had (they
//! are found by tracefs, and the program needs `bpf_task_pt_regs`, since 5.15) it is
//! `sys_exit(regs, ret)`, at which a program runs for every system call. In the fentry tier, where the
//! release itself names the reaper: `sched_process_wait(pid)`, raised by `do_wait` (kernel/exit.c) when a
//! wait begins, for whom its arguments say; without `bpf_task_pt_regs` only whether any child will do.

use aya_ebpf::{
    EbpfContext as _,
    helpers::{bpf_get_current_comm, bpf_get_current_pid_tgid, bpf_probe_read_user},
    macros::{btf_tracepoint, tracepoint},
    programs::{BtfTracePointContext, TracePointContext},
};
use tracer_common::{
    COMM_LEN, Head, Kind, WAIT_BEGUN, WAIT_HAS_RESULT, WAIT_ID, WAIT_OF_DEAD, WAIT_UNREAD, Wait,
};

use super::clone;
use crate::{
    emit::{self, record},
    filter,
    settings::read,
    task::{Registers, Task},
    told,
};

/// x86-64: number of `wait4`.
const WAIT4: u64 = 61;
/// x86-64: number of `waitid`.
const WAITID: u64 = 247;
/// `WUNTRACED` and `WCONTINUED`, include/uapi/linux/wait.h.
const OF_LIVING: u32 = 2 | 8;
/// Offset of the number in what `perf_call_bpf_exit` (kernel/trace/trace_syscalls.c) hands to a program.
const CALL_NUMBER: usize = 8;
/// Offset of what the system call returns there.
const CALL_RESULT: usize = 16;
/// Offset of `si_code` in the caller's `siginfo_t`.
const SI_CODE: usize = 8;
/// Offset of `si_pid` in the caller's `siginfo_t` (64-bit programs).
const SI_PID: usize = 16;

#[btf_tracepoint(function = "sys_exit")]
fn on_wait(ctx: BtfTracePointContext) -> i32 {
    // SAFETY: the first argument is typed as pt_regs.
    let registers = unsafe { Registers::new(ctx.arg(0)) };
    let number = registers.number();
    // Most are other calls, which are not asked for more.
    if (is_wait(number) || clone::is_fork(number)) && !registers.is_32_bit() {
        returned(number, registers, ctx.arg(1));
    }
    0
}

/// 0 also says that nobody wants to read of it by perf. The kernel does not raise it for 32-bit programs
/// (`trace_get_syscall_nr`, kernel/trace/trace_syscalls.c).
#[tracepoint]
fn on_return(ctx: TracePointContext) -> u32 {
    // SAFETY: both words lie in the context.
    let (number, ret): (u32, i64) = unsafe {
        let context = ctx.as_ptr();
        (*context.add(CALL_NUMBER).cast(), *context.add(CALL_RESULT).cast())
    };
    // Where forks are looked at, twice in every life, for the parent and for the child.
    if clone::is_fork(number.into()) && ret >= 0 {
        return 0;
    }
    if let Some(registers) = Registers::current() {
        // Kernels with patches for real time have something else in that place of the context.
        returned(registers.number(), registers, ret);
    }
    0
}

/// A system call ends.
#[inline(always)]
fn returned(number: u64, registers: Registers, ret: i64) {
    if is_wait(number) {
        waited(number, registers, ret);
    } else if clone::is_fork(number) {
        clone::returned(number, registers, ret);
    }
}

#[inline(always)]
fn waited(number: u64, registers: Registers, ret: i64) {
    let task = Task::running();
    let call = answered(task, number, registers.arguments(), ret);
    if !filter::wants_wait(task.tgid(), call.pid) {
        return;
    }
    let time = write(task.tgid(), task.tid(), task.comm(), &call);
    // What it returns is the child's number in the pid namespace of the waiter.
    if let Some(time) = time
        && call.flags == WAIT_OF_DEAD
        && call.pid != 0
        && task.is_in_initial_pidns()
    {
        told::add(call.pid, time);
    }
}

#[btf_tracepoint(function = "sched_process_wait")]
fn on_wait_begun(ctx: BtfTracePointContext) -> i32 {
    // 5.10 has no helper that gives the running task with its type.
    let thread = bpf_get_current_pid_tgid();
    if !filter::wants_wait((thread >> 32) as u32, 0) {
        return 0;
    }
    let call = Registers::current().filter(|registers| !registers.is_32_bit());
    let call = call.map(|registers| (registers.number(), registers.arguments()));
    let mut call = if let Some((number, arguments)) = call.filter(|(number, _)| is_wait(*number)) {
        asked(number, arguments)
    } else {
        // No `struct pid`: any child will do.
        let pid: u64 = ctx.arg(0);
        Wait { id: if pid == 0 { -1 } else { 0 }, flags: WAIT_UNREAD, ..Wait::default() }
    };
    call.flags |= WAIT_BEGUN;
    let comm = bpf_get_current_comm().unwrap_or_default();
    write((thread >> 32) as u32, thread as u32, comm, &call);
    0
}

/// What was asked and answered, by that thread. Returns when, unless there was no room.
#[inline(always)]
fn write(tgid: u32, tid: u32, comm: [u8; COMM_LEN], call: &Wait) -> Option<u64> {
    let mut when = None;
    record!(Wait {
        head: {
            let time = emit::now();
            when = Some(time);
            Head { time, tgid, tid, kind: Kind::Wait as u32, ..Head::default() }
        },
        comm,
        ret: call.ret,
        id: call.id,
        id_type: call.id_type,
        options: call.options,
        pid: call.pid,
        status: call.status,
        flags: call.flags,
        reserved: 0,
    });
    when
}

#[inline(always)]
fn is_wait(number: u64) -> bool {
    number == WAIT4 || number == WAITID
}

/// What was asked, without the head.
#[inline(always)]
fn asked(number: u64, [arg0, arg1, arg2, arg3]: [u64; 4]) -> Wait {
    if number == WAIT4 {
        Wait { id: arg0 as i32, options: arg2 as u32, ..Wait::default() }
    } else {
        let (id_type, id, options) = (arg0 as u32, arg1 as i32, arg3 as u32);
        Wait { id_type, id, options, flags: WAIT_ID, ..Wait::default() }
    }
}

/// What was asked and answered, without the head.
#[inline(always)]
fn answered(task: Task, number: u64, arguments: [u64; 4], ret: i64) -> Wait {
    let mut call = Wait { ret: ret as i32, ..asked(number, arguments) };
    let [_, arg1, arg2, _] = arguments;
    if number == WAIT4 {
        call.pid = if ret > 0 { ret as u32 } else { 0 };
        // What stops is reported to who asks for it or traces it (`wait_task_stopped`,
        // kernel/exit.c), and only the thread that traces a task can change that.
        if call.options & OF_LIVING == 0 && task.traces_nobody() {
            call.flags = WAIT_OF_DEAD;
        } else if let Some(status) = read_u32(arg1, 0) {
            call.status = status;
            call.flags = WAIT_HAS_RESULT;
        }
    } else if ret == 0
        && let (Some(code), Some(pid)) = (read_u32(arg2, SI_CODE), read_u32(arg2, SI_PID))
    {
        call.status = code;
        call.pid = pid;
        call.flags |= WAIT_HAS_RESULT;
    }
    call
}

/// Reads a word of the caller's memory, unless it gave no pointer or lockdown forbids it.
#[inline(always)]
fn read_u32(base: u64, offset: usize) -> Option<u32> {
    if base == 0 || read!(CONFIG.may_read_memory) == 0 {
        return None;
    }
    // SAFETY: the helper checks the address.
    unsafe { bpf_probe_read_user((base as usize + offset) as *const u32).ok() }
}
