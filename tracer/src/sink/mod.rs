//! From events to what people and programs read. A sink formats into a buffer; where the buffer
//! goes is `output`'s business.

mod escape;
mod forks;
mod json;
mod lifecycles;
pub mod output;
mod stamp;
mod summary;
mod text;
pub mod zombies;

use std::io::{self, Write as _};

use crate::lifecycle::{
    condition::{Condition, Met},
    event::{Event, Peer},
};

pub use forks::warning;
pub use stamp::{Stamp, duration};
pub use summary::summary_text;

/// A format for events.
pub trait Sink {
    /// Appends the event to the buffer, if the format has something to say of it.
    fn event(&mut self, event: &Event, to: &mut Vec<u8>);
}

/// The format of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Aligned columns.
    Text,
    /// An object per line.
    Json,
}

/// How a session's events are shown.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// The format.
    pub format: Format,
    /// One record per finished process instead of events.
    pub lifecycles: bool,
    /// With colours.
    pub color: bool,
    /// The closing summary is wanted.
    pub summary: bool,
}

/// The sink for a style. `boot_to_unix` is what to add to the boot clock for the time of day.
pub fn sink(style: Style, boot_to_unix: i128) -> Box<dyn Sink> {
    let stamp = Stamp::new(boot_to_unix);
    match (style.format, style.lifecycles) {
        (Format::Text, false) => Box::new(text::Text::new(stamp, style.color)),
        (Format::Text, true) => Box::new(lifecycles::Text::new(stamp, style.color)),
        (Format::Json, false) => Box::new(json::Json::new(stamp)),
        (Format::Json, true) => Box::new(lifecycles::Json::new(stamp)),
    }
}

/// Says something beside the events, on standard error. When that is full or closed, nothing is
/// left to say it on.
pub fn say(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// That a condition to fail on came true, as it was typed.
pub fn condition_met(typed: &str, met: Met) -> String {
    let is_longest = matches!(met.condition, Condition::Zombie(_));
    let found = match met.condition {
        Condition::Zombie(_) => format!("a zombie of {}", duration(met.found)),
        Condition::Zombies(_) => several(met.found, "zombie", " left"),
        Condition::Orphans(_) => several(met.found, "orphan", ""),
        Condition::ForkFailures(_) => several(met.found, "failed fork", ""),
        Condition::Lost(_) => several(met.found, "record", " lost"),
    };
    let example = met.example.map_or_else(String::new, |who| {
        let such_as = if met.found > 1 && !is_longest { "such as " } else { "" };
        format!(", {such_as}{}", text::peer(Peer { pid: who.pid, comm: who.comm }))
    });
    format!("tracer: failed on {}: {found}{example}\n", escape::text(typed.as_bytes()))
}

fn several(count: u64, what: &str, how: &str) -> String {
    format!("{count} {what}{}{how}", if count == 1 { "" } else { "s" })
}
