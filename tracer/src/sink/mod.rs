//! From events to what people and programs read. A sink formats into a buffer; where the buffer
//! goes is `output`'s business.

mod csv;
mod dot;
mod escape;
mod forks;
mod json;
mod lifecycles;
mod object;
pub mod output;
mod parquet;
mod perfetto;
mod stamp;
mod summary;
mod table;
mod text;
pub mod zombies;

use std::{
    borrow::Cow,
    io::{self, Write as _},
};

use crate::lifecycle::{
    condition::{Condition, Met},
    event::{Event, Peer},
    summary::{Summary, Totals},
};

pub(crate) use escape::text as escaped;
pub use forks::warning;
pub(crate) use forks::{details, limit, owner_words, room};
pub use stamp::{Stamp, duration};
pub use summary::summary_text;
pub(crate) use summary::{adoptions, verdict};
pub(crate) use text::{Tone, adopter, call, command, describe, ended, name, peer, place};

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
    /// A table with a head.
    Csv,
    /// A table for databases.
    Parquet,
    /// A trace for <https://ui.perfetto.dev>.
    Perfetto,
    /// A tree for Graphviz.
    Dot,
}

impl Format {
    /// The closing summary is one of its lines, and need not be told beside it.
    pub fn has_summary(self) -> bool {
        self == Self::Json
    }
}

/// How a session's events are shown.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// The format.
    pub format: Format,
    /// No events: the session is recorded, and told later.
    pub quiet: bool,
    /// One record per finished process instead of events.
    pub lifecycles: bool,
    /// With colours.
    pub color: bool,
    /// The closing summary is wanted.
    pub summary: bool,
}

/// The sink for a style. `boot_to_unix` is what to add to the boot clock for the time of day.
pub fn sink(style: Style, boot_to_unix: i64) -> Box<dyn Sink> {
    let stamp = Stamp::new(boot_to_unix);
    if style.quiet {
        return Box::new(Silent);
    }
    match (style.format, style.lifecycles) {
        (Format::Text, false) => Box::new(text::Text::new(stamp, style.color)),
        (Format::Text, true) => Box::new(lifecycles::Text::new(stamp, style.color)),
        (Format::Json, false) => Box::new(json::Json::new(stamp)),
        (Format::Json, true) => Box::new(lifecycles::Json::new(stamp)),
        (Format::Perfetto, _) => Box::new(perfetto::Perfetto::new(boot_to_unix)),
        (Format::Dot, _) => Box::new(dot::Dot::default()),
        (Format::Csv, lifecycles) => Box::new(csv::Csv::new(stamp, lifecycles)),
        (Format::Parquet, lifecycles) => Box::new(parquet::Parquet::new(stamp, lifecycles)),
    }
}

struct Silent;

impl Sink for Silent {
    fn event(&mut self, _: &Event, _: &mut Vec<u8>) {}
}

/// Says something beside the events, on standard error. When that is full or closed, nothing is
/// left to say it on.
pub fn say(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Which conditions to fail on came true, each as it was typed.
pub fn conditions_met(fail_on: &[(String, Condition)], summary: &Summary) -> String {
    let met = fail_on.iter().filter_map(|(typed, condition)| {
        let met = condition.met(summary)?;
        Some(format!("tracer: failed on {}\n", what_met(typed, met)))
    });
    met.collect()
}

/// Text that is not known to be harmless, on one line.
pub(crate) fn plain(untrusted: &str) -> Cow<'_, str> {
    escape::text(untrusted.as_bytes())
}

/// A time of day, as events have it.
pub fn time(at: u64, boot_to_unix: i64) -> String {
    Stamp::new(boot_to_unix).rfc3339(at).to_owned()
}

/// That the condition of a recording came true, and for how long it goes on.
pub fn triggered(typed: &str, met: Met, rest: u64) -> String {
    format!("tracer: {}; the recording goes on for {}\n", what_met(typed, met), duration(rest))
}

/// What came of the condition of a recording that ended before it was seen to come true.
pub fn untriggered(typed: &str, met: Option<Met>) -> String {
    let what = met.map_or_else(
        || format!("{}: it has not come true", escape::text(typed.as_bytes())),
        |met| format!("{}; the recording ended with it", what_met(typed, met)),
    );
    format!("tracer: --on {what}\n")
}

/// How a recording is going.
pub fn progress(events: u64, totals: Totals, lost: u64, bytes: u64) -> String {
    let (processes, size) = (totals.existing + totals.forks, text::size(bytes));
    format!("{events} events, {processes} processes, {lost} lost, {size}")
}

/// How far a recording is read.
pub fn reading(read: u64, whole: Option<u64>, events: u64) -> String {
    let whole = whole.filter(|whole| *whole > 0).map_or_else(String::new, |whole| {
        format!("{}% of {}, ", read.min(whole) * 100 / whole, text::size(whole))
    });
    format!("{whole}{} read, {events} events", text::size(read))
}

fn what_met(typed: &str, met: Met) -> String {
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
        format!(", {such_as}{}", peer(Peer { pid: who.pid, comm: who.comm }))
    });
    format!("{}: {found}{example}", escape::text(typed.as_bytes()))
}

/// So many of something.
pub(crate) fn several(count: u64, what: &str, how: &str) -> String {
    format!("{count} {what}{}{how}", if count == 1 { "" } else { "s" })
}
