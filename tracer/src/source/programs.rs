//! The object with the programs, as `cargo xtask build` made it, and what is written into it before it is
//! loaded: the kernel's offsets and the settings, as operands of instructions.

use tracer_common::{Config, Offsets, placed};
use zerocopy::IntoBytes as _;

/// Empty in a build without.
static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/tracer.bpf.o"));

/// `BPF_ALU64 | BPF_MOV | BPF_K`, include/uapi/linux/bpf.h: the immediate operand is moved into a register.
const MOVE: u8 = 0xb7;
/// `BPF_ALU64 | BPF_ADD | BPF_K`: it is added to one.
const ADD: u8 = 0x07;

/// The programs for this kernel and session, aligned as an object must be. None in a build without.
pub(crate) fn programs(offsets: &Offsets, config: &Config) -> Option<Vec<u64>> {
    if OBJECT.is_empty() {
        return None;
    }
    let mut object = vec![0_u64; OBJECT.len().div_ceil(size_of::<u64>())];
    object.as_mut_bytes()[..OBJECT.len()].copy_from_slice(OBJECT);
    fill(&mut object, offsets, config);
    Some(object)
}

/// Instructions are of eight bytes: the operation, the registers, an offset, and the immediate operand.
fn fill(object: &mut [u64], offsets: &Offsets, config: &Config) {
    let values = [offsets.as_bytes(), config.as_bytes()].concat();
    let value = |index: usize| values.as_chunks().0.get(index).copied().map(u32::from_le_bytes);
    for instruction in object {
        let [operation, registers, 0, 0, immediate @ ..] = instruction.to_le_bytes() else {
            continue;
        };
        let index =
            placed(u32::from_le_bytes(immediate)).filter(|_| [MOVE, ADD].contains(&operation));
        if let Some(value) = index.and_then(value) {
            let [a, b, c, d] = value.to_le_bytes();
            *instruction = u64::from_le_bytes([operation, registers, 0, 0, a, b, c, d]);
        }
    }
}

#[cfg(test)]
mod tests {
    use tracer_common::{ABSENT, FIELDS, placeholder};
    use zerocopy::FromBytes as _;

    use super::*;

    fn numbered() -> (Offsets, Config) {
        let words = |count: usize, from: u32| (from..).take(count).collect::<Vec<u32>>();
        let offsets = words(FIELDS.len(), 1_000);
        let config = words(size_of::<Config>() / 4, 2_000);
        (
            Offsets::read_from_bytes(offsets.as_bytes()).expect("as many as there are"),
            Config::read_from_bytes(config.as_bytes()).expect("as many as there are"),
        )
    }

    fn instruction(operation: u8, immediate: u32) -> u64 {
        let [a, b, c, d] = immediate.to_le_bytes();
        u64::from_le_bytes([operation, 0x07, 0, 0, a, b, c, d])
    }

    #[test]
    fn values_take_the_place_of_their_numbers() {
        let (mut offsets, config) = numbered();
        offsets.task_tgid = ABSENT;
        let (first, last) = (0, FIELDS.len() - 1);
        let settings = FIELDS.len() + size_of::<Config>() / 4;
        let mut object = [
            instruction(MOVE, placeholder(first)),
            instruction(ADD, placeholder(last)),
            instruction(MOVE, placeholder(1)),
            instruction(MOVE, placeholder(FIELDS.len())),
            // Another operation, another number, and one that stands for nothing.
            instruction(0x85, placeholder(first)),
            instruction(MOVE, 1),
            instruction(MOVE, placeholder(settings)),
        ];
        let others = object[4..].to_vec();
        fill(&mut object, &offsets, &config);
        let filled = [
            instruction(MOVE, 1_000),
            instruction(ADD, 1_000 + last as u32),
            instruction(MOVE, ABSENT),
            instruction(MOVE, 2_000),
        ];
        assert_eq!(object[..4], filled);
        assert_eq!(object[4..], others);
    }

    #[test]
    fn no_placeholder_is_left_in_the_programs() {
        let (offsets, config) = numbered();
        // Only a build by `cargo xtask build` has any.
        let Some(programs) = programs(&offsets, &config) else { return };
        let words = || programs.iter().map(|word| (word >> 32) as u32);
        assert_eq!(words().filter(|word| placed(*word).is_some()).count(), 0);
        let filled = |value: u32| words().filter(|word| *word == value).count();
        assert!(filled(offsets.task_tgid) > 5 && filled(config.tracer_tgid) > 5);
    }
}
