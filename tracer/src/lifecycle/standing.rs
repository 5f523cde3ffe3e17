//! Why a zombie stands in the process table, as far as the table tells, which knows no history: a cause
//! is named where its evidence is in the table, or was seen by a model that had watched.

use event::Cause::{
    ExitSignalNone, InheritedOverExec, InitNotReaping, ParentBlocked, ParentBusy, ParentNeverWaits,
    ParentStopped, ParentWaitsForOthers, Ptraced, SigchldCoalesced, ThreadsAlive,
};

use super::{
    Model,
    ending::{End, Others},
    event,
    parents::Watched,
    waits::words,
};
use crate::observation::{Awaited, Comm, Death, Identity};

/// What a process does with SIGCHLD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The default: nothing happens, the child stays a zombie until waited for.
    Default,
    /// Ignored: children that die from now on are not kept.
    Ignored,
    /// A handler runs.
    Handler,
}

/// The parent of a zombie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    /// Which process.
    pub id: Identity,
    /// Its own parent's pid.
    pub ppid: u32,
    /// Its name.
    pub comm: Comm,
    /// Its state as `ps` has it.
    pub state: char,
    /// The debugger that it is stopped by, if not by a signal.
    pub debugger: Option<u32>,
    /// SIGTERM does not end it: it is ignored, or blocked.
    pub is_deaf: bool,
    /// Its threads.
    pub threads: u32,
    /// The kernel function it sleeps in, if one may see it.
    pub sleeps_in: Option<String>,
    /// Whom it waits for in the call it sits in, if one may see that.
    pub waits_for: Option<Awaited>,
    /// It is the init of a pid namespace.
    pub is_init: bool,
    /// What it does with SIGCHLD.
    pub sigchld: Action,
    /// It blocks SIGCHLD.
    pub blocked: bool,
    /// A SIGCHLD is pending for it.
    pub pending: bool,
    /// Its children that are not zombies.
    pub living_children: u32,
    /// It has waited for a child at least once, whatever program it ran then.
    pub has_reaped: bool,
    /// What was seen of it, if it was watched.
    pub watched: Option<Watched>,
}

/// A zombie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Which process.
    pub id: Identity,
    /// Its pid as its parent's pid namespace has it, which is what that waits for.
    pub number: u32,
    /// When it died.
    pub death: Death,
    /// Its name.
    pub comm: Comm,
    /// Its parent's pid.
    pub ppid: u32,
    /// Its parent, unless it went while we looked.
    pub parent: Option<Parent>,
    /// The tracer that holds it.
    pub tracer: Option<u32>,
    /// The threads that live on without their main thread.
    pub others: Others,
    /// The signal it sent, 0 for none.
    pub exit_signal: Option<u32>,
    /// The causes that were seen, if it was watched.
    pub seen: Vec<event::Cause>,
}

