//! A new program: `sched_process_exec(task, old_pid, bprm)`, raised by `exec_binprm` (fs/exec.c)
//! when the new address space is in place. `old_pid` is the calling thread's id before it took over
//! that of the main thread.

use core::arch::asm;

use aya_ebpf::{
    helpers::generated::{bpf_probe_read_user, bpf_probe_read_user_str},
    macros::{btf_tracepoint, map},
    maps::PerCpuArray,
    programs::BtfTracePointContext,
};
use tracer_common::{ARGS_MAX, EXE_MAX, Exec, Kind, Loss};

use crate::{emit, filter, settings::read, task::Task};

/// An [`Exec`] and the text behind it.
#[repr(C)]
struct Scratch {
    record: Exec,
    text: [u8; EXE_MAX + ARGS_MAX],
}

/// Where the record is put together: it is too large for the stack, and of no constant size.
#[map]
static SCRATCH: PerCpuArray<Scratch> = PerCpuArray::with_max_entries(1, 0);

#[btf_tracepoint(function = "sched_process_exec")]
fn on_exec(ctx: BtfTracePointContext) -> i32 {
    // SAFETY: the first argument is typed as task_struct.
    let task = unsafe { Task::new(ctx.arg(0)) };
    // Whoever called is the main thread by now.
    let process = task.process_of_main();
    if !filter::wants_born_unseen(process) {
        return 0;
    }
    let Some(scratch) = SCRATCH.get_ptr_mut(0) else {
        aya_log_ebpf::error!(&ctx, "the scratch space for exec records is missing");
        emit::count(Loss::Internal);
        return 0;
    };
    let may_read = read!(CONFIG.may_read_memory) == 1;
    let (args_start, args_total, path) = process.program();
    let time = emit::now();
    let (head, ids) = (emit::head_with_user(time, Kind::Exec, process), process.ids());
    // SAFETY: the space is this CPU's own, and every write below stays within `text`.
    unsafe {
        let text = (&raw mut (*scratch).text).cast::<u8>();
        let (mut exe_len, mut args_len) = (0, 0);
        if may_read {
            exe_len = read_path(text, path);
            args_len = read_args(text.add(exe_len), args_start, args_total);
        }
        (*scratch).record = Exec {
            head,
            ids,
            comm: process.comm(),
            args_total,
            old_tid: ctx.arg(1),
            exe_len: exe_len as u32,
            args_len: args_len as u32,
            reserved: 0,
        };
        let len = size_of::<Exec>() + exe_len + args_len;
        emit::bytes(core::slice::from_raw_parts(scratch.cast(), len));
    }
    0
}

/// Reads the path with its NUL and returns its length, 0 when its page is not resident.
///
/// # Safety
///
/// `EXE_MAX` bytes are writable at `to`.
#[inline(always)]
unsafe fn read_path(to: *mut u8, from: u64) -> usize {
    // SAFETY: the helper writes less than EXE_MAX bytes.
    let read = unsafe { bpf_probe_read_user_str(to.cast(), EXE_MAX as u32 - 1, from as *const _) };
    // The mask changes nothing: it is a bound that every verifier understands.
    if read < 0 { 0 } else { read as usize & (EXE_MAX - 1) }
}

/// Reads the arguments as they lie in memory, each ended by NUL, and returns their length, 0 when
/// a page of them is not resident.
///
/// # Safety
///
/// `ARGS_MAX` bytes are writable at `to`.
#[inline(always)]
unsafe fn read_args(to: *mut u8, from: u64, total: u64) -> usize {
    let mut len = if total < ARGS_MAX as u64 { total } else { ARGS_MAX as u64 - 1 };
    // The mask changes nothing: it is a bound that every verifier understands, also of a number that was
    // put aside before it was compared. The compiler would leave it out.
    // SAFETY: nothing but the number is touched.
    unsafe { asm!("{} &= {}", inout(reg) len, const ARGS_MAX - 1) };
    // SAFETY: the helper writes `len` bytes, less than ARGS_MAX.
    let failed = unsafe { bpf_probe_read_user(to.cast(), len as u32, from as *const _) };
    if failed == 0 { len as usize } else { 0 }
}
