//! A JSON object as it is written. Its names and the words of the contract are plain letters, so what
//! escapes text looks at values of other origin alone: with many short fields that is most of the work.

use std::io;

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use super::escape;

/// An object that is being written.
pub(super) struct Object<'a> {
    to: &'a mut Vec<u8>,
    is_empty: bool,
    /// Fields whose text is not UTF-8.
    escaped: Vec<&'static str>,
}

#[expect(
    clippy::inline_always,
    reason = "a name is copied in a few moves where its length is known"
)]
impl Object<'_> {
    /// Appends an object with these fields, and which of them are escaped.
    pub(super) fn write(to: &mut Vec<u8>, fields: impl FnOnce(&mut Object<'_>)) {
        to.push(b'{');
        let mut object = Object { to, is_empty: true, escaped: Vec::new() };
        fields(&mut object);
        let escaped = std::mem::take(&mut object.escaped);
        if !escaped.is_empty() {
            object.field("escaped", &escaped);
        }
        object.to.push(b'}');
    }

    /// A field with any value.
    #[inline(always)]
    pub(super) fn field(&mut self, name: &'static str, value: &(impl Serialize + ?Sized)) {
        value_to(value, self.named(name));
    }

    /// A field with a word of the contract, or what is made of such letters.
    #[inline(always)]
    pub(super) fn word<'a>(&mut self, name: &'static str, word: impl Into<Option<&'a str>>) {
        let to = self.named(name);
        match word.into() {
            Some(word) => quoted(word, to),
            None => to.extend_from_slice(b"null"),
        }
    }

    /// A field with text that is not ours.
    pub(super) fn text(&mut self, name: &'static str, text: Option<&[u8]>) {
        match text.map(|text| str::from_utf8(text).map_err(|_| text)) {
            Some(Err(text)) => {
                self.field(name, &escape::hex(text));
                self.escaped.push(name);
            }
            Some(Ok(text)) => self.field(name, text),
            None => self.field(name, &()),
        }
    }

    /// Another field than a text has parts that are not UTF-8.
    pub(super) fn is_escaped(&mut self, name: &'static str) {
        self.escaped.push(name);
    }

    /// A field with an object, or nothing.
    pub(super) fn object<T>(
        &mut self,
        name: &'static str,
        value: Option<T>,
        fields: impl FnOnce(T, &mut Object<'_>),
    ) {
        let to = self.named(name);
        match value {
            Some(value) => Self::write(to, |object| fields(value, object)),
            None => to.extend_from_slice(b"null"),
        }
    }

    /// A field with a list of objects.
    pub(super) fn list<T>(
        &mut self,
        name: &'static str,
        values: impl Iterator<Item = T>,
        fields: impl Fn(T, &mut Object<'_>),
    ) {
        let to = self.named(name);
        to.push(b'[');
        for (place, value) in values.enumerate() {
            if place > 0 {
                to.push(b',');
            }
            Self::write(to, |object| fields(value, object));
        }
        to.push(b']');
    }

    #[inline(always)]
    fn named(&mut self, name: &'static str) -> &mut Vec<u8> {
        if !std::mem::take(&mut self.is_empty) {
            self.to.push(b',');
        }
        quoted(name, self.to);
        self.to.push(b':');
        self.to
    }
}

fn quoted(word: &str, to: &mut Vec<u8>) {
    to.push(b'"');
    to.extend_from_slice(word.as_bytes());
    to.push(b'"');
}

/// Appends a value.
pub(super) fn value_to(value: &(impl Serialize + ?Sized), to: &mut Vec<u8>) {
    let mut serializer = Serializer::with_formatter(to, Plain);
    value.serialize(&mut serializer).expect("writing to memory, keys are strings");
}

/// Escapes, beyond what JSON asks for, the controls that a terminal obeys: DEL and the C1 set.
struct Plain;

impl Formatter for Plain {
    fn write_string_fragment<W: io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        // Without a way out of the loop it is done in vectors; nearly all text is plain.
        if fragment.bytes().fold(true, |plain, byte| plain & (0x20..0x7f).contains(&byte)) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut buffer = [0; 4];
        for character in fragment.chars() {
            match u32::from(character) {
                code @ (0x7f..=0x9f
                | 0x200b..=0x200f
                | 0x2028..=0x202e
                | 0x2060..=0x206f
                | 0xfeff) => {
                    write!(writer, "\\u{code:04x}")?;
                }
                _ => writer.write_all(character.encode_utf8(&mut buffer).as_bytes())?,
            }
        }
        Ok(())
    }
}