/// A cause as the contract names it, and its evidence.
pub type Cause = (&'static str, String);

/// Adds what was seen of zombies and of their parents.
pub fn join(zombies: &mut [Standing], model: &Model, now: u64) {
    let watched = model.watched(now);
    for zombie in zombies {
        zombie.seen = model.why(zombie.id, now);
        if let Some(parent) = &mut zombie.parent {
            parent.watched = watched(parent.id);
        }
    }
}

impl Standing {
    /// The causes that the table proves, most likely first, then those that were seen.
    pub fn why(&self) -> Vec<Cause> {
        let mut why = Vec::new();
        let is_reapable = self.others.count() == 0;
        if !is_reapable {
            why.push(("threads_alive", self.others.evidence()));
        }
        if let Some(tracer) = self.tracer {
            why.push(("ptraced", format!("process {tracer} traces it and has not waited for it")));
        }
        if self.exit_signal == Some(0) && is_reapable {
            why.push(("exit_signal_none", "it was made to send no signal at death".to_owned()));
        }
        let Some(parent) = &self.parent else { return why };
        match parent.state {
            'T' | 't' => {
                let by =
                    parent.debugger.map_or_else(String::new, |pid| format!(" by debugger {pid}"));
                why.push(("parent_stopped", format!("its parent is stopped{by}")));
            }
            'D' => {
                let place = parent.sleeps_in.as_deref().unwrap_or("an unknown place");
                why.push((
                    "parent_blocked",
                    format!("its parent cannot be interrupted in {place}"),
                ));
            }
            _ => {}
        }
        if let Some(other) = self.other_than(parent) {
            why.push((
                ParentWaitsForOthers.name(),
                format!("its parent sits in a wait for {other} only"),
            ));
        }
        let is_free = is_reapable && self.tracer.is_none();
        if !parent.has_reaped && is_free && parent.waits_for.is_none() {
            let evidence = "nothing any child used is in its parent's account: it never waited";
            let cause = if parent.is_init { InitNotReaping } else { ParentNeverWaits };
            why.push((cause.name(), evidence.to_owned()));
        }
        for cause in &self.seen {
            let is_named = why.iter().any(|(name, _)| *name == cause.name());
            if let Some(evidence) = seen_by(*cause, parent).filter(|_| is_free && !is_named) {
                why.push((cause.name(), evidence));
            }
        }
        why
    }

    /// How one can tell, in a sentence.
    pub fn evidence(&self) -> String {
        let mut why = self.why().into_iter().map(|(_, evidence)| evidence);
        if let Some(first) = why.next() {
            return first;
        }
        let watched = self.parent.as_ref().and_then(|parent| parent.watched.as_ref());
        match watched {
            // It died when watching had ended.
            Some(Watched { waits: 0, reaped: 0, .. }) => NO_WAIT.to_owned(),
            Some(Watched { waits, reaped, waits_for_any: 1.., .. }) => format!(
                "while watched, its parent waited {waits} times, reaped {reaped}, not this one"
            ),
            Some(_) | None => "its parent has not waited for it".to_owned(),
        }
    }

    /// Whom its parent sits waiting for instead.
    fn other_than(&self, parent: &Parent) -> Option<String> {
        let other = parent.waits_for?;
        let is_for_it = other == Awaited::Any || other == Awaited::Process(self.number);
        (!is_for_it).then(|| other.words())
    }

    /// What the parent does with the news of a death, in words.
    pub fn sigchld(&self) -> String {
        let Some(parent) = &self.parent else { return "parent gone".to_owned() };
        let action = match parent.sigchld {
            Action::Default => "SIGCHLD default",
            Action::Ignored => "SIGCHLD ignored",
            Action::Handler => "SIGCHLD handler",
        };
        let blocked = if parent.blocked { ", blocked" } else { "" };
        let pending = if parent.pending { ", pending" } else { "" };
        format!("{action}{blocked}{pending}")
    }

    /// What would reap it.
    fn must(&self, parent: &Parent) -> String {
        match self.why().first().map(|(name, _)| *name) {
            Some(name) if name == ParentWaitsForOthers.name() => {
                let Self { id, number, .. } = self;
                let itself = match id.pid {
                    pid if pid == *number => pid.to_string(),
                    pid => format!("{number}, which is {pid} here"),
                };
                format!("wait for {itself}, or for any child")
            }
            Some(name) if name == SigchldCoalesced.name() => {
                "wait in a loop until nothing is left (WNOHANG)".to_owned()
            }
            Some(name) if name == ExitSignalNone.name() => {
                "wait with __WALL or __WCLONE".to_owned()
            }
            _ if parent.sigchld == Action::Ignored => {
                "call waitpid: ignoring SIGCHLD frees only those that die later".to_owned()
            }
            _ => "call waitpid".to_owned(),
        }
    }

    /// What to do, for whoever wants the zombie gone.
    pub fn remedy(&self) -> String {
        if self.others.count() > 0 {
            return self.others.remedy(self.id.pid);
        }
        if let Some(tracer) = self.tracer {
            return format!("let its tracer wait for it, or end that (kill {tracer})");
        }
        let Some(parent) = &self.parent else {
            return "look again: its parent has just ended".to_owned();
        };
        let pid = parent.id.pid;
        match (parent.state, parent.debugger) {
            ('t', Some(by)) => {
                return format!("let the debugger of its parent go on, or kill {by} ends that");
            }
            ('T' | 't', _) => return format!("kill -CONT {pid} lets its parent go on"),
            _ => {}
        }
        let end = End {
            pid,
            is_init: parent.is_init,
            is_deaf: parent.is_deaf,
            threads: parent.threads,
            others: parent.living_children,
        };
        let end = end.words();
        match (parent.state, parent.sigchld) {
            ('D', _) => format!("none until its parent comes out of the kernel; {end}"),
            (_, Action::Handler) if !parent.blocked => {
                format!("kill -CHLD {pid} makes its parent's handler look again; {end}")
            }
            (_, Action::Default | Action::Ignored | Action::Handler) => {
                let must = self.must(parent);
                format!("its parent must {must}; {end}")
            }
        }
    }
}

const NO_WAIT: &str = "while watched, its parent called no wait";

/// How one can tell a cause that was seen, where the table shows it less well or not at all.
fn seen_by(cause: event::Cause, parent: &Parent) -> Option<String> {
    let Watched { waits, reaped, waited_for, at, .. } = parent.watched.as_ref()?;
    match cause {
        ParentBlocked => {
            let place = parent.sleeps_in.as_deref().unwrap_or("an unknown place");
            Some(format!("its parent is blocked in {place}, which is no wait"))
        }
        InheritedOverExec => {
            Some("its parent has run another program since, which has not forked it".to_owned())
        }
        SigchldCoalesced => Some(format!(
            "deaths fell on a pending SIGCHLD; while watched, its parent reaped {reaped}"
        )),
        InitNotReaping | ParentNeverWaits if parent.waits_for.is_none() => Some(NO_WAIT.to_owned()),
        ParentWaitsForOthers => Some(format!(
            "all {waits} waits seen of its parent were for others, the last for {}",
            words(waited_for.iter().copied(), *at)
        )),
        ParentBusy => Some("its parent was busy whenever it was looked at".to_owned()),
        InitNotReaping | ParentNeverWaits | ParentStopped | Ptraced | ExitSignalNone
        | ThreadsAlive => None,
    }
}

#[cfg(test)]
mod tests {
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
            waited_for: [Alike { awaited: Awaited::Process(9), reaps: true, count: 3, last: 0 }]
                .into(),
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
}
