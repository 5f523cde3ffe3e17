//! How a life ends when nothing but its end is special.

use super::*;

/// Born at 10 ms, out of its last thread at 30, reapable at 31, reaped at 80.
fn ordinary_life() -> [Line; 6] {
    [
        (10, fork(CHILD, PARENT)),
        (11, exec(CHILD)),
        (30, exit_but(CHILD, PARENT, |exit| exit.status = Status::Code(3))),
        (31, death(CHILD, PARENT)),
        (80, wait(PARENT, CHILD.pid)),
        (95, free(CHILD)),
    ]
}

#[test]
fn an_ordinary_life_is_told_from_fork_to_reap() {
    let events = tell(ordinary_life());
    assert_eq!(types(&events, CHILD), ["fork", "exec", "exit", "zombie", "reap"]);
    assert_eq!(types(&events, PARENT), [""; 0], "nothing happened to the parent");
    let (at, reap) = reap_of(&events, CHILD);
    assert_eq!(at, 80, "the wait, not the release of the memory");
    assert_eq!((reap.zombie, reap.exact), (Some(49 * MS), true));
    assert_eq!((reap.lifetime, reap.teardown), (Some(20 * MS), Some(MS)));
    assert_eq!((reap.by, reap.via), (Some(By::Parent), Via::Call(Call::Wait4)));
    let reaper = Reaper { pid: PARENT.pid, tid: Some(PARENT.pid), comm: comm("waiter") };
    assert_eq!(reap.reaper, Some(reaper));
    assert_eq!((reap.status, reap.reparents), (Some(Status::Code(3)), 0));
    assert_eq!(reap.why, []);
    let dates = &reap.life;
    assert_eq!(
        [dates.forked_at, dates.exited_at, dates.zombie_at, dates.reaped_at],
        [Some(10 * MS), Some(30 * MS), Some(31 * MS), Some(80 * MS)]
    );
    assert_eq!((dates.exec_count, dates.execs.len()), (1, 1));
}

#[test]
fn every_event_names_the_process_as_it_is_then() {
    let events = tell(ordinary_life());
    for event in of(&events, CHILD) {
        let who = event.who.expect("of a process");
        assert_eq!((who.start, who.ppid), (CHILD.start.ns(), Some(PARENT.pid)));
    }
    let names: Vec<_> = of(&events, CHILD).filter_map(|event| event.who?.comm).collect();
    let [forked, execed, exited @ ..] = names.as_slice() else { panic!("{names:?}") };
    assert_eq!((*forked, *execed), (comm("forked"), comm("execed")));
    assert!(exited.iter().all(|name| *name == comm("exited")));
}

#[test]
fn the_exit_carries_what_the_process_used() {
    let events = tell([
        (10, fork(CHILD, PARENT)),
        (
            30,
            exit_but(CHILD, PARENT, |exit| {
                exit.status = Status::Signal { number: 11, core: true };
                (exit.cpu_user, exit.cpu_system, exit.max_rss) = (1, 2, 3);
            }),
        ),
    ]);
    let told = of(&events, CHILD).find_map(|event| match event.what {
        What::Exit(exit) => Some(exit),
        _ => None,
    });
    let expected = Exit {
        status: Status::Signal { number: 11, core: true },
        lifetime: Some(20 * MS),
        cpu_user: 1,
        cpu_system: 2,
        max_rss: 3,
    };
    assert_eq!(told, Some(expected));
}

/// SIG_IGN: no signal is sent, so there is no death record; SA_NOCLDWAIT: there is one.
fn ignoring(exit: &mut Exited) {
    exit.sigchld = Sigchld { ignored: true, no_wait: false };
}

#[test]
fn with_sigchld_ignored_the_kernel_reaps_and_nothing_was_a_zombie() {
    let events = tell([
        (10, fork(CHILD, PARENT)),
        (30, exit_but(CHILD, PARENT, ignoring)),
        (50, free(CHILD)),
    ]);
    assert_eq!(types(&events, CHILD), ["fork", "exit", "zombie", "reap"]);
    let notified = of(&events, CHILD).find_map(|event| match event.what {
        What::Zombie { notified, .. } => Some(notified),
        _ => None,
    });
    assert_eq!(notified, Some(Some(Fate::None)), "no signal was sent");
    let (_, reap) = reap_of(&events, CHILD);
    assert_eq!((reap.zombie, reap.exact), (Some(0), true));
    assert_eq!((reap.by, reap.via, reap.reaper), (Some(By::Kernel), Via::Autoreap, None));
}

#[test]
fn a_child_that_sends_another_signal_is_kept_though_sigchld_is_ignored() {
    let events = tell([
        (10, fork(CHILD, PARENT)),
        (
            30,
            exit_but(CHILD, PARENT, |exit| {
                ignoring(exit);
                exit.exit_signal = 10;
            }),
        ),
        (31, death(CHILD, PARENT)),
        (80, wait(PARENT, CHILD.pid)),
    ]);
    let (at, reap) = reap_of(&events, CHILD);
    assert_eq!((at, reap.zombie, reap.by), (80, Some(49 * MS), Some(By::Parent)));
}

#[test]
fn one_that_sends_no_signal_at_all_is_not_taken_for_released_by_the_kernel() {
    let silent = |exit: &mut Exited| {
        ignoring(exit);
        exit.exit_signal = 0;
    };
    let events =
        tell([(10, fork(CHILD, PARENT)), (30, exit_but(CHILD, PARENT, silent)), (80, free(CHILD))]);
    let (_, reap) = reap_of(&events, CHILD);
    assert_eq!((reap.zombie, reap.exact, reap.by), (Some(50 * MS), false, None));
}

