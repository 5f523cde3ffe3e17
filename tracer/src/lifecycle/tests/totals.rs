//! What a session comes to.

use super::{super::brood::Verdict, *};

fn lost(count: u64, place: LostWhere) -> Fact {
    Fact::Lost(Lost { count, place, since: 0 })
}

/// Five children: one reaped by the parent, one by the kernel, one by an unknown hand, one left as
/// a zombie, one alive; then the parent ends and init takes over the last two.
fn session() -> Vec<Line> {
    let child = |n: u32| born(200 + n, 10);
    let mut story: Vec<Line> = (0..5).map(|n| (10, fork(child(n), PARENT))).collect();
    story.push((11, exec(child(0))));
    story.extend((0..4).map(|n| (30, exit(child(n), PARENT))));
    story.extend((0..4).map(|n| {
        let no_wait = n == 1;
        (31, death_but(child(n), PARENT, |death| death.autoreap = no_wait))
    }));
    story.extend([
        (40, wait(PARENT, child(0).pid)),
        (51, free(child(2))),
        (60, exit_to(PARENT, INIT, INIT, AdopterKind::Init)),
    ]);
    story
}

fn summary_of(filter: Filter, story: impl IntoIterator<Item = Line>, at: u64) -> Summary {
    let mut model = opened(filter);
    tell_to(&mut model, story);
    model.summary(at * MS)
}

#[test]
fn the_summary_counts_each_kind_once() {
    let summary = summary_of(Filter::default(), session(), 131);
    let totals = Totals {
        existing: 1,
        forks: 6,
        execs: 1,
        exits: 5,
        reaps: 3,
        autoreaps: 1,
        unknown_reaps: 1,
        reparents: 2,
        zombies: 1,
    };
    assert_eq!(summary.totals, totals);
    let init = Peer { pid: INIT.pid, comm: Some(comm("found")) };
    let [adopter] = summary.adopters.as_slice() else { panic!("{summary:#?}") };
    assert_eq!((adopter.peer, adopter.kind, adopter.orphans), (init, AdopterKind::Init, 2));
    assert_eq!((adopter.reaped.count, adopter.verdict), (0, Verdict::Fine));
    assert_eq!(adopter.watched, 130 * MS, "since the beginning");
    let leaker = summary::Leaker {
        parent: init,
        ended: false,
        zombies: 1,
        oldest: Some(100 * MS),
        made: 1,
        reaped: 0,
        watched: 130 * MS,
        verdict: Verdict::Fine,
    };
    assert_eq!(summary.leakers, [leaker]);
}

#[test]
fn an_adopter_is_watched_from_its_birth_to_its_end() {
    let adopter = |story: Vec<Line>| {
        let summary = summary_of(Filter::default(), story, 1_000);
        let [adopter] = summary.adopters.as_slice() else { panic!("{summary:#?}") };
        (adopter.orphans, adopter.reaped.count, adopter.watched)
    };
    let mut story = vec![
        (4, fork(OTHER, INIT)),
        (10, fork(CHILD, PARENT)),
        (20, exit_to(PARENT, INIT, OTHER, AdopterKind::Subreaper)),
        (30, exit(CHILD, OTHER)),
        (31, death(CHILD, OTHER)),
        (32, wait(OTHER, CHILD.pid)),
    ];
    assert_eq!(adopter(story.clone()), (1, 1, 996 * MS));
    story.extend([(204, exit(OTHER, INIT)), (205, death(OTHER, INIT)), (206, free(OTHER))]);
    assert_eq!(adopter(story), (1, 1, 200 * MS));
}

/// Three children die at 31 ms; their parent reaps one 2 s later, ends after 3 s, and its heir reaps at
/// once what it gets.
fn late() -> Vec<Line> {
    let child = |n: u32| born(200 + n, 10);
    let mut story = vec![(4, fork(OTHER, INIT))];
    story.extend((0..3).map(|n| (10, fork(child(n), PARENT))));
    story.extend((0..3).map(|n| (30, exit(child(n), PARENT))));
    story.extend((0..3).map(|n| (31, death(child(n), PARENT))));
    story.extend([
        (2_031, wait(PARENT, child(0).pid)),
        (3_031, exit_to(PARENT, INIT, OTHER, AdopterKind::Subreaper)),
        (3_032, death(PARENT, INIT)),
    ]);
    story.extend((1..3).map(|n| (3_033, wait(OTHER, child(n).pid))));
    story.extend([(3_034, wait(INIT, PARENT.pid)), (3_040, free(PARENT))]);
    story
}

#[test]
fn who_adopts_a_zombie_answers_for_it_from_then_on() {
    let summary = summary_of(Filter::default(), late(), 4_000);
    let [adopter] = summary.adopters.as_slice() else { panic!("{summary:#?}") };
    assert_eq!((adopter.orphans, adopter.verdict), (2, Verdict::Fine));
    assert_eq!((adopter.reaped.count, adopter.reaped.max), (2, 2 * MS), "since the adoption");
    let (_, spread) = summary.by_parent[0];
    assert_eq!((spread.count, spread.max), (3, 3_002 * MS), "the zombie's time is what it is");
}

#[test]
fn who_adopts_an_old_zombie_and_keeps_it_is_late_only_then() {
    let verdict = |at| {
        let story = late()
            .into_iter()
            .filter(|(_, fact)| !matches!(fact, Fact::Waited(wait) if wait.pid == OTHER.pid));
        let summary = summary_of(Filter::default(), story, at);
        (summary.adopters[0].verdict, summary.leakers[0].oldest)
    };
    assert_eq!(verdict(3_500), (Verdict::Fine, Some(3_469 * MS)));
    assert_eq!(verdict(4_031), (Verdict::Leaks, Some(4_000 * MS)));
}

