//! Where the running kernel keeps the fields the programs read, from its BTF.

use anyhow::Result;
use tracer_common::{ABSENT, FIELDS, Field, Offsets};
use zerocopy::{FromBytes as _, IntoBytes as _};

use super::{Refusal, btf::Description};

/// What the programs ask of the kernel's types.
pub(crate) struct Layout {
    /// Where the fields are.
    pub(crate) offsets: Offsets,
    /// The helper that finds a task's registers exists (since 5.15).
    pub(crate) has_task_regs: bool,
}

/// The layout, or the names of the fields that this kernel lacks.
pub(crate) fn find(types: &Description<'_>) -> Result<Layout> {
    Ok(Layout {
        offsets: resolve(|field| lookup(types, field))?,
        has_task_regs: types.enumerator("bpf_func_id", "BPF_FUNC_task_pt_regs").is_some(),
    })
}

/// Where the enumerators that name elements of arrays are.
const ENUMERATIONS: [&str; 2] = ["cgroup_subsys_id", "ucount_type"];
/// x86-64: size of a word in bits.
const WORD: u32 = 64;

/// Puts the offsets in the order of the structure; a field that is missing is an error by name.
fn resolve(lookup: impl Fn(&Field) -> Option<u32>) -> Result<Offsets> {
    let mut found = Vec::with_capacity(FIELDS.len());
    let mut missing = Vec::new();
    for field in FIELDS {
        match lookup(field) {
            Some(offset) => found.push(offset),
            None if field.optional => found.push(ABSENT),
            None => missing.push(format!("{}.{}", field.structure, field.paths.join("|"))),
        }
    }
    if !missing.is_empty() {
        return Err(Refusal::new(
            format!("this kernel's BTF lacks {}", missing.join(", ")),
            "the tracer does not know this kernel version yet: report the line above",
        )
        .into());
    }
    Ok(Offsets::read_from_bytes(found.as_bytes()).expect("one offset per field"))
}

fn lookup(types: &Description<'_>, field: &Field) -> Option<u32> {
    let (bits, width) = field.paths.iter().find_map(|path| place(types, field.structure, path))?;
    if field.bit { Some(bits) } else { (width == 0).then_some(bits / 8) }
}

/// Bits to a member, or to an element of an array of words that is named by an enumerator, and the
/// width of a bitfield.
fn place(types: &Description<'_>, structure: &str, path: &str) -> Option<(u32, u32)> {
    let Some((array, index)) = path.strip_suffix(']').and_then(|path| path.split_once('[')) else {
        return types.member(structure, path).map(|member| (member.bits, member.width));
    };
    let index = ENUMERATIONS.iter().find_map(|name| types.enumerator(name, index))?;
    let array = types.member(structure, array)?;
    Some((array.bits.checked_add(index.checked_mul(WORD)?)?, array.width))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout() -> Layout {
        let blob = std::fs::read(crate::source::kernel::VMLINUX).expect("BTF");
        find(&Description::new(&blob).expect("types")).expect("every field")
    }

    #[test]
    fn the_running_kernel_has_every_field() {
        let Layout { offsets, .. } = layout();
        assert_ne!(offsets.task_tgid, 0);
        assert_eq!(offsets.task_tgid, offsets.task_pid + 4, "pid and tgid are neighbours");
    }

    #[test]
    fn a_field_that_some_kernels_lack_is_marked_absent() {
        let found = |field: &Field| (!field.optional).then_some(8);
        let offsets = resolve(found).expect("the others are there");
        assert_eq!((offsets.pids_counter, offsets.cred_uid), (ABSENT, 8));
    }

    #[test]
    fn every_kernel_counts_the_processes_of_a_user_in_one_place() {
        let Layout { offsets, .. } = layout();
        let places = [offsets.ucounts_nproc, offsets.user_processes];
        assert_eq!(places.iter().filter(|place| **place == ABSENT).count(), 1, "{places:?}");
    }

    #[test]
    fn a_missing_field_is_named() {
        let error = resolve(|field| (field.structure != "cgroup").then_some(8)).unwrap_err();
        let text = format!("{error:#}");
        assert!(text.contains("cgroup.kn"), "{text}");
        assert!(!text.contains("cred"), "{text}");
    }
}
