//! What was made and reaped by the second, of late.

use std::{
    collections::{HashMap, VecDeque},
    rc::Rc,
};

use super::state::Key;
use crate::lifecycle::{Model, parents::Watched, summary::Totals};

/// The time over which a rate is taken, ns.
const WINDOW: u64 = 5_000_000_000;
/// How often the counts are kept for it, ns.
const EVERY: u64 = 1_000_000_000;

/// What a parent had come to at one time.
#[derive(Clone, Copy, Default)]
struct Count {
    made: u64,
    reaped: u64,
    adopted: u64,
}

impl Count {
    fn of(watched: &Watched) -> Self {
        Self {
            made: watched.made,
            reaped: watched.reaped,
            adopted: watched.adopter.map_or(0, |adopter| adopter.orphans),
        }
    }
}

#[derive(Clone)]
struct Sample {
    at: u64,
    totals: Totals,
    /// Of parents that have had zombies and are there.
    counts: Rc<HashMap<Key, Count>>,
}

/// By the second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Rate {
    pub(super) made: f64,
    pub(super) reaped: f64,
    pub(super) adopted: f64,
}

/// The counts of the last seconds.
#[derive(Default)]
pub(super) struct Rates {
    /// Oldest first; the first is as old as the window, or the beginning.
    samples: VecDeque<Sample>,
}

impl Rates {
    /// Keeps the counts as they are, if it is time: before anything else is told of that moment.
    pub(super) fn sample(&mut self, model: &Model, now: u64) {
        if self.samples.back().is_some_and(|last| now < last.at.saturating_add(EVERY)) {
            return;
        }
        let watched = model.watched(now);
        let counts = model.parents().filter_map(watched);
        let counts: HashMap<Key, Count> =
            counts.map(|watched| (Key::of(watched.who), Count::of(&watched))).collect();
        let sample = Sample { at: now, totals: model.totals(), counts: Rc::new(counts) };
        // After a time in which nothing was told: as it was since then.
        let begin = now.saturating_sub(WINDOW);
        if self.samples.back().is_some_and(|last| last.at < begin) {
            self.samples.push_back(Sample { at: begin, ..sample.clone() });
        }
        self.samples.push_back(sample);
        while self.samples.get(1).is_some_and(|second| second.at <= begin) {
            self.samples.pop_front();
        }
    }

    /// What one does; one that was not counted at the beginning has done it all since.
    pub(super) fn of(&self, watched: &Watched, now: u64) -> Rate {
        let Some(first) = self.samples.front() else { return Rate::default() };
        let then = first.counts.get(&Key::of(watched.who)).copied().unwrap_or_default();
        let count = Count::of(watched);
        let rate = |now_count, then| per_second(now_count, then, now.saturating_sub(first.at));
        Rate {
            made: rate(count.made, then.made),
            reaped: rate(count.reaped, then.reaped),
            adopted: rate(count.adopted, then.adopted),
        }
    }

    /// Forks and reaps of all that match.
    pub(super) fn of_all(&self, totals: Totals, now: u64) -> (f64, f64) {
        let Some(first) = self.samples.front() else { return (0.0, 0.0) };
        let rate = |count, then| per_second(count, then, now.saturating_sub(first.at));
        (rate(totals.forks, first.totals.forks), rate(totals.reaps, first.totals.reaps))
    }
}

fn per_second(now: u64, then: u64, time: u64) -> f64 {
    if time == 0 { 0.0 } else { now.saturating_sub(then) as f64 * 1e9 / time as f64 }
}
