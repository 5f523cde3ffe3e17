//! What a report counts from events is what the model's own summary has, wherever both count the same.

use proptest::{collection::vec, prelude::*};

use super::{of_recording, tally::LATE, told};
use crate::{
    lifecycle::filter::Asked,
    observation::{Comm, Death, Fact, Found, Home, Identity, Observation, Start},
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

#[test]
fn a_recording_has_one_report_though_its_zombies_are_alike() {
    let zombie = |pid| {
        let found = Found {
            id: Identity { pid, start: Start::Exact(0) },
            parent: 1,
            number: None,
            comm: Comm::default(),
            zombie: Some(Death { earliest: 0, latest: Some(0) }),
            leader_gone: false,
            traced: true,
            home: Home::default(),
        };
        Observation { at: 5, fact: Fact::Found(found) }
    };
    let (file, _) = recorded(&(2..100).map(zombie).collect::<Vec<_>>(), 200);
    let reports: Vec<String> = (0..3).map(|_| of_recording(&file).unwrap()).collect();
    assert!(reports[0].contains("THE 10 WORST"));
    assert!(reports.iter().all(|one| *one == reports[0]));
}
