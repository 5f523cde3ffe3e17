//! The processes as a tree for Graphviz: who forked whom, and with dashes who adopted whom.

use std::{collections::HashMap, io::Write as _};

use super::{Sink, stamp::duration, text};
use crate::lifecycle::event::{Event, What, Who};

/// The sink.
#[derive(Default)]
pub(super) struct Dot {
    /// The start of those that live: a pid alone names none.
    starts: HashMap<u32, u64>,
    /// Those that were there at the start, until all of them are known.
    existing: Vec<Who>,
}

impl Dot {
    /// Of what is said of a node, the last holds.
    fn node(&mut self, who: Who, rest: &str, to: &mut Vec<u8>) {
        self.starts.insert(who.pid, who.start);
        let name = text::name(who.comm).to_string().replace('\\', "\\\\").replace('"', "\\\"");
        let Who { pid, start, .. } = who;
        let _ = writeln!(to, "  \"{pid}.{start}\" [label=\"{name} ({pid}){rest}\"]");
    }

    /// From a parent, as far as it is known.
    fn edge(&self, from: u32, child: Who, style: &str, to: &mut Vec<u8>) {
        if let Some(start) = self.starts.get(&from) {
            let Who { pid, start: born, .. } = child;
            let _ = writeln!(to, "  \"{from}.{start}\" -> \"{pid}.{born}\"{style}");
        }
    }
}

impl Sink for Dot {
    fn event(&mut self, event: &Event, to: &mut Vec<u8>) {
        if !matches!(event.what, What::Existing { .. }) {
            for one in std::mem::take(&mut self.existing) {
                self.edge(one.ppid.unwrap_or_default(), one, "", to);
            }
        }
        match (&event.what, event.who) {
            (What::Session(_), _) => to.extend(b"digraph processes {\n  rankdir=LR\n"),
            (What::Summary(_), _) => to.extend(b"}\n"),
            (What::Existing { .. }, Some(who)) => {
                self.node(who, "", to);
                self.existing.push(who);
            }
            (What::Fork { forker, .. }, Some(who)) => {
                self.node(who, "", to);
                self.edge(*forker, who, "", to);
            }
            (What::Exec { .. }, Some(who)) => self.node(who, "", to),
            (What::Reparent { to: adopter, .. }, Some(who)) => {
                self.edge(adopter.pid, who, " [style=dashed]", to);
            }
            (What::Reap(reap), Some(who)) => {
                let ended = text::ended(reap.status);
                let zombie = reap.zombie.map(|ns| format!("\\nzombie for {}", duration(ns)));
                self.node(who, &format!("\\n{ended}{}", zombie.unwrap_or_default()), to);
                self.starts.remove(&who.pid);
            }
            // What else happened does not change the tree.
            (_, _) => {}
        }
    }
}
