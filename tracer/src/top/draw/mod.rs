//! From the state to what is on the screen. Whatever a traced process is called comes through
//! `sink`, which leaves nothing in it that a terminal would obey.

mod canvas;
mod story;
mod table;
mod tree;
mod zombies;

use std::fmt::Write as _;

use ratatui::buffer::Buffer;

pub(super) use canvas::Ink;
use canvas::{Canvas, Look};

use super::{
    keys::{self, Action},
    state::State,
    views::{Sort, View},
};
use crate::{
    lifecycle::{event::Peer, gauge::Gauge},
    sink,
};

/// What is readable needs this much.
const LEAST: (u16, u16) = (80, 24);

/// Draws it.
pub(super) fn paint(state: &mut State, ink: Ink, to: &mut Buffer) {
    let mut canvas = Canvas::new(to, ink);
    fill(state, &mut canvas);
    state.spots = canvas.spots;
}

fn fill(state: &mut State, canvas: &mut Canvas<'_>) {
    let (width, height) = (canvas.width, canvas.height);
    if width < LEAST.0 || height < LEAST.1 {
        let told = format!(
            "tracer top needs {} columns and {} rows, has {width} and {height}; q quits",
            LEAST.0, LEAST.1
        );
        canvas.wrapped(0, height, &[(told, Look::Plain)]);
        return;
    }
    let top = header(state, canvas);
    let bottom = height - 1;
    footer(state, canvas, bottom);
    if state.has_help {
        return help(canvas, top, bottom);
    }
    if state.story.is_some() {
        return story::paint(state, canvas, top, bottom);
    }
    match state.view {
        View::Parents => table::parents(state, canvas, top, bottom),
        View::Adopters => table::adopters(state, canvas, top, bottom),
        View::Tree => tree::paint(state, canvas, top, bottom),
        View::Zombies => zombies::paint(state, canvas, top, bottom),
    }
}

/// Where it comes from, what it comes to, and what is wrong. Returns the first row that is free.
fn header(state: &mut State, canvas: &mut Canvas<'_>) -> u16 {
    let mode = mode(state);
    let origin = &state.origin;
    let filters = origin.filters.join(" ");
    let from =
        format!("{}, Linux {}, {} hooks  {filters}", origin.host, origin.kernel, origin.tier);
    canvas.text(0, 0, 11, "tracer top", Look::Strong);
    let room = canvas.width - 14 - mode.chars().count() as u16;
    canvas.text(12, 0, room, &sink::escaped(from.as_bytes()), Look::Quiet);
    canvas.right(0, 0, canvas.width, &mode, Look::Strong);
    let picture = &state.picture;
    let zombies: u64 = picture.standing.iter().sum();
    let parents = picture.parents.iter().filter(|row| row.watched.zombies > 0).count();
    let totals = format!(
        "{} of {}, forked {}/s, reaped {}/s",
        sink::several(zombies, "zombie", ""),
        sink::several(parents as u64, "parent", ""),
        rate(picture.forks),
        rate(picture.reaps),
    );
    canvas.text(0, 1, canvas.width, &totals, Look::Plain);
    if let Some(gauge) = picture.spaces.first() {
        let tightest = format!("{} {}% full", sink::limit(&gauge.space), percent(gauge));
        canvas.right(0, 1, canvas.width, &tightest, zombies::look(gauge));
    }
    let mut row = 2;
    if picture.lost > 0 {
        let place = state.lost.map_or("", |lost| sink::place(lost.place));
        let lost = format!("LOST {} records ({place})", picture.lost);
        canvas.bar(row, &lost);
        row += 1;
    }
    if let Some(damage) = state.playing.as_ref().and_then(|playing| playing.damage.as_ref()) {
        canvas.bar(row, &sink::escaped(damage.as_bytes()));
        row += 1;
    }
    tabs(state, canvas, row);
    row + 1
}

