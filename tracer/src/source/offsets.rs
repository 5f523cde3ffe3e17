//! Where the running kernel keeps the fields the programs read, from its BTF.

use std::path::Path;

use anyhow::{Context as _, Result};
use btfparse::{Error, ErrorKind, Offset, Readable, TypeInformation, TypeVariant};
use tracer_common::{FIELDS, Field, Offsets};
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
    Ok(Layout { offsets, has_task_regs: has_helper(&types, "BPF_FUNC_task_pt_regs") })
}

/// Whether the kernel lists the helper among those it has.
fn has_helper(types: &TypeInformation, name: &str) -> bool {
    let helpers = types.id_of("bpf_func_id").and_then(|id| types.from_id(id));
    match helpers {
        Some(TypeVariant::Enum(helpers)) => {
            helpers.named_value_list().iter().any(|helper| helper.name == name)
        }
        _ => false,
    }
}

/// Puts the offsets in the order of the structure; a field that is missing is an error by name.
fn resolve(lookup: impl Fn(&Field) -> Option<u32>) -> Result<Offsets> {
    let mut found = Vec::with_capacity(FIELDS.len());
    let mut missing = Vec::new();
    for field in FIELDS {
        match lookup(field) {
            Some(offset) => found.push(offset),
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
    let offset = field.paths.iter().find_map(|path| types.offset_of(structure, path).ok())?.1;
    Some(match (offset, field.bit) {
        (Offset::ByteOffset(bytes), false) => bytes,
        (Offset::ByteOffset(bytes), true) => bytes * 8,
        (Offset::BitOffsetAndSize(bits, _), true) => bits,
        (Offset::BitOffsetAndSize(..), false) => return None,
    })
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
    fn a_missing_field_is_named() {
        let error = resolve(|field| (field.structure != "cgroup").then_some(8)).unwrap_err();
        let text = format!("{error:#}");
        assert!(text.contains("cgroup.kn"), "{text}");
        assert!(!text.contains("cred"), "{text}");
    }
}
