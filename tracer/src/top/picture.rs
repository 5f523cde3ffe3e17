//! What is shown, as of one moment.

use super::{
    rates::{Rate, Rates},
    state::Key,
};
use crate::{
    lifecycle::{
        Model,
        event::{Cause, Peer},
        forest::Node,
        gauge::Gauge,
        parents::Watched,
    },
    observation::Identity,
};

/// The ages that zombies are counted by: up to these, ns, and older.
pub(super) const AGES: [(u64, &str); 9] = [
    (100_000, "up to 100µs"),
    (1_000_000, "up to 1ms"),
    (10_000_000, "up to 10ms"),
    (100_000_000, "up to 100ms"),
    (1_000_000_000, "up to 1s"),
    (10_000_000_000, "up to 10s"),
    (60_000_000_000, "up to 1m"),
    (600_000_000_000, "up to 10m"),
    (u64::MAX, "longer"),
];

/// Zombies by their ages.
pub(super) type Ages = [u64; AGES.len()];

pub(super) fn count(ages: &mut Ages, age: u64) {
    let place = AGES.iter().position(|(most, _)| age <= *most).unwrap_or(AGES.len() - 1);
    ages[place] += 1;
}

/// A parent.
pub(super) struct Row {
    pub(super) id: Identity,
    pub(super) watched: Watched,
    pub(super) rate: Rate,
    /// Its oldest zombie, why that stands there, and what to do about it.
    pub(super) oldest: Option<Peer>,
    pub(super) why: Vec<Cause>,
    pub(super) remedy: Option<String>,
}

impl Row {
    pub(super) fn key(&self) -> Key {
        Key::of(self.watched.who)
    }

    /// How old its oldest zombie is.
    pub(super) fn age(&self) -> Option<u64> {
        self.watched.oldest.map(|(_, age)| age)
    }

    pub(super) fn adopted(&self) -> u64 {
        self.watched.adopter.map_or(0, |adopter| adopter.orphans)
    }
}

/// The picture.
#[derive(Default)]
pub(super) struct Picture {
    pub(super) now: u64,
    /// Those with zombies now or before, and those that have adopted.
    pub(super) parents: Vec<Row>,
    /// Every process, where somebody looks at them.
    pub(super) forest: Vec<Node>,
    /// The zombies that stand there.
    pub(super) standing: Ages,
    pub(super) spaces: Vec<Gauge>,
    pub(super) forks: f64,
    pub(super) reaps: f64,
    pub(super) lost: u64,
}

impl Picture {
    pub(super) fn take(model: &Model, rates: &Rates, now: u64, with_forest: bool) -> Self {
        let watched = model.watched(now);
        let row = |id| {
            let watched = watched(id)?;
            let oldest = watched.oldest.map(|(id, _)| id);
            Some(Row {
                id,
                rate: rates.of(&watched, now),
                watched,
                oldest: oldest.map(|id| model.peer(id)),
                why: oldest.map_or_else(Vec::new, |id| model.why(id, now)),
                remedy: oldest.and_then(|id| model.remedy(id, now)),
            })
        };
        let mut ids: Vec<Identity> = model.parents().chain(model.present_adopters()).collect();
        ids.sort_by_key(|id| id.pid);
        ids.dedup_by_key(|id| id.pid);
        let mut standing = Ages::default();
        model.ages(now).for_each(|age| count(&mut standing, age));
        let (forks, reaps) = rates.of_all(model.totals(), now);
        Self {
            now,
            parents: ids.into_iter().filter_map(row).collect(),
            forest: if with_forest { model.forest() } else { Vec::new() },
            standing,
            spaces: model.spaces(),
            forks,
            reaps,
            lost: model.lost(),
        }
    }
}
