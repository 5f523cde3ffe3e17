//! Rules of time, identity and order, tested backwards: random histories, told whole, out of
//! order, twice, and with gaps.

use std::collections::HashSet;

use proptest::{prelude::*, sample::Index};

use super::{
    history::{History, Stage, Tier, actions},
    truth::{everything_is_told, nothing_is_false},
    *,
};
use crate::order::Order;

fn tiers() -> impl Strategy<Value = Tier> {
    prop_oneof![Just(Tier::Tracepoint), Just(Tier::Fentry)]
}

fn model() -> Model {
    Model::new(Filter::default(), None)
}

fn events_of(records: impl IntoIterator<Item = Observation>) -> Vec<Event> {
    let mut model = model();
    for record in records {
        model.observe(record);
    }
    model.drain().collect()
}

/// The life that a record names by pid and start: a wait names its child by pid alone.
fn subject(fact: &Fact) -> Option<Identity> {
    match fact {
        Fact::Forked(Forked { id, .. })
        | Fact::Execed(Execed { id, .. })
        | Fact::LeaderExited { id, .. }
        | Fact::Exited(Exited { id, .. })
        | Fact::Died(Died { id, .. })
        | Fact::Freed { id }
        | Fact::FoundDead { id }
        | Fact::Looked { id, .. }
        | Fact::HasReaped { id }
        | Fact::Released(Released { id, .. })
        | Fact::Found(Found { id, .. }) => Some(*id),
        Fact::ForkFailed(failed) => Some(failed.id),
        Fact::Remembered(known) => Some(known.id),
        Fact::Waited(_) | Fact::Measured(_) | Fact::Lost(_) => None,
    }
}

/// Some records come again, a little later, but before the kernel frees the process, or the next one
/// with its pid.
fn doubled(history: &History, again: &[(Index, usize)]) -> Vec<Observation> {
    let mut records = history.records.clone();
    for (which, later) in again {
        let at = which.index(records.len());
        let record = records[at].clone();
        if matches!(record.fact, Fact::Released(_)) {
            // What is released is forgotten: nothing would know it for the same.
            continue;
        }
        let frees =
            |(place, other): (usize, &Observation)| match (subject(&record.fact), &other.fact) {
                (
                    Some(id),
                    Fact::Freed { id: gone } | Fact::Released(Released { id: gone, .. }),
                ) => id.same(*gone) || place > at && id.pid == gone.pid,
                _ => false,
            };
        let freed = records.iter().enumerate().position(frees);
        // One that frees, comes after that, or names no life, comes at once.
        let last = freed.unwrap_or(records.len()).max(at + 1);
        let place =
            if subject(&record.fact).is_some() { (at + 1 + later).min(last) } else { at + 1 };
        records.insert(place, record);
    }
    records
}

/// Some records are lost. A wait that names the pid of a life that left no other trace is lost,
/// too: nothing would tell whose pid it is. So is the second news of a death without the first,
/// which would be taken for it.
fn thinned(history: &History, lost: &[bool]) -> Vec<Observation> {
    let index = |id: Identity| history.lives.iter().position(|life| life.id.same(id));
    let (mut traces, mut dead) = (HashSet::new(), HashSet::new());
    let mut kept = Vec::new();
    for (record, lost) in history.records.iter().zip(lost.iter().cycle()) {
        let traceless = history.named.get(&record.at).is_some_and(|life| !traces.contains(life));
        let newsless = history.again.get(&record.at).is_some_and(|life| !dead.contains(life));
        if *lost || traceless || newsless {
            continue;
        }
        let life = subject(&record.fact).and_then(index);
        traces.extend(life);
        dead.extend(life.filter(|_| matches!(record.fact, Fact::Died(_) | Fact::Found(_))));
        kept.push(record.clone());
    }
    kept
}

proptest! {
    #[test]
    fn a_whole_history_is_told_wholly(tier in tiers(), actions in actions()) {
        let history = History::play(tier, &actions);
        let mut model = model();
        for record in history.records.clone() {
            model.observe(record);
        }
        everything_is_told(&history, &model.drain().collect::<Vec<_>>());
        // Of some that are gone the kernel has no more to tell.
        model.advance(history.records.last().map_or(0, |last| last.at) + KEEP_GONE);
        let left = history.lives.iter().filter(|life| life.stage != Stage::Freed).count();
        prop_assert_eq!(model.len(), left);
    }

    #[test]
    fn the_order_of_arrival_does_not_matter_within_the_hold(
        tier in tiers(),
        actions in actions(),
        delays in prop::collection::vec(0..50 * MS, 1..50),
    ) {
        let history = History::play(tier, &actions);
        let mut arriving: Vec<_> = history.records.iter().zip(delays.iter().cycle()).collect();
        arriving.sort_by_key(|(record, delay)| record.at + *delay);
        let mut order = Order::default();
        let mut model = model();
        for (record, delay) in arriving {
            order.push(record.clone());
            let until = (record.at + delay).saturating_sub(50 * MS);
            while let Some(record) = order.pop(until) {
                model.observe(record);
            }
            model.advance(until);
        }
        while let Some(record) = order.pop(u64::MAX) {
            model.observe(record);
        }
        prop_assert_eq!(order.late(), 0);
        prop_assert_eq!(model.drain().collect::<Vec<_>>(), events_of(history.records));
    }

    #[test]
    fn records_that_come_twice_make_nothing_happen_twice(
        tier in tiers(),
        actions in actions(),
        again in prop::collection::vec((any::<Index>(), 0..6_usize), 0..30),
    ) {
        let history = History::play(tier, &actions);
        nothing_is_false(&history, &events_of(doubled(&history, &again)));
    }

    #[test]
    fn what_is_lost_leaves_gaps_and_bounds_but_nothing_false(
        tier in tiers(),
        actions in actions(),
        lost in prop::collection::vec(prop::bool::weighted(0.2), 1..60),
    ) {
        let history = History::play(tier, &actions);
        nothing_is_false(&history, &events_of(thinned(&history, &lost)));
    }

    #[test]
    fn a_replay_is_the_same_however_time_is_told(
        tier in tiers(),
        actions in actions(),
        looks in prop::collection::vec((0..4_u64, any::<bool>()), 1..40),
    ) {
        replays_alike(History::play(tier, &actions), &looks);
    }
}

/// Between the records the model is told the time, some part of the way to the next one, and its
/// events are taken now or later.
fn replays_alike(history: History, looks: &[(u64, bool)]) {
    let records = history.records;
    let mut model = model();
    let mut events = Vec::new();
    let mut before = 0;
    for (record, (part, take)) in records.iter().zip(looks.iter().cycle()) {
        model.advance(before + (record.at - before) / 3 * part);
        if *take {
            events.extend(model.drain());
        }
        before = record.at;
        model.observe(record.clone());
    }
    events.extend(model.drain());
    assert_eq!(events, events_of(records));
}
