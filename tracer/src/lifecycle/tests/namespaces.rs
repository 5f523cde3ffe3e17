//! Pid namespaces: their ends, and who came into them.

use AdopterKind::PidnsInit;

use super::*;

fn inside(ns_pid: u32) -> Home {
    Home { pidns: Some(7), ns_pid: Some(ns_pid), ..Home::default() }
}

fn born_inside(id: Identity, parent: Identity, ns_pid: u32) -> Fact {
    fork_but(id, parent, |fork| fork.home = inside(ns_pid))
}

fn machine(id: Identity, parent: Identity) -> Fact {
    let home = Home { pidns: Some(MACHINE), ns_pid: Some(id.pid), ..Home::default() };
    fork_but(id, parent, |fork| fork.home = home)
}

/// OTHER is the init of a namespace, and dies at 20 ms.
fn after_the_init(rest: impl IntoIterator<Item = Line>) -> Vec<Event> {
    let before = [
        (4, born_inside(OTHER, INIT, 1)),
        (10, born_inside(CHILD, OTHER, 2)),
        (11, born_inside(GRANDCHILD, CHILD, 3)),
        (12, born_inside(SIBLING, OTHER, 4)),
        (13, exit(SIBLING, OTHER)),
        (14, death(SIBLING, OTHER)),
        (20, exit(OTHER, INIT)),
    ];
    tell(before.into_iter().chain(rest))
}

fn ignoring(id: Identity, parent: Identity) -> Fact {
    exit_but(id, parent, |exit| exit.sigchld.ignored = true)
}

#[test]
fn what_the_init_leaves_running_is_released_by_the_kernel() {
    let events = after_the_init([(21, ignoring(CHILD, OTHER)), (40, free(CHILD))]);
    let (_, reap) = reap_of(&events, CHILD);
    assert_eq!((reap.by, reap.via, reap.reaper), (Some(By::Kernel), Via::PidnsDeath, None));
    assert_eq!((reap.zombie, reap.exact), (Some(0), true));
}

#[test]
fn so_is_an_orphan_that_the_dying_init_adopts() {
    let events = after_the_init([
        (
            21,
            exit_but(CHILD, OTHER, |exit| {
                let sigchld = Sigchld { ignored: true, no_wait: false };
                exit.adopter = Some(Adopter { id: OTHER, kind: PidnsInit, sigchld });
            }),
        ),
        (22, ignoring(GRANDCHILD, OTHER)),
        (40, free(GRANDCHILD)),
    ]);
    let (_, reap) = reap_of(&events, GRANDCHILD);
    assert_eq!((reap.by, reap.via), (Some(By::Kernel), Via::PidnsDeath));
}

#[test]
fn a_zombie_that_stood_there_is_reaped_by_the_dying_init() {
    let events = after_the_init([(40, free(SIBLING))]);
    let (_, reap) = reap_of(&events, SIBLING);
    assert_eq!((reap.by, reap.via), (Some(By::Parent), Via::PidnsDeath));
    assert_eq!(reap.reaper.map(|reaper| (reaper.pid, reaper.tid)), Some((OTHER.pid, None)));
    assert_eq!((reap.zombie, reap.exact), (Some(26 * MS), false));
}

#[test]
fn even_when_the_init_is_freed_first() {
    let events = after_the_init([
        (21, death(OTHER, INIT)),
        (22, wait(INIT, OTHER.pid)),
        (39, free(OTHER)),
        (40, free(SIBLING)),
    ]);
    let (_, reap) = reap_of(&events, SIBLING);
    assert_eq!((reap.by, reap.via), (Some(By::Parent), Via::PidnsDeath));
    assert_eq!(reap.reaper.map(|reaper| reaper.pid), Some(OTHER.pid));
}

#[test]
fn one_that_began_to_exit_before_shows_no_death_and_was_released_by_the_kernel() {
    let events = tell([
        (4, born_inside(OTHER, INIT, 1)),
        (10, born_inside(CHILD, OTHER, 2)),
        (19, exit(CHILD, OTHER)),
        (20, exit(OTHER, INIT)),
        (40, free(CHILD)),
    ]);
    let (_, reap) = reap_of(&events, CHILD);
    assert_eq!((reap.by, reap.via), (Some(By::Kernel), Via::PidnsDeath));
    assert_eq!((reap.zombie, reap.exact), (Some(21 * MS), false));
}

#[test]
fn an_init_that_lives_takes_nobody_with_it() {
    let events = tell([
        (4, born_inside(OTHER, INIT, 1)),
        (10, born_inside(CHILD, OTHER, 2)),
        (21, ignoring(CHILD, OTHER)),
        (40, free(CHILD)),
    ]);
    assert_eq!(reap_of(&events, CHILD).1.via, Via::Autoreap);
}

/// Whether the orphan had come from outside, when CHILD leaves it to the init.
fn entered(story: impl IntoIterator<Item = Line>) -> Option<bool> {
    let exit = exit_to(CHILD, PARENT, OTHER, PidnsInit);
    let events = tell(story.into_iter().chain([(30, exit)]));
    of(&events, GRANDCHILD)
        .find_map(|event| match event.what {
            What::Reparent { entered, .. } => Some(entered),
            _ => None,
        })
        .expect("a reparent")
}

#[test]
fn whoever_is_born_into_a_namespace_by_a_parent_outside_has_entered_it() {
    let nsenter = [
        (4, born_inside(OTHER, INIT, 1)),
        (5, machine(SIBLING, INIT)),
        (10, born_inside(CHILD, SIBLING, 2)),
        (15, born_inside(GRANDCHILD, CHILD, 3)),
    ];
    assert_eq!(entered(nsenter), Some(true));
}

#[test]
fn whoever_descends_from_the_init_has_not() {
    let own = [
        (3, machine(SIBLING, INIT)),
        (4, born_inside(OTHER, SIBLING, 1)),
        (10, born_inside(CHILD, OTHER, 2)),
        (15, born_inside(GRANDCHILD, CHILD, 3)),
    ];
    assert_eq!(entered(own), Some(false));
}

#[test]
fn of_one_found_as_a_child_of_the_init_it_is_not_known() {
    let found_inside = |id, parent: Identity, ns_pid| {
        found_but(id, parent.pid, |found| found.home = inside(ns_pid))
    };
    let before = [
        (4, found_inside(OTHER, INIT, 1)),
        (5, found_inside(CHILD, OTHER, 2)),
        (15, born_inside(GRANDCHILD, CHILD, 3)),
    ];
    assert_eq!(entered(before), None, "it may have been adopted");
}
