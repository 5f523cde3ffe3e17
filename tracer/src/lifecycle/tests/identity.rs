//! A pid is not a life: reuse, late records, and those who were there before.

use super::*;

/// The next life with the pid of the child.
const REBORN: Identity = born(CHILD.pid, 100);

#[test]
fn two_lives_with_one_pid_are_kept_apart() {
    let mut story = Vec::new();
    for (id, at, code) in [(CHILD, 10, 1), (REBORN, 100, 2)] {
        story.extend([
            (at, fork(id, PARENT)),
            (at + 20, exit_but(id, PARENT, |exit| exit.status = Status::Code(code))),
            (at + 21, death(id, PARENT)),
            (at + 30, wait(PARENT, id.pid)),
        ]);
    }
    let events = tell(story);
    let told: Vec<_> = of(&events, CHILD)
        .filter_map(|event| match &event.what {
            What::Reap(reap) => Some((event.who?.start, reap.status?, reap.zombie?)),
            _ => None,
        })
        .collect();
    let zombie = 9 * MS;
    assert_eq!(told, [(10 * MS, Status::Code(1), zombie), (100 * MS, Status::Code(2), zombie)]);
}

#[test]
fn a_birth_under_a_pid_proves_the_release_of_its_former_life() {
    let events = tell([
        (10, fork(CHILD, PARENT)),
        (30, exit(CHILD, PARENT)),
        (31, death(CHILD, PARENT)),
        (100, fork(REBORN, PARENT)),
    ]);
    let (at, reap) = reap_of(&events, CHILD);
    assert_eq!((at, reap.zombie, reap.exact), (100, Some(69 * MS), false));
    assert_eq!(reap.via, Via::Unknown);
    assert_eq!(types(&events, CHILD), ["fork", "exit", "zombie", "reap", "fork"]);
}

#[test]
fn late_records_of_a_former_life_change_nothing() {
    let events = tell([
        (10, fork(CHILD, PARENT)),
        (30, exit(CHILD, PARENT)),
        (31, death(CHILD, PARENT)),
        (40, wait(PARENT, CHILD.pid)),
        (100, fork(REBORN, PARENT)),
        (101, fork(CHILD, PARENT)),
        (101, exec(CHILD)),
        (101, leader_exit(CHILD, 2)),
        (101, exit(CHILD, INIT)),
        (101, death(CHILD, INIT)),
        (101, free(CHILD)),
        (130, exit(REBORN, PARENT)),
        (131, death(REBORN, PARENT)),
    ]);
    let told = ["fork", "exit", "zombie", "reap", "fork", "exit", "zombie"];
    assert_eq!(types(&events, CHILD), told);
}

#[test]
fn a_wait_that_returns_after_the_pid_was_reused_does_not_reap_the_new_life() {
    let events = tell([
        (10, fork(CHILD, PARENT)),
        (30, exit(CHILD, PARENT)),
        (31, death(CHILD, PARENT)),
        // Released inside the wait, reused by another thread before the call returns.
        (100, fork(REBORN, PARENT)),
        (101, wait(PARENT, CHILD.pid)),
        (130, exit(REBORN, PARENT)),
        (131, death(REBORN, PARENT)),
        (140, wait(PARENT, REBORN.pid)),
    ]);
    let reaps: Vec<_> = of(&events, CHILD)
        .filter(|event| matches!(event.what, What::Reap(_)))
        .map(|event| (event.at / MS, event.who.expect("a process").start))
        .collect();
    assert_eq!(reaps, [(100, CHILD.start.ns()), (140, REBORN.start.ns())]);
}

#[test]
fn a_reuse_that_shows_the_release_first_credits_no_thread_with_it() {
    let dead = |id| [(30, exit(id, PARENT)), (31, death(id, PARENT))];
    let mut story = vec![(10, fork(CHILD, PARENT)), (12, fork(SIBLING, PARENT))];
    story.extend([CHILD, SIBLING].into_iter().flat_map(dead));
    story.extend([
        // That was the sibling. The wait for the child has not returned when its pid is reused.
        (40, unnamed_wait(PARENT, 103)),
        (100, fork(REBORN, PARENT)),
        (101, wait(PARENT, CHILD.pid)),
        (102, free(SIBLING)),
    ]);
    let events = tell(story);
    let thread = |id| reap_of(&events, id).1.reaper.and_then(|reaper| reaper.tid);
    assert_eq!((thread(CHILD), thread(SIBLING)), (None, Some(103)));
}

#[test]
fn a_wait_from_before_a_birth_does_not_reap_it() {
    let events = tell([(100, fork(REBORN, PARENT)), (90, wait(PARENT, REBORN.pid))]);
    assert_eq!(types(&events, REBORN), ["fork"]);
}

