//! One record per finished process instead of events: made of its reap, which carries the dates.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

use super::{
    Sink,
    json::{self, LifeJson},
    stamp::Stamp,
    text,
};
use crate::lifecycle::event::{Event, Reap, What, Who};

/// An object per line.
pub(super) struct Json {
    stamp: Stamp,
    frame: json::Json,
}

impl Json {
    pub(super) fn new(stamp: Stamp) -> Self {
        Self { frame: json::Json::new(stamp.clone()), stamp }
    }
}

impl Sink for Json {
    fn event(&mut self, event: &Event, to: &mut Vec<u8>) {
        match (&event.what, event.who) {
            (What::Reap(reap), Some(who)) => {
                let time = self.stamp.rfc3339(event.at);
                json::line(&Line { at: event.at, time, who, reap }, to);
            }
            (What::Session(_) | What::Summary(_) | What::Lost(_), _) => self.frame.event(event, to),
            (_, _) => {}
        }
    }
}

/// A finished process as a value.
pub(super) fn value(at: u64, time: &str, who: Who, reap: &Reap) -> Value {
    serde_json::to_value(Line { at, time, who, reap }).expect("keys are strings")
}

struct Line<'a> {
    at: u64,
    time: &'a str,
    who: Who,
    reap: &'a Reap,
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("v", &1)?;
        map.serialize_entry("type", "lifecycle")?;
        map.serialize_entry("time", self.time)?;
        map.serialize_entry("at_ns", &self.at)?;
        let mut escaped = Vec::new();
        json::who_fields(self.who, &mut map, &mut escaped)?;
        LifeJson(&self.reap.life).fields(&mut map)?;
        json::reap_fields(self.reap, &mut map)?;
        if !escaped.is_empty() {
            map.serialize_entry("escaped", &escaped)?;
        }
        map.end()
    }
}

/// A line per process for people.
pub(super) struct Text(text::Text);

impl Text {
    pub(super) fn new(stamp: Stamp, color: bool) -> Self {
        Self(text::Text::new(stamp, color))
    }
}

impl Sink for Text {
    fn event(&mut self, event: &Event, to: &mut Vec<u8>) {
        match (&event.what, event.who) {
            (What::Reap(reap), Some(who)) => self.0.lifecycle(event.at, who, reap, to),
            (What::Session(_) | What::Summary(_) | What::Lost(_), _) => self.0.event(event, to),
            (_, _) => {}
        }
    }
}
