//! Which waits reap, and whose they are.

use super::*;

/// The child is born at 10 ms and a zombie from 31 ms on.
fn dead_child() -> Vec<Line> {
    vec![(10, fork(CHILD, PARENT)), (30, exit(CHILD, PARENT)), (31, death(CHILD, PARENT))]
}

fn dead_child_and(rest: impl IntoIterator<Item = Line>) -> Vec<Event> {
    tell(dead_child().into_iter().chain(rest))
}

fn reaper_of(reap: &Reap) -> (u32, Option<u32>) {
    let reaper = reap.reaper.expect("known");
    (reaper.pid, reaper.tid)
}

fn report(child: u32, reaped: Option<bool>) -> Fact {
    wait_but(PARENT, child, |wait| wait.outcome = Outcome::Child { pid: child, reaped })
}

#[test]
fn a_child_reported_stopped_or_continued_is_not_reaped() {
    let events = tell([
        (10, fork(CHILD, PARENT)),
        (20, report(CHILD.pid, Some(false))),
        // Asked for without a status: it may have been either, but it was alive.
        (21, report(CHILD.pid, None)),
        (30, exit(CHILD, PARENT)),
        (31, death(CHILD, PARENT)),
        (40, report(CHILD.pid, Some(true))),
    ]);
    assert_eq!(types(&events, CHILD), ["fork", "exit", "zombie", "reap"]);
    assert_eq!(reap_of(&events, CHILD).1.zombie, Some(9 * MS));
}

#[test]
fn a_wait_without_a_status_reaps_what_is_dead() {
    let events = dead_child_and([(40, report(CHILD.pid, None))]);
    let (at, reap) = reap_of(&events, CHILD);
    assert_eq!((at, reap.exact), (40, true));
}

#[test]
fn a_report_that_was_no_death_leaves_the_zombie() {
    let events = dead_child_and([
        (35, report(CHILD.pid, Some(false))),
        (36, wait_but(PARENT, 0, |wait| wait.outcome = Outcome::Nothing)),
        (40, report(CHILD.pid, Some(true))),
    ]);
    assert_eq!(reap_of(&events, CHILD).0, 40);
}

#[test]
fn a_doubled_wait_reaps_once() {
    let events = dead_child_and([(40, wait(PARENT, CHILD.pid)), (41, wait(PARENT, CHILD.pid))]);
    assert_eq!(reap_of(&events, CHILD).0, 40);
}

#[test]
fn the_only_wait_that_can_have_been_it_is_taken_for_it() {
    let events = dead_child_and([(40, unnamed_wait(PARENT, 103)), (60, free(CHILD))]);
    let (at, reap) = reap_of(&events, CHILD);
    assert_eq!((at, reap.zombie, reap.exact), (60, Some(29 * MS), false));
    assert_eq!((reap.by, reap.via), (Some(By::Parent), Via::Call(Call::Waitid)));
    let reaper = Reaper { pid: PARENT.pid, tid: Some(103), comm: comm("waiter") };
    assert_eq!(reap.reaper, Some(reaper));
}

#[test]
fn one_of_several_waits_leaves_open_which_thread_it_was() {
    let events = dead_child_and([
        (40, unnamed_wait(PARENT, 103)),
        (41, unnamed_wait(PARENT, 104)),
        (60, free(CHILD)),
    ]);
    let (_, reap) = reap_of(&events, CHILD);
    assert_eq!(reaper_of(reap), (PARENT.pid, None));
    assert_eq!((reap.by, reap.via), (Some(By::Parent), Via::Call(Call::Waitid)));
}

#[test]
fn a_wait_from_before_the_death_explains_nothing() {
    let events = tell(
        [(25, unnamed_wait(PARENT, 103))]
            .into_iter()
            .chain(dead_child())
            .chain([(60, free(CHILD))]),
    );
    let (_, reap) = reap_of(&events, CHILD);
    assert_eq!((reaper_of(reap), reap.via), ((PARENT.pid, None), Via::Unknown));
}

#[test]
fn a_wait_of_another_process_explains_nothing() {
    let events = dead_child_and([
        (32, fork(OTHER, INIT)),
        (40, unnamed_wait(OTHER, OTHER.pid)),
        (60, free(CHILD)),
    ]);
    assert_eq!(reap_of(&events, CHILD).1.via, Via::Unknown);
}

