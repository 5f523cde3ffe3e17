//! A recording told as a report: as text, or as a page to look at.

mod life;
mod lives;
mod page;
mod tables;
mod tally;
#[cfg(test)]
mod tests;
mod text;
mod tree;

use std::{fmt::Write as _, io::Read, path::Path};

use anyhow::Result;

use self::{life::Life, lives::Lives, tally::Tally};
use crate::{
    lifecycle::{
        event::{Peer, Session, What},
        filter::Asked,
        summary::Summary,
    },
    playback::{self, Replay},
    recording::{Damage, Header},
    settings,
    sink::{self, duration, output::Output},
};

/// A recording, as a report needs it.
struct Told {
    /// How it is called.
    name: String,
    session: Session,
    began: u64,
    end: u64,
    boot_to_unix: i64,
    summary: Summary,
    tally: Tally,
    /// What is wrong with it.
    damage: Option<String>,
}

/// Tells the recording, and returns the program's exit status.
pub(crate) fn run(settings: &settings::Report) -> Result<u8> {
    // The output watches for readers that leave.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(report(settings))
}

async fn report(settings: &settings::Report) -> Result<u8> {
    let from = &settings.from;
    let mut replay = playback::open(from, &Asked::default(), &settings.target)?.with_all_events();
    let mut output = Output::open(&settings.target)?;
    let most = if settings.html { page::MOST } else { 0 };
    let (told, lives, damage) = told(&mut replay, called(from), most);
    let written = if settings.html {
        let (lives, left_out) = lives.finish(told.end);
        page::page(&told, lives, left_out)
    } else {
        text::text(&told)
    };
    output.buffer().extend(written.into_bytes());
    output.finish_patiently().await?;
    match damage {
        Some(damage) => Err(playback::named(from, &replay, &damage)),
        None => Ok(0),
    }
}

/// How a recording is called.
fn called(path: &Path) -> String {
    let name = path.display().to_string();
    if name == "-" { "standard input".to_owned() } else { name }
}

/// Reads to the end, or to what is wrong. Of the lives that are over at most so many are kept.
fn told<R: Read>(
    replay: &mut Replay<R>,
    name: String,
    most: usize,
) -> (Told, Lives, Option<Damage>) {
    let mut lives = Lives::new(most);
    let mut tally = Tally::default();
    let mut session = Session::default();
    let mut take = |replay: &mut Replay<R>| {
        for event in replay.drain() {
            lives.see(&event, |ended| tally.ended(ended));
            tally.see(&event);
            if let What::Session(told) = event.what {
                session = *told;
            }
        }
    };
    let whole = replay.run(|replay| {
        take(replay);
        true
    });
    let summary = replay.end(false);
    take(replay);
    let end = replay.at();
    for life in lives.living() {
        tally.lives_on(life, end);
    }
    let &Header { began, boot_to_unix, .. } = replay.header();
    let damage = whole.err();
    let is_damaged = damage.as_ref().map(ToString::to_string);
    let told = Told { name, session, began, end, boot_to_unix, summary, tally, damage: is_damaged };
    (told, lives, damage)
}

impl Life {
    fn peer(&self) -> Peer {
        Peer { pid: self.who.pid, comm: self.who.comm }
    }
}

impl Told {
    /// What was recorded, and what it comes to, a line each.
    fn head(&self) -> Vec<String> {
        let Self { session, summary, .. } = self;
        let totals = summary.totals;
        let mut lines = vec![
            format!(
                "{}: {} from {} on, on {}",
                sink::plain(&self.name),
                duration(self.end.saturating_sub(self.began)),
                sink::time(self.began, self.boot_to_unix),
                sink::plain(&session.host),
            ),
            format!(
                "Linux {}, {} hooks, tracer {}",
                sink::plain(&session.kernel),
                sink::plain(&session.tier),
                sink::plain(&session.tracer),
            ),
        ];
        // The others choose among events: a report has use for all.
        let events = |filter: &&String| {
            ["--type ", "--min-zombie "].iter().any(|option| filter.starts_with(option))
        };
        let processes = session.filters.iter().filter(|filter| !events(filter));
        let processes: Vec<&str> = processes.map(String::as_str).collect();
        if !processes.is_empty() {
            lines.push(format!("only {}", sink::plain(&processes.join(" "))));
        }
        lines.push(format!(
            "{} processes: {} at the start, {} forked; {} programs run, {} exits, {} reaped; at the \
             end {} are there, {} of them zombies",
            totals.existing + totals.forks,
            totals.existing,
            totals.forks,
            totals.execs,
            totals.exits,
            totals.reaps,
            summary.living.len(),
            totals.zombies,
        ));
        lines
    }

    /// What the histogram of zombie times is of.
    fn zombies(&self) -> String {
        let mut line = tables::spread(&self.tally.zombie, "reaped zombie");
        if self.tally.bounds > 0 {
            let _ = write!(line, "; of {} an upper bound", self.tally.bounds);
        }
        if self.tally.released > 0 {
            let _ = write!(line, "; {} more were released at once", self.tally.released);
        }
        line
    }

    /// Before (-) or after the beginning, and how long.
    fn since_begin(&self, at: u64) -> (char, u64) {
        if at < self.began { ('-', self.began - at) } else { ('+', at - self.began) }
    }

    fn time_of_day(&self, at: u64) -> String {
        sink::Stamp::new(self.boot_to_unix).time_of_day(at).to_string()
    }
}

/// The report of a recording that is in memory, whatever is in it: its text and its page.
pub fn of_recording(file: &[u8]) -> Result<String, Damage> {
    let mut replay = Replay::open(file, &Asked::default())?.with_all_events();
    let (told, lives, _) = told(&mut replay, String::new(), 10);
    let (lives, left_out) = lives.finish(told.end);
    Ok(text::text(&told) + &page::page(&told, lives, left_out))
}
