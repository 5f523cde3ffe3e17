//! The registers of a system call.

use super::field;

/// The `struct pt_regs` of a system call.
#[derive(Clone, Copy)]
pub(crate) struct Registers(*const u8);

/// x86-64: code segment of 32-bit programs (`__USER32_CS`, arch/x86/include/asm/segment.h).
const USER32_CS: u64 = 0x23;

impl Registers {
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
