//! Text of traced processes is hostile until escaped.

use std::{borrow::Cow, fmt::Write as _};

/// Characters that a terminal or a reader could take for something else than text: controls, line
/// and paragraph separators, invisible ones, and those that turn the direction of writing.
fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// For people: one line, nothing that moves a cursor.
pub(crate) fn text(bytes: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(is_unsafe) => Cow::Borrowed(text),
        _ => Cow::Owned(escape(bytes)),
    }
}

/// One argument for people, so that arguments can be told apart.
pub(super) fn argument(bytes: &[u8]) -> Cow<'_, str> {
    let plain = text(bytes);
    if plain.is_empty() || plain.contains([' ', '"', '\'', '\\', '$', '`', '&', ';', '|', '<', '>'])
    {
        Cow::Owned(format!("'{}'", plain.replace('\'', "'\\''")))
    } else {
        plain
    }
}

/// For JSON: the text itself when it is UTF-8, else with `\xNN` for each byte that is not, and
/// `\\` for a backslash, which is undone in one way only.
pub(super) fn reversible(bytes: &[u8]) -> Cow<'_, str> {
    str::from_utf8(bytes).map_or_else(|_| Cow::Owned(hex(bytes)), Cow::Borrowed)
}

/// The second form of [`reversible`], whatever the bytes.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 8);
    for chunk in bytes.utf8_chunks() {
        out.push_str(&chunk.valid().replace('\\', "\\\\"));
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

fn escape(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 8);
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\n' => out.push_str("\\n"),
                '\t' => out.push_str("\\t"),
                '\r' => out.push_str("\\r"),
                other if is_unsafe(other) => {
                    let _ = write!(out, "\\u{{{:x}}}", u32::from(other));
                }
                other => out.push(other),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_that_moves_a_cursor_survives() {
        assert_eq!(text(b"plain \xc3\xa9"), "plain é");
        assert_eq!(text(b"\x1b[2Jx\ny"), "\\u{1b}[2Jx\\ny");
        assert_eq!(text(b"a\xffb"), "a\\xffb");
        assert_eq!(text("\u{202e}gpj.exe".as_bytes()), "\\u{202e}gpj.exe");
        assert_eq!(text("\u{9b}2J".as_bytes()), "\\u{9b}2J");
    }

    #[test]
    fn arguments_are_told_apart() {
        assert_eq!(argument(b"-l"), "-l");
        assert_eq!(argument(b""), "''");
        assert_eq!(argument(b"a b"), "'a b'");
        assert_eq!(argument(b"it's"), "'it'\\''s'");
    }

    fn unhex(text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        let mut rest = text.as_bytes();
        while let Some((first, tail)) = rest.split_first() {
            rest = tail;
            if *first != b'\\' {
                out.push(*first);
            } else if rest[0] == b'\\' {
                out.push(b'\\');
                rest = &rest[1..];
            } else {
                out.push(
                    u8::from_str_radix(&text[text.len() - rest.len() + 1..][..2], 16).unwrap(),
                );
                rest = &rest[3..];
            }
        }
        out
    }

    proptest! {
        #[test]
        fn the_escape_for_json_is_undone_exactly(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            prop_assert_eq!(unhex(&hex(&bytes)), bytes);
        }

        #[test]
        fn text_is_one_line_without_controls(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            prop_assert!(!text(&bytes).chars().any(is_unsafe));
        }
    }
}
