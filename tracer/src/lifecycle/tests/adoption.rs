//! A parent dies first, and somebody else takes over.

use AdopterKind::{Init, PidnsInit, Subreaper};

use super::*;

#[test]
fn an_orphan_is_adopted_and_reaped_by_its_adopter() {
    let events = tell([
        (10, fork(CHILD, PARENT)),
        (20, exit_to(PARENT, INIT, INIT, Init)),
        (30, exit(CHILD, INIT)),
        (31, death(CHILD, INIT)),
        (40, wait(INIT, CHILD.pid)),
    ]);
    assert_eq!(types(&events, CHILD), ["fork", "reparent", "exit", "zombie", "reap"]);
    assert_eq!(moves(&events, CHILD), [(20, PARENT.pid, INIT.pid, Init, false)]);
    let (_, reap) = reap_of(&events, CHILD);
    assert_eq!((reap.by, reap.reparents), (Some(By::Adopter), 1));
    assert_eq!(reap.reaper.map(|reaper| reaper.pid), Some(INIT.pid));
    let ppids: Vec<_> =
        of(&events, CHILD).map(|event| event.who.and_then(|who| who.ppid)).collect();
    assert_eq!(ppids, [PARENT, INIT, INIT, INIT, INIT].map(|parent| Some(parent.pid)));
}

#[test]
fn the_clock_of_a_zombie_runs_on_through_every_adoption() {
    let events = tell([
        (4, fork(OTHER, INIT)),
        (10, fork(CHILD, PARENT)),
        (12, fork(SIBLING, PARENT)),
        (30, exit(CHILD, PARENT)),
        (31, death(CHILD, PARENT)),
        (50, exit_to(PARENT, OTHER, OTHER, Subreaper)),
        (60, exit_to(OTHER, INIT, INIT, Init)),
        (70, wait(INIT, CHILD.pid)),
    ]);
    let (parent, other, init) = (PARENT.pid, OTHER.pid, INIT.pid);
    assert_eq!(
        moves(&events, CHILD),
        [(50, parent, other, Subreaper, true), (60, other, init, Init, true)]
    );
    assert_eq!(
        moves(&events, SIBLING),
        [(50, parent, other, Subreaper, false), (60, other, init, Init, false)]
    );
    let (_, reap) = reap_of(&events, CHILD);
    assert_eq!((reap.zombie, reap.reparents, reap.exact), (Some(39 * MS), 2, true));
}

#[test]
fn the_middle_of_a_double_fork_is_reaped_at_once_and_the_daemon_adopted() {
    let events = tell([
        (10, fork(CHILD, PARENT)),
        (15, fork(GRANDCHILD, CHILD)),
        (20, exit_to(CHILD, PARENT, INIT, Init)),
        (21, death(CHILD, PARENT)),
        (21, wait(PARENT, CHILD.pid)),
        (40, free(CHILD)),
        (90, exit(GRANDCHILD, INIT)),
        (91, death(GRANDCHILD, INIT)),
        (92, wait(INIT, GRANDCHILD.pid)),
    ]);
    let (_, middle) = reap_of(&events, CHILD);
    assert_eq!((middle.by, middle.zombie), (Some(By::Parent), Some(0)));
    assert_eq!(moves(&events, GRANDCHILD), [(20, CHILD.pid, INIT.pid, Init, false)]);
    let (_, daemon) = reap_of(&events, GRANDCHILD);
    assert_eq!((daemon.by, daemon.reparents), (Some(By::Adopter), 1));
}

#[test]
fn all_children_move_and_those_already_reaped_do_not() {
    let living = (1..=1000).map(|n| born(1000 + n, 10));
    let mut story: Vec<Line> = living.clone().map(|id| (10, fork(id, PARENT))).collect();
    story.extend([
        (10, fork(CHILD, PARENT)),
        (11, exit(CHILD, PARENT)),
        (12, death(CHILD, PARENT)),
        (13, wait(PARENT, CHILD.pid)),
        (20, exit_to(PARENT, INIT, INIT, Init)),
    ]);
    let events = tell(story);
    for id in living {
        assert_eq!(moves(&events, id).len(), 1);
    }
    assert_eq!(moves(&events, CHILD), []);
}

