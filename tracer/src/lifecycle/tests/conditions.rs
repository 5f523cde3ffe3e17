//! What a user wants to fail on.

use super::{
    condition::{Condition, Met},
    *,
};

fn ended(story: impl IntoIterator<Item = Line>, ms: u64) -> Summary {
    let mut model = opened(Filter::default());
    tell_to(&mut model, story);
    model.summary(ms * MS)
}

/// What was found and of which process, when it came true.
fn met(condition: Condition, summary: &Summary) -> Option<(u64, Option<u32>)> {
    let Met { found, example, .. } = condition.met(summary)?;
    Some((found, example.map(|who| who.pid)))
}

/// The child is a zombie from 31 to 40 ms, its sibling from 32 ms on.
fn two_zombies() -> Vec<Line> {
    vec![
        (10, fork(CHILD, PARENT)),
        (12, fork(SIBLING, PARENT)),
        (30, exit(CHILD, PARENT)),
        (31, death(CHILD, PARENT)),
        (31, exit(SIBLING, PARENT)),
        (32, death(SIBLING, PARENT)),
        (40, wait(PARENT, CHILD.pid)),
    ]
}

#[test]
fn a_zombie_may_be_gone_or_left() {
    let gone = ended(two_zombies(), 35);
    assert_eq!(met(Condition::Zombie(8 * MS), &gone), Some((9 * MS, Some(CHILD.pid))));
    assert_eq!(met(Condition::Zombie(9 * MS), &gone), None, "longer, not as long");
    let left = ended(two_zombies(), 50);
    assert_eq!(met(Condition::Zombie(9 * MS), &left), Some((18 * MS, Some(SIBLING.pid))));
}

#[test]
fn a_zombie_from_before_lasted_as_long_as_it_was_seen() {
    let mut story =
        vec![(1, found_but(CHILD, PARENT.pid, |found| found.zombie = Some(dead(CHILD))))];
    story.push((40, wait(PARENT, CHILD.pid)));
    assert_eq!(met(Condition::Zombie(38 * MS), &ended(story.clone(), 50)).unwrap().0, 39 * MS);
    assert_eq!(met(Condition::Zombie(39 * MS), &ended(story, 50)), None);
}

#[test]
fn zombies_are_those_that_are_left() {
    let summary = ended(two_zombies(), 50);
    assert_eq!(met(Condition::Zombies(0), &summary), Some((1, Some(SIBLING.pid))));
    assert_eq!(met(Condition::Zombies(1), &summary), None);
}

#[test]
fn an_orphan_counts_once_whether_it_is_gone_or_not() {
    let story = [
        (10, fork(CHILD, PARENT)),
        (12, fork(SIBLING, PARENT)),
        (20, exit_to(PARENT, INIT, OTHER, AdopterKind::Subreaper)),
        (25, exit_to(OTHER, INIT, INIT, AdopterKind::Init)),
        (30, exit(CHILD, INIT)),
        (31, death(CHILD, INIT)),
        (32, wait(INIT, CHILD.pid)),
    ];
    let summary = ended(story, 50);
    assert!(summary.totals.reparents > 2, "{:?}", summary.totals);
    assert_eq!(met(Condition::Orphans(1), &summary), Some((2, Some(SIBLING.pid))));
    assert_eq!(met(Condition::Orphans(2), &summary), None);
}

#[test]
fn losses_of_every_place_count() {
    let lost = |count, place| Fact::Lost(Lost { count, place, since: 0 });
    let story = [(10, lost(2, LostWhere::Ring)), (11, lost(1, LostWhere::Decode))];
    let summary = ended(story, 50);
    assert_eq!(met(Condition::Lost(2), &summary), Some((3, None)));
    assert_eq!(met(Condition::Lost(3), &summary), None);
}