/// Whether it goes on, and the time it shows.
fn mode(state: &mut State) -> String {
    let time = state.origin.stamp.time_of_day(state.picture.now).to_string();
    let time = time.get(..8).unwrap_or_default();
    let word = match &state.playing {
        Some(playing) if playing.damage.is_some() => "DAMAGED".to_owned(),
        Some(playing) if playing.has_ended => "END".to_owned(),
        _ if state.is_paused => "PAUSED".to_owned(),
        Some(playing) => format!("REPLAY x{}", playing.speed),
        None => "LIVE".to_owned(),
    };
    format!("{word} {time}")
}

fn tabs(state: &State, canvas: &mut Canvas<'_>, row: u16) {
    let mut left = 0;
    for (view, title) in View::ALL {
        let look = if view == state.view { Look::Chosen } else { Look::Plain };
        let title = format!(" {title} ");
        let width = title.len() as u16;
        canvas.text(left, row, width, &title, look);
        canvas.click(left, row, width, Action::See(view));
        left += width + 1;
    }
    let mut chosen = String::new();
    if matches!(state.view, View::Parents | View::Adopters) {
        let (_, name) = Sort::ALL[state.order() as usize];
        let turned = if state.is_reversed { ", least first" } else { "" };
        let _ = write!(chosen, "by {name}{turned}");
    }
    if !state.filter.is_empty() {
        let _ = write!(chosen, "  only {}", sink::escaped(state.filter.as_bytes()));
    }
    if state.has_mouse {
        chosen.push_str("  mouse");
    }
    canvas.right(left, row, canvas.width - left, &chosen, Look::Strong);
}

fn footer(state: &State, canvas: &mut Canvas<'_>, row: u16) {
    if state.is_typing {
        let typed = format!("/{}_  (Enter keeps it, Esc drops it)", state.filter);
        return canvas.text(0, row, canvas.width, &sink::escaped(typed.as_bytes()), Look::Strong);
    }
    let replay = if state.playing.is_some() { "  + - speed  n next" } else { "" };
    let keys = if state.story.is_some() || state.has_help {
        format!("q quit  Esc back  ↑ ↓ scroll  p pause{replay}")
    } else {
        format!("q quit  ? help  Enter story  / filter  s r sort  p pause{replay}")
    };
    canvas.text(0, row, canvas.width, &keys, Look::Quiet);
}

fn help(canvas: &mut Canvas<'_>, top: u16, bottom: u16) {
    for (row, (key, meaning)) in (top + 1..bottom).zip(keys::HELP) {
        canvas.text(1, row, 23, key, Look::Strong);
        canvas.text(24, row, canvas.width - 24, meaning, Look::Plain);
    }
    let verdicts = [
        "made/s and reaped/s are of the last 5 s. VERDICT says of a parent:",
        "leaks  it has zombies of a second and more, and reaps none or younger ones",
        "lazy   it reaps, but lets zombies stand for a second and more",
        "fine   none stands for long",
    ];
    for (row, line) in (top + 2 + keys::HELP.len() as u16..bottom).zip(verdicts) {
        canvas.text(1, row, canvas.width - 1, line, Look::Plain);
    }
}

/// Why there are no rows, and whom there is to read of all the same.
fn nothing(state: &State, canvas: &mut Canvas<'_>, y: u16, why: &str) {
    canvas.text(1, y, canvas.width - 1, why, Look::Quiet);
    if let Some(who) = state.sought() {
        let peer = sink::peer(Peer { pid: who.pid, comm: who.comm });
        let story = format!("Enter opens the story of {peer}");
        canvas.text(1, y + 1, canvas.width - 1, &story, Look::Plain);
    }
}

/// How full a space is.
fn percent(gauge: &Gauge) -> u64 {
    gauge.filled.used.saturating_mul(100) / gauge.filled.limit.max(1)
}

/// As it fits in seven columns.
fn rate(rate: f64) -> String {
    if rate < 1000.0 { format!("{rate:.1}") } else { format!("{rate:.0}") }
}

#[cfg(test)]
mod tests;
