//! Parents, and adopters: a row each, and of the chosen one what is to be done about it.

use std::fmt::Write as _;

use super::{
    canvas::{Canvas, Look},
    nothing, rate,
};
use crate::{
    lifecycle::{
        brood::Verdict,
        event::{Cause, Peer},
        summary::Adopter,
    },
    sink::{self, duration},
    top::{
        keys::Action,
        picture::Row,
        state::{LONG, State},
        views::{Sort, View},
    },
};

/// Columns that are wider are cut off, not below this.
const LEAST: u16 = 20;
/// Rows for the chosen one, with the rule above.
const DETAILS: u16 = 8;

type Cell = (String, Look);

#[derive(Clone, Copy)]
struct Column {
    title: &'static str,
    width: u16,
    is_right: bool,
    sort: Option<Sort>,
}

const fn left(title: &'static str, width: u16) -> Column {
    Column { title, width, is_right: false, sort: None }
}

const fn right(title: &'static str, width: u16) -> Column {
    Column { title, width, is_right: true, sort: None }
}

const fn by(sort: Sort, column: Column) -> Column {
    Column { sort: Some(sort), ..column }
}

const PARENTS: [Column; 9] = [
    by(Sort::Pid, right("PID", 7)),
    left("COMM", 15),
    by(Sort::Zombies, right("ZOMBIES", 7)),
    by(Sort::Oldest, right("OLDEST", 7)),
    by(Sort::Made, right("MADE/s", 7)),
    by(Sort::Reaped, right("REAPED/s", 8)),
    by(Sort::Adopted, right("ADOPTED", 7)),
    left("VERDICT", 7),
    left("WHY", 60),
];

const ADOPTERS: [Column; 11] = [
    by(Sort::Pid, right("PID", 7)),
    left("COMM", 15),
    left("ROLE", 9),
    by(Sort::Adopted, right("ADOPTED", 7)),
    right("/s", 6),
    right("REAPED", 7),
    right("MAX", 6),
    by(Sort::Zombies, right("ZOMBIES", 7)),
    left("VERDICT", 7),
    right("P50", 6),
    by(Sort::Oldest, right("OLDEST", 7)),
];

pub(super) fn parents(state: &mut State, canvas: &mut Canvas<'_>, top: u16, bottom: u16) {
    paint(state, canvas, top, bottom, &PARENTS, parent);
}

pub(super) fn adopters(state: &mut State, canvas: &mut Canvas<'_>, top: u16, bottom: u16) {
    paint(state, canvas, top, bottom, &ADOPTERS, adopter);
}

fn paint(
    state: &mut State,
    canvas: &mut Canvas<'_>,
    top: u16,
    bottom: u16,
    columns: &[Column],
    cells: impl Fn(&Row) -> Vec<Cell>,
) {
    titles(canvas, top, columns, state.order());
    let page = bottom - top - 1 - DETAILS;
    let cursor = state.cursor(usize::from(page));
    let rows = state.rows();
    for (y, (number, row)) in
        (top + 1..bottom - DETAILS).zip(rows.iter().enumerate().skip(cursor.first))
    {
        let mut x = 0;
        for (column, (text, look)) in columns.iter().zip(cells(row)) {
            put(canvas, (x, y), column, &text, look);
            x += column.width + 1;
        }
        canvas.click(0, y, canvas.width, Action::Choose(row.key()));
        if number == cursor.at {
            canvas.highlight(y, Look::Chosen);
        }
    }
    if rows.is_empty() {
        nothing(state, canvas, top + 2, &nobody(state));
    }
    let from = bottom - DETAILS;
    canvas.rule(from);
    if let Some(row) = rows.get(cursor.at) {
        canvas.wrapped(from + 1, DETAILS - 1, &about(row, state.view));
    }
}

/// Why there are no rows: those that have ended have none.
fn nobody(state: &State) -> String {
    match (state.view, state.filter.is_empty(), state.origin.min_zombie) {
        (View::Adopters, true, _) => "nobody who is still there has adopted an orphan".to_owned(),
        (View::Adopters, false, _) => "no adopter matches".to_owned(),
        (_, false, _) => "no parent matches".to_owned(),
        (_, true, None) => "no parent that is still there has had a zombie".to_owned(),
        (_, true, Some(least)) => format!("no parent has a zombie of {} or more", duration(least)),
    }
}

fn titles(canvas: &mut Canvas<'_>, y: u16, columns: &[Column], order: Sort) {
    canvas.highlight(y, Look::Title);
    let mut x = 0;
    for column in columns {
        let look = if column.sort == Some(order) { Look::Sorted } else { Look::Title };
        put(canvas, (x, y), column, column.title, look);
        if let Some(sort) = column.sort {
            canvas.click(x, y, column.width, Action::SortBy(sort));
        }
        x += column.width + 1;
    }
}

