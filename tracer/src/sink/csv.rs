//! Events as a table with a head.

use serde_json::Value;

use super::{Sink, object::value_to, stamp::Stamp, table::Table};
use crate::lifecycle::event::Event;

/// The sink.
pub(super) struct Csv {
    table: Table,
    /// Those of one line, filled again for each.
    cells: Vec<Vec<u8>>,
    has_head: bool,
}

impl Csv {
    pub(super) fn new(stamp: Stamp, lifecycles: bool) -> Self {
        let table = Table::new(stamp, lifecycles);
        let cells = vec![Vec::new(); table.columns().len()];
        Self { table, cells, has_head: false }
    }
}

impl Sink for Csv {
    fn event(&mut self, event: &Event, to: &mut Vec<u8>) {
        if !self.has_head {
            self.has_head = true;
            let names: Vec<_> = self.table.columns().iter().map(|(name, _)| *name).collect();
            to.extend(names.join(",").bytes());
            to.push(b'\n');
        }
        if !self.table.row(event, |place, value| write(value, &mut self.cells[place])) {
            return;
        }
        for (place, cell) in self.cells.iter_mut().enumerate() {
            if place > 0 {
                to.push(b',');
            }
            to.append(cell);
        }
        to.push(b'\n');
    }
}

/// Appends the cell of a value that is not null. Text is what is between the quotes in JSON, so that a
/// cell is one line; a list is JSON.
fn write(value: &Value, to: &mut Vec<u8>) {
    if !value.is_string() && !value.is_array() {
        return value_to(value, to);
    }
    let mut plain = Vec::new();
    value_to(value, &mut plain);
    let text = if value.is_string() { &plain[1..plain.len() - 1] } else { &plain };
    let (first, rest) = match text {
        // A spreadsheet would take it for a formula, and a process can be called anything.
        [first @ (b'=' | b'+' | b'-' | b'@'), rest @ ..] if value.is_string() => {
            (format!("\\u{first:04x}"), rest)
        }
        _ => (String::new(), text),
    };
    // Text that is there and empty is told from what is unknown.
    if text.is_empty() || text.iter().any(|byte| matches!(byte, b',' | b'"')) {
        to.push(b'"');
        to.extend(first.bytes());
        for byte in rest {
            to.push(*byte);
            if *byte == b'"' {
                to.push(b'"');
            }
        }
        to.push(b'"');
    } else {
        to.extend(first.bytes());
        to.extend(rest);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn cell(value: &Value) -> String {
        let mut cell = Vec::new();
        write(value, &mut cell);
        String::from_utf8(cell).unwrap()
    }

    #[test]
    fn a_cell_is_one_line_and_no_formula_and_can_be_had_back() {
        for (value, written) in [
            (json!(7), "7"),
            (json!(true), "true"),
            (json!("sh"), "sh"),
            (json!(""), "\"\""),
            (json!("a,b"), "\"a,b\""),
            (json!("say \"x\""), r#""say \""x\""""#),
            (json!("a\nb\x1b[2J\u{202e}"), r"a\nb\u001b[2J\u202e"),
            (json!("-bash"), r"\u002dbash"),
            (json!("=1+1"), r"\u003d1+1"),
            (json!(["ls", "-l", ","]), r#""[""ls"",""-l"","",""]""#),
            (json!([]), "[]"),
        ] {
            assert_eq!(cell(&value), written);
            let unquoted = written.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
            let text = unquoted.unwrap_or(written).replace("\"\"", "\"");
            let json = if value.is_string() { format!("\"{text}\"") } else { text };
            assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), value);
        }
    }
}
