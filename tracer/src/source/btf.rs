//! The kernel's own description of its types, read where it lies: one pass notes where each type
//! begins and what the structures and enumerations are called, and a name is looked up when it is asked
//! for. A tree of them all, more than 100,000, would take a tenth of a second and most of the memory of
//! a session.
//!
//! The format is that of Documentation/bpf/btf.rst, unchanged in what is read here from 5.10 to 7.3.
//! Nothing in it is believed: what points past its end, or in circles, is not there.

use std::{collections::HashMap, ffi::CStr};

use anyhow::{Context as _, Result, bail};

/// `struct btf_header` and `struct btf_type`, include/uapi/linux/btf.h: their sizes in bytes.
const HEADER: usize = 24;
const TYPE: usize = 12;
const MAGIC: u32 = 0xEB9F;
const VERSION: u32 = 1;
/// Modifiers of a type and names for it, at most, before there must be one.
const MODIFIERS: usize = 32;
/// Nameless structures and unions in one structure, at most.
const NAMELESS: usize = 1000;

/// `BTF_KIND_*`, include/uapi/linux/btf.h.
pub(super) mod kind {
    pub(in crate::source) const INT: u32 = 1;
    pub(in crate::source) const PTR: u32 = 2;
    pub(in crate::source) const ARRAY: u32 = 3;
    pub(in crate::source) const STRUCT: u32 = 4;
    pub(in crate::source) const UNION: u32 = 5;
    pub(in crate::source) const ENUM: u32 = 6;
    pub(in crate::source) const FWD: u32 = 7;
    pub(in crate::source) const TYPEDEF: u32 = 8;
    pub(in crate::source) const VOLATILE: u32 = 9;
    pub(in crate::source) const CONST: u32 = 10;
    pub(in crate::source) const RESTRICT: u32 = 11;
    pub(in crate::source) const FUNC: u32 = 12;
    pub(in crate::source) const FUNC_PROTO: u32 = 13;
    pub(in crate::source) const VAR: u32 = 14;
    pub(in crate::source) const DATASEC: u32 = 15;
    pub(in crate::source) const FLOAT: u32 = 16;
    pub(in crate::source) const DECL_TAG: u32 = 17;
    pub(in crate::source) const TYPE_TAG: u32 = 18;
    pub(in crate::source) const ENUM64: u32 = 19;
}

/// The types in a blob of BTF.
pub(super) struct Description<'a> {
    types: &'a [u8],
    strings: &'a [u8],
    /// Where each type begins; the first has id 1.
    begins: Vec<usize>,
    /// Functions and typedefs can have the name of a structure, too.
    structures: HashMap<&'a [u8], u32>,
    enumerations: HashMap<&'a [u8], u32>,
}

/// A member of a structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Member {
    /// Bits from the beginning of the structure.
    pub(super) bits: u32,
    /// Its width in bits when it is a bitfield, else 0.
    pub(super) width: u32,
    id: u32,
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_ne_bytes)
}

fn section(blob: &[u8], begin: u32, length: u32) -> Option<&[u8]> {
    blob.get(begin as usize..)?.get(..length as usize)
}

/// Kind, number of members, and whether their offsets tell widths of bitfields, too.
fn parts(info: u32) -> (u32, usize, bool) {
    (info >> 24 & 0x1F, (info & 0xFFFF) as usize, info >> 31 == 1)
}

/// Bytes of a type with what belongs to it.
fn size(info: u32) -> Option<usize> {
    let (kind, members, _) = parts(info);
    Some(
        TYPE + match kind {
            kind::PTR
            | kind::FWD
            | kind::TYPEDEF
            | kind::VOLATILE
            | kind::CONST
            | kind::RESTRICT
            | kind::FUNC
            | kind::FLOAT
            | kind::TYPE_TAG => 0,
            kind::INT | kind::VAR | kind::DECL_TAG => 4,
            kind::ARRAY => 12,
            kind::STRUCT | kind::UNION | kind::DATASEC | kind::ENUM64 => 12 * members,
            kind::ENUM | kind::FUNC_PROTO => 8 * members,
            _ => return None,
        },
    )
}

impl<'a> Description<'a> {
    /// Reads all types once.
    pub(super) fn new(blob: &'a [u8]) -> Result<Self> {
        let head =
            |at: usize| word(blob, at * 4).filter(|_| blob.len() >= HEADER).context("no header");
        if head(0)? & 0xFFFF != MAGIC {
            bail!("not BTF of this byte order");
        }
        let body = blob.get(head(1)? as usize..).context("nothing after the header")?;
        let types = section(body, head(2)?, head(3)?).context("cut off in the types")?;
        let strings = section(body, head(4)?, head(5)?).context("cut off in the names")?;
        let mut all = Self {
            types,
            strings,
            begins: Vec::with_capacity(types.len() / (2 * TYPE)),
            structures: HashMap::new(),
            enumerations: HashMap::new(),
        };
        let mut at = 0;
        while at < types.len() {
            let info = word(types, at + 4).context("cut off in a type")?;
            all.begins.push(at);
            let id = all.begins.len() as u32;
            let names = match parts(info).0 {
                kind::STRUCT => Some(&mut all.structures),
                kind::ENUM => Some(&mut all.enumerations),
                _ => None,
            };
            if let (Some(names), Some(name)) = (names, name(types, strings, at)) {
                names.entry(name).or_insert(id);
            }
            at += size(info).with_context(|| format!("type {id} is of an unknown kind"))?;
        }
        Ok(all)
    }

