//! The tier that sees the release itself: who, when, and on what occasion, nothing to be inferred.

use AdopterKind::Subreaper;

use super::*;

fn release(id: Identity, by: Identity, call: Option<Call>) -> Fact {
    let comm = comm("releaser");
    Fact::Released(Released { id, by: by.pid, tid: by.pid + 3, comm, call })
}

fn autoreaped(id: Identity, target: Identity) -> Fact {
    death_but(id, target, |death| death.autoreap = true)
}

/// The child is a zombie from 31 ms on.
fn dead_child_and(rest: impl IntoIterator<Item = Line>) -> Vec<Event> {
    let dead = [
        (4, fork(OTHER, INIT)),
        (10, fork(CHILD, PARENT)),
        (30, exit(CHILD, PARENT)),
        (31, death(CHILD, PARENT)),
    ];
    tell(dead.into_iter().chain(rest))
}

#[test]
fn the_thread_that_releases_a_zombie_in_a_wait_is_its_reaper() {
    let events = dead_child_and([(40, release(CHILD, PARENT, Some(Call::Waitid)))]);
    let (at, reap) = reap_of(&events, CHILD);
    assert_eq!((at, reap.zombie, reap.exact), (40, Some(9 * MS), true));
    assert_eq!((reap.by, reap.via), (Some(By::Parent), Via::Call(Call::Waitid)));
    let tid = Some(PARENT.pid + 3);
    assert_eq!(reap.reaper, Some(Reaper { pid: PARENT.pid, tid, comm: comm("releaser") }));
}

#[test]
fn a_release_announced_by_the_death_adds_nothing() {
    let events = tell([
        (10, fork(CHILD, PARENT)),
        (30, exit(CHILD, PARENT)),
        (31, autoreaped(CHILD, PARENT)),
        (32, release(CHILD, CHILD, None)),
    ]);
    assert_eq!(types(&events, CHILD), ["fork", "exit", "zombie", "reap"]);
    let (at, reap) = reap_of(&events, CHILD);
    assert_eq!((at, reap.zombie, reap.by), (31, Some(0), Some(By::Kernel)));
}

#[test]
fn one_that_releases_itself_was_never_a_zombie() {
    let events = tell([
        (10, fork(CHILD, PARENT)),
        (30, exit(CHILD, PARENT)),
        // The death was lost.
        (32, release(CHILD, CHILD, None)),
    ]);
    let (_, reap) = reap_of(&events, CHILD);
    assert_eq!((reap.zombie, reap.exact, reap.by), (Some(0), true, Some(By::Kernel)));
}

#[test]
fn a_release_alone_proves_the_end() {
    let events = tell([(10, fork(CHILD, PARENT)), (40, release(CHILD, PARENT, Some(Call::Wait4)))]);
    assert_eq!(types(&events, CHILD), ["fork", "reap"]);
    let (_, reap) = reap_of(&events, CHILD);
    assert_eq!((reap.status, reap.zombie, reap.exact), (None, None, false));
    assert_eq!(reap.by, Some(By::Parent));
}

/// The parent hands the child to one that wants no zombies, and is unwanted itself: the kernel
/// releases the parent first.
fn handed_over() -> [Line; 5] {
    [
        (50, exit_to(PARENT, INIT, OTHER, Subreaper)),
        (51, autoreaped(CHILD, OTHER)),
        (51, autoreaped(PARENT, INIT)),
        (52, release(PARENT, PARENT, None)),
        (52, release(CHILD, PARENT, None)),
    ]
}

#[test]
fn a_zombie_handed_to_one_that_wants_none_ends_there_and_nobody_reaped_it() {
    let events = dead_child_and(handed_over());
    assert_eq!(types(&events, CHILD), ["fork", "exit", "zombie", "reparent", "reap"]);
    let (at, reap) = reap_of(&events, CHILD);
    assert_eq!((at, reap.zombie, reap.exact), (51, Some(20 * MS), true));
    assert_eq!((reap.by, reap.via, reap.reaper), (Some(By::Kernel), Via::Autoreap, None));
}

