//! Why a zombie stands in the process table, as far as the table alone tells: it knows no history,
//! so a cause is named only where its evidence is in the table.

use std::collections::BTreeMap;

use crate::observation::{Comm, Death, Identity};

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
    /// Its pid.
    pub pid: u32,
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
}

/// A zombie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Which process.
    pub id: Identity,
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
}

/// Threads that live on when their main thread is dead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Others {
    /// How many, by their state as `ps` has it; none when they are not known.
    pub threads: BTreeMap<char, u32>,
    /// SIGTERM does not end them: it is ignored, or blocked.
    pub is_deaf: bool,
}

impl Others {
    /// How many there are.
    pub fn count(&self) -> u32 {
        self.threads.values().sum()
    }

    /// That there are some, in words.
    pub(crate) fn evidence(&self) -> String {
        let states: Vec<String> = self.threads.iter().map(in_state).collect();
        match self.count() {
            0 => "its main thread has ended, others live on".to_owned(),
            1 => format!("its main thread has ended, 1 other lives on ({})", states.join(", ")),
            count => {
                format!("its main thread has ended, {count} others live on ({})", states.join(", "))
            }
        }
    }

    /// What to do about those of this process.
    pub(crate) fn remedy(&self, pid: u32) -> String {
        let are = |states: &[char]| {
            self.count() > 0 && self.threads.keys().all(|state| states.contains(state))
        };
        let firmly = if self.is_deaf || are(&['T', 't']) { "-9 " } else { "" };
        let then = if are(&['D']) { ", once they come out of the kernel" } else { "" };
        format!(
            "not reapable before these end; kill {firmly}{pid} ends them and so the process{then}"
        )
    }
}

fn in_state((state, count): (&char, &u32)) -> String {
    let word = match state {
        'R' => "running",
        'S' => "sleeping",
        'D' => "in the kernel, not to be interrupted",
        'T' => "stopped",
        't' => "stopped by a debugger",
        other => return format!("{count} in state {other}"),
    };
    format!("{count} {word}")
}

/// A cause as the contract names it, and its evidence.
pub type Cause = (&'static str, String);

impl Standing {
    /// The causes that the table proves, most likely first.
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
        if !parent.has_reaped && is_reapable && self.tracer.is_none() {
            let evidence = "nothing that a child used was ever added to its parent's account";
            let cause = if parent.is_init { "init_not_reaping" } else { "parent_never_waits" };
            why.push((cause, format!("{evidence}: it has waited for none")));
        }
        why
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
        let pid = parent.pid;
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
                format!("its parent must call waitpid; {end}")
            }
        }
    }
}

/// How to end the parent of a zombie, and what goes with it.
pub(crate) struct End {
    pub(crate) pid: u32,
    /// Of a pid namespace, or the machine's.
    pub(crate) is_init: bool,
    /// SIGTERM does not end it.
    pub(crate) is_deaf: bool,
    /// How many it has.
    pub(crate) threads: u32,
    /// Its children that live.
    pub(crate) others: u32,
}

impl End {
    pub(crate) fn words(&self) -> String {
        let pid = self.pid;
        let firmly = if self.is_deaf { "-9 " } else { "" };
        let threads = match self.threads {
            0 | 1 => String::new(),
            count => format!(" with its {count} threads"),
        };
        let others = match self.others {
            0 => String::new(),
            1 => ", its other child becomes an orphan".to_owned(),
            count => format!(", its {count} other children become orphans"),
        };
        if pid == 1 {
            "its parent is the machine's init, which cannot be ended".to_owned()
        } else if self.is_init {
            format!("kill -9 {pid} ends the parent and with it its whole pid namespace")
        } else {
            format!(
                "kill {firmly}{pid} ENDS THE PARENT{threads}{others}, and an init or subreaper gets \
                 the zombie to reap"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Start;

    fn zombie(parent: Parent) -> Standing {
        Standing {
            id: Identity { pid: 20, start: Start::Tick(0) },
            death: Death { earliest: 0, latest: None },
            comm: Comm::from(&b"child"[..]),
            ppid: parent.pid,
            parent: Some(parent),
            tracer: None,
            others: Others::default(),
            exit_signal: Some(17),
        }
    }

    fn parent() -> Parent {
        Parent {
            pid: 10,
            comm: Comm::from(&b"parent"[..]),
            state: 'S',
            debugger: None,
            is_deaf: false,
            threads: 1,
            sleeps_in: None,
            is_init: false,
            sigchld: Action::Default,
            blocked: false,
            pending: false,
            living_children: 2,
            has_reaped: true,
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
        let machine = zombie(Parent { is_init: true, pid: 1, ..parent() });
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
}