    /// BTF in which only these kinds and names are called anything, each with the id it has here: all
    /// that a loader asks for, which would keep the whole of it.
    pub(super) fn only(&self, wanted: &[(u32, String)]) -> Vec<u8> {
        let mut strings = vec![0];
        let mut places = Vec::with_capacity(wanted.len());
        for (_, name) in wanted {
            places.push(strings.len() as u32);
            strings.extend(name.bytes().chain([0]));
        }
        let length = (self.begins.len() * TYPE) as u32;
        let head = [MAGIC | VERSION << 16, HEADER as u32, 0, length, length, strings.len() as u32];
        let types = self.begins.iter().flat_map(|begin| {
            let of = word(self.types, begin + 4).map_or(0, |info| parts(info).0);
            let is_it = |(kind, wanted): &(u32, String)| {
                *kind == of && name(self.types, self.strings, *begin) == Some(wanted.as_bytes())
            };
            match wanted.iter().position(is_it) {
                Some(which) => [places[which], of << 24, 0],
                None => [0, kind::FWD << 24, 0],
            }
        });
        let words = head.into_iter().chain(types).flat_map(u32::to_ne_bytes);
        words.chain(strings).collect()
    }

    fn begin(&self, id: u32) -> Option<usize> {
        self.begins.get((id as usize).checked_sub(1)?).copied()
    }

    fn info(&self, id: u32) -> Option<(usize, u32)> {
        let begin = self.begin(id)?;
        Some((begin, word(self.types, begin + 4)?))
    }

    /// The type behind its modifiers and other names.
    fn bare(&self, mut id: u32) -> Option<u32> {
        for _ in 0..MODIFIERS {
            let (begin, info) = self.info(id)?;
            match parts(info).0 {
                kind::TYPEDEF | kind::VOLATILE | kind::CONST | kind::RESTRICT | kind::TYPE_TAG => {
                    id = word(self.types, begin + 8)?;
                }
                _ => return Some(id),
            }
        }
        None
    }

    /// The member of a structure that a dotted path leads to.
    pub(super) fn member(&self, structure: &str, path: &str) -> Option<Member> {
        let id = *self.structures.get(structure.as_bytes())?;
        path.split('.').try_fold(Member { bits: 0, width: 0, id }, |within, name| {
            self.member_of(within, name.as_bytes())
        })
    }

    /// Those of nameless structures and unions in it are its own.
    fn member_of(&self, within: Member, wanted: &[u8]) -> Option<Member> {
        let mut todo = vec![within];
        for next in 0..NAMELESS {
            let within = *todo.get(next)?;
            let Some((begin, info)) = self.bare(within.id).and_then(|id| self.info(id)) else {
                continue;
            };
            let (kind, members, has_widths) = parts(info);
            if !matches!(kind, kind::STRUCT | kind::UNION) {
                continue;
            }
            for at in (begin + TYPE..).step_by(12).take(members) {
                let offset = word(self.types, at + 8)?;
                let (bits, width) =
                    if has_widths { (offset & 0xFF_FFFF, offset >> 24) } else { (offset, 0) };
                let bits = within.bits.checked_add(bits)?;
                let member = Member { bits, width, id: word(self.types, at + 4)? };
                match name(self.types, self.strings, at) {
                    Some(name) if name == wanted => return Some(member),
                    Some(name) if name.is_empty() && todo.len() < NAMELESS => todo.push(member),
                    _ => {}
                }
            }
        }
        None
    }

    /// The value of an enumerator.
    pub(super) fn enumerator(&self, enumeration: &str, wanted: &str) -> Option<u32> {
        let (begin, info) = self.info(*self.enumerations.get(enumeration.as_bytes())?)?;
        let mut all = (begin + TYPE..).step_by(8).take(parts(info).1);
        let at = all.find(|at| name(self.types, self.strings, *at) == Some(wanted.as_bytes()))?;
        word(self.types, at + 4)
    }
}

/// What a type, a member or an enumerator is called: each begins with where its name is.
fn name<'a>(types: &[u8], strings: &'a [u8], at: usize) -> Option<&'a [u8]> {
    let text = strings.get(word(types, at)? as usize..)?;
    CStr::from_bytes_until_nul(text).ok().map(CStr::to_bytes)
}

#[cfg(test)]
mod tests;