#[test]
fn a_parent_that_has_ended_is_judged_by_what_it_left() {
    let summary = summary_of(Filter::default(), late(), 4_000);
    let leaker = summary::Leaker {
        parent: Peer { pid: PARENT.pid, comm: Some(comm("exited")) },
        ended: true,
        zombies: 2,
        oldest: Some(3_000 * MS),
        made: 3,
        reaped: 1,
        watched: 3_029 * MS,
        verdict: Verdict::Leaks,
    };
    assert_eq!(summary.leakers, [leaker]);
}

#[test]
fn a_parent_that_reaps_late_is_listed_with_no_zombie_and_after_its_end() {
    let listed = |until| {
        let summary = summary_of(Filter::default(), late().into_iter().take(until), 3_000);
        let row = |leaker: &summary::Leaker| {
            (leaker.parent.pid, leaker.ended, leaker.zombies, leaker.verdict)
        };
        summary.leakers.iter().map(row).collect::<Vec<_>>()
    };
    let reaps_all = |fact: &Fact| matches!(fact, Fact::Waited(wait) if wait.pid == PARENT.pid);
    let waits = late().iter().position(|(_, fact)| reaps_all(fact)).expect("a wait") + 1;
    assert_eq!(listed(waits), [(PARENT.pid, false, 2, Verdict::Lazy)]);
    let child = |n: u32| born(200 + n, 10);
    let mut story: Vec<Line> = late().into_iter().take(waits).collect();
    story.extend((1..3).map(|n| (2_032, wait(PARENT, child(n).pid))));
    let row = |story: Vec<Line>| {
        let summary = summary_of(Filter::default(), story, 3_000);
        let [leaker] = summary.leakers.as_slice() else { panic!("{summary:#?}") };
        (leaker.ended, leaker.zombies, leaker.oldest, leaker.verdict)
    };
    assert_eq!(row(story.clone()), (false, 0, None, Verdict::Lazy));
    story.extend([
        (2_040, exit(PARENT, INIT)),
        (2_041, death(PARENT, INIT)),
        (2_050, free(PARENT)),
    ]);
    assert_eq!(row(story), (true, 0, None, Verdict::Lazy));
}

#[test]
fn zombies_from_before_the_start_are_their_parents() {
    let zombie = found_but(CHILD, PARENT.pid, |found| found.zombie = Some(dead(CHILD)));
    let summary = summary_of(Filter::default(), [(20, zombie), (30, wait(PARENT, CHILD.pid))], 40);
    let [(parent, spread)] = summary.by_parent.as_slice() else { panic!("{summary:#?}") };
    assert_eq!((*parent, spread.count), (Some(comm("forked")), 1));
}

#[test]
fn zombie_times_are_counted_by_parent_and_by_reaper() {
    let summary = summary_of(Filter::default(), session(), 131);
    let [(parent, spread)] = summary.by_parent.as_slice() else { panic!("{summary:#?}") };
    assert_eq!(*parent, Some(comm("forked")));
    assert_eq!((spread.count, spread.max), (3, 20 * MS), "0, 9 and 20 ms");
    let reapers: Vec<_> =
        summary.by_reaper.iter().map(|(name, spread)| (*name, spread.count, spread.max)).collect();
    let unseen = (Some(comm("forked")), 1, 20 * MS);
    assert_eq!(reapers, [unseen, (Some(comm("waiter")), 1, 9 * MS)]);
}

#[test]
fn those_that_are_left_are_listed_with_their_age() {
    let mut summary = summary_of(Filter::default(), session(), 131);
    let left: Vec<_> =
        summary.living.iter().map(|one| (one.who.pid, one.zombie, one.dead)).collect();
    let zombie = (203, Some(100 * MS), true);
    assert_eq!(left, [(1, None, false), (100, None, true), zombie, (204, None, false)]);
    let listed = |summary: &Summary| summary.listed().map(|one| one.who.pid).collect::<Vec<_>>();
    assert_eq!(listed(&summary), [203]);
    summary.name_living = true;
    assert_eq!(listed(&summary), [1, 100, 203, 204]);
}

#[test]
fn what_is_not_shown_is_counted_and_what_does_not_match_is_not() {
    let types = vec!["lost".to_owned()];
    let summary = summary_of(Filter { types, ..Filter::default() }, session(), 131);
    assert_eq!((summary.totals.forks, summary.totals.reaps), (6, 3));
    let summary = summary_of(Filter { uids: vec![7], ..Filter::default() }, session(), 131);
    assert_eq!(summary.totals, Totals::default());
    assert!(summary.living.is_empty());
}

#[test]
fn every_loss_is_told_and_counted_by_place_whatever_the_filter() {
    let filter = Filter { types: vec!["reap".to_owned()], ..Filter::default() };
    let mut model = opened(filter);
    let events = tell_to(
        &mut model,
        [
            (20, lost(3, LostWhere::Ring)),
            (30, lost(1, LostWhere::Decode)),
            (40, lost(4, LostWhere::Ring)),
        ],
    );
    assert_eq!(events.len(), 3);
    let counted: Vec<_> = model.summary(50 * MS).lost.into_iter().collect();
    assert_eq!(counted, [(LostWhere::Ring, 7), (LostWhere::Decode, 1)]);
}
