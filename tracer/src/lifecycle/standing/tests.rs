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
        is_deaf: false,
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
    let remedy = zombie.remedy();
    assert!(remedy.contains("kill 10 ENDS THE PARENT"), "{remedy}");
    assert!(remedy.contains("2 other children"), "{remedy}");
}

#[test]
fn each_state_has_its_remedy() {
    let stopped = zombie(Parent { state: 'T', ..parent() });
    assert_eq!(
        (names(&stopped), stopped.remedy().contains("-CONT 10")),
        (vec!["parent_stopped"], true)
    );
    let handler = zombie(Parent { sigchld: Action::Handler, ..parent() });
    assert!(handler.remedy().starts_with("kill -CHLD 10"));
    let blocked = zombie(Parent { sigchld: Action::Handler, blocked: true, ..parent() });
    assert!(!blocked.remedy().contains("-CHLD"), "a blocked signal helps nobody");
    let stuck = zombie(Parent { state: 'D', sleeps_in: Some("do_wait".into()), ..parent() });
    assert!(stuck.why()[0].1.contains("do_wait"));
    let init = zombie(Parent { is_init: true, ..parent() });
    assert!(init.remedy().contains("whole pid namespace"));
    let machine = zombie(Parent {
        id: Identity { pid: 1, start: Start::Tick(0) },
        is_init: true,
        ..parent()
    });
    assert!(machine.remedy().contains("cannot be ended"));
    let traced = Standing { tracer: Some(99), ..zombie(parent()) };
    assert_eq!((names(&traced), traced.remedy().contains("99")), (vec!["ptraced"], true));
    let debugged = zombie(Parent { state: 't', debugger: Some(98), ..parent() });
    assert!(debugged.remedy().contains("kill 98"), "SIGCONT does not end that stop");
    let others = Others { threads: [('R', 1), ('S', 2)].into(), is_deaf: false };
    let leader = Standing { others: others.clone(), exit_signal: None, ..zombie(parent()) };
    assert_eq!(names(&leader), ["threads_alive"]);
    assert!(leader.why()[0].1.ends_with("3 others live on (1 running, 2 sleeping)"));
    assert!(leader.remedy().contains("kill 20 ends them"));
    let deaf = Others { is_deaf: true, ..others };
    assert!(deaf.remedy(20).contains("kill -9 20 ends them"));
    let all = |state| Others { threads: [(state, 2)].into(), is_deaf: false };
    assert!(all('T').remedy(20).contains("kill -9 20"), "SIGTERM waits until they go on");
    assert!(all('D').remedy(20).ends_with("once they come out of the kernel"));
    let stubborn = zombie(Parent { is_deaf: true, threads: 4, ..parent() });
    assert!(stubborn.remedy().contains("kill -9 10 ENDS THE PARENT with its 4 threads"));
    let never = zombie(Parent { has_reaped: false, ..parent() });
    assert_eq!(names(&never), ["parent_never_waits"]);
    let lazy_init = zombie(Parent { has_reaped: false, is_init: true, ..parent() });
    assert_eq!(names(&lazy_init), ["init_not_reaping"]);
    assert_eq!(names(&init), [""; 0], "it reaps others");
    let silent = Standing { exit_signal: Some(0), ..zombie(parent()) };
    assert_eq!(names(&silent), ["exit_signal_none"]);
}
#[test]
fn what_was_seen_is_named_after_what_the_table_proves() {
    let watched = Watched {
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
        verdict: super::super::brood::Verdict::Lazy,
    };
    let parent = Parent { watched: Some(watched), ..parent() };
    let plain = zombie(parent.clone());
    assert!(plain.evidence().contains("3 times, reaped 2, not this one"));
    for (cause, part, must) in [
        (SigchldCoalesced, "reaped 2", "in a loop"),
        (
            ParentWaitsForOthers,
            "the last for process 9 (3 times,",
            "wait for 3, which is 20 here, or for any child",
        ),
        (InheritedOverExec, "another program", "call waitpid"),
        (ParentNeverWaits, "called no wait", "call waitpid"),
    ] {
        let seen = Standing { seen: vec![cause], ..plain.clone() };
        assert_eq!(names(&seen), [cause.name()]);
        assert!(seen.evidence().contains(part), "{}", seen.evidence());
        assert!(seen.remedy().contains(must), "{}", seen.remedy());
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
