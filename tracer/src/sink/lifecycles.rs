//! One record per finished process instead of events: made of its reap, which carries the dates.

use serde_json::Value;

use super::{Sink, json, object::Object, stamp::Stamp, text};
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
                object(event.at, time, who, reap, to);
                to.push(b'\n');
            }
            (What::Session(_) | What::Summary(_) | What::Lost(_), _) => self.frame.event(event, to),
            (_, _) => {}
        }
    }
}

/// A finished process as a value.
pub(super) fn value(at: u64, time: &str, who: Who, reap: &Reap) -> Value {
    json::read(|to| object(at, time, who, reap, to))
}

fn object(at: u64, time: &str, who: Who, reap: &Reap, to: &mut Vec<u8>) {
    Object::write(to, |object| {
        object.field("v", &1);
        object.word("type", "lifecycle");
        object.word("time", time);
        object.field("at_ns", &at);
        json::who_fields(who, object);
        json::life_fields(&reap.life, object);
        json::reap_fields(reap, object);
    });
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
