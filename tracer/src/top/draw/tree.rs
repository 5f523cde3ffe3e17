//! Every process under its parent.

use std::collections::HashMap;

use super::{
    canvas::{Canvas, Look},
    nothing,
};
use crate::{
    lifecycle::forest::{Node, Stage},
    sink::{self, duration},
    top::{
        keys::Action,
        state::{Key, LONG, State},
        tree::{Branch, LEVELS, Shows},
    },
};

/// Where the tree begins.
const LEFT: u16 = 27;

pub(super) fn paint(state: &mut State, canvas: &mut Canvas<'_>, top: u16, bottom: u16) {
    canvas.highlight(top, Look::Title);
    canvas.right(0, top, 7, "PID", Look::Title);
    canvas.text(8, top, 9, "STATE", Look::Title);
    canvas.right(18, top, 8, "FOR", Look::Title);
    canvas.text(LEFT, top, 7, "PROCESS", Look::Title);
    let cursor = state.cursor(usize::from(bottom - top - 1));
    let rows = state.picture.parents.iter().filter(|row| row.watched.zombies > 0);
    let zombies: HashMap<u32, u64> =
        rows.map(|row| (row.watched.who.pid, row.watched.zombies)).collect();
    let branches = state.branches.iter().enumerate().skip(cursor.first);
    for (y, (number, branch)) in (top + 1..bottom).zip(branches) {
        line(canvas, y, branch, state.picture.now, &zombies);
        if let Shows::Process(node) = branch.shows {
            canvas.click(0, y, canvas.width, Action::Choose(Key::of(node.who)));
        }
        if number == cursor.at {
            canvas.highlight(y, Look::Chosen);
        }
    }
    if state.branches.is_empty() {
        let is_any = state.filter.is_empty();
        let nobody = if is_any { "no process is there" } else { "no process matches" };
        nothing(state, canvas, top + 2, nobody);
    }
}

fn line(canvas: &mut Canvas<'_>, y: u16, branch: &Branch, now: u64, zombies: &HashMap<u32, u64>) {
    let lines = lines(branch);
    let at = LEFT + lines.chars().count() as u16;
    canvas.text(LEFT, y, canvas.width - LEFT, &lines, Look::Quiet);
    match branch.shows {
        Shows::More(count) => {
            canvas.text(at, y, canvas.width, &format!("and {count} more zombies"), Look::Warning);
        }
        Shows::Process(node) => process(canvas, (at, y), &node, now, zombies),
    }
}

fn process(
    canvas: &mut Canvas<'_>,
    (x, y): (u16, u16),
    node: &Node,
    now: u64,
    zombies: &HashMap<u32, u64>,
) {
    let age = node.since.map(|since| now.saturating_sub(since));
    let is_long = age.is_some_and(|age| age >= LONG);
    let (stage, look) = match node.stage {
        Stage::Alive => ("alive", Look::Plain),
        Stage::LeaderDead => ("main dead", Look::Warning),
        Stage::Exiting => ("exiting", Look::Warning),
        Stage::Zombie if is_long => ("zombie", Look::Bad),
        Stage::Zombie => ("zombie", Look::Warning),
    };
    canvas.right(0, y, 7, &node.who.pid.to_string(), Look::Plain);
    canvas.text(8, y, 9, stage, look);
    canvas.right(
        18,
        y,
        8,
        &age.map_or_else(String::new, |ns| duration(ns).to_string()),
        Look::Quiet,
    );
    let name = sink::name(node.who.comm).to_string();
    canvas.text(x, y, canvas.width, &name, if look == Look::Plain { Look::Strong } else { look });
    let mut notes = Vec::new();
    if let Some(count) = zombies.get(&node.who.pid) {
        notes.push((sink::several(*count, "zombie", ""), Look::Bad));
    }
    if node.orphaned {
        notes.push(("orphan".to_owned(), Look::Warning));
    }
    let mut x = x + ratatui::text::Line::raw(name).width() as u16 + 2;
    for (note, look) in notes {
        canvas.text(x, y, canvas.width, &note, look);
        x += note.len() as u16 + 2;
    }
}

/// From the ancestors down to it.
fn lines(branch: &Branch) -> String {
    let above =
        (1..branch.depth).map(|level| if branch.open & 1 << level == 0 { "  " } else { "│ " });
    let own = match (branch.depth, branch.has_next) {
        (0, _) => "",
        (LEVELS, _) => "… ",
        (_, true) => "├ ",
        (_, false) => "└ ",
    };
    above.chain([own]).collect()
}
