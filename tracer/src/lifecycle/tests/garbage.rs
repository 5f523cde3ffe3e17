//! Records in no order that could ever be: nothing to conclude, but nothing to die of.

use proptest::prelude::*;

use super::*;

fn lives() -> impl Strategy<Value = Identity> {
    let start = (0..4_u64, any::<bool>()).prop_map(|(tick, exact)| {
        if exact { Start::Exact(tick * TICK_NS + 1) } else { Start::Tick(tick * TICK_NS) }
    });
    (1..5_u32, start).prop_map(|(pid, start)| Identity { pid, start })
}

fn records() -> impl Strategy<Value = Observation> {
    let at = prop_oneof![0..20 * SECOND, Just(0), Just(u64::MAX)];
    (at, 0..13, lives(), lives(), any::<u8>()).prop_map(|(at, kind, id, other, how)| {
        let sigchld = Sigchld { ignored: how & 1 != 0, no_wait: how & 2 != 0 };
        let adopter = Adopter { id: INIT, kind: AdopterKind::Init, sigchld };
        let fact = match kind {
            0 => found_but(id, other.pid, |found| {
                found.zombie = (how & 1 != 0).then(|| dead(other));
            }),
            1 => fork(id, other),
            2 => exec(id),
            3 => leader_exit(id, 1),
            4 | 5 => exit_but(id, other, |exit| {
                (exit.sigchld, exit.adopter) = (sigchld, (how & 4 != 0).then_some(adopter));
                exit.ptracer = (how & 8 != 0).then_some(other.pid);
            }),
            6 => death_but(id, other, |death| death.autoreap = sigchld.reaps_itself()),
            7 => wait_but(other, id.pid, |wait| {
                let reaped = [None, Some(false), Some(true)][usize::from(how % 3)];
                wait.outcome = Outcome::Child { pid: id.pid, reaped };
            }),
            8 => unnamed_wait(other, other.pid),
            9 => free(id),
            10 => Fact::ForkFailed(Box::new(forks::failed_of(id))),
            11 => {
                let filled = Filled { used: at, limit: u64::from(how) };
                Fact::Measured(vec![Measure { space: Space::User(0), filled }])
            }
            _ => Fact::Lost(Lost { count: 1, place: LostWhere::Ring, since: 0 }),
        };
        Observation { at, fact }
    })
}

proptest! {
    #[test]
    fn no_sequence_of_records_is_fatal(records in prop::collection::vec(records(), 0..200)) {
        let mut model = Model::new(Filter::default(), None);
        for record in records {
            model.observe(record);
            prop_assert!(model.len() <= 4, "a pid has one life at a time");
        }
        for event in model.drain() {
            if let What::Reap(reap) = event.what {
                prop_assert!(reap.zombie.is_none_or(|zombie| zombie <= event.at), "{reap:?}");
            }
        }
        prop_assert_eq!(model.summary(0).totals.existing, model.existing());
    }
}
