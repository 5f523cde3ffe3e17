//! What the user did not ask for is not told.

use globset::{Glob, GlobSet};

use super::*;

fn globs(pattern: &str) -> GlobSet {
    let glob = Glob::new(pattern).expect("a pattern");
    GlobSet::builder().add(glob).build().expect("a set")
}

/// A child that runs a program at 20 ms and is a zombie from 31 to 40 ms.
fn life() -> [Line; 5] {
    [
        (10, fork(CHILD, PARENT)),
        (20, exec(CHILD)),
        (30, exit_but(CHILD, PARENT, |exit| exit.comm = comm("execed"))),
        (31, death(CHILD, PARENT)),
        (40, wait(PARENT, CHILD.pid)),
    ]
}

fn told(filter: Filter) -> Vec<&'static str> {
    types(&tell_to(&mut opened(filter), life()), CHILD)
}

#[test]
fn a_process_is_told_from_when_its_name_matches() {
    let filter = Filter { comms: Some(globs("exe*")), ..Filter::default() };
    assert_eq!(told(filter), ["exec", "exit", "zombie", "reap"]);
    let filter = Filter { comms: Some(globs("forked")), ..Filter::default() };
    assert_eq!(told(filter).len(), 5, "it stays matched under its next name");
    let filter = Filter { comms: Some(globs("nobody")), ..Filter::default() };
    assert_eq!(told(filter), [""; 0]);
}

#[test]
fn only_the_types_asked_for_are_told() {
    let types = ["exec", "reap"].map(str::to_owned).to_vec();
    assert_eq!(told(Filter { types, ..Filter::default() }), ["exec", "reap"]);
}

#[test]
fn homes_are_matched_by_user_cgroup_and_namespace() {
    let home = Home {
        uid: Some(1000),
        cgroup: Some(Bytes::from(&b"/a/b"[..])),
        pidns: Some(7),
        ns_pid: Some(1),
    };
    let count = |filter| {
        let story = [(10, fork_but(CHILD, PARENT, |fork| fork.home = home.clone()))];
        tell_to(&mut opened(filter), story).len()
    };
    assert_eq!(count(Filter { uids: vec![1000], ..Filter::default() }), 1);
    assert_eq!(count(Filter { uids: vec![1001], ..Filter::default() }), 0);
    assert_eq!(count(Filter { cgroups: vec![b"/a".to_vec()], ..Filter::default() }), 1);
    assert_eq!(count(Filter { cgroups: vec![b"/b".to_vec()], ..Filter::default() }), 0);
    assert_eq!(count(Filter { pidns: vec![7], ..Filter::default() }), 1);
    assert_eq!(count(Filter { pidns: vec![8], ..Filter::default() }), 0);
    let both = Filter { uids: vec![1000], pidns: vec![8], ..Filter::default() };
    assert_eq!(count(both), 0, "every condition must hold");
}

#[test]
fn a_process_outside_the_traced_tree_is_known_and_not_told() {
    let mut model = opened(Filter::default());
    let outside = found_but(OTHER, INIT.pid, |found| found.traced = false);
    let events = tell_to(&mut model, [(4, outside), (10, fork(CHILD, OTHER))]);
    assert_eq!((types(&events, OTHER), types(&events, CHILD)), (vec![], vec!["fork"]));
    assert!(model.has(OTHER.pid));
}

#[test]
fn a_tree_is_all_that_is_born_below_a_pid_and_no_more() {
    let mut model = opened(Filter { pids: vec![CHILD.pid], ..Filter::default() });
    let events = tell_to(
        &mut model,
        [
            (10, fork(CHILD, PARENT)),
            // Made by CHILD for its own parent.
            (12, fork_but(SIBLING, PARENT, |fork| fork.forker = CHILD.pid)),
            (15, fork(GRANDCHILD, CHILD)),
            (20, exit_to(CHILD, PARENT, INIT, AdopterKind::Init)),
            (21, death(CHILD, PARENT)),
            (22, wait(PARENT, CHILD.pid)),
            (30, exit_to(GRANDCHILD, INIT, INIT, AdopterKind::Init)),
            (31, death(GRANDCHILD, INIT)),
            (40, fork(OTHER, PARENT)),
        ],
    );
    assert_eq!(types(&events, CHILD), ["fork", "exit", "zombie", "reap"]);
    assert_eq!(types(&events, SIBLING), ["fork"]);
    assert_eq!(types(&events, GRANDCHILD), ["fork", "reparent", "exit", "zombie"]);
    assert_eq!(types(&events, OTHER), [""; 0]);
    // Who adopts one of it does not come into it, nor does its child.
    let mut model = opened(Filter { pids: vec![PARENT.pid], ..Filter::default() });
    let adopted = [
        (10, fork(CHILD, OTHER)),
        (20, exit_to(OTHER, INIT, PARENT, AdopterKind::Subreaper)),
        (25, fork(GRANDCHILD, CHILD)),
    ];
    let events = tell_to(&mut model, adopted);
    assert_eq!((types(&events, CHILD), types(&events, GRANDCHILD)), (vec![], vec![]));
}

#[test]
fn only_zombies_that_last_are_told_with_all_that_befalls_them() {
    let filter = || Filter { min_zombie: Some(9 * MS), ..Filter::default() };
    assert_eq!(told(filter()), ["unreaped", "reap"], "it was a zombie for 9 ms");
    let filter_above = Filter { min_zombie: Some(9 * MS + 1), ..Filter::default() };
    assert_eq!(told(filter_above.clone()), [""; 0]);
    let orphaned = [
        (10, fork(CHILD, PARENT)),
        (10, fork(SIBLING, PARENT)),
        (20, exit(CHILD, PARENT)),
        (20, death(CHILD, PARENT)),
        (29, exit_to(PARENT, INIT, INIT, AdopterKind::Init)),
    ];
    let events = tell_to(&mut opened(filter()), orphaned.clone());
    assert_eq!(types(&events, CHILD), ["unreaped", "reparent"]);
    assert_eq!(types(&events, SIBLING), [""; 0], "it lives");
    let events = tell_to(&mut opened(filter_above), orphaned);
    assert_eq!(types(&events, CHILD), [""; 0], "it was a zombie for 9 ms");
}

#[test]
fn the_first_alarm_is_at_the_age_asked_for() {
    let filter = Filter { min_zombie: Some(300 * MS), ..Filter::default() };
    let mut model = opened(filter);
    let dead = [(10, fork(CHILD, PARENT)), (30, exit(CHILD, PARENT)), (31, death(CHILD, PARENT))];
    tell_to(&mut model, dead);
    model.advance(3_031 * MS);
    let events: Vec<_> = model.drain().collect();
    let ages: Vec<_> = unreaped(&events, CHILD).iter().map(|(at, age, _)| (*at, *age)).collect();
    assert_eq!(ages, [(331 * MS, 300 * MS), (3_031 * MS, 3_000 * MS)]);
}
