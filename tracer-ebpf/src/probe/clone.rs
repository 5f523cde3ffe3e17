//! Forks that fail, on demand. In the tracepoint tier: the end of their system calls (see `wait`). In the
//! fentry tier: the return of `kernel_clone` (kernel/fork.c; since 5.10, the one way of `fork`, `vfork`,
//! `clone` and `clone3`, whatever the caller's mode), which no other system call pays for. What is
//! refused before it, `clone3` for its structure, is not seen there.

use aya_ebpf::{
    EbpfContext as _, helpers::bpf_probe_read_user, macros::fexit, programs::FExitContext,
};
use tracer_common::{FORK_PROCESS, FORK_THREAD};

use crate::{
    settings::read,
    task::{Registers, field, fork_failed},
};

/// x86-64: numbers of the calls, arch/x86/entry/syscalls/syscall_64.tbl.
const CLONE: u64 = 56;
const FORK: u64 = 57;
const VFORK: u64 = 58;
const CLONE3: u64 = 435;
/// `CLONE_THREAD`, include/uapi/linux/sched.h.
const CLONE_THREAD: u64 = 0x10000;
/// include/uapi/asm-generic/errno.h: the call does not exist, or a filter says so, and the C library
/// goes on to ask with another one.
const ENOSYS: i64 = 38;
/// include/linux/errno.h: from here on errors are the kernel's own: the call is made again.
const ERESTARTSYS: i64 = 512;

#[inline(always)]
pub(super) fn is_fork(number: u64) -> bool {
    matches!(number, CLONE | FORK | VFORK | CLONE3)
}

/// The positive errno that a program sees, if it sees one.
#[inline(always)]
fn error(ret: i64) -> Option<u32> {
    let error = ret.wrapping_neg();
    (error > 0 && error < ERESTARTSYS && error != ENOSYS).then_some(error as u32)
}

#[inline(always)]
fn asked(flags: u64) -> u32 {
    if flags & CLONE_THREAD == 0 { FORK_PROCESS } else { FORK_THREAD }
}

/// One of these calls returned, mostly with a child: then nothing more is read.
#[inline(always)]
pub(super) fn returned(number: u64, registers: Registers, ret: i64) {
    let Some(error) = error(ret) else { return };
    let [first, ..] = registers.arguments();
    let asked = match number {
        CLONE => asked(first),
        CLONE3 if read!(CONFIG.may_read_memory) == 0 => 0,
        // The flags come first in the structure.
        // SAFETY: the helper checks the address.
        CLONE3 => unsafe { bpf_probe_read_user(first as *const u64) }.map_or(0, asked),
        _ => FORK_PROCESS,
    };
    fork_failed(error, number as u32, asked);
}

#[fexit(function = "kernel_clone")]
fn on_cloned(ctx: FExitContext) -> i32 {
    // SAFETY: the argument lies in the context as a word, the result behind it; the helper that reads
    // it is missing in 5.10.
    let (args, ret) = unsafe {
        let words = ctx.as_ptr().cast::<u64>();
        (*words.cast::<*const u8>(), *words.add(1) as i32)
    };
    let Some(error) = error(i64::from(ret)) else { return 0 };
    let number = Registers::current_number();
    // A kernel thread that wants another one is in no system call.
    if !is_fork(u64::from(number)) {
        return 0;
    }
    let flags: u64 = field!(args, clone_flags);
    fork_failed(error, number, asked(flags));
    0
}