#[test]
fn with_nocldwait_the_kernel_reaps_at_the_death_and_the_release_adds_nothing() {
    let no_wait = Sigchld { ignored: false, no_wait: true };
    let events = tell([
        (10, fork(CHILD, PARENT)),
        (30, exit_but(CHILD, PARENT, |exit| exit.sigchld = no_wait)),
        (31, death_but(CHILD, PARENT, |death| death.autoreap = true)),
        (50, free(CHILD)),
    ]);
    assert_eq!(types(&events, CHILD), ["fork", "exit", "zombie", "reap"]);
    let (at, reap) = reap_of(&events, CHILD);
    assert_eq!((at, reap.zombie, reap.exact), (31, Some(0), true));
    assert_eq!((reap.by, reap.via, reap.reaper), (Some(By::Kernel), Via::Autoreap, None));
    assert_eq!(reap.teardown, Some(MS));
}

#[test]
fn the_exit_that_was_lost_leaves_gaps_and_a_bound() {
    let events = tell([
        (10, fork(CHILD, PARENT)),
        (30, exit(CHILD, PARENT)),
        // The death was lost: since the exit is the most it can have been.
        (80, wait(PARENT, CHILD.pid)),
        (82, fork(SIBLING, PARENT)),
        // Both were lost.
        (90, wait(PARENT, SIBLING.pid)),
    ]);
    let (_, reap) = reap_of(&events, CHILD);
    assert_eq!((reap.zombie, reap.exact, reap.teardown), (Some(50 * MS), false, None));
    let (_, reap) = reap_of(&events, SIBLING);
    assert_eq!((reap.zombie, reap.exact, reap.status), (None, false, None));
    assert_eq!(reap.lifetime, None);
}

#[test]
fn a_zombie_that_is_gone_was_reaped_by_its_parent_whoever_saw_it() {
    let events = tell([
        (10, fork(CHILD, PARENT)),
        (30, exit(CHILD, PARENT)),
        (31, death(CHILD, PARENT)),
        (80, free(CHILD)),
        (81, free(CHILD)),
    ]);
    let (_, reap) = reap_of(&events, CHILD);
    assert_eq!((reap.zombie, reap.exact), (Some(49 * MS), false));
    assert_eq!((reap.by, reap.via), (Some(By::Parent), Via::Unknown));
    let unseen = Reaper { pid: PARENT.pid, tid: None, comm: comm("forked") };
    assert_eq!(reap.reaper, Some(unseen));
}

#[test]
fn of_one_that_is_gone_without_having_been_a_zombie_nobody_knows_who_reaped_it() {
    let events = tell([(10, fork(CHILD, PARENT)), (30, exit(CHILD, PARENT)), (80, free(CHILD))]);
    let (_, reap) = reap_of(&events, CHILD);
    assert_eq!((reap.zombie, reap.exact), (Some(50 * MS), false));
    assert_eq!((reap.reaper, reap.by, reap.via), (None, None, Via::Unknown));
}

fn found_zombie(id: Identity) -> Fact {
    Fact::FoundDead { id }
}

#[test]
fn one_whose_death_was_lost_is_a_zombie_when_the_table_says_so() {
    let events = tell([
        (10, fork(CHILD, PARENT)),
        (30, exit(CHILD, PARENT)),
        (1_600, found_zombie(CHILD)),
        (1_700, wait(PARENT, CHILD.pid)),
    ]);
    let zombies = of(&events, CHILD).filter(|event| matches!(event.what, What::Zombie { .. }));
    assert_eq!(zombies.count(), 1);
    let (at, reap) = reap_of(&events, CHILD);
    assert_eq!((at, reap.zombie, reap.exact), (1_700, Some(1_670 * MS), false), "an upper bound");
}

#[test]
fn one_that_was_reaped_before_the_look_stays_so() {
    let events = tell([
        (10, fork(CHILD, PARENT)),
        (30, exit(CHILD, PARENT)),
        (31, death(CHILD, PARENT)),
        (40, wait(PARENT, CHILD.pid)),
        (41, found_zombie(CHILD)),
        (45, free(CHILD)),
        (46, found_zombie(CHILD)),
    ]);
    assert!(of(&events, CHILD).all(|event| !matches!(event.what, What::Existing { .. })));
    let zombies = of(&events, CHILD).filter(|event| matches!(event.what, What::Zombie { .. }));
    assert_eq!(zombies.count(), 1);
    assert!(unreaped(&events, CHILD).is_empty());
}

#[test]
fn one_found_after_losses_ends_an_earlier_life_with_its_pid() {
    let reborn = born(CHILD.pid, 50);
    let events = tell([
        (10, fork(CHILD, PARENT)),
        (60, found(reborn, PARENT.pid)),
        (70, exit(reborn, PARENT)),
        (71, death(reborn, PARENT)),
        (80, wait(PARENT, CHILD.pid)),
    ]);
    let reaps = events.iter().filter(|event| matches!(event.what, What::Reap(_)));
    let reaps: Vec<_> =
        reaps.map(|event| (event.at / MS, event.who.expect("whose").start / MS)).collect();
    assert_eq!(reaps, [(60, 10), (80, 50)]);
}
