//! The report as text.

use std::fmt::Write as _;

use super::{
    Told,
    life::Life,
    tables::{Bar, Table, bars, spread, tables},
    tally::named,
};
use crate::{
    lifecycle::event::{Cause, Via},
    sink::{self, adopter, duration, peer},
};

/// All of it.
pub(super) fn text(told: &Told) -> String {
    let mut out = String::new();
    for line in told.head() {
        let _ = writeln!(out, "{line}");
    }
    let mut tables = tables(told).into_iter();
    if let Some(ran) = tables.next() {
        table(&mut out, &ran);
    }
    histogram(&mut out, "Zombie time", &told.zombies(), &bars(&told.tally.zombie));
    let lifetime = spread(&told.tally.lifetime, "exit");
    histogram(&mut out, "Lifetime", &lifetime, &bars(&told.tally.lifetime));
    for one in tables {
        table(&mut out, &one);
    }
    worst(&mut out, told);
    out
}

fn title(out: &mut String, title: &str, note: &str) {
    let _ = writeln!(out, "\n{}: {note}", title.to_uppercase());
}

/// The longest bar, in characters.
const BAR: u64 = 50;

fn histogram(out: &mut String, name: &str, note: &str, bars: &[Bar]) {
    title(out, name, note);
    let most = bars.iter().map(|(_, count)| *count).max().unwrap_or(0);
    for (label, count) in bars {
        // One of a million is to be seen, too.
        let len = (u128::from(*count) * u128::from(BAR)).div_ceil(u128::from(most.max(1)));
        let bar = "█".repeat(len as usize);
        let line = format!("  {label:<18} {count:>9} {bar}");
        let _ = writeln!(out, "{}", line.trim_end());
    }
}

fn table(out: &mut String, table: &Table) {
    title(out, table.title, &table.note);
    if table.rows.is_empty() {
        return;
    }
    let len = |text: &str| text.chars().count();
    let width = |place: usize, column: &str| {
        let cells = table.rows.iter().filter_map(|row| row.get(place));
        cells.map(|cell| len(&cell.text)).chain([len(column)]).max().unwrap_or(0)
    };
    let columns = table.columns.iter().enumerate().map(|(place, column)| {
        let plain = column.trim_start_matches('#');
        (plain, plain != *column, width(place, plain))
    });
    let columns: Vec<(&str, bool, usize)> = columns.collect();
    let mut row = |cells: &mut dyn Iterator<Item = &str>| {
        let mut line = String::new();
        for ((_, is_number, width), cell) in columns.iter().zip(cells) {
            let _ = if *is_number {
                write!(line, "  {cell:>width$}")
            } else {
                write!(line, "  {cell:<width$}")
            };
        }
        let _ = writeln!(out, "{}", line.trim_end());
    };
    row(&mut columns.iter().map(|(name, ..)| *name));
    for cells in &table.rows {
        row(&mut cells.iter().map(|cell| cell.text.as_str()));
    }
}

fn worst(out: &mut String, told: &Told) {
    let count = told.tally.worst.len();
    let note = if count == 0 { "no zombies" } else { "the zombies that stood longest" };
    title(out, &format!("The {count} worst"), note);
    for (place, (zombie, life)) in told.tally.worst.iter().enumerate() {
        let process = peer(life.peer());
        let how = match life.reaped {
            None => "a zombie at the end, for",
            Some(reaped) if reaped.exact => "zombie for",
            Some(_) => "zombie for at most",
        };
        let _ = writeln!(out, "{:>3}. {process}, {how} {}", place + 1, duration(*zombie));
        for (at, line) in story(life) {
            let (sign, after) = told.since_begin(at);
            let after = format!("{sign}{}", duration(after));
            let _ = writeln!(out, "     {} {after:>9}  {line}", told.time_of_day(at));
        }
        if !life.why.is_empty() {
            let causes: Vec<&str> = life.why.iter().copied().map(Cause::name).collect();
            let _ = writeln!(out, "     why     {}", causes.join(", "));
        }
        // Zombies of one parent have one remedy.
        let alike = |(_, other): &(u64, Life)| other.remedy == life.remedy;
        let first = told.tally.worst.iter().position(alike).filter(|first| *first < place);
        match (&life.remedy, first) {
            (None, _) => {}
            (Some(_), Some(first)) => {
                let _ = writeln!(out, "     remedy  that of number {}", first + 1);
            }
            (Some(remedy), None) => {
                let _ = writeln!(out, "     remedy  {}", sink::plain(remedy));
            }
        }
    }
}

/// What became of it, in the order of the times.
fn story(life: &Life) -> Vec<(u64, String)> {
    let mut story = Vec::new();
    let user = life.uid.map_or_else(String::new, |uid| format!(", user {uid}"));
    let parent = named(life.parent);
    match (life.existed, life.forker) {
        (true, _) => story.push((life.born_at(), format!("born to {parent} or adopted by it"))),
        (false, None) => story.push((life.born_at(), format!("forked by {parent}{user}"))),
        (false, forker) => {
            let forker = named(forker);
            story
                .push((life.born_at(), format!("forked by {forker} as a child of {parent}{user}")));
        }
    }
    if let Some((at, program)) = &life.program {
        let earlier = match life.execs {
            0 | 1 => String::new(),
            execs => format!(" (its program number {execs})"),
        };
        story.push((*at, format!("ran {program}{earlier}")));
    }
    if let Some(at) = life.exited_at {
        let lived = life.exit.and_then(|exit| exit.lifetime);
        let lived = lived.map_or_else(String::new, |ns| format!(" after {}", duration(ns)));
        story.push((at, format!("{}{lived}", sink::ended(life.status))));
    }
    if let Some(at) = life.zombie_at {
        let teardown = life.exited_at.map(|exited| at.saturating_sub(exited));
        let teardown =
            teardown.map_or_else(String::new, |ns| format!(", teardown {}", duration(ns)));
        story.push((at, format!("a zombie of {}{teardown}", named(life.owed_by))));
    }
    for one in &life.adoptions {
        let state = if one.zombie { "as a zombie, " } else { "" };
        let (to, from, role) = (named(Some(one.to)), named(Some(one.from)), adopter(one.kind));
        story.push((one.at, format!("{state}adopted by {to} ({role}) when {from} ended")));
    }
    if let Some(reaped) = life.reaped {
        let by = reaped.reaper.map_or_else(String::new, |by| format!(" by {}", named(Some(by))));
        let line = match reaped.via {
            Via::Autoreap => "released by the kernel, nobody wanted its status".to_owned(),
            Via::PidnsDeath => format!("reaped{by} at the end of its pid namespace"),
            Via::Call(call) => format!("reaped{by} via {}", sink::call(call)),
            Via::Unknown => format!("reaped{by} by a call that was not seen"),
        };
        story.push((reaped.at, line));
    }
    story.sort_by_key(|(at, _)| *at);
    story
}
