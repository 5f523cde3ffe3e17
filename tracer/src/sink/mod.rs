//! From events to what people and programs read. A sink formats into a buffer; where the buffer
//! goes is `output`'s business.

mod escape;
mod forks;
mod json;
mod lifecycles;
pub mod output;
mod stamp;
mod text;
pub mod zombies;

use std::io::{self, Write as _};

use crate::lifecycle::event::Event;

pub use forks::warning;
pub use stamp::{Stamp, duration};

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

/// The closing summary as text, wherever the events went.
pub fn summary_text(summary: &crate::lifecycle::summary::Summary) -> String {
    text::summary(summary)
}
