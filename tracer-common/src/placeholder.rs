//! How what is known at load time gets into the programs: as immediate operands of their instructions.

/// Upper half of a placeholder.
const MARK: u32 = 0x5e77_0000;

/// The number that a program moves into a register where the value belongs: that of one of
/// [`FIELDS`](crate::FIELDS), or behind these of one of the words of [`Config`](crate::Config).
pub const fn placeholder(index: usize) -> u32 {
    assert!(index < 1 << 16, "it fits into the lower half");
    MARK | index as u32
}

/// Which value a number stands for, if it is a placeholder.
pub const fn placed(number: u32) -> Option<usize> {
    if number & 0xffff_0000 == MARK { Some((number & 0xffff) as usize) } else { None }
}
