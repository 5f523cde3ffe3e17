//! Threads come and go; the process ends once.

use super::*;

#[test]
fn a_process_outlives_its_main_thread() {
    let events = tell([
        (10, fork(CHILD, PARENT)),
        (20, leader_exit(CHILD, 3)),
        (70, exit_but(CHILD, PARENT, |exit| exit.status = Status::Code(7))),
        (71, death(CHILD, PARENT)),
        (72, wait(PARENT, CHILD.pid)),
    ]);
    assert_eq!(types(&events, CHILD), ["fork", "leader_exit", "exit", "zombie", "reap"]);
    assert!(of(&events, CHILD).any(|event| event.what == What::LeaderExit { threads: 3 }));
    let (_, reap) = reap_of(&events, CHILD);
    assert_eq!((reap.status, reap.lifetime), (Some(Status::Code(7)), Some(60 * MS)));
    assert_eq!(reap.zombie, Some(MS), "its clock did not start with the main thread's end");
}

#[test]
fn two_last_threads_that_race_end_the_process_once() {
    let events = tell([
        (10, fork(CHILD, PARENT)),
        (30, exit(CHILD, PARENT)),
        (31, exit(CHILD, PARENT)),
        (32, death(CHILD, PARENT)),
        (40, wait(PARENT, CHILD.pid)),
    ]);
    assert_eq!(types(&events, CHILD), ["fork", "exit", "zombie", "reap"]);
    let (_, reap) = reap_of(&events, CHILD);
    assert_eq!(reap.lifetime, Some(20 * MS), "the first of the two");
}

#[test]
fn an_exit_that_comes_doubled_after_the_death_is_told_once() {
    let events = tell([
        (10, fork(CHILD, PARENT)),
        (30, exit(CHILD, PARENT)),
        (32, death(CHILD, PARENT)),
        (33, exit(CHILD, PARENT)),
        (40, wait(PARENT, CHILD.pid)),
    ]);
    assert_eq!(types(&events, CHILD), ["fork", "exit", "zombie", "reap"]);
    assert_eq!(reap_of(&events, CHILD).1.teardown, Some(2 * MS));
}

#[test]
fn an_exit_that_comes_after_the_death_still_tells_the_status() {
    let events = tell([
        (10, fork(CHILD, PARENT)),
        (32, death(CHILD, PARENT)),
        (33, exit_but(CHILD, PARENT, |exit| exit.status = Status::Code(4))),
        (40, wait(PARENT, CHILD.pid)),
    ]);
    assert_eq!(types(&events, CHILD), ["fork", "zombie", "exit", "reap"]);
    let (_, reap) = reap_of(&events, CHILD);
    assert_eq!((reap.status, reap.zombie), (Some(Status::Code(4)), Some(8 * MS)));
    assert_eq!(reap.teardown, None, "it cannot have been negative");
}

#[test]
fn an_exec_by_another_thread_goes_on_under_the_same_identity() {
    let events = tell([
        (10, fork(CHILD, PARENT)),
        // The main thread is made to leave, and the caller takes over its pid.
        (20, leader_exit(CHILD, 1)),
        (21, exec_but(CHILD, |exec| exec.thread = Some(205))),
        // Its main thread is alive again: it may leave again.
        (25, leader_exit(CHILD, 2)),
        (30, exit(CHILD, PARENT)),
        (31, death(CHILD, PARENT)),
        (40, wait(PARENT, CHILD.pid)),
    ]);
    assert_eq!(
        types(&events, CHILD),
        ["fork", "leader_exit", "exec", "leader_exit", "exit", "zombie", "reap"]
    );
    let thread = of(&events, CHILD).find_map(|event| match event.what {
        What::Exec { thread, .. } => thread,
        _ => None,
    });
    assert_eq!(thread, Some(205));
}

#[test]
fn a_thread_that_steals_the_status_is_named() {
    let events = tell([
        (10, fork(CHILD, PARENT)),
        (30, exit(CHILD, PARENT)),
        (31, death(CHILD, PARENT)),
        (40, wait_but(PARENT, CHILD.pid, |wait| wait.tid = 107)),
        // The thread that was to have it: ECHILD.
        (41, wait_but(PARENT, 0, |wait| wait.outcome = Outcome::Nothing)),
    ]);
    let (_, reap) = reap_of(&events, CHILD);
    let reaper = reap.reaper.expect("known");
    assert_eq!((reaper.pid, reaper.tid), (PARENT.pid, Some(107)));
}

#[test]
fn the_programs_of_one_that_never_stops_changing_are_bounded() {
    let mut story = vec![(10, fork(CHILD, PARENT))];
    let program = |n: u8| Program { exe: Some(Bytes::from([n])), ..Program::default() };
    story.extend(
        (0..40).map(|n| (11 + u64::from(n), exec_but(CHILD, |exec| exec.program = program(n)))),
    );
    story.extend([(60, exit(CHILD, PARENT)), (70, wait(PARENT, CHILD.pid))]);
    let events = tell(story);
    let (_, reap) = reap_of(&events, CHILD);
    assert_eq!((reap.life.exec_count, reap.life.execs.len()), (40, Life::EXECS));
    assert_eq!(reap.life.execs.last(), Some(&(50 * MS, program(39))));
    assert_eq!(reap.life.execs.first(), Some(&(35 * MS, program(24))));
}
