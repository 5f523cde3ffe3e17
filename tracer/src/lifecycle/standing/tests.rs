use super::*;
use crate::{lifecycle::waits::Alike, observation::Start};

fn zombie(parent: Parent) -> Standing {
    Standing {
        id: Identity { pid: 20, start: Start::Tick(0) },
        number: 3,
        death: Death { earliest: 0, latest: None },
        comm: Comm::from(&b"child"[..]),
        ppid: parent.id.pid,
        parent: Some(parent),
        tracer: None,
        others: Others::default(),
        exit_signal: Some(17),
        seen: Vec::new(),
    }
}

fn parent() -> Parent {
    Parent {
        id: Identity { pid: 10, start: Start::Tick(0) },
        ppid: 1,
        comm: Comm::from(&b"parent"[..]),
        state: 'S',
        debugger: None,
        sigterm: Sigterm::Ends,
        threads: 1,
        sleeps_in: None,
        waits_for: None,
        is_init: false,
        sigchld: Action::Default,
        blocked: false,
        pending: false,
        living_children: 2,
        has_reaped: true,
        watched: None,
    }
}

fn names(zombie: &Standing) -> Vec<&'static str> {
    zombie.why().into_iter().map(|(name, _)| name).collect()
}

#[test]
fn without_evidence_no_cause_is_named_and_the_warning_is_given() {
    let zombie = zombie(parent());
    assert_eq!(names(&zombie), [""; 0]);
    let remedy = zombie.remedy(1);
    assert!(remedy.contains("kill 10 ENDS THE PARENT"), "{remedy}");
    assert!(remedy.contains("2 other children"), "{remedy}");
}

#[test]
fn each_state_has_its_remedy() {
    let stopped = zombie(Parent { state: 'T', ..parent() });
    assert_eq!(
        (names(&stopped), stopped.remedy(1).contains("-CONT 10")),
        (vec!["parent_stopped"], true)
    );
    let stuck = zombie(Parent { state: 'D', sleeps_in: Some("do_wait".into()), ..parent() });
    assert!(stuck.why()[0].1.contains("do_wait"));
    assert!(stuck.remedy(1).contains("comes out of the kernel (do_wait)"), "{}", stuck.remedy(1));
    assert!(stuck.remedy(1).contains("kill -9 10 ENDS THE PARENT, its 2 other children"));
    let stuck = zombie(Parent { state: 'D', is_init: true, ..parent() });
    assert!(stuck.remedy(1).contains("whole pid namespace"), "{}", stuck.remedy(1));
    let init = zombie(Parent { is_init: true, ..parent() });
    assert!(init.remedy(1).contains("whole pid namespace"));
    let machine = zombie(Parent {
        id: Identity { pid: 1, start: Start::Tick(0) },
        is_init: true,
        ..parent()
    });
    assert!(machine.remedy(1).contains("cannot be ended"));
    let traced = Standing { tracer: Some(99), ..zombie(parent()) };
    assert_eq!((names(&traced), traced.remedy(1).contains("99")), (vec!["ptraced"], true));
    let debugged = zombie(Parent { state: 't', debugger: Some(98), ..parent() });
    assert!(debugged.remedy(1).contains("kill 98"), "SIGCONT does not end that stop");
    let others = Others { threads: [('R', 1), ('S', 2)].into(), sigterm: Sigterm::Ends };
    let leader = Standing { others: others.clone(), exit_signal: None, ..zombie(parent()) };
    assert_eq!(names(&leader), ["threads_alive"]);
    assert!(leader.why()[0].1.ends_with("3 others live on (1 running, 2 sleeping)"));
    assert!(leader.remedy(1).contains("kill 20 ends them"));
    let deaf = Others { sigterm: Sigterm::Nothing, ..others };
    assert!(deaf.remedy(20, 1).contains("kill -9 20 ends them"));
    let all = |state| Others { threads: [(state, 2)].into(), sigterm: Sigterm::Ends };
    assert!(all('T').remedy(20, 1).contains("kill -9 20"), "SIGTERM waits until they go on");
    assert!(all('D').remedy(20, 1).ends_with("once they come out of the kernel"));
    let stubborn = zombie(Parent { sigterm: Sigterm::Nothing, threads: 4, ..parent() });
    assert!(stubborn.remedy(1).contains("kill -9 10 ENDS THE PARENT with its 4 threads"));
    let never = zombie(Parent { has_reaped: false, ..parent() });
    assert_eq!(names(&never), ["parent_never_waits"]);
    let lazy_init = zombie(Parent { has_reaped: false, is_init: true, ..parent() });
    assert_eq!(names(&lazy_init), ["init_not_reaping"]);
    assert_eq!(names(&init), [""; 0], "it reaps others");
    let silent = Standing { exit_signal: Some(0), ..zombie(parent()) };
    assert_eq!(names(&silent), ["exit_signal_none"]);
}

#[test]
fn who_handles_sigterm_is_asked_first() {
    let handles = zombie(Parent { sigterm: Sigterm::Handled, ..parent() }).remedy(1);
    let [asks, ends] = ["kill 10 asks the parent to end", "; kill -9 10 ENDS THE PARENT, its 2"];
    assert!(handles.contains(asks) && handles.contains(ends), "{handles}");
    let threads = Others { threads: [('S', 2)].into(), sigterm: Sigterm::Handled }.remedy(20, 1);
    assert!(threads.contains("kill 20 asks them to end"), "{threads}");
    assert!(threads.ends_with("; kill -9 20 ends them and so the process"), "{threads}");
}

