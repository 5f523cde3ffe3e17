//! Where the running kernel keeps the fields the programs read, from its BTF.

use std::path::Path;

use anyhow::{Context as _, Result};
use btfparse::{
    Error, ErrorKind, Integer32Value, NamedValue32, Offset, Readable, TypeInformation, TypeVariant,
};
use tracer_common::{ABSENT, FIELDS, Field, Offsets};
use zerocopy::{FromBytes as _, IntoBytes as _};

use super::Refusal;

/// The kernel's own description of its types.
pub(crate) const VMLINUX: &str = "/sys/kernel/btf/vmlinux";

struct Bytes(Vec<u8>);

impl Readable for Bytes {
    fn read(&self, offset: u64, buffer: &mut [u8]) -> btfparse::Result<()> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let end = start.saturating_add(buffer.len());
        let bytes =
            self.0.get(start..end).ok_or_else(|| Error::new(ErrorKind::EOF, "past the end"))?;
        buffer.copy_from_slice(bytes);
        Ok(())
    }
}

/// What the programs ask of the kernel's types.
pub(crate) struct Layout {
    /// Where the fields are.
    pub(crate) offsets: Offsets,
    /// The helper that finds a task's registers exists (since 5.15).
    pub(crate) has_task_regs: bool,
}

/// The layout, or the names of the fields that this kernel lacks.
pub(crate) fn find(btf: &Path) -> Result<Layout> {
    let bytes = std::fs::read(btf).with_context(|| format!("cannot read {}", btf.display()))?;
    let types = TypeInformation::new(&Bytes(bytes))
        .map_err(|error| anyhow::anyhow!("{}: {error:?}", btf.display()))?;
    let offsets = resolve(|field| lookup(&types, field))?;
    Ok(Layout {
        offsets,
        has_task_regs: enumerator(&types, "bpf_func_id", "BPF_FUNC_task_pt_regs").is_some(),
    })
}

/// Where the enumerators that name elements of arrays are.
const ENUMERATIONS: [&str; 2] = ["cgroup_subsys_id", "ucount_type"];
/// x86-64: size of a word.
const WORD: u32 = 8;

/// The value of an enumerator, if the kernel has it.
fn enumerator(types: &TypeInformation, enumeration: &str, name: &str) -> Option<u32> {
    match types.id_of(enumeration).and_then(|id| types.from_id(id)) {
        Some(TypeVariant::Enum(all)) => {
            all.named_value_list().iter().find(|one| one.name == name).map(value)
        }
        _ => None,
    }
}

fn value(enumerator: &NamedValue32) -> u32 {
    match enumerator.value {
        Integer32Value::Signed(value) => value as u32,
        Integer32Value::Unsigned(value) => value,
    }
}

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

/// Functions, typedefs and forward declarations can have the name of a structure, too, and of these
/// the last is the one that is found by name.
fn structure(types: &TypeInformation, name: &str) -> Option<u32> {
    let is_structure = |id: u32| matches!(types.from_id(id), Some(TypeVariant::Struct(_)));
    types.id_of(name).filter(|id| is_structure(*id)).or_else(|| {
        let mut ids = types.get().keys().copied();
        ids.find(|id| is_structure(*id) && types.name_of(*id).as_deref() == Some(name))
    })
}

fn lookup(types: &TypeInformation, field: &Field) -> Option<u32> {
    let structure = structure(types, field.structure)?;
    let offset = field.paths.iter().find_map(|path| offset_of(types, structure, path))?;
    Some(match (offset, field.bit) {
        (Offset::ByteOffset(bytes), false) => bytes,
        (Offset::ByteOffset(bytes), true) => bytes * 8,
        (Offset::BitOffsetAndSize(bits, _), true) => bits,
        (Offset::BitOffsetAndSize(..), false) => return None,
    })
}

/// Of a member, or of an element of an array of words that is named by an enumerator.
fn offset_of(types: &TypeInformation, structure: u32, path: &str) -> Option<Offset> {
    let Some((array, index)) = path.strip_suffix(']').and_then(|path| path.split_once('[')) else {
        return types.offset_of(structure, path).ok().map(|(_, offset)| offset);
    };
    let index = ENUMERATIONS.iter().find_map(|name| enumerator(types, name, index))?;
    match types.offset_of(structure, array).ok()?.1 {
        Offset::ByteOffset(bytes) => Some(Offset::ByteOffset(bytes + index * WORD)),
        Offset::BitOffsetAndSize(..) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_running_kernel_has_every_field() {
        let Layout { offsets, .. } = find(Path::new(VMLINUX)).expect("every field");
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
        let Layout { offsets, .. } = find(Path::new(VMLINUX)).expect("every field");
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
