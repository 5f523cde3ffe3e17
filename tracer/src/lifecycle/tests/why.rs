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
    let others = vec![Cause::ParentWaitsForOthers];
    for (awaited, expected) in [
        (Awaited::Process(SIBLING.pid), others.clone()),
        (Awaited::Group(7), others.clone()),
        (Awaited::Someone, others),
        (Awaited::Process(CHILD.pid), vec![]),
        (Awaited::Any, vec![]),
    ] {
        let wait = wait_but(PARENT, SIBLING.pid, |wait| wait.awaited = awaited);
        assert_eq!(causes(&zombie_and(2_000, [(50, wait)])), expected, "{awaited:?}");
    }
    let of_one =
        |at| (at, wait_but(PARENT, SIBLING.pid, |wait| wait.awaited = Awaited::Process(9)));
    let words = remedy(&zombie_and(2_000, [of_one(50), of_one(631)]));
    assert!(
        words.contains(
            "2 waits of forked were for others, the last for process 9 (2 times, 0.4 s ago)"
        ),
        "{words}"
    );
}

#[test]
fn a_wait_that_takes_nothing_is_none() {
    let peek = wait_but(PARENT, CHILD.pid, |wait| {
        (wait.reaps, wait.outcome) = (false, Outcome::Nothing);
    });
    let events = zombie_and(2_000, [(50, peek)]);
    assert_eq!(causes(&events), [Cause::ParentNeverWaits]);
    let words = remedy(&events);
    assert!(words.contains("any child, taking nothing (1.0 s ago)"), "{words}");
}

#[test]
fn a_wait_that_the_parent_sits_in_says_most() {
    let sits = |awaited| {
        let look = look_but(PARENT, |look| look.waits_for = Some(awaited));
        zombie_and(2_000, [(900, look)])
    };
    let other = sits(Awaited::Process(9));
    assert_eq!(causes(&other), [Cause::ParentWaitsForOthers]);
    assert!(remedy(&other).contains("forked sits waiting for process 9"), "{}", remedy(&other));
    assert_eq!(causes(&sits(Awaited::Any)), []);
}

