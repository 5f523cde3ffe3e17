//! The tables of a report, which its text and its page both show.

use std::{cmp::Reverse, fmt::Write as _};

use super::{
    Told,
    tally::{Histogram, LATE, STEPS, adopter_named, named},
};
use crate::sink::{adopter, details, duration, name, peer, place, room, several, verdict};

/// A field of a row, and the life that it names.
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) life: Option<u32>,
}

impl<T: ToString> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.to_string(), life: None }
    }
}

/// A table.
pub(super) struct Table {
    pub(super) title: &'static str,
    /// What is to be said before the rows, or in their place.
    pub(super) note: String,
    /// The names of the columns; those of numbers begin with `#`.
    pub(super) columns: &'static [&'static str],
    pub(super) rows: Vec<Vec<Cell>>,
}

/// Rows shown of each table.
const ROWS: usize = 15;

impl Table {
    /// With the rows that have most, and how many others there are.
    fn new(
        title: &'static str,
        note: &str,
        columns: &'static [&'static str],
        mut rows: Vec<(u64, Vec<Cell>)>,
    ) -> Self {
        rows.sort_by_key(|(most, _)| Reverse(*most));
        let beyond = rows.len().saturating_sub(ROWS);
        rows.truncate(ROWS);
        let beyond = if beyond == 0 { String::new() } else { format!("; {beyond} rows more") };
        let rows = rows.into_iter().map(|(_, row)| row).collect();
        Self { title, note: format!("{note}{beyond}"), columns, rows }
    }
}

/// All of them.
pub(super) fn tables(told: &Told) -> Vec<Table> {
    vec![ran(told), leakers(told), inits(told), orphans(told), failures(told), losses(told)]
}

fn ran(told: &Told) -> Table {
    let rows = told.tally.ran.iter().map(|(comm, ran)| {
        let spread = ran.lifetime.spread();
        let time = |ns| if spread.count == 0 { "-".to_owned() } else { duration(ns).to_string() };
        let row = vec![
            Cell::from(name(*comm)),
            Cell::from(ran.processes),
            Cell::from(ran.living),
            Cell::from(ran.failed),
            Cell::from(time(spread.p50)),
            Cell::from(time(spread.max)),
            Cell::from(duration(ran.cpu)),
        ];
        (ran.processes, row)
    });
    let columns =
        &["name", "#processes", "#alive", "#failed", "#lifetime p50", "#longest", "#CPU time"];
    let note = format!("{} names at their end", told.tally.ran.len());
    Table::new("What ran", &note, columns, rows.collect())
}

fn leakers(told: &Told) -> Table {
    let verdict_of = |pid| {
        let mut leakers = told.summary.leakers.iter().filter(|leaker| !leaker.ended);
        let leaker = leakers.find(|leaker| leaker.parent.pid == pid);
        leaker.map_or("", |leaker| verdict(leaker.verdict))
    };
    let rows = told.tally.leaks.iter().map(|((pid, life), leak)| {
        let why = leak.why.iter().max_by_key(|(_, count)| **count);
        let row = vec![
            Cell {
                text: if *pid == 0 { "others".to_owned() } else { named(leak.parent) },
                life: *life,
            },
            Cell::from(leak.zombies),
            Cell::from(leak.left),
            Cell::from(duration(leak.longest)),
            Cell::from(why.map_or("", |(cause, _)| cause.name())),
            Cell::from(if leak.left > 0 { verdict_of(*pid) } else { "" }),
        ];
        (leak.zombies, row)
    });
    let note = match told.tally.leaks.len() {
        0 => format!("no zombie stood for {}", duration(LATE)),
        _ => format!("parents whose zombies stood for {} and more", duration(LATE)),
    };
    let columns = &["parent", "#zombies", "#left", "#longest", "mostly because", "verdict"];
    Table::new("Leakers", &note, columns, rows.collect())
}