#[test]
fn a_child_made_for_the_grandparent_is_no_orphan() {
    let events = tell([
        (10, fork(CHILD, PARENT)),
        // CLONE_PARENT.
        (15, fork_but(GRANDCHILD, PARENT, |fork| fork.forker = CHILD.pid)),
        (20, exit_to(CHILD, PARENT, INIT, Init)),
        (30, exit(GRANDCHILD, PARENT)),
        (31, death(GRANDCHILD, PARENT)),
        (40, wait(PARENT, GRANDCHILD.pid)),
    ]);
    assert_eq!(moves(&events, GRANDCHILD), []);
    let fork = of(&events, GRANDCHILD).next().expect("the fork");
    assert_eq!(fork.who.and_then(|who| who.ppid), Some(PARENT.pid));
    assert_eq!(fork.what, What::Fork { forker: CHILD.pid, home: Home::default() });
    let (_, reap) = reap_of(&events, GRANDCHILD);
    assert_eq!((reap.by, reap.reparents), (Some(By::Parent), 0));
}

#[test]
fn a_waiter_that_is_not_the_known_parent_has_adopted() {
    let events = tell([
        (4, fork(OTHER, INIT)),
        (10, fork(CHILD, PARENT)),
        (30, exit(CHILD, PARENT)),
        (31, death(CHILD, PARENT)),
        // The parent's end was lost.
        (50, wait(OTHER, CHILD.pid)),
    ]);
    assert_eq!(moves(&events, CHILD), [(50, PARENT.pid, OTHER.pid, Subreaper, true)]);
    let (_, reap) = reap_of(&events, CHILD);
    assert_eq!((reap.by, reap.reparents), (Some(By::Adopter), 1));
}

#[test]
fn an_adopter_of_which_nothing_is_known_is_an_adopter_all_the_same() {
    let events = tell([
        (10, fork(CHILD, PARENT)),
        (30, exit(CHILD, PARENT)),
        (31, death(CHILD, PARENT)),
        (50, wait(OTHER, CHILD.pid)),
    ]);
    let (_, reap) = reap_of(&events, CHILD);
    assert_eq!((reap.by, reap.reparents), (Some(By::Adopter), 1));
    assert_eq!(reap.reaper.map(|reaper| reaper.pid), Some(OTHER.pid));
}

#[test]
fn the_parent_that_the_kernel_names_at_the_exit_wins() {
    let inside = |found: &mut Found| found.home.ns_pid = Some(1);
    for (adopter, kind) in [(INIT, Init), (OTHER, PidnsInit), (GRANDCHILD, Subreaper)] {
        let events = tell([
            (4, found_but(OTHER, INIT.pid, inside)),
            (5, found(GRANDCHILD, INIT.pid)),
            (10, fork(CHILD, PARENT)),
            // The parent's end was lost.
            (30, exit(CHILD, adopter)),
        ]);
        assert_eq!(moves(&events, CHILD), [(30, PARENT.pid, adopter.pid, kind, false)]);
    }
}

#[test]
fn a_parent_on_its_way_out_is_still_named_by_the_child_and_does_not_get_it_back() {
    let events = tell([
        (10, fork(CHILD, PARENT)),
        (20, exit_to(PARENT, INIT, INIT, Init)),
        // Before `forget_original_parent`, while the parent is torn down.
        (21, exit(CHILD, PARENT)),
        (22, death(PARENT, INIT)),
        (23, death(CHILD, INIT)),
        (30, wait(INIT, CHILD.pid)),
    ]);
    assert_eq!(moves(&events, CHILD), [(20, PARENT.pid, INIT.pid, Init, false)]);
    assert_eq!(reap_of(&events, CHILD).1.reparents, 1);
}