#[test]
fn a_life_found_to_the_tick_is_the_one_known_to_the_nanosecond() {
    let exact = Identity { pid: 500, start: Start::Exact(123_456_789) };
    let events = tell([
        (300, found(exact, PARENT.pid)),
        (310, exec(exact)),
        (320, exit(exact, PARENT)),
        (321, death(exact, PARENT)),
        (330, wait(PARENT, exact.pid)),
        (350, free(exact)),
    ]);
    assert_eq!(types(&events, exact), ["existing", "exec", "exit", "zombie", "reap"]);
    let starts: Vec<_> = of(&events, exact).map(|event| event.who.expect("it").start).collect();
    assert_eq!(starts, [120_000_000; 5], "scripts join on it");
    let (_, reap) = reap_of(&events, exact);
    assert_eq!(reap.lifetime, Some(320 * MS - 123_456_789), "from the exact start");
    assert_eq!((reap.by, reap.zombie), (Some(By::Parent), Some(9 * MS)));
}

#[test]
fn a_child_of_one_found_to_the_tick_is_its_child() {
    let exact = Identity { pid: 500, start: Start::Exact(123_456_789) };
    let events = tell([
        (200, found(exact, PARENT.pid)),
        (210, fork(born(501, 210), exact)),
        (220, exit_to(exact, PARENT, INIT, AdopterKind::Init)),
    ]);
    assert_eq!(moves(&events, born(501, 210)).len(), 1);
}

#[test]
fn a_zombie_that_was_there_before_is_bound_by_its_whole_life() {
    let zombie = born(500, 120);
    let story = [(3_000, found_but(zombie, PARENT.pid, |found| found.zombie = Some(dead(zombie))))];
    let events = tell(story.into_iter().chain([(3_500, wait(PARENT, zombie.pid))]));
    assert_eq!(types(&events, zombie), ["existing", "reap"]);
    assert!(
        of(&events, zombie).any(|event| event.what == What::Existing { zombie_at_least: Some(0) })
    );
    let (_, reap) = reap_of(&events, zombie);
    assert_eq!((reap.zombie, reap.exact), (Some(3_380 * MS), false));
    assert_eq!(reap.by, Some(By::Parent));
}

#[test]
fn a_zombie_that_was_there_before_is_unreaped_from_when_it_was_found() {
    let zombie = born(500, 120);
    let story = [(3_000, found_but(zombie, PARENT.pid, |found| found.zombie = Some(dead(zombie))))];
    let events = tell_until(4_000, story);
    let why = vec![Cause::ParentNeverWaits];
    assert_eq!(unreaped(&events, zombie), [(4 * SECOND, SECOND, why)]);
}

#[test]
fn a_zombie_found_with_the_bounds_of_its_death_keeps_them() {
    let zombie = born(500, 120);
    let death = Some(Death { earliest: 1_000 * MS, latest: Some(1_500 * MS) });
    let story = [(3_000, found_but(zombie, PARENT.pid, |found| found.zombie = death))];
    let events = tell_until(4_500, story.clone());
    let age = What::Existing { zombie_at_least: Some(1_500 * MS) };
    assert!(of(&events, zombie).any(|event| event.what == age));
    // A second after it was found, so that its parent has been seen for a while, at its age then.
    let why = vec![Cause::ParentNeverWaits];
    assert_eq!(unreaped(&events, zombie), [(4 * SECOND, 2_500 * MS, why)]);
    let events = tell(story.into_iter().chain([(3_500, wait(PARENT, zombie.pid))]));
    let (_, reap) = reap_of(&events, zombie);
    assert_eq!((reap.zombie, reap.exact), (Some(2_500 * MS), false));
}

#[test]
fn the_process_table_does_not_overrule_the_hooks() {
    let events = tell([
        (10, fork(CHILD, PARENT)),
        (11, found(CHILD, INIT.pid)),
        (20, exit_to(PARENT, INIT, INIT, AdopterKind::Init)),
    ]);
    assert_eq!(types(&events, CHILD), ["fork", "reparent"]);
}

#[test]
fn a_birth_that_comes_after_the_first_exec_still_tells_the_parent() {
    let events = tell([
        (11, exec(CHILD)),
        (11, fork(CHILD, PARENT)),
        (20, exit_to(PARENT, INIT, INIT, AdopterKind::Init)),
    ]);
    assert_eq!(types(&events, CHILD), ["exec", "fork", "reparent"]);
    let names: Vec<_> = of(&events, CHILD).filter_map(|event| event.who?.comm).collect();
    assert_eq!(names, [comm("execed"); 3], "the newer name stays");
}
