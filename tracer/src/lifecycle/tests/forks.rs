//! Forks that fail, and why.

use super::{
    condition::{Condition, Met},
    *,
};

const EAGAIN: i32 = 11;
const ENOMEM: i32 = 12;
const EINVAL: i32 = 22;
const USER: u32 = 1000;

fn filled(used: u64, limit: u64) -> Filled {
    Filled { used, limit }
}

/// Nothing is at its limit.
fn roomy() -> Limits {
    Limits {
        nproc: Some(filled(9, 10)),
        pids: None,
        pidns: None,
        dead_pidns: None,
        machine: 100,
        threads_max: Some(1000),
        pid_max: Some(1000),
    }
}

/// For no reason that can be seen.
pub(super) fn failed_of(id: Identity) -> ForkFailed {
    ForkFailed {
        id,
        comm: comm("forks"),
        home: Home { uid: Some(USER), ..Home::default() },
        call: Some(ForkCall::Clone),
        thread: Some(false),
        errno: EAGAIN,
        limits: roomy(),
        zombies: None,
    }
}

fn failed(errno: i32, limits: Limits) -> ForkFailed {
    ForkFailed { errno, limits, ..failed_of(PARENT) }
}

fn failure(failed: ForkFailed) -> ForkFailure {
    let events = tell([(10, Fact::ForkFailed(Box::new(failed)))]);
    match events.as_slice() {
        [Event { who: Some(who), what: What::ForkFailed(failure), .. }] => {
            assert_eq!((who.pid, who.comm), (PARENT.pid, Some(comm("forks"))));
            (**failure).clone()
        }
        other => panic!("{other:#?}"),
    }
}

fn cause(errno: i32, limits: Limits) -> Option<(ForkCause, Option<Filled>)> {
    let failure = failure(failed(errno, limits));
    failure.cause.map(|cause| (cause, failure.filled))
}

#[test]
fn each_limit_that_is_reached_is_the_cause() {
    let full = |used, limit| Some(filled(used, limit));
    for (limits, wanted) in [
        (Limits { nproc: full(10, 10), ..roomy() }, (ForkCause::RlimitNproc, full(10, 10))),
        (
            Limits { machine: 1000, pid_max: Some(9000), ..roomy() },
            (ForkCause::ThreadsMax, full(1000, 1000)),
        ),
        (Limits { machine: 700, ..roomy() }, (ForkCause::PidMax, full(700, 1000))),
        (
            Limits { pidns: Some((7, filled(99, 100))), ..roomy() },
            (ForkCause::PidMax, full(99, 100)),
        ),
        (
            Limits { pids: Some((None, filled(20, 20))), ..roomy() },
            (ForkCause::PidsMax, full(20, 20)),
        ),
    ] {
        assert_eq!(cause(EAGAIN, limits), Some(wanted));
    }
}

#[test]
fn of_several_the_one_that_the_kernel_looks_at_first_is_the_cause() {
    let mut limits = Limits {
        nproc: Some(filled(10, 10)),
        pids: Some((None, filled(20, 20))),
        pidns: Some((7, filled(99, 100))),
        machine: 1000,
        ..roomy()
    };
    let mut order = Vec::new();
    for undo in [
        |limits: &mut Limits| limits.nproc = None,
        |limits: &mut Limits| limits.machine = 999,
        |limits: &mut Limits| limits.pidns = None,
        |limits: &mut Limits| limits.machine = 100,
        |limits: &mut Limits| limits.pids = None,
    ] {
        order.push(cause(EAGAIN, limits.clone()).unwrap().0);
        undo(&mut limits);
    }
    let by_machine = [ForkCause::RlimitNproc, ForkCause::ThreadsMax, ForkCause::PidMax];
    assert_eq!(order, [&by_machine[..], &[ForkCause::PidMax, ForkCause::PidsMax]].concat());
    assert_eq!(cause(EAGAIN, limits), None, "none of them is reached any more");
}

#[test]
fn without_memory_or_without_an_init_it_is_another_error() {
    assert_eq!(cause(ENOMEM, roomy()), Some((ForkCause::Memory, None)));
    let dead = Limits { dead_pidns: Some(7), ..roomy() };
    let failure = failure(failed(ENOMEM, dead));
    assert_eq!((failure.cause, failure.pidns), (Some(ForkCause::PidnsInitDead), Some(7)));
    assert_eq!(cause(EINVAL, Limits { nproc: Some(filled(10, 10)), ..roomy() }), None);
}

