//! The registers of a system call.

use aya_ebpf::helpers::{
    bpf_probe_read_kernel,
    generated::{bpf_get_current_task, bpf_task_pt_regs},
};
use tracer_common::NO_CALL;

use super::{Task, field};
use crate::settings::read;

/// The `struct pt_regs` of a system call.
#[derive(Clone, Copy)]
pub(crate) struct Registers(*const u8);

/// x86-64: code segment of 32-bit programs (`__USER32_CS`, arch/x86/include/asm/segment.h).
const USER32_CS: u64 = 0x23;

/// x86-64: size of a kernel stack (`THREAD_SIZE`, without KASAN) and of the registers at its top.
const STACK_SIZE: usize = 16 * 1024;
const REGISTERS_SIZE: usize = 168;

impl Registers {
    /// Those of the system call that the running thread is in, since 5.15.
    #[inline(always)]
    pub(crate) fn current() -> Option<Self> {
        if read!(CONFIG.has_task_regs) == 0 {
            return None;
        }
        // SAFETY: the pointer is typed as task_struct.
        let registers = unsafe { bpf_task_pt_regs(Task::running().0.cast_mut().cast()) };
        Some(Self(registers as *const u8))
    }

    /// The number of the system call that the running thread is in, or [`NO_CALL`].
    #[inline(always)]
    pub(crate) fn current_number() -> u32 {
        if let Some(registers) = Self::current() {
            return registers.number() as u32;
        }
        if read!(CONFIG.may_read_memory) == 0 {
            return NO_CALL;
        }
        let (stack_at, number_at) = (read!(OFFSETS.task_stack), read!(OFFSETS.regs_nr));
        // SAFETY: the helper checks the addresses; a stack of another size yields some other word,
        // which the reader of the record takes for what it is when it is no wait's number.
        unsafe {
            let task = bpf_get_current_task() as usize;
            let stack: Result<usize, _> = bpf_probe_read_kernel((task + stack_at) as *const usize);
            let number = stack.and_then(|stack| {
                let registers = stack + STACK_SIZE - REGISTERS_SIZE;
                bpf_probe_read_kernel((registers + number_at) as *const u32)
            });
            number.unwrap_or(NO_CALL)
        }
    }

    /// # Safety
    ///
    /// `pointer` comes from a hook's argument typed as `pt_regs`.
    #[inline(always)]
    pub(crate) unsafe fn new(pointer: *const u8) -> Self {
        Self(pointer)
    }

    /// The number of the system call.
    #[inline(always)]
    pub(crate) fn number(self) -> u64 {
        field!(self.0, regs_nr)
    }

    /// The caller is a 32-bit program, which numbers system calls differently.
    #[inline(always)]
    pub(crate) fn is_32_bit(self) -> bool {
        let cs: u64 = field!(self.0, regs_cs);
        cs & 0xffff == USER32_CS
    }

    /// The first four arguments.
    #[inline(always)]
    pub(crate) fn arguments(self) -> [u64; 4] {
        [
            field!(self.0, regs_arg0),
            field!(self.0, regs_arg1),
            field!(self.0, regs_arg2),
            field!(self.0, regs_arg3),
        ]
    }
}
