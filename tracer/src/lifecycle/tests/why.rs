//! Zombies that stay, and the causes that are seen.

use std::sync::Arc;

use super::*;

/// The child is a zombie from 31 ms on.
fn zombie_and(until: u64, rest: impl IntoIterator<Item = Line>) -> Vec<Event> {
    let dead = [(10, fork(CHILD, PARENT)), (30, exit(CHILD, PARENT)), (31, death(CHILD, PARENT))];
    tell_until(until, dead.into_iter().chain(rest))
}

/// The causes of the last `unreaped` of the child.
fn causes(events: &[Event]) -> Vec<Cause> {
    unreaped(events, CHILD).pop().expect("an unreaped zombie").2
}

#[test]
fn a_parent_that_never_waits_is_named_at_each_tenfold_age_to_the_nanosecond() {
    let why = vec![Cause::ParentNeverWaits];
    let since = 31 * MS;
    let all = [SECOND, 10 * SECOND, 100 * SECOND].map(|age| (since + age, age, why.clone()));
    for (until, count) in [(1_030, 0), (1_031, 1), (10_030, 1), (10_031, 2), (100_031, 3)] {
        assert_eq!(unreaped(&zombie_and(until, []), CHILD), all[..count], "at {until} ms");
    }
}

#[test]
fn the_reap_tells_the_causes_seen_until_then() {
    let events = zombie_and(0, [(2_000, wait(PARENT, CHILD.pid))]);
    assert_eq!(reap_of(&events, CHILD).1.why, [Cause::ParentNeverWaits]);
    assert_eq!(types(&events, CHILD), ["fork", "exit", "zombie", "unreaped", "reap"]);
}

#[test]
fn nothing_is_unreaped_once_it_is_reaped() {
    let events = zombie_and(100_000, [(1_030, wait(PARENT, CHILD.pid))]);
    assert_eq!(unreaped(&events, CHILD), []);
}

#[test]
fn a_parent_that_waits_for_others_only_is_told_from_one_that_has_not_got_to_it() {
    for (any, expected) in [(false, vec![Cause::ParentWaitsForOthers]), (true, vec![])] {
        let other = wait_but(PARENT, SIBLING.pid, |wait| wait.any = any);
        assert_eq!(causes(&zombie_and(2_000, [(50, other)])), expected, "any child: {any}");
    }
}

#[test]
fn a_signal_that_fell_together_with_another_comes_first() {
    let events = zombie_and(
        2_000,
        [
            (32, fork(SIBLING, PARENT)),
            (33, exit(SIBLING, PARENT)),
            (34, death_but(SIBLING, PARENT, |death| death.fate = Fate::Pending)),
            (35, wait_but(PARENT, SIBLING.pid, |wait| wait.any = false)),
        ],
    );
    assert_eq!(causes(&events), [Cause::SigchldCoalesced, Cause::ParentWaitsForOthers]);
}

#[test]
fn a_pending_signal_blames_nobody_who_never_waits() {
    let pending = death_but(CHILD, PARENT, |death| death.fate = Fate::Pending);
    let events =
        tell_until(2_000, [(10, fork(CHILD, PARENT)), (30, exit(CHILD, PARENT)), (31, pending)]);
    assert_eq!(causes(&events), [Cause::ParentNeverWaits]);
}

#[test]
fn an_init_that_never_waits_is_told_from_a_parent() {
    let adopted = zombie_and(2_000, [(50, exit_to(PARENT, INIT, INIT, AdopterKind::Init))]);
    assert_eq!(causes(&adopted), [Cause::InitNotReaping]);
    let contained = tell_until(
        2_000,
        [
            (4, fork_but(OTHER, INIT, |fork| fork.home.ns_pid = Some(1))),
            (10, fork(CHILD, OTHER)),
            (30, exit(CHILD, OTHER)),
            (31, death(CHILD, OTHER)),
        ],
    );
    assert_eq!(causes(&contained), [Cause::InitNotReaping]);
}

#[test]
fn a_child_that_sends_no_signal_and_one_that_is_traced_say_so() {
    let silent = |exit: &mut Exited| exit.exit_signal = 0;
    let traced = |exit: &mut Exited| exit.ptracer = Some(OTHER.pid);
    let told = |change: fn(&mut Exited), target| {
        let story = [
            (4, fork(OTHER, INIT)),
            (10, fork(CHILD, PARENT)),
            (30, exit_but(CHILD, PARENT, change)),
            (31, death(CHILD, target)),
        ];
        causes(&tell_until(2_000, story))
    };
    assert_eq!(told(silent, PARENT), [Cause::ExitSignalNone, Cause::ParentNeverWaits]);
    assert_eq!(told(traced, OTHER), [Cause::Ptraced, Cause::ParentNeverWaits]);
}

#[test]
fn a_tracer_that_has_waited_holds_nothing_any_more() {
    let events = tell_until(
        20_000,
        [
            (4, fork(OTHER, INIT)),
            (10, fork(CHILD, PARENT)),
            (30, exit_but(CHILD, PARENT, |exit| exit.ptracer = Some(OTHER.pid))),
            (31, death(CHILD, OTHER)),
            (5_000, wait(OTHER, CHILD.pid)),
        ],
    );
    let why: Vec<_> = unreaped(&events, CHILD).into_iter().map(|(_, _, why)| why).collect();
    let never = Cause::ParentNeverWaits;
    assert_eq!(why, [vec![Cause::Ptraced, never], vec![never]]);
}

