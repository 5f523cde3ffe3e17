//! What a report counts from events is what the model's own summary has, wherever both count the same.

use proptest::{collection::vec, prelude::*};

use super::{tally::LATE, told};
use crate::{
    lifecycle::filter::Asked,
    observation::{Fact, Observation},
    playback::Replay,
    recording::tests::{facts, recorded},
};

/// Any facts, but none that says of a process that it is a zombie and has threads.
fn histories() -> impl Strategy<Value = Vec<Observation>> {
    let possible = |one: &Observation| !matches!(&one.fact, Fact::Found(found) if found.leader_gone && found.zombie.is_some());
    vec(facts::observations().prop_filter("it is one or the other", possible), 0..80)
}

proptest! {
    #[test]
    fn the_tables_add_up_to_the_summary(facts in histories()) {
        let (file, _) = recorded(&facts, 7);
        let replay = Replay::open(&file[..], &Asked::default());
        let (told, ..) = told(&mut replay.unwrap().with_all_events(), String::new(), 0);
        let (tally, summary) = (&told.tally, &told.summary);
        let adoptions: u64 = tally.orphans.values().map(|row| row.all).sum();
        prop_assert_eq!(adoptions, summary.totals.reparents);
        let over: u64 = tally.ran.values().map(|ran| ran.processes - ran.living).sum();
        prop_assert_eq!(over, summary.totals.exits);
        let living: u64 = tally.ran.values().map(|ran| ran.living).sum();
        let alive = summary.living.iter().filter(|one| !one.dead).count();
        prop_assert_eq!(living, alive as u64);
        let left: u64 = tally.leaks.values().map(|leak| leak.left).sum();
        let late = summary.living.iter().filter(|one| one.zombie.is_some_and(|age| age >= LATE));
        prop_assert_eq!(left, late.count() as u64);
        let failed: u64 = tally.failures.values().map(|(count, _)| *count).sum();
        prop_assert_eq!(failed, summary.fork_failures.iter().map(|(_, count)| *count).sum::<u64>());
    }
}