#[test]
fn a_zombie_from_before_keeps_its_bound_when_it_ends_so() {
    let zombie = found_but(CHILD, PARENT.pid, |found| found.zombie = Some(dead(CHILD)));
    let events = tell([(4, fork(OTHER, INIT)), (30, zombie)].into_iter().chain(handed_over()));
    let (_, reap) = reap_of(&events, CHILD);
    assert_eq!((reap.zombie, reap.exact), (Some(41 * MS), false), "since its start");
}

#[test]
fn a_dead_process_is_not_taken_for_the_reaper() {
    let events = dead_child_and(handed_over().into_iter().filter(|(_, fact)| {
        // What would have told of it was lost.
        !matches!(fact, Fact::Died(death) if death.id == CHILD)
    }));
    let (_, reap) = reap_of(&events, CHILD);
    assert_eq!((reap.reaper, reap.by, reap.via), (None, None, Via::Unknown));
}

#[test]
fn whom_another_releases_on_its_way_out_was_a_zombie_whose_death_was_lost() {
    let [parent_exits, .., released] = handed_over();
    for exited in [false, true] {
        let exit = exited.then(|| (20, exit(CHILD, PARENT)));
        let born = [(4, fork(OTHER, INIT)), (10, fork(CHILD, PARENT))];
        let end = [parent_exits.clone(), released.clone()];
        let events = tell(born.into_iter().chain(exit).chain(end));
        let (_, reap) = reap_of(&events, CHILD);
        let bound = exited.then_some(32 * MS);
        assert_eq!((reap.by, reap.zombie, reap.exact), (Some(By::Kernel), bound, false));
    }
}

#[test]
fn a_dying_init_takes_its_namespace_with_it() {
    // In lockdown numbers in nested namespaces are unknown.
    for [init, other] in [[Some(1), Some(2)], [None; 2]] {
        let inside = |ns_pid| Home { pidns: Some(7), ns_pid, ..Home::default() };
        let events = tell([
            (4, fork_but(OTHER, INIT, |fork| fork.home = inside(init))),
            (10, fork_but(CHILD, OTHER, |fork| fork.home = inside(other))),
            (20, exit(OTHER, INIT)),
            (30, exit(CHILD, OTHER)),
            (31, death(CHILD, OTHER)),
            (40, release(CHILD, OTHER, None)),
        ]);
        let (_, reap) = reap_of(&events, CHILD);
        assert_eq!((reap.by, reap.via), (Some(By::Parent), Via::PidnsDeath));
        assert_eq!((reap.zombie, reap.exact), (Some(9 * MS), true));
    }
}

#[test]
fn a_tracer_may_have_the_last_word() {
    let events = tell([
        (4, fork(OTHER, INIT)),
        (10, fork(CHILD, PARENT)),
        (30, exit_but(CHILD, PARENT, |exit| exit.ptracer = Some(OTHER.pid))),
        (31, death(CHILD, OTHER)),
        (40, release(CHILD, OTHER, Some(Call::Wait4))),
    ]);
    let (_, reap) = reap_of(&events, CHILD);
    assert_eq!((reap.by, reap.reparents), (Some(By::Tracer), 0));
    assert_eq!(reap.reaper.map(|reaper| reaper.pid), Some(OTHER.pid));
}

#[test]
fn a_release_that_comes_late_does_not_end_the_next_life() {
    let reborn = born(CHILD.pid, 100);
    let events = dead_child_and([
        (100, fork(reborn, PARENT)),
        (101, release(CHILD, PARENT, Some(Call::Wait4))),
        (130, exit(reborn, PARENT)),
    ]);
    let told = ["fork", "exit", "zombie", "reap", "fork", "exit"];
    assert_eq!(types(&events, CHILD), told);
}
