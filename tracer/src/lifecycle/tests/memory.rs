//! What is kept is what is alive, and what died within a stated window.

use super::*;

const LIVES: u64 = 200_000;
/// Init and the parent.
const LIVING: usize = 2;

/// One life a millisecond, each a zombie for 100 µs, under pids that are reused as they would be;
/// each is freed after an RCU grace period unless that is lost. Returns the most that was known.
fn most_known(freed: bool) -> usize {
    let mut model = opened(Filter::default());
    let life = |n: u64| born(1_000 + (n % 30_000) as u32, 10 + n);
    let mut most = 0;
    for n in 0..LIVES {
        let id = life(n);
        tell_to(
            &mut model,
            [
                (10 + n, fork(id, PARENT)),
                (10 + n, exit(id, PARENT)),
                (10 + n, death(id, PARENT)),
                (10 + n, wait(PARENT, id.pid)),
            ],
        );
        assert!(model.gone.len() <= MOST_GONE);
        if freed && n >= 20 {
            tell_to(&mut model, [(10 + n, free(life(n - 20)))]);
        }
        most = most.max(model.len());
        assert!(model.alarms.len() <= 1, "of those that are reaped there are none");
    }
    assert_eq!(model.summary(LIVES * MS).totals.reaps, LIVES);
    most
}

#[test]
fn e4_lives_that_are_freed_are_forgotten() {
    assert_eq!(most_known(true), LIVING + 20);
}

#[test]
fn e4_lives_whose_release_is_not_told_are_forgotten_when_there_are_many() {
    assert_eq!(most_known(false), LIVING + MOST_GONE);
}

/// The kernel tells the parent of all first, and releases them then.
#[test]
fn e4_many_that_the_kernel_releases_at_once_are_gone_once() {
    const MANY: u32 = 2_000;
    let mut model = opened(Filter::default());
    let ids = || (0..MANY).map(|n| born(1_000 + n, 10));
    let autoreaped = |at, id| (at, death_but(id, PARENT, |death| death.autoreap = true));
    let release = |id: Identity| Released {
        id,
        by: PARENT.pid,
        tid: PARENT.pid,
        comm: comm("parent"),
        call: None,
    };
    tell_to(&mut model, ids().flat_map(|id| [(10, fork(id, PARENT)), (11, exit(id, PARENT))]));
    tell_to(&mut model, ids().map(|id| autoreaped(12, id)));
    assert_eq!(model.len(), LIVING + MANY as usize);
    let events = tell_to(&mut model, ids().map(|id| (13, Fact::Released(release(id)))));
    assert!(events.is_empty(), "{events:?}");
    assert_eq!(model.summary(14 * MS).totals.reaps, u64::from(MANY));
    // What is not forgotten at once is when the next one ends so.
    tell_to(
        &mut model,
        [(20, fork(CHILD, PARENT)), (21, exit(CHILD, PARENT)), autoreaped(22, CHILD)],
    );
    assert_eq!((model.len(), model.released_later.len()), (LIVING + 1, 1));
    model.advance(22 * MS + KEEP_GONE);
    assert_eq!((model.len(), model.released_later.len()), (LIVING, 0));
}

#[test]
fn e4_lives_whose_release_is_not_told_are_forgotten_after_the_window() {
    let mut model = opened(Filter::default());
    let id = born(1_000, 10);
    let life = [(10, fork(id, PARENT)), (11, exit(id, PARENT)), (12, death(id, PARENT))];
    tell_to(&mut model, life);
    tell_to(&mut model, [(13, wait(PARENT, id.pid))]);
    assert_eq!(model.len(), LIVING + 1, "its late records are waited for");
    let until = 13 * MS + KEEP_GONE;
    assert!(!model.is_due(until - 1) && model.is_due(until));
    model.advance(until);
    assert_eq!((model.len(), model.gone.len()), (LIVING, 0));
}

/// A life a second, for a day; each a zombie for up to a minute.
#[test]
fn e4_a_day_leaves_nothing_behind_but_what_is_there() {
    const DAY: u64 = 24 * 60 * 60;
    const LONGEST: u64 = 60;
    let mut lines: Vec<Line> = Vec::new();
    for n in 0..DAY {
        let begun = 1_000 * (n + 1);
        let id = born(1_000 + (n % 30_000) as u32, begun);
        let reaped = begun + 1_000 * (n * 7_919 % LONGEST) + 1;
        lines.push((begun, fork(id, PARENT)));
        lines.push((begun, exit(id, PARENT)));
        lines.push((begun, death(id, PARENT)));
        lines.push((reaped, wait(PARENT, id.pid)));
        lines.push((reaped + 20, free(id)));
    }
    lines.sort_by_key(|(at, _)| *at);
    let mut model = opened(Filter::default());
    let (mut most, mut unreaped) = (0, 0);
    for line in lines {
        let events = tell_to(&mut model, [line]);
        unreaped +=
            events.iter().filter(|event| matches!(event.what, What::Unreaped { .. })).count();
        most = most.max(model.len());
    }
    assert!(unreaped as u64 > DAY, "zombies of a second and of ten are reported: {unreaped}");
    assert!(most <= LIVING + LONGEST as usize + 1, "{most} were known at once");
    assert_eq!((model.len(), model.alarms.len()), (LIVING, 0));
    assert_eq!(model.summary((DAY + LONGEST) * SECOND).totals.reaps, DAY);
}

#[test]
fn names_without_end_are_counted_together() {
    let mut model = opened(Filter::default());
    for n in 0..3_000_u32 {
        let (parent, child) = (born(1_000 + 2 * n, 20), born(1_001 + 2 * n, 20));
        let name = comm(&format!("worker-{n}"));
        tell_to(
            &mut model,
            [
                (20, fork_but(parent, PARENT, |fork| fork.comm = name)),
                (20, fork(child, parent)),
                (20, exit(child, parent)),
                (20, death(child, parent)),
                (20, wait_but(parent, child.pid, |wait| wait.comm = name)),
                (20, free(child)),
            ],
        );
    }
    let summary = model.summary(30 * MS);
    for rows in [&summary.by_parent, &summary.by_reaper] {
        let (name, spread) = rows.first().expect("rows");
        assert_eq!((*name, spread.count), (None, 2_000), "a thousand names are kept apart");
    }
}
