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
        zombies: 1,
        oldest: 100 * MS,
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