#[test]
fn one_wait_explains_one_release() {
    let events = dead_child_and([
        (32, fork(SIBLING, PARENT)),
        (33, exit(SIBLING, PARENT)),
        (34, death(SIBLING, PARENT)),
        (40, unnamed_wait(PARENT, 103)),
        (60, free(CHILD)),
        (61, free(SIBLING)),
    ]);
    assert_eq!(reaper_of(reap_of(&events, CHILD).1), (PARENT.pid, Some(103)));
    let (_, second) = reap_of(&events, SIBLING);
    assert_eq!((reaper_of(second), second.via), ((PARENT.pid, None), Via::Unknown));
}

#[test]
fn an_exec_does_not_undo_the_waits_before_it() {
    let events = dead_child_and([
        (32, fork(SIBLING, PARENT)),
        (33, exit(SIBLING, PARENT)),
        (34, death(SIBLING, PARENT)),
        (40, unnamed_wait(PARENT, 103)),
        (45, exec(PARENT)),
        (50, unnamed_wait(PARENT, PARENT.pid)),
        (60, free(CHILD)),
    ]);
    let reaper = reaper_of(reap_of(&events, CHILD).1);
    assert_eq!(reaper, (PARENT.pid, None), "either wait can have been it");
}

#[test]
fn the_wait_of_a_tracer_is_not_the_reap() {
    let events = tell([
        (4, fork(OTHER, INIT)),
        (10, fork(CHILD, PARENT)),
        (30, exit_but(CHILD, PARENT, |exit| exit.ptracer = Some(OTHER.pid))),
        (31, death(CHILD, OTHER)),
        (40, wait(OTHER, CHILD.pid)),
        (50, wait(PARENT, CHILD.pid)),
    ]);
    assert_eq!(types(&events, CHILD), ["fork", "exit", "zombie", "reap"]);
    let (at, reap) = reap_of(&events, CHILD);
    assert_eq!((at, reap.by, reap.zombie), (50, Some(By::Parent), Some(19 * MS)));
}

#[test]
fn one_that_is_told_of_a_death_is_not_the_parent_unless_it_is_known_that_nobody_traces() {
    let events = tell([
        (4, fork(OTHER, INIT)),
        (10, fork(CHILD, PARENT)),
        // The exit was lost.
        (31, death(CHILD, OTHER)),
        (50, wait(PARENT, CHILD.pid)),
    ]);
    assert_eq!(types(&events, CHILD), ["fork", "zombie", "reap"]);
    assert_eq!(reap_of(&events, CHILD).1.by, Some(By::Parent));
}

#[test]
fn behind_a_tracer_nobody_knows_who_reaped() {
    let events = tell([
        (4, fork(OTHER, INIT)),
        (10, fork(CHILD, PARENT)),
        (30, exit_but(CHILD, PARENT, |exit| exit.ptracer = Some(OTHER.pid))),
        (31, death(CHILD, OTHER)),
        (50, free(CHILD)),
    ]);
    let (_, reap) = reap_of(&events, CHILD);
    assert_eq!((reap.reaper, reap.by, reap.via), (None, None, Via::Unknown));
}

#[test]
fn pids_are_those_of_the_waiters_namespace() {
    let inside = |ns_pid| Home { pidns: Some(7), ns_pid: Some(ns_pid), ..Home::default() };
    let born_inside = |id, parent, number| {
        fork_but(id, parent, |fork| {
            (fork.home, fork.number) = (inside(number), Some(number));
        })
    };
    let mut story = vec![
        (4, fork_but(OTHER, INIT, |fork| fork.home = inside(1))),
        // The init of a namespace in this one.
        (
            10,
            fork_but(CHILD, OTHER, |fork| {
                fork.home = Home { pidns: Some(8), ns_pid: Some(1), ..Home::default() };
                fork.number = Some(2);
            }),
        ),
        (12, born_inside(SIBLING, OTHER, 200)),
        // Not a child of the waiter, with the same number elsewhere.
        (15, born_inside(GRANDCHILD, PARENT, 2)),
    ];
    for id in [CHILD, SIBLING] {
        story.extend([(30, exit(id, OTHER)), (31, death(id, OTHER))]);
    }
    story.extend([(40, wait(OTHER, 2)), (50, wait(OTHER, 200)), (51, wait(OTHER, 300))]);
    let events = tell(story);
    assert_eq!(reap_of(&events, CHILD).0, 40);
    assert_eq!(reap_of(&events, SIBLING).0, 50, "200 is the sibling, inside");
    assert_eq!(types(&events, GRANDCHILD), ["fork"]);
}
