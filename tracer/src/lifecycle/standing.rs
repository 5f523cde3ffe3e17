//! Why a zombie stands in the process table, as far as the table alone tells: it knows no history,
//! so a cause is named only where its evidence is in the table.

use crate::observation::{Comm, Identity};

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
    /// Its name.
    pub comm: Comm,
    /// Its parent's pid.
    pub ppid: u32,
    /// Its parent, unless it went while we looked.
    pub parent: Option<Parent>,
    /// The tracer that holds it.
    pub tracer: Option<u32>,
    /// Threads that live on without their main thread.
    pub threads: u32,
    /// The signal it sent, 0 for none.
    pub exit_signal: Option<u32>,
}

/// A cause as the contract names it, and its evidence.
pub type Cause = (&'static str, String);

impl Standing {
    /// The causes that the table proves, most likely first.
    pub fn why(&self) -> Vec<Cause> {
        let mut why = Vec::new();
        if self.threads > 0 {
            let threads = self.threads;
            why.push((
                "threads_alive",
                format!("its main thread has ended, {threads} others live on"),
            ));
        }
        if let Some(tracer) = self.tracer {
            why.push(("ptraced", format!("process {tracer} traces it and has not waited for it")));
        }
        if self.exit_signal == Some(0) && self.threads == 0 {
            why.push(("exit_signal_none", "it was made to send no signal at death".to_owned()));
        }
        let Some(parent) = &self.parent else { return why };
        match parent.state {
            'T' | 't' => why.push(("parent_stopped", "its parent is stopped".to_owned())),
            'D' => {
                let place = parent.sleeps_in.as_deref().unwrap_or("an unknown place");
                why.push((
                    "parent_blocked",
                    format!("its parent cannot be interrupted in {place}"),
                ));
            }
            _ => {}
        }
        if !parent.has_reaped && self.threads == 0 && self.tracer.is_none() {
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
        if self.threads > 0 {
            return format!(
                "not reapable before its other threads end; kill {} ends them and so the process",
                self.id.pid
            );
        }
        if let Some(tracer) = self.tracer {
            return format!("let its tracer wait for it, or end that (kill {tracer})");
        }
        let Some(parent) = &self.parent else {
            return "look again: its parent has just ended".to_owned();
        };
        let pid = parent.pid;
        if matches!(parent.state, 'T' | 't') {
            return format!("kill -CONT {pid} lets its parent go on");
        }
        let end = end_of(parent);
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

/// What ending the parent would do.
fn end_of(parent: &Parent) -> String {
    let pid = parent.pid;
    let others = match parent.living_children {
        0 => String::new(),
        1 => ", its other child becomes an orphan".to_owned(),
        count => format!(", its {count} other children become orphans"),
    };
    if pid == 1 {
        "its parent is the machine's init, which cannot be ended".to_owned()
    } else if parent.is_init {
        format!("kill -9 {pid} ends the parent and with it its whole pid namespace")
    } else {
        format!("kill {pid} ENDS THE PARENT{others}, and an init reaps the zombie")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Start;

    fn zombie(parent: Parent) -> Standing {
        Standing {
            id: Identity { pid: 20, start: Start::Tick(0) },
            comm: Comm::from(&b"child"[..]),
            ppid: parent.pid,
            parent: Some(parent),
            tracer: None,
            threads: 0,
            exit_signal: Some(17),
        }
    }

    fn parent() -> Parent {
        Parent {
            pid: 10,
            comm: Comm::from(&b"parent"[..]),
            state: 'S',
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
        let leader = Standing { threads: 3, exit_signal: None, ..zombie(parent()) };
        assert_eq!(names(&leader), ["threads_alive"]);
        let never = zombie(Parent { has_reaped: false, ..parent() });
        assert_eq!(names(&never), ["parent_never_waits"]);
        let lazy_init = zombie(Parent { has_reaped: false, is_init: true, ..parent() });
        assert_eq!(names(&lazy_init), ["init_not_reaping"]);
        assert_eq!(names(&init), [""; 0], "it reaps others");
        let silent = Standing { exit_signal: Some(0), ..zombie(parent()) };
        assert_eq!(names(&silent), ["exit_signal_none"]);
    }
}
