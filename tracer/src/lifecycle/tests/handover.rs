//! Who takes over may want no zombies: the kernel then reaps, and shows little of it.

use AdopterKind::{Init, PidnsInit, Subreaper};

use super::*;

const IGNORED: Sigchld = Sigchld { ignored: true, no_wait: false };

fn ignoring(exit: &mut Exited) {
    exit.sigchld = IGNORED;
}

/// The parent leaves its children to one that ignores SIGCHLD.
fn exit_to_ignoring() -> Fact {
    let adopter = Adopter { id: OTHER, kind: Subreaper, sigchld: IGNORED };
    exit_but(PARENT, INIT, |exit| exit.adopter = Some(adopter))
}

#[test]
fn a_child_the_kernel_reaped_is_not_orphaned_by_a_parent_that_ends_before_its_release_is_seen() {
    let events = tell([
        (10, fork(CHILD, PARENT)),
        (20, exit_but(CHILD, PARENT, ignoring)),
        (25, exit_to(PARENT, INIT, INIT, Init)),
        (40, free(CHILD)),
    ]);
    assert_eq!(types(&events, CHILD), ["fork", "exit", "zombie", "reap"]);
    let (_, reap) = reap_of(&events, CHILD);
    assert_eq!((reap.by, reap.reparents), (Some(By::Kernel), 0));
}

#[test]
fn a_child_still_torn_down_when_its_ignoring_parent_ends_shows_its_adopter_at_death() {
    let events = tell([
        (10, fork(CHILD, PARENT)),
        (20, exit_but(CHILD, PARENT, ignoring)),
        (25, exit_to(PARENT, INIT, INIT, Init)),
        (60, death(CHILD, INIT)),
        (70, wait(INIT, CHILD.pid)),
    ]);
    assert_eq!(types(&events, CHILD), ["fork", "exit", "reparent", "zombie", "reap"]);
    assert_eq!(moves(&events, CHILD), [(60, PARENT.pid, INIT.pid, Init, false)]);
    let (_, reap) = reap_of(&events, CHILD);
    assert_eq!((reap.by, reap.zombie), (Some(By::Adopter), Some(10 * MS)));
}

#[test]
fn a_zombie_handed_to_one_that_wants_none_is_released_by_the_kernel() {
    let events = tell([
        (4, fork(OTHER, INIT)),
        (10, fork(CHILD, PARENT)),
        (20, exit(CHILD, PARENT)),
        (21, death(CHILD, PARENT)),
        (30, exit_to_ignoring()),
        (50, free(CHILD)),
    ]);
    assert_eq!(moves(&events, CHILD), [(30, PARENT.pid, OTHER.pid, Subreaper, true)]);
    let (_, reap) = reap_of(&events, CHILD);
    assert_eq!((reap.by, reap.via, reap.reaper), (Some(By::Kernel), Via::Autoreap, None));
    assert_eq!((reap.zombie, reap.exact), (Some(29 * MS), false), "it was one until then");
}

#[test]
fn an_orphan_that_ends_later_is_judged_by_what_its_adopter_does_then() {
    let events = tell([
        (4, fork(OTHER, INIT)),
        (10, fork(CHILD, PARENT)),
        (30, exit_to_ignoring()),
        // The adopter has taken to waiting.
        (40, exit(CHILD, OTHER)),
        (41, death(CHILD, OTHER)),
        (60, free(CHILD)),
    ]);
    let (_, reap) = reap_of(&events, CHILD);
    assert_eq!((reap.by, reap.via), (Some(By::Adopter), Via::Unknown));
}

#[test]
fn a_child_that_begins_to_exit_while_its_parent_does_is_judged_by_the_adopter() {
    let events = tell([
        (4, fork(OTHER, INIT)),
        (10, fork(CHILD, PARENT)),
        (30, exit_to_ignoring()),
        // Not handed over yet, and the parent does want zombies.
        (31, exit(CHILD, PARENT)),
        (60, free(CHILD)),
    ]);
    let (_, reap) = reap_of(&events, CHILD);
    assert_eq!((reap.by, reap.via, reap.exact), (Some(By::Kernel), Via::Autoreap, false));
}

#[test]
fn an_adopted_child_sends_sigchld_whatever_it_was_born_with() {
    let events = tell_until(
        2_000,
        [
            (10, fork_but(CHILD, PARENT, |fork| fork.exit_signal = 0)),
            (20, exit_but(CHILD, PARENT, |exit| exit.exit_signal = 0)),
            (21, death(CHILD, PARENT)),
            (30, exit_to(PARENT, INIT, INIT, Init)),
        ],
    );
    let causes: Vec<_> = unreaped(&events, CHILD).into_iter().map(|(_, _, why)| why).collect();
    assert_eq!(causes, [[Cause::InitNotReaping]]);
}

/// The child is a zombie from 21 ms on, and its parent waits for nobody by name, and ends.
fn waited_for_perhaps() -> [Line; 6] {
    [
        (4, fork(OTHER, INIT)),
        (10, fork(CHILD, PARENT)),
        (20, exit(CHILD, PARENT)),
        (21, death(CHILD, PARENT)),
        (30, unnamed_wait(PARENT, 103)),
        (31, exit_to(PARENT, INIT, OTHER, PidnsInit)),
    ]
}

#[test]
fn a_child_reaped_by_such_a_wait_is_not_orphaned_by_a_parent_that_ends_at_once() {
    let events = tell(waited_for_perhaps().into_iter().chain([(50, free(CHILD))]));
    assert_eq!(types(&events, CHILD), ["fork", "exit", "zombie", "reap"]);
    let (_, reap) = reap_of(&events, CHILD);
    assert_eq!((reap.by, reap.via), (Some(By::Parent), Via::Call(Call::Waitid)));
    assert_eq!(reap.reaper.and_then(|reaper| reaper.tid), Some(103));
}

#[test]
fn if_that_wait_was_for_another_the_adoption_shows_when_the_adopter_waits() {
    let events = tell(waited_for_perhaps().into_iter().chain([(50, wait(OTHER, CHILD.pid))]));
    assert_eq!(moves(&events, CHILD), [(50, PARENT.pid, OTHER.pid, PidnsInit, true)]);
    assert_eq!(reap_of(&events, CHILD).1.by, Some(By::Adopter));
}

#[test]
fn or_when_it_is_there_too_long_to_be_gone() {
    let events = tell_until(2_000, waited_for_perhaps());
    assert_eq!(types(&events, CHILD), ["fork", "exit", "zombie", "reparent", "unreaped"]);
    let why = vec![Cause::InitNotReaping];
    assert_eq!(unreaped(&events, CHILD), [(1_021 * MS, SECOND, why)]);
}

#[test]
fn a_parent_that_was_dead_itself_reaped_nobody() {
    let events = tell([
        (10, fork(CHILD, PARENT)),
        (20, exit(CHILD, PARENT)),
        (21, death(CHILD, PARENT)),
        // Its exit was lost, and with it who adopted.
        (30, death(PARENT, INIT)),
        (50, free(CHILD)),
    ]);
    let (_, reap) = reap_of(&events, CHILD);
    assert_eq!((reap.reaper, reap.by, reap.via), (None, None, Via::Unknown));
}
