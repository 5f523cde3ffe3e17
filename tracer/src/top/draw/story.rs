//! What happened to a process, and to its children.

use super::{
    canvas::{Canvas, Look},
    table,
};
use crate::{
    lifecycle::event::{Event, Peer},
    sink::{self, Stamp},
    top::{
        state::{Key, State},
        views::View,
    },
};

/// Rows for what is to be thought of it, if it is a parent.
const ABOUT: u16 = 7;

pub(super) fn paint(state: &mut State, canvas: &mut Canvas<'_>, top: u16, bottom: u16) {
    let Some(key) = state.story else { return };
    canvas.highlight(top, Look::Title);
    canvas.text(0, top, canvas.width, &title(state, key), Look::Sorted);
    let mut from = top + 1;
    if let Some(row) = state.picture.parents.iter().find(|row| row.key() == key) {
        canvas.wrapped(from, ABOUT, &table::about(row, View::Adopters));
        canvas.rule(from + ABOUT);
        from += ABOUT + 1;
    }
    let events = state.stories.of(key, state.picture.now);
    // Of a zombie, what was said of it last: in its row there is too little room.
    let unreaped = state.stories.unreaped(key, state.picture.now);
    if let Some(unreaped) = unreaped.filter(|_| from == top + 1) {
        let (tone, details) = sink::describe(&unreaped.what);
        canvas.wrapped(from, ABOUT, &[(details.to_string(), tone.into())]);
        canvas.rule(from + ABOUT);
        from += ABOUT + 1;
    }
    let page = usize::from(bottom - from);
    state.page = page;
    // No further back than to the first.
    state.back = state.back.min(events.len().saturating_sub(page));
    let first = events.len().saturating_sub(page + state.back);
    for (y, event) in (from..bottom).zip(&events[first..]) {
        line(canvas, y, event, key, &mut state.origin.stamp);
    }
    if events.is_empty() {
        let nothing = match &state.origin.types[..] {
            [] => "nothing is remembered of it".to_owned(),
            types => format!("nothing of it was {}", types.join(" or ")),
        };
        canvas.text(1, from + 1, canvas.width - 1, &nothing, Look::Quiet);
    }
}

fn title(state: &State, key: Key) -> String {
    let row = || state.picture.parents.iter().find(|row| row.key() == key);
    let who = state.stories.who(key).or_else(|| Some(row()?.watched.who));
    let peer = sink::peer(Peer { pid: key.pid, comm: who.and_then(|who| who.comm) });
    let parent = who.and_then(|who| who.ppid);
    let parent = parent.map_or_else(String::new, |pid| format!(", child of {pid}"));
    format!("STORY of {peer}{parent}")
}

fn line(canvas: &mut Canvas<'_>, y: u16, event: &Event, of: Key, stamp: &mut Stamp) {
    let time = stamp.time_of_day(event.at).to_string();
    canvas.text(0, y, 12, time.get(..12).unwrap_or_default(), Look::Quiet);
    let (tone, details) = sink::describe(&event.what);
    canvas.text(13, y, 11, event.what.name(), tone.into());
    let child = event.who.filter(|who| Key::of(*who) != of);
    let child = child.map(|who| sink::peer(Peer { pid: who.pid, comm: who.comm }));
    let told =
        child.map_or_else(String::new, |child| format!("└ {child}: ")) + &details.to_string();
    canvas.text(25, y, canvas.width - 25, &told, Look::Plain);
}
