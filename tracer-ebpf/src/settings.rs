//! What the loader puts into the programs before they are loaded: it looks for instructions with a
//! [`placeholder`](tracer_common::placeholder) as their operand, and writes the value there. So it is a
//! constant to the verifier, and part of the program: to read it from a map is to wait for memory at every run.

use core::arch::asm;

/// The value of a placeholder. It is not `pure`: one that is kept for its next use takes more than to move it
/// once more.
#[inline(always)]
pub(crate) fn value<const PLACEHOLDER: u32>() -> usize {
    let value;
    // SAFETY: it moves a constant.
    unsafe {
        asm!("{} = {}", out(reg) value, const PLACEHOLDER, options(nomem, nostack, preserves_flags));
    }
    value
}

/// The address of a field, from that of its structure: the value of a placeholder is added.
#[inline(always)]
#[allow(clippy::pointers_in_nomem_asm_block, reason = "nothing is read there")]
pub(crate) fn moved<const PLACEHOLDER: u32>(structure: *const u8) -> *const u8 {
    let field;
    // SAFETY: it adds a constant.
    unsafe {
        asm!(
            "{} += {}",
            inlateout(reg) structure => field,
            const PLACEHOLDER,
            options(nomem, nostack, preserves_flags),
        );
    }
    field
}

/// Where the kernel keeps a field, or a setting of the session.
macro_rules! read {
    ($of:ident.$field:ident) => {
        $crate::settings::value::<{ $crate::settings::placeholder!($of.$field) }>()
    };
}

/// The address of a field, from that of its structure.
macro_rules! at {
    ($structure:expr, $field:ident) => {
        $crate::settings::moved::<{ $crate::settings::placeholder!(OFFSETS.$field) }>($structure)
    };
}

macro_rules! placeholder {
    (OFFSETS.$field:ident) => {
        tracer_common::placeholder(core::mem::offset_of!(tracer_common::Offsets, $field) / 4)
    };
    (CONFIG.$field:ident) => {
        tracer_common::placeholder(
            tracer_common::FIELDS.len() + core::mem::offset_of!(tracer_common::Config, $field) / 4,
        )
    };
}

pub(crate) use {at, placeholder, read};