#[test]
fn whose_limit_it_is_is_told() {
    let of_user = failure(failed(EAGAIN, Limits { nproc: Some(filled(10, 10)), ..roomy() }));
    assert_eq!((of_user.uid, of_user.cgroup, of_user.pidns), (Some(USER), None, None));
    let path: Bytes = b"/a"[..].into();
    let pids = Some((Some(path.clone()), filled(20, 20)));
    let of_cgroup = failure(failed(EAGAIN, Limits { pids, ..roomy() }));
    assert_eq!((of_cgroup.uid, of_cgroup.cgroup, of_cgroup.pidns), (None, Some(path), None));
    let full = |pidns| Limits { pidns: Some((pidns, filled(99, 100))), ..roomy() };
    assert_eq!(failure(failed(EAGAIN, full(7))).pidns, Some(7));
    assert_eq!(failure(failed(EAGAIN, full(MACHINE))).pidns, None, "the machine's own");
}

fn zombie(parent: u32, uid: u32, pidns: u32, cgroup: &[u8]) -> Zombie {
    Zombie {
        parent,
        parent_comm: Some(comm("lazy")),
        uid,
        pidns: Some(pidns),
        cgroup: Some(cgroup.into()),
    }
}

#[test]
fn zombies_are_counted_where_they_take_a_place() {
    let zombies: std::sync::Arc<[Zombie]> = [
        zombie(2, USER, MACHINE, b"/a"),
        zombie(3, USER, MACHINE, b"/a/b"),
        zombie(3, 7, MACHINE, b"/ab"),
        zombie(3, 7, 77, b"/"),
    ]
    .into();
    let held = |limits| {
        let zombies = Some(zombies.clone());
        let held = failure(ForkFailed { zombies, ..failed(EAGAIN, limits) }).zombies.unwrap();
        let of: Vec<_> = held.of.iter().map(|(peer, count)| (peer.pid, *count)).collect();
        (held.total, of)
    };
    let of_user = Limits { nproc: Some(filled(10, 10)), ..roomy() };
    assert_eq!(held(of_user), (2, vec![(2, 1), (3, 1)]));
    let pids = Some((Some(b"/a"[..].into()), filled(20, 20)));
    assert_eq!(held(Limits { pids, ..roomy() }), (2, vec![(2, 1), (3, 1)]));
    assert_eq!(held(Limits { machine: 700, ..roomy() }), (4, vec![(3, 3), (2, 1)]));
    let nested = Limits { pidns: Some((77, filled(99, 100))), ..roomy() };
    assert_eq!(held(nested), (1, vec![(3, 1)]));
}

#[test]
fn a_zombie_of_whom_too_little_is_known_leaves_their_number_open() {
    let homeless = Zombie { cgroup: None, ..zombie(2, USER, MACHINE, b"/a") };
    let failed = ForkFailed {
        zombies: Some([homeless].into()),
        ..failed(EAGAIN, Limits { pids: Some((Some(b"/a"[..].into()), filled(20, 20))), ..roomy() })
    };
    assert_eq!(failure(failed).zombies, None);
}

#[test]
fn a_failure_that_is_told_after_the_end_is_not_told_again() {
    let failed = Fact::ForkFailed(Box::new(failed(EAGAIN, roomy())));
    let events = tell([(20, exit(PARENT, INIT)), (21, failed)]);
    assert_eq!(types(&events, PARENT), ["exit"]);
}

#[test]
fn failures_are_counted_by_cause() {
    let mut model = opened(Filter::default());
    let full = Limits { nproc: Some(filled(10, 10)), ..roomy() };
    for (ms, limits) in [(10, full.clone()), (11, roomy()), (12, full)] {
        tell_to(&mut model, [(ms, Fact::ForkFailed(Box::new(failed(EAGAIN, limits))))]);
    }
    let summary = model.summary(20 * MS);
    assert_eq!(summary.fork_failures, [(Some(ForkCause::RlimitNproc), 2), (None, 1)]);
    let Met { found, example, .. } = Condition::ForkFailures(2).met(&summary).expect("three");
    assert_eq!((found, example.map(|who| who.pid)), (3, Some(PARENT.pid)));
    assert_eq!(Condition::ForkFailures(3).met(&summary), None);
}

