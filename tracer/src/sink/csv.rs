//! Events as a table: what their JSON has, a column for each field. One of an object inside an object is
//! under both names, `parent.pid`.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{Sink, json, lifecycles, object::value_to, stamp::Stamp};
use crate::lifecycle::event::{Event, What};

/// What every event has, and every event of a process.
const COMMON: [&str; 8] = ["v", "type", "time", "at_ns", "pid", "start_ns", "ppid", "comm"];

/// The fields of all types, in the order in which a life has them.
const EVENTS: [&str; 57] = [
    "state",
    "zombie_at_least_ns",
    "forker",
    "uid",
    "cgroup",
    "container.runtime",
    "container.id",
    "container.pod_uid",
    "pidns",
    "ns_pid",
    "exe",
    "argv",
    "argv_truncated",
    "thread",
    "threads",
    "status.code",
    "status.signal",
    "status.name",
    "status.core",
    "lifetime_ns",
    "cpu_user_ns",
    "cpu_system_ns",
    "max_rss_bytes",
    "teardown_ns",
    "notified",
    "parent.pid",
    "parent.comm",
    "from.pid",
    "from.comm",
    "to.pid",
    "to.comm",
    "kind",
    "entered",
    "zombie_ns",
    "reaper.pid",
    "reaper.tid",
    "reaper.comm",
    "by",
    "via",
    "orphaned",
    "reparents",
    "why",
    "precision",
    "waited_for",
    "where",
    "remedy",
    "errno",
    "cause",
    "limit",
    "used",
    "call",
    "zombies",
    "zombies_of",
    "count",
    "limited_by",
    "left_ns",
    "since_ns",
];

/// Those of a finished process, and of a loss.
const LIFECYCLES: [&str; 25] = [
    "forked_at",
    "execs",
    "exec_count",
    "exited_at",
    "zombie_at",
    "reaped_at",
    "status.code",
    "status.signal",
    "status.name",
    "status.core",
    "zombie_ns",
    "teardown_ns",
    "lifetime_ns",
    "reaper.pid",
    "reaper.tid",
    "reaper.comm",
    "by",
    "via",
    "orphaned",
    "reparents",
    "why",
    "precision",
    "count",
    "where",
    "since_ns",
];

/// Which columns of the line have text that is no UTF-8, and is escaped.
const ESCAPED: &str = "escaped";

/// The sink.
pub(super) struct Csv {
    stamp: Stamp,
    lifecycles: bool,
    columns: Vec<&'static str>,
    places: HashMap<&'static str, usize>,
    /// Those of one line, filled again for each.
    cells: Vec<Vec<u8>>,
    escaped: Vec<String>,
    has_head: bool,
}

impl Csv {
    pub(super) fn new(stamp: Stamp, lifecycles: bool) -> Self {
        let fields = if lifecycles { &LIFECYCLES[..] } else { &EVENTS[..] };
        let columns: Vec<_> = COMMON.iter().chain(fields).chain([&ESCAPED]).copied().collect();
        let places = columns.iter().enumerate().map(|(place, name)| (*name, place)).collect();
        let cells = vec![Vec::new(); columns.len()];
        Self { stamp, lifecycles, columns, places, cells, escaped: Vec::new(), has_head: false }
    }

    fn fill(&mut self, within: &str, fields: &Map<String, Value>) {
        for (name, value) in fields {
            match value {
                Value::Null => {}
                Value::Object(inner) => self.fill(&format!("{within}{name}."), inner),
                Value::Array(names) if name == ESCAPED => {
                    let names = names.iter().filter_map(Value::as_str);
                    self.escaped.extend(names.map(|name| format!("{within}{name}")));
                }
                _ if within.is_empty() => self.set(name, value),
                _ => self.set(&format!("{within}{name}"), value),
            }
        }
    }

    fn set(&mut self, path: &str, value: &Value) {
        let place = *self.places.get(path).expect("every field has a column, a test says");
        write(value, &mut self.cells[place]);
    }

    fn line(&mut self, to: &mut Vec<u8>) {
        if !self.escaped.is_empty() {
            let escaped = std::mem::take(&mut self.escaped);
            self.set(ESCAPED, &Value::from(escaped));
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

impl Sink for Csv {
    fn event(&mut self, event: &Event, to: &mut Vec<u8>) {
        if !self.has_head {
            self.has_head = true;
            to.extend(self.columns.join(",").bytes());
            to.push(b'\n');
        }
        let time = self.stamp.rfc3339(event.at);
        let value = match (&event.what, event.who, self.lifecycles) {
            (What::Session(_) | What::Summary(_), ..) => return,
            (What::Reap(reap), Some(who), true) => lifecycles::value(event.at, time, who, reap),
            (What::Lost(_), ..) | (.., false) => json::value(event, time),
            (.., true) => return,
        };
        if let Value::Object(fields) = value {
            self.fill("", &fields);
            self.line(to);
        }
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