#[test]
fn how_the_old_program_waited_says_nothing_of_the_new_one() {
    let events = zombie_and(2_000, [(40, wait(PARENT, SIBLING.pid)), (50, exec(PARENT))]);
    assert_eq!(causes(&events), [Cause::InheritedOverExec, Cause::ParentNeverWaits]);
}

#[test]
fn a_child_is_known_to_the_program_that_forked_it() {
    let events = tell_until(
        2_000,
        [
            (5, exec(PARENT)),
            (10, fork(CHILD, PARENT)),
            (30, exit(CHILD, PARENT)),
            (31, death(CHILD, PARENT)),
        ],
    );
    assert_eq!(causes(&events), [Cause::ParentNeverWaits]);
}

#[test]
fn an_adopter_never_knew_the_child_whatever_it_runs() {
    let events =
        zombie_and(2_000, [(50, exit_to(PARENT, INIT, INIT, AdopterKind::Init)), (60, exec(INIT))]);
    assert_eq!(causes(&events), [Cause::InitNotReaping]);
}

#[test]
fn a_tracer_that_has_ended_holds_nothing_any_more() {
    let events = tell_until(
        20_000,
        [
            (4, fork(OTHER, INIT)),
            (10, fork(CHILD, PARENT)),
            (30, exit_but(CHILD, PARENT, |exit| exit.ptracer = Some(OTHER.pid))),
            (31, death(CHILD, OTHER)),
            (5_000, exit(OTHER, INIT)),
        ],
    );
    let why: Vec<_> = unreaped(&events, CHILD).into_iter().map(|(_, _, why)| why).collect();
    let never = Cause::ParentNeverWaits;
    assert_eq!(why, [vec![Cause::Ptraced, never], vec![never]]);
}

#[test]
fn the_waits_of_another_life_with_the_pid_of_the_parent_are_no_evidence() {
    let reborn = born(PARENT.pid, 40);
    let events = zombie_and(
        2_000,
        [
            // The parent's end was lost, and with it who adopted.
            (40, fork(reborn, INIT)),
            (50, wait_but(reborn, SIBLING.pid, |wait| wait.any = false)),
        ],
    );
    assert_eq!(causes(&events), []);
}

#[test]
fn every_remedy_names_whom_it_is_about() {
    let events = zombie_and(2_000, []);
    let remedy = of(&events, CHILD).find_map(|event| match &event.what {
        What::Unreaped { remedy, .. } => Some(remedy.clone()),
        _ => None,
    });
    let remedy = remedy.expect("an unreaped zombie");
    assert!(remedy.contains("kill 100") && remedy.contains("waitpid"), "{remedy}");
}

/// The child is a zombie from 31 ms on, and the parent was seen to do this at 900 ms.
fn looked(doing: Doing) -> (Vec<Cause>, Option<Arc<str>>) {
    let events = zombie_and(2_000, [(900, Fact::Looked { id: PARENT, doing })]);
    let told = of(&events, CHILD).find_map(|event| match &event.what {
        What::Unreaped { why, place, .. } => Some((why.clone(), place.clone())),
        _ => None,
    });
    told.expect("an unreaped zombie")
}

fn blocked() -> Doing {
    Doing::Blocked { place: "pipe_read".into(), uninterruptible: false }
}

#[test]
fn what_the_parent_was_seen_to_do_comes_first() {
    let never = Cause::ParentNeverWaits;
    assert_eq!(looked(Doing::Stopped), (vec![Cause::ParentStopped, never], None));
    assert_eq!(looked(blocked()), (vec![Cause::ParentBlocked, never], Some("pipe_read".into())));
    assert_eq!(looked(Doing::Other), (vec![never], None));
}

#[test]
fn what_it_did_long_ago_says_nothing() {
    let events = zombie_and(20_000, [(900, Fact::Looked { id: PARENT, doing: Doing::Stopped })]);
    assert_eq!(causes(&events), [Cause::ParentNeverWaits], "at ten seconds");
}

#[test]
fn an_init_is_there_to_reap_and_not_excused() {
    let events = zombie_and(
        2_000,
        [
            (50, exit_to(PARENT, INIT, INIT, AdopterKind::Init)),
            (900, Fact::Looked { id: INIT, doing: blocked() }),
        ],
    );
    assert_eq!(causes(&events), [Cause::InitNotReaping]);
}

#[test]
fn suspects_are_the_parents_of_zombies_that_will_be_due() {
    let mut model = opened(Filter::default());
    let dead = [(10, fork(CHILD, PARENT)), (30, exit(CHILD, PARENT)), (31, death(CHILD, PARENT))];
    tell_to(&mut model, dead);
    assert_eq!(model.suspects(30 * MS), []);
    assert_eq!(model.suspects(31 * MS), [PARENT]);
    tell_to(&mut model, [(40, wait(PARENT, CHILD.pid))]);
    assert_eq!(model.suspects(41 * MS), []);
}