fn inits(told: &Told) -> Table {
    let rows = told.summary.adopters.iter().map(|one| {
        let reaped = one.reaped;
        let time = |ns| if reaped.count == 0 { "-".to_owned() } else { duration(ns).to_string() };
        let row = vec![
            Cell::from(peer(one.peer)),
            Cell::from(adopter(one.kind)),
            Cell::from(one.orphans),
            Cell::from(reaped.count),
            Cell::from(time(reaped.p50)),
            Cell::from(time(reaped.p99)),
            Cell::from(time(reaped.max)),
            Cell::from(verdict(one.verdict)),
        ];
        (one.orphans, row)
    });
    let columns =
        &["adopter", "as", "#orphans", "#reaped", "#zombie p50", "#p99", "#max", "verdict"];
    let rows: Vec<_> = rows.collect();
    let note =
        if rows.is_empty() { "nobody adopted" } else { "who adopted, and how soon it reaps" };
    Table::new("Inits", note, columns, rows)
}

fn orphans(told: &Told) -> Table {
    let rows = told.tally.orphans.iter().map(|((from, adopter), orphans)| {
        let row = vec![
            Cell::from(name(*from)),
            Cell::from(adopter_named(*adopter)),
            Cell::from(adopter.2),
            Cell::from(orphans.all),
            Cell::from(orphans.zombies),
        ];
        (orphans.all, row)
    });
    let note = several(told.summary.orphans, "orphan", "");
    let columns = &["of", "adopted by", "as", "#adoptions", "#as zombies"];
    Table::new("Orphans", &note, columns, rows.collect())
}

fn failures(told: &Told) -> Table {
    let rows = told.tally.failures.iter().map(|(comm, (count, last))| {
        let last = last.as_ref().map_or_else(String::new, |last| details(last));
        (*count, vec![Cell::from(name(*comm)), Cell::from(count), Cell::from(last)])
    });
    let rows: Vec<_> = rows.collect();
    let mut note = match (rows.is_empty(), told.summary.sees_fork_failures) {
        (true, true) => "none".to_owned(),
        (true, false) => "not looked for: record with --fork-failures".to_owned(),
        (false, _) => "forks that failed, by who called".to_owned(),
    };
    for gauge in told.summary.pid_space.iter().filter(|gauge| gauge.left.is_some()) {
        let _ = write!(note, "; {}", room(gauge));
    }
    Table::new("Fork failures", &note, &["name", "#failures", "the last one"], rows)
}

fn losses(told: &Told) -> Table {
    let summary = &told.summary;
    let mut rows: Vec<(u64, Vec<Cell>)> = summary
        .lost
        .iter()
        .map(|(at, count)| (*count, vec![Cell::from(count), Cell::from(place(*at))]))
        .collect();
    for (count, what) in [
        (summary.left_out, "runs of programs that the kernel left out"),
        (summary.late, "records that came late, and were used"),
    ] {
        if count > 0 {
            rows.push((count, vec![Cell::from(count), Cell::from(what)]));
        }
    }
    let mut note =
        if summary.all_lost() == 0 { "no record was lost" } else { "records" }.to_owned();
    if let Some(damage) = &told.damage {
        note = format!("the recording {damage}: this is what comes before; {note}");
    }
    Table::new("Losses", &note, &["#count", "what"], rows)
}

/// A bar of a histogram: from, to, how many.
pub(super) type Bar = (String, u64);

/// From the first bar that has something to the last.
pub(super) fn bars(histogram: &Histogram) -> Vec<Bar> {
    let step = |number: usize| duration(STEPS[number]);
    let label = |bar: usize| match bar {
        0 => format!("below {}", step(0)),
        bar if bar == STEPS.len() => format!("{} and more", step(bar - 1)),
        bar => format!("{} to {}", step(bar - 1), step(bar)),
    };
    let filled = |count: &u64| *count > 0;
    let first = histogram.bars.iter().position(filled);
    let last = histogram.bars.iter().rposition(filled);
    let (Some(first), Some(last)) = (first, last) else { return Vec::new() };
    (first..=last).map(|bar| (label(bar), histogram.bars[bar])).collect()
}

/// What a histogram is of.
pub(super) fn spread(histogram: &Histogram, of: &str) -> String {
    let spread = histogram.spread();
    let count = several(spread.count, of, "");
    if spread.count == 0 {
        return count;
    }
    let [p50, p95, p99, max] = [spread.p50, spread.p95, spread.p99, spread.max].map(duration);
    format!("{count}: p50 {p50}, p95 {p95}, p99 {p99}, longest {max}")
}