#[test]
fn a_handler_is_called_again_where_it_may_have_missed_a_death_and_nowhere_else() {
    let handler = Parent { sigchld: Action::Handler, ..parent() };
    let is_called = |zombie: &Standing| {
        let remedy = zombie.remedy(1);
        assert!(remedy.starts_with("its parent must "), "what the program lacks: {remedy}");
        remedy.contains("; kill -CHLD 10 calls its handler once more, which helps if that reaps; ")
    };
    assert!(is_called(&zombie(handler.clone())));
    let watched = Parent { watched: Some(watched()), ..handler.clone() };
    assert!(is_called(&Standing { seen: vec![SigchldCoalesced], ..zombie(watched) }));
    assert!(!is_called(&zombie(parent())), "it has none");
    for deaf in [
        zombie(Parent { blocked: true, ..handler.clone() }),
        zombie(Parent { has_reaped: false, ..handler.clone() }),
        zombie(Parent { waits_for: Some(Awaited::Process(9)), ..handler.clone() }),
        Standing { exit_signal: Some(0), ..zombie(handler) },
    ] {
        assert!(!is_called(&deaf), "{deaf:?}");
    }
}

#[test]
fn what_is_said_of_several_is_said_of_all() {
    let waits = zombie(Parent { waits_for: Some(Awaited::Process(9)), ..parent() });
    assert!(waits.remedy(1).starts_with("its parent must wait for 3, which is 20 here, or"));
    assert!(waits.remedy(3).starts_with("its parent must wait for each of them, or for any child"));
    let others = Others { threads: [('S', 2)].into(), sigterm: Sigterm::Ends };
    let several = Standing { others, ..zombie(parent()) }.remedy(3);
    assert!(several.contains("kill PID (one by one) ends them"), "{several}");
}

#[test]
fn nobody_is_said_to_leak_for_having_done_nothing_in_a_moment() {
    const SECOND: u64 = 1_000_000_000;
    let id = zombie(parent()).id;
    let idle = |age| Watched {
        time: SECOND,
        oldest: Some((id, age)),
        waits: 0,
        reaped: 0,
        verdict: Verdict::Leaks,
        ..watched()
    };
    assert_eq!(judged(&idle(2 * SECOND), false), None, "it is about as old as the time");
    assert_eq!(judged(&idle(10 * SECOND), false), Some(Verdict::Leaks));
    assert_eq!(judged(&idle(10 * SECOND), true), None, "it has reaped, and may again");
    assert_eq!(judged(&Watched { made: 2, ..idle(2 * SECOND) }, false), None);
    let makes = Watched { made: 3, ..idle(2 * SECOND) };
    assert_eq!(judged(&makes, true), Some(Verdict::Leaks));
    let passes_over = Watched { reaped: 1, ..idle(2 * SECOND) };
    assert_eq!(judged(&passes_over, true), Some(Verdict::Leaks));
    let fine = Watched { verdict: Verdict::Fine, ..idle(SECOND / 2) };
    assert_eq!(judged(&fine, true), Some(Verdict::Fine));
}

fn watched() -> Watched {
    Watched {
        who: event::Who { pid: 10, start: 0, ppid: None, comm: None },
        time: 1,
        at: 1,
        zombies: 1,
        oldest: None,
        made: 0,
        reaped: 2,
        waits: 3,
        waits_for_any: 3,
        waited_for: [Alike { awaited: Awaited::Process(9), reaps: true, count: 3, last: 0 }].into(),
        adopter: None,
        verdict: Verdict::Lazy,
    }
}

#[test]
fn what_was_seen_is_named_after_what_the_table_proves() {
    let parent = Parent { watched: Some(watched()), ..parent() };
    let plain = zombie(parent.clone());
    assert!(plain.evidence().contains("3 times, reaped 2, not this one"));
    for cause in [ParentNeverWaits, InitNotReaping] {
        let seen = Standing { seen: vec![cause], ..plain.clone() };
        assert_eq!(names(&seen), [""; 0], "its account says that it has reaped");
    }
    for (cause, part, must) in [
        (SigchldCoalesced, "reaped 2", "in a loop"),
        (
            ParentWaitsForOthers,
            "the last for process 9 (3 times,",
            "wait for 3, which is 20 here, or for any child",
        ),
        (InheritedOverExec, "another program", "call waitpid"),
    ] {
        let seen = Standing { seen: vec![cause], ..plain.clone() };
        assert_eq!(names(&seen), [cause.name()]);
        assert!(seen.evidence().contains(part), "{}", seen.evidence());
        assert!(seen.remedy(1).contains(must), "{}", seen.remedy(1));
        let stopped = Parent { state: 'T', ..parent.clone() };
        let stopped = Standing { parent: Some(stopped), ..seen };
        assert_eq!(names(&stopped), ["parent_stopped", cause.name()]);
    }
}

#[test]
fn a_parent_that_sits_in_a_wait_for_another_is_known_without_watching() {
    let waits = |waits_for| zombie(Parent { waits_for: Some(waits_for), ..parent() });
    for other in [Awaited::Process(20), Awaited::Group(0), Awaited::Descriptor] {
        assert_eq!(names(&waits(other)), ["parent_waits_for_others"]);
    }
    for it in [Awaited::Process(3), Awaited::Any] {
        let never = Standing { seen: vec![ParentNeverWaits], ..waits(it) };
        assert_eq!(names(&never), [""; 0], "it does wait");
    }
}