fn put(canvas: &mut Canvas<'_>, (x, y): (u16, u16), column: &Column, text: &str, look: Look) {
    // A column of which too little is seen is left out.
    if x + column.width.min(LEAST) > canvas.width {
        return;
    }
    if column.is_right {
        canvas.right(x, y, column.width, text, look);
    } else {
        canvas.text(x, y, column.width.min(canvas.width - x), text, look);
    }
}

fn parent(row: &Row) -> Vec<Cell> {
    let watched = &row.watched;
    let is_long = row.age().is_some_and(|age| age >= LONG);
    let look = if watched.zombies == 0 { Look::Quiet } else { blame(row) };
    let causes: Vec<&str> = row.why.iter().map(|cause| cause.name()).collect();
    vec![
        (watched.who.pid.to_string(), Look::Plain),
        (sink::name(watched.who.comm).to_string(), Look::Strong),
        (watched.zombies.to_string(), look),
        (row.age().map_or_else(|| "-".to_owned(), |ns| duration(ns).to_string()), look),
        (rate(row.rate.made), Look::Plain),
        (rate(row.rate.reaped), Look::Plain),
        (some(row.adopted()), Look::Plain),
        (watched.verdict.name().to_owned(), blame(row)),
        (if is_long { causes.join(", ") } else { String::new() }, Look::Plain),
    ]
}

fn adopter(row: &Row) -> Vec<Cell> {
    let Some(Adopter { kind, orphans, reaped, .. }) = row.watched.adopter else {
        return Vec::new();
    };
    let time = |ns| if reaped.count == 0 { "-".to_owned() } else { duration(ns).to_string() };
    // Shorter than in a sentence.
    let role = sink::adopter(kind).replace("init of its pid namespace", "ns init");
    vec![
        (row.watched.who.pid.to_string(), Look::Plain),
        (sink::name(row.watched.who.comm).to_string(), Look::Strong),
        (role, Look::Plain),
        (orphans.to_string(), Look::Plain),
        (rate(row.rate.adopted), Look::Plain),
        (reaped.count.to_string(), Look::Plain),
        (time(reaped.max), Look::Plain),
        (row.watched.zombies.to_string(), Look::Plain),
        (row.watched.verdict.name().to_owned(), blame(row)),
        (time(reaped.p50), Look::Plain),
        (row.age().map_or_else(|| "-".to_owned(), |ns| duration(ns).to_string()), Look::Plain),
    ]
}

fn some(count: u64) -> String {
    if count == 0 { "-".to_owned() } else { count.to_string() }
}

fn blame(row: &Row) -> Look {
    match row.watched.verdict {
        Verdict::Leaks => Look::Bad,
        Verdict::Lazy => Look::Warning,
        Verdict::Fine => Look::Quiet,
    }
}

/// What is to be thought of it, and what to do.
pub(super) fn about(row: &Row, view: View) -> Vec<Cell> {
    let watched = &row.watched;
    let peer = sink::peer(Peer { pid: watched.who.pid, comm: watched.who.comm });
    let mut about = format!("{peer}: {}", sink::verdict(watched.verdict));
    if let (Some(age), Some(oldest)) = (row.age(), row.oldest) {
        let oldest = sink::peer(oldest);
        let (zombies, age) = (sink::several(watched.zombies, "zombie", ""), duration(age));
        let _ = write!(about, "; {zombies}, the oldest {oldest} for {age}");
    }
    let (time, made, reaped) = (duration(watched.time), watched.made, watched.reaped);
    let waits = sink::several(watched.waits, "wait", " seen");
    let _ = write!(about, "; in {time} {made} made, {reaped} reaped, {waits}");
    let mut lines = vec![(about, Look::Strong)];
    if let Some(adopter) = watched.adopter.filter(|_| view == View::Adopters) {
        lines.push((sink::adoptions(&adopter), Look::Plain));
    }
    // A younger one may be reaped in this moment.
    if row.age().is_some_and(|age| age >= LONG) {
        let causes: Vec<&str> = row.why.iter().map(|cause: &Cause| cause.name()).collect();
        let remedy = row.remedy.as_deref().unwrap_or_default();
        let remedy = sink::escaped(remedy.as_bytes()).into_owned();
        let causes = if causes.is_empty() { "cause unknown" } else { &causes.join(", ") };
        lines.push((format!("{causes}: {remedy}"), blame(row)));
    }
    lines
}
