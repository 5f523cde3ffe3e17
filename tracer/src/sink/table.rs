//! Events as rows of a table: what their JSON has, a column for each field. One of an object inside an
//! object is under both names, `parent.pid`.

use std::collections::HashMap;

use serde_json::{Map, Value};

use self::Kind::{Flag, Json, Number, Text, Texts, Time};
use super::{json, lifecycles, stamp::Stamp};
use crate::lifecycle::event::{Event, What};

/// What a column has, where it has something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Flag,
    /// A list of objects, or what is a number in one type of event and a flag in another.
    Json,
    Number,
    Text,
    /// A list of texts.
    Texts,
    /// RFC 3339, UTC, nanoseconds.
    Time,
}

/// What every event has, and every event of a process.
const COMMON: [(&str, Kind); 8] = [
    ("v", Number),
    ("type", Text),
    ("time", Time),
    ("at_ns", Number),
    ("pid", Number),
    ("start_ns", Number),
    ("ppid", Number),
    ("comm", Text),
];

/// The fields of all types, in the order in which a life has them.
const EVENTS: [(&str, Kind); 57] = [
    ("state", Text),
    ("zombie_at_least_ns", Number),
    ("forker", Number),
    ("uid", Number),
    ("cgroup", Text),
    ("container.runtime", Text),
    ("container.id", Text),
    ("container.pod_uid", Text),
    ("pidns", Number),
    ("ns_pid", Number),
    ("exe", Text),
    ("argv", Texts),
    ("argv_truncated", Flag),
    ("thread", Json),
    ("threads", Number),
    ("status.code", Number),
    ("status.signal", Number),
    ("status.name", Text),
    ("status.core", Flag),
    ("lifetime_ns", Number),
    ("cpu_user_ns", Number),
    ("cpu_system_ns", Number),
    ("max_rss_bytes", Number),
    ("teardown_ns", Number),
    ("notified", Text),
    ("parent.pid", Number),
    ("parent.comm", Text),
    ("from.pid", Number),
    ("from.comm", Text),
    ("to.pid", Number),
    ("to.comm", Text),
    ("kind", Text),
    ("entered", Flag),
    ("zombie_ns", Number),
    ("reaper.pid", Number),
    ("reaper.tid", Number),
    ("reaper.comm", Text),
    ("by", Text),
    ("via", Text),
    ("orphaned", Flag),
    ("reparents", Number),
    ("why", Texts),
    ("precision", Text),
    ("waited_for", Json),
    ("where", Text),
    ("remedy", Text),
    ("errno", Text),
    ("cause", Text),
    ("limit", Number),
    ("used", Number),
    ("call", Text),
    ("zombies", Number),
    ("zombies_of", Json),
    ("count", Number),
    ("limited_by", Text),
    ("left_ns", Number),
    ("since_ns", Number),
];

/// Those of a finished process, and of a loss.
const LIFECYCLES: [(&str, Kind); 25] = [
    ("forked_at", Number),
    ("execs", Json),
    ("exec_count", Number),
    ("exited_at", Number),
    ("zombie_at", Number),
    ("reaped_at", Number),
    ("status.code", Number),
    ("status.signal", Number),
    ("status.name", Text),
    ("status.core", Flag),
    ("zombie_ns", Number),
    ("teardown_ns", Number),
    ("lifetime_ns", Number),
    ("reaper.pid", Number),
    ("reaper.tid", Number),
    ("reaper.comm", Text),
    ("by", Text),
    ("via", Text),
    ("orphaned", Flag),
    ("reparents", Number),
    ("why", Texts),
    ("precision", Text),
    ("count", Number),
    ("where", Text),
    ("since_ns", Number),
];

/// Which columns of the row have text that is no UTF-8, and is escaped.
const ESCAPED: (&str, Kind) = ("escaped", Texts);

/// What turns events into rows.
pub(super) struct Table {
    stamp: Stamp,
    lifecycles: bool,
    columns: Vec<(&'static str, Kind)>,
    places: HashMap<&'static str, usize>,
}

impl Table {
    pub(super) fn new(stamp: Stamp, lifecycles: bool) -> Self {
        let fields = if lifecycles { &LIFECYCLES[..] } else { &EVENTS[..] };
        let columns: Vec<_> = COMMON.iter().chain(fields).chain([&ESCAPED]).copied().collect();
        let places = columns.iter().enumerate().map(|(place, (name, _))| (*name, place)).collect();
        Self { stamp, lifecycles, columns, places }
    }

    /// The names of the columns and what they have.
    pub(super) fn columns(&self) -> &[(&'static str, Kind)] {
        &self.columns
    }

    /// Gives every value that is not null with the place of its column; false where the event is no row.
    pub(super) fn row(&mut self, event: &Event, mut cell: impl FnMut(usize, &Value)) -> bool {
        let time = self.stamp.rfc3339(event.at);
        let value = match (&event.what, event.who, self.lifecycles) {
            (What::Session(_) | What::Summary(_), ..) => return false,
            (What::Reap(reap), Some(who), true) => lifecycles::value(event.at, time, who, reap),
            (What::Lost(_), ..) | (.., false) => json::value(event, time),
            (.., true) => return false,
        };
        let Value::Object(fields) = value else { return false };
        let mut escaped = Vec::new();
        self.fill("", &fields, &mut escaped, &mut cell);
        if !escaped.is_empty() {
            cell(self.place(ESCAPED.0), &Value::Array(escaped));
        }
        true
    }

    fn fill(
        &self,
        within: &str,
        fields: &Map<String, Value>,
        escaped: &mut Vec<Value>,
        cell: &mut impl FnMut(usize, &Value),
    ) {
        for (name, value) in fields {
            match value {
                Value::Null => {}
                Value::Object(inner) => {
                    self.fill(&format!("{within}{name}."), inner, escaped, cell);
                }
                Value::Array(names) if name == ESCAPED.0 => {
                    let names = names.iter().filter_map(Value::as_str);
                    escaped.extend(names.map(|name| format!("{within}{name}").into()));
                }
                _ if within.is_empty() => cell(self.place(name), value),
                _ => cell(self.place(&format!("{within}{name}")), value),
            }
        }
    }

    fn place(&self, path: &str) -> usize {
        *self.places.get(path).expect("the columns are those of the schema of events, a test says")
    }
}

#[cfg(test)]
mod tests;