/// So many failures in so many ms from 10 ms on, and what is told of them by `until`: time in ms, count.
fn flood(limits: &Limits, count: u64, until: u64) -> (Model, Vec<(u64, u64)>) {
    let mut model = opened(Filter::default());
    let story =
        (0..count).map(|n| (10 + n, Fact::ForkFailed(Box::new(failed(EAGAIN, limits.clone())))));
    let mut events = tell_to(&mut model, story);
    model.advance(until * MS);
    events.extend(model.drain());
    (model, counts(&events))
}

fn counts(events: &[Event]) -> Vec<(u64, u64)> {
    let failed = events.iter().filter_map(|event| match &event.what {
        What::ForkFailed(failure) => Some((event.at / MS, failure.count)),
        _ => None,
    });
    failed.collect()
}

#[test]
fn a_loop_of_failures_is_told_ten_times_a_second_and_then_together() {
    let singly = |from: u64| (from..from + 10).map(|ms| (ms, 1));
    let (_, told) = flood(&roomy(), 10, 5_000);
    assert_eq!(told, singly(10).collect::<Vec<_>>(), "nothing is held back");
    let (_, told) = flood(&roomy(), 500, 1_009);
    assert_eq!(told.len(), 10, "the rest only when its second ends");
    let (_, told) = flood(&roomy(), 1_500, 5_000);
    let seconds = singly(10).chain([(1_010, 990)]).chain(singly(1_010)).chain([(2_010, 490)]);
    assert_eq!(told, seconds.collect::<Vec<_>>());
}

#[test]
fn what_is_held_back_is_told_at_the_end_and_all_are_counted() {
    let full = Limits { nproc: Some(filled(10, 10)), ..roomy() };
    let (mut model, told) = flood(&full, 500, 600);
    assert_eq!(told.len(), 10);
    model.close(700 * MS);
    assert_eq!(counts(&model.drain().collect::<Vec<_>>()), [(700, 490)]);
    assert_eq!(model.summary(700 * MS).fork_failures, [(Some(ForkCause::RlimitNproc), 500)]);
}

#[test]
fn each_limit_has_its_own_count_and_the_last_process_stands_for_all() {
    let mut model = opened(Filter::default());
    let full = Limits { nproc: Some(filled(10, 10)), ..roomy() };
    let by = |id, limits: &Limits| {
        Fact::ForkFailed(Box::new(ForkFailed { limits: limits.clone(), ..failed_of(id) }))
    };
    let story = (10..22).flat_map(|ms| [(ms, by(PARENT, &full)), (ms, by(CHILD, &roomy()))]);
    let mut events = tell_to(&mut model, story.chain([(30, by(CHILD, &full))]));
    assert_eq!(counts(&events).len(), 20);
    model.close(40 * MS);
    events = model.drain().collect();
    let rest: Vec<_> = events
        .iter()
        .filter_map(|event| match &event.what {
            What::ForkFailed(failure) => Some((event.who?.pid, failure.cause, failure.count)),
            _ => None,
        })
        .collect();
    assert_eq!(rest, [(CHILD.pid, None, 2), (CHILD.pid, Some(ForkCause::RlimitNproc), 3)]);
}

#[test]
fn a_user_that_forks_without_end_is_told_of_before_it_cannot() {
    let child = |n: u32| born(1000 + n, 10 + u64::from(n));
    let story = (0..60u32).map(|n| {
        let user = |fork: &mut Forked| {
            fork.home.uid = Some(USER);
            fork.nproc = Some(filled(u64::from(100 + n), 200));
        };
        (u64::from(n) * 1000, fork_but(child(n), PARENT, user))
    });
    let events = tell(story);
    let told: Vec<_> = events
        .iter()
        .filter_map(|event| match &event.what {
            What::PidSpace(gauge) => Some((event.at / SECOND, gauge.left)),
            _ => None,
        })
        .collect();
    assert_eq!(told, [(10, Some(90 * SECOND))]);
}
