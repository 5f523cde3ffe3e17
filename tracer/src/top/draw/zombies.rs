//! How long zombies last, and how much room is left for processes.

use super::{
    canvas::{Canvas, Look},
    percent,
};
use crate::{
    lifecycle::gauge::Gauge,
    sink::{self, duration},
    top::{
        picture::{AGES, Ages},
        state::State,
    },
};

/// What is full sooner needs somebody to look at it, ns.
const SOON: u64 = 3_600_000_000_000;
/// Where the counts of those that were reaped begin, and of those that stand there.
const LEFT: u16 = 13;

pub(super) fn paint(state: &State, canvas: &mut Canvas<'_>, top: u16, bottom: u16) {
    let middle = LEFT + (canvas.width - LEFT) / 2;
    canvas.highlight(top, Look::Title);
    canvas.text(0, top, LEFT, "ZOMBIE FOR", Look::Title);
    canvas.text(LEFT, top, middle - LEFT, "  REAPED SINCE THIS BEGAN", Look::Title);
    canvas.text(middle, top, middle - LEFT, "  STANDING NOW", Look::Title);
    for (place, (y, (_, title))) in (top + 1..).zip(AGES).enumerate() {
        canvas.text(1, y, LEFT - 1, title, Look::Plain);
        bar(canvas, (LEFT, y), middle - LEFT, &state.lasted, place, Look::Plain);
        // From a second on.
        let look = if place > 4 { Look::Bad } else { Look::Plain };
        bar(canvas, (middle, y), canvas.width - middle, &state.picture.standing, place, look);
    }
    let y = top + AGES.len() as u16 + 1;
    canvas.text(LEFT, y, canvas.width - LEFT, "(bars are logarithmic)", Look::Quiet);
    room(state, canvas, y + 1, bottom);
}

/// By the logarithm: one that is left must be seen beside thousands.
fn bar(
    canvas: &mut Canvas<'_>,
    (x, y): (u16, u16),
    width: u16,
    ages: &Ages,
    at: usize,
    look: Look,
) {
    let most = ages.iter().copied().max().unwrap_or(0);
    canvas.right(x, y, 8, &ages[at].to_string(), if ages[at] == 0 { Look::Quiet } else { look });
    if most > 0 {
        let part = (ages[at] as f64).ln_1p() / (most as f64).ln_1p();
        let room = f64::from(width.saturating_sub(11));
        canvas.text(x + 9, y, width - 9, &"█".repeat((part * room).round() as usize), look);
    }
}

/// The next to be full first.
fn room(state: &State, canvas: &mut Canvas<'_>, top: u16, bottom: u16) {
    canvas.highlight(top, Look::Title);
    canvas.text(0, top, 40, "ROOM FOR PROCESSES AND THREADS", Look::Title);
    let right = canvas.width - 31;
    for (x, width, title) in [(0, 8, "USED"), (9, 8, "LIMIT"), (18, 4, "%"), (23, 8, "FULL IN")] {
        canvas.right(right + x, top, width, title, Look::Title);
    }
    if state.picture.spaces.is_empty() {
        canvas.text(1, top + 1, canvas.width - 1, "not measured yet", Look::Quiet);
    }
    for (y, gauge) in (top + 1..bottom).zip(&state.picture.spaces) {
        let whose = format!("{} of {}", sink::limit(&gauge.space), sink::owner_words(&gauge.space));
        canvas.text(1, y, right - 1, &whose, Look::Plain);
        canvas.right(right, y, 8, &gauge.filled.used.to_string(), look(gauge));
        canvas.right(right + 9, y, 8, &gauge.filled.limit.to_string(), Look::Plain);
        canvas.right(right + 18, y, 4, &percent(gauge).to_string(), look(gauge));
        let left = gauge.left.map_or_else(|| "-".to_owned(), |ns| duration(ns).to_string());
        canvas.right(right + 23, y, 8, &left, look(gauge));
    }
}

/// One that is nearly full, or soon will be.
pub(super) fn look(gauge: &Gauge) -> Look {
    match (percent(gauge), gauge.left) {
        (90.., _) => Look::Bad,
        (_, Some(left)) if left < SOON => Look::Bad,
        (50.., _) => Look::Warning,
        _ => Look::Plain,
    }
}
