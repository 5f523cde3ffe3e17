//! Why a zombie stands in the process table, as far as the table tells, which knows no history: a cause
//! is named where its evidence is in the table, or was seen by a model that had watched.

use event::Cause::{
    ExitSignalNone, InheritedOverExec, InitNotReaping, ParentBlocked, ParentBusy, ParentNeverWaits,
    ParentStopped, ParentWaitsForOthers, Ptraced, SigchldCoalesced, ThreadsAlive,
};

use super::{
    Model,
    brood::Verdict,
    ending::{End, Others, again},
    event,
    parents::Watched,
    waits::words,
};
use crate::observation::{Awaited, Comm, Death, Identity, Sigterm};

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
    /// What SIGTERM does to it.
    pub sigterm: Sigterm,
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

/// So many zombies made and none reaped are a habit, not a moment.
const A_HABIT: u64 = 3;
/// A zombie that was one for so many times as long as its parent was watched stands for good.
const FOR_GOOD: u64 = 10;

/// The verdict, where what was seen bears it: one who reaped none in that time may reap more seldom.
/// `has_reaped`: it ever has, and so may again.
pub fn judged(watched: &Watched, has_reaped: bool) -> Option<Verdict> {
    let stands = watched.oldest.is_some_and(|(_, age)| age / FOR_GOOD >= watched.time);
    let is_seen = watched.reaped > 0
        || watched.made >= A_HABIT
        || stands && watched.waits == 0 && !has_reaped;
    Some(watched.verdict).filter(|verdict| *verdict != Verdict::Leaks || is_seen)
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

    /// What would reap it, and those that are like it.
    fn must(&self, parent: &Parent, alike: usize) -> String {
        match self.why().first().map(|(name, _)| *name) {
            Some(name) if name == ParentWaitsForOthers.name() && alike > 1 => {
                "wait for each of them, or for any child".to_owned()
            }
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

    /// What to do, for whoever wants the zombie gone, or all of so many that have the same evidence.
    pub fn remedy(&self, alike: usize) -> String {
        if self.others.count() > 0 {
            return self.others.remedy(self.id.pid, alike);
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
            sigterm: parent.sigterm,
            threads: parent.threads,
            others: parent.living_children,
        };
        if parent.state == 'D' {
            let place = parent.sleeps_in.as_deref().unwrap_or("an unknown place");
            return end.once_out_of_the_kernel("its parent", place);
        }
        let (must, end) = (self.must(parent, alike), end.words());
        let again = again(pid, self.is_heard_of(parent), parent.has_reaped);
        format!("its parent must {must}; {again}{end}")
    }

    /// Its parent's handler is called, and nothing is known that keeps it from reaping this one then.
    fn is_heard_of(&self, parent: &Parent) -> bool {
        let cause = self.why().first().map(|(name, _)| *name);
        let is_missed = cause.is_none_or(|name| name == SigchldCoalesced.name());
        parent.sigchld == Action::Handler && !parent.blocked && is_missed
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
        // Its account knows of more than the time in which it was watched.
        InitNotReaping | ParentNeverWaits if !parent.has_reaped && parent.waits_for.is_none() => {
            Some(NO_WAIT.to_owned())
        }
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
mod tests;