#[test]
fn a_signal_that_fell_together_with_another_comes_first() {
    let events = zombie_and(
        2_000,
        [
            (32, fork(SIBLING, PARENT)),
            (33, exit(SIBLING, PARENT)),
            (34, death_but(SIBLING, PARENT, |death| death.fate = Fate::Pending)),
            (35, wait_but(PARENT, SIBLING.pid, |wait| wait.awaited = Awaited::Process(9))),
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

/// A parent that is not of the traced tree, of which the table is looked at or not.
fn outside(rest: impl IntoIterator<Item = Line>) -> Vec<Event> {
    let stranger = found_but(OTHER, INIT.pid, |found| found.traced = false);
    let dead = [
        (5, stranger),
        (10, fork(CHILD, PARENT)),
        (30, exit(CHILD, PARENT)),
        (31, death(CHILD, PARENT)),
        (40, exit_to(PARENT, INIT, OTHER, AdopterKind::Subreaper)),
    ];
    tell_until(10_040, dead.into_iter().chain(rest))
}

#[test]
fn a_parent_outside_the_tree_is_blamed_for_what_the_table_shows_alone() {
    let unseen = outside([]);
    assert_eq!(causes(&unseen), []);
    assert!(remedy(&unseen).contains("whether it waits is not seen"), "{}", remedy(&unseen));
    let looked = (9_500, look_but(OTHER, |_| ()));
    let never = outside([looked]);
    assert_eq!(causes(&never), [Cause::InitNotReaping]);
    let words = "the process table shows no child that it ever reaped";
    assert!(remedy(&never).contains(words), "{}", remedy(&never));
    let handles = (9_500, look_but(OTHER, |look| look.handles = true));
    let reaps = outside([handles, (9_500, Fact::HasReaped { id: OTHER })]);
    assert_eq!(causes(&reaps), []);
    assert!(remedy(&reaps).contains("does wait"), "{}", remedy(&reaps));
    assert!(remedy(&reaps).contains("; kill -CHLD"), "{}", remedy(&reaps));
}

#[test]
fn who_has_just_adopted_a_zombie_is_not_blamed_for_its_age() {
    let events = zombie_and(1_500, [(900, exit_to(PARENT, INIT, INIT, AdopterKind::Init))]);
    assert_eq!(causes(&events), []);
    assert!(remedy(&events).contains("adopted it 0.1 s ago"), "{}", remedy(&events));
}

#[test]
fn a_parent_that_had_reaped_before_the_start_does_not_never_wait() {
    let has_reaped = |id| (900, Fact::HasReaped { id });
    let by_birth = zombie_and(2_000, [has_reaped(PARENT)]);
    assert_eq!(causes(&by_birth), [Cause::ParentNeverWaits], "what ran in it before has");
    let found = [
        (5, found(OTHER, INIT.pid)),
        (10, fork(CHILD, OTHER)),
        (30, exit(CHILD, OTHER)),
        (31, death(CHILD, OTHER)),
        has_reaped(OTHER),
    ];
    assert_eq!(causes(&tell_until(2_000, found)), []);
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
            (50, wait_but(reborn, SIBLING.pid, |wait| wait.awaited = Awaited::Process(9))),
        ],
    );
    assert_eq!(causes(&events), []);
}

#[test]
fn every_remedy_names_whom_it_is_about() {
    let remedy = remedy(&zombie_and(2_000, []));
    assert!(remedy.contains("kill 100") && remedy.contains("waitpid"), "{remedy}");
}

/// A look at a process of one thread.
fn look(id: Identity, doing: Doing) -> Fact {
    let threads = [('S', 1)].into();
    Fact::Looked {
        id,
        look: Look {
            doing,
            handles: false,
            is_init: false,
            sigterm: Sigterm::Ends,
            threads,
            waits_for: None,
        },
    }
}

fn look_but(id: Identity, change: impl FnOnce(&mut Look)) -> Fact {
    let Fact::Looked { id, mut look } = look(id, Doing::Other) else { unreachable!() };
    change(&mut look);
    Fact::Looked { id, look }
}

/// The remedy in the last `unreaped` of the child.
fn remedy(events: &[Event]) -> String {
    let remedies = of(events, CHILD).filter_map(|event| match &event.what {
        What::Unreaped { remedy, .. } => Some(remedy.clone()),
        _ => None,
    });
    remedies.last().expect("an unreaped zombie")
}

/// The child is a zombie from 31 ms on, and the parent was seen to do this at 900 ms.
fn looked(doing: Doing) -> (Vec<Cause>, Option<Arc<str>>) {
    let events = zombie_and(2_000, [(900, look(PARENT, doing))]);
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
    let stopped = Doing::Stopped { by: None };
    assert_eq!(looked(stopped), (vec![Cause::ParentStopped, never], None));
    assert_eq!(looked(blocked()), (vec![Cause::ParentBlocked, never], Some("pipe_read".into())));
    assert_eq!(looked(Doing::Other), (vec![never], None));
}

#[test]
fn what_it_did_long_ago_says_nothing() {
    let events = zombie_and(20_000, [(900, look(PARENT, Doing::Stopped { by: None }))]);
    assert_eq!(causes(&events), [Cause::ParentNeverWaits], "at ten seconds");
}

#[test]
fn an_init_is_there_to_reap_and_not_excused() {
    let events = zombie_and(
        2_000,
        [(50, exit_to(PARENT, INIT, INIT, AdopterKind::Init)), (900, look(INIT, blocked()))],
    );
    assert_eq!(causes(&events), [Cause::InitNotReaping]);
}

#[test]
fn suspects_are_the_parents_of_zombies_that_will_be_due() {
    let mut model = opened(Filter::default());
    let dead = [(10, fork(CHILD, PARENT)), (30, exit(CHILD, PARENT)), (31, death(CHILD, PARENT))];
    tell_to(&mut model, dead.clone());
    assert_eq!(model.suspects(130 * MS), []);
    assert_eq!(model.suspects(131 * MS), [PARENT]);
    tell_to(&mut model, [(140, wait(PARENT, CHILD.pid))]);
    assert_eq!(model.suspects(141 * MS), []);
    let mut model = opened(Filter { uids: vec![1_001], ..Filter::default() });
    tell_to(&mut model, dead);
    assert_eq!(model.suspects(131 * MS), []);
}

#[test]
fn a_parent_is_busy_that_was_found_so_nearly_always_and_has_waited_before() {
    let looks = |busy: u64, other: u64| {
        let doing = move |n| if n < busy { Doing::Busy } else { Doing::Other };
        (0..busy + other).map(move |n| (100 + n * 10, look(PARENT, doing(n))))
    };
    let waited = [(40, wait(PARENT, SIBLING.pid))];
    let after =
        |busy, other| zombie_and(2_000, waited.clone().into_iter().chain(looks(busy, other)));
    assert_eq!(causes(&after(20, 2)), [Cause::ParentBusy]);
    assert!(remedy(&after(20, 2)).contains("20 of 22 looks"));
    assert_eq!(causes(&after(20, 3)), []);
    assert_eq!(causes(&after(4, 0)), [], "too few looks");
    assert_eq!(causes(&zombie_and(2_000, looks(20, 0))), [Cause::ParentNeverWaits]);
}

#[test]
fn a_dead_main_thread_is_told_by_its_age_and_its_threads() {
    let mut story = vec![(10, fork(CHILD, PARENT)), (20, leader_exit(CHILD, 3))];
    let told = |story: &[Line], ms| unreaped(&tell_until(ms, story.to_vec()), CHILD);
    let why = vec![Cause::ThreadsAlive];
    let ages = [SECOND, 10 * SECOND].map(|age| (20 * MS + age, age, why.clone()));
    assert_eq!(told(&story, 1_019), []);
    assert_eq!(told(&story, 10_020), ages);
    story.push((900, look_but(CHILD, |look| look.threads = [('R', 1), ('S', 2)].into())));
    let words = remedy(&tell_until(1_020, story.clone()));
    assert!(words.contains("3 others live on (1 running, 2 sleeping)"), "{words}");
    assert!(words.contains(&format!("kill {} ends them", CHILD.pid)), "{words}");
    story.extend([(5_000, exit(CHILD, PARENT)), (5_001, death(CHILD, PARENT))]);
    let ages: Vec<u64> = told(&story, 11_000).into_iter().map(|(_, age, _)| age).collect();
    assert_eq!(ages, [SECOND, SECOND], "then its time as a zombie begins");
    story.push((5_100, wait(PARENT, CHILD.pid)));
    assert_eq!(reap_of(&tell(story), CHILD).1.why, why);
}

#[test]
fn a_main_thread_that_another_one_has_followed_by_exec_is_not_dead() {
    let story = [(10, fork(CHILD, PARENT)), (20, leader_exit(CHILD, 1)), (21, exec(CHILD))];
    assert_eq!(unreaped(&tell_until(2_000, story.clone()), CHILD), []);
    let story = story.into_iter().chain([(500, leader_exit(CHILD, 1))]);
    let told = unreaped(&tell_until(2_000, story), CHILD);
    assert_eq!(told, [(1_500 * MS, SECOND, vec![Cause::ThreadsAlive])]);
}

#[test]
fn a_main_thread_that_was_dead_at_the_start_counts_from_there() {
    let dead = found_but(CHILD, PARENT.pid, |found| found.leader_gone = true);
    let events = tell_until(2_000, [(50, dead)]);
    assert_eq!(unreaped(&events, CHILD), [(1_050 * MS, SECOND, vec![Cause::ThreadsAlive])]);
}

#[test]
fn the_remedy_says_what_will_do_and_what_goes_with_it() {
    let with = |rest: Vec<Line>| remedy(&zombie_and(2_000, rest));
    let deaf = with(vec![
        (20, fork(SIBLING, PARENT)),
        (900, {
            look_but(PARENT, |look| {
                (look.sigterm, look.threads) = (Sigterm::Nothing, [('S', 4)].into());
            })
        }),
    ]);
    let end = "kill -9 100 ENDS THE PARENT with its 4 threads, its other child becomes an orphan";
    assert!(deaf.contains(end), "{deaf}");
    let handles = (900, look_but(PARENT, |look| look.handles = true));
    let sibling =
        [(32, fork(SIBLING, PARENT)), (33, exit(SIBLING, PARENT)), (34, death(SIBLING, PARENT))];
    let reaps = (40, wait(PARENT, SIBLING.pid));
    let again = with(sibling.into_iter().chain([reaps, handles.clone()]).collect());
    assert!(again.contains("kill -CHLD 100 calls its handler once more"), "{again}");
    let never = with(vec![handles]);
    assert!(!never.contains("-CHLD"), "what it handles it does not reap: {never}");
    let asked = with(vec![(900, look_but(PARENT, |look| look.sigterm = Sigterm::Handled))]);
    assert!(asked.contains("kill 100 asks the parent to end"), "{asked}");
    assert!(asked.contains("; kill -9 100 ENDS THE PARENT"), "{asked}");
    let debugged = with(vec![(900, look(PARENT, Doing::Stopped { by: Some(77) }))]);
    assert!(debugged.contains("kill 77") && !debugged.contains("-CONT"), "{debugged}");
    let place = "wait_on_page".into();
    let stuck = with(vec![(900, look(PARENT, Doing::Blocked { place, uninterruptible: true }))]);
    assert!(stuck.contains("wait_on_page") && stuck.contains("kill -9 100"), "{stuck}");
    let container = tell_until(
        2_000,
        [
            (4, fork_but(OTHER, INIT, |fork| fork.home.ns_pid = Some(1))),
            (10, fork(CHILD, OTHER)),
            (30, exit(CHILD, OTHER)),
            (31, death(CHILD, OTHER)),
        ],
    );
    assert!(remedy(&container).contains("kill -9 400 ends the parent and with it its whole pid"));
    let looked_at = zombie_and(2_000, [(900, look_but(PARENT, |look| look.is_init = true))]);
    assert_eq!(causes(&looked_at), [Cause::InitNotReaping]);
    assert!(
        remedy(&looked_at).contains("kill -9 100 ends the parent"),
        "SIGTERM does nothing to it"
    );
}
