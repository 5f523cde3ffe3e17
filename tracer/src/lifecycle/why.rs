//! Why nobody reaps a zombie, each cause from what was seen, and what to do about it.

use std::sync::Arc;

use super::{
    ending::{End, Others, again},
    event::Cause,
    process::Process,
    state::State,
    waits::{Alike, ago, words},
};
use crate::observation::{Awaited, Doing, Fate, Look};

/// A look longer ago than this says nothing of what a process does now, ns.
pub(crate) const RECENT: u64 = 1_000_000_000;
/// Who reaps as soon as it is told has reaped what it adopted so long ago, ns.
const CHANCE: u64 = 500_000_000;
/// With fewer looks it is not known what a process does most of the time.
const LOOKS: usize = 5;

/// A zombie that is reported, and what is known of its parent.
pub(crate) struct Case<'a> {
    pub(crate) zombie: &'a Process,
    pub(crate) parent: Option<&'a Process>,
    /// Its parent's children that live.
    pub(crate) others: u32,
    /// Now.
    pub(crate) at: u64,
}

impl Case<'_> {
    /// Where in the kernel the parent is blocked, if it is.
    pub(crate) fn place(&self) -> Option<Arc<str>> {
        match self.doing()? {
            Doing::Blocked { place, .. } => Some(place.clone()),
            Doing::Stopped { .. } | Doing::Busy | Doing::Other => None,
        }
    }

    /// The causes, most likely first.
    pub(crate) fn causes(&self) -> Vec<Cause> {
        let Self { zombie, parent, .. } = self;
        if zombie.state == State::LeaderGone {
            return vec![Cause::ThreadsAlive];
        }
        let mut causes = Vec::new();
        let Some(parent) = parent else { return causes };
        let doing = self.doing();
        if matches!(doing, Some(Doing::Stopped { .. })) {
            causes.push(Cause::ParentStopped);
        }
        if zombie.held_by.is_some() {
            causes.push(Cause::Ptraced);
        }
        if !zombie.sends_sigchld() {
            causes.push(Cause::ExitSignalNone);
        }
        if is_inherited(zombie, parent) {
            causes.push(Cause::InheritedOverExec);
        }
        let waits = &parent.waits;
        let has_waited = self.has_waited(parent);
        let adopted = zombie.reparents > 0 || parent.home.ns_pid == Some(1);
        // An init that never waits has nothing else to do: what it does instead is no excuse.
        if matches!(doing, Some(Doing::Blocked { .. })) && (has_waited || !adopted) {
            causes.push(Cause::ParentBlocked);
        }
        if self.busy().is_some() && has_waited {
            causes.push(Cause::ParentBusy);
        }
        let coalesced = waits.coalesced > 0 || zombie.fate == Some(Fate::Pending);
        if waits.reaped > 0 && coalesced {
            causes.push(Cause::SigchldCoalesced);
        }
        if !has_waited && self.had_the_chance(parent) {
            causes.push(if adopted { Cause::InitNotReaping } else { Cause::ParentNeverWaits });
        } else if has_waited && self.waits_for_others(parent) {
            causes.push(Cause::ParentWaitsForOthers);
        }
        causes
    }

    /// The evidence for the first of the causes, what to do, and what ends the zombie for certain.
    pub(crate) fn remedy(&self) -> String {
        let Self { zombie, parent, .. } = self;
        if zombie.state == State::LeaderGone {
            return self.end_threads();
        }
        let Some(parent) = parent else {
            return "its parent is not known: see `tracer zombies`".to_owned();
        };
        let name = parent.comm.map_or_else(
            || "the parent".to_owned(),
            |comm| String::from_utf8_lossy(comm.bytes()).into_owned(),
        );
        let (pid, waits) = (parent.id.pid, &parent.waits);
        let ending = self.end(parent);
        let end = ending.words();
        let last = waits.kinds().find(|kind| kind.reaps).map(|kind| ago(kind.last, self.at));
        let when = last.map_or_else(String::new, |ago| format!(" (last {ago})"));
        let handles = self.look().is_some_and(|look| look.handles);
        let again = again(pid, handles, has_reaped(parent));
        match (self.causes().first(), self.doing()) {
            (Some(Cause::ParentStopped), Some(Doing::Stopped { by: Some(by) })) => {
                format!(
                    "{name} is stopped by its debugger {by}: let that go on, or kill {by} ends it"
                )
            }
            (Some(Cause::ParentStopped), _) => {
                format!("{name} is stopped: kill -CONT {pid} lets it go on")
            }
            (Some(Cause::ParentBlocked), Some(Doing::Blocked { place, uninterruptible: true })) => {
                ending.once_out_of_the_kernel(&name, place)
            }
            (Some(Cause::ParentBlocked), Some(Doing::Blocked { place, .. })) => {
                format!("{name} cannot wait before it comes out of the kernel ({place}); {end}")
            }
            (Some(Cause::ParentBusy), _) => {
                let (busy, looks) = self.busy().unwrap_or_default();
                format!(
                    "{name} has waited before{when}, but {busy} of {looks} looks in the last second found \
                     it computing: it must wait in between, or in a handler of SIGCHLD; {end}"
                )
            }
            (Some(Cause::ParentNeverWaits), _) if waits.seen > 0 => format!(
                "no wait of {name} takes the dead, its last were for {}: it must wait without WNOWAIT \
                 and with WEXITED; {end}",
                words(waits.kinds(), self.at)
            ),
            (Some(Cause::ParentNeverWaits), _) => format!(
                "{}: it must call waitpid, or ignore SIGCHLD; {end}",
                unseen_waits(parent, &name)
            ),
            (Some(Cause::ParentWaitsForOthers), _) => format!(
                "{}: it must wait for {} or for any; {end}",
                self.other_waits(&name),
                zombie.id.pid
            ),
            (Some(Cause::SigchldCoalesced), _) => format!(
                "{} deaths fell together with a pending SIGCHLD: {name} must wait in a loop until \
                 nothing is left (WNOHANG); {again}{end}",
                waits.coalesced.max(1)
            ),
            (Some(Cause::InitNotReaping), _) => format!(
                "{name} has to reap what it was not parent to, and {}: run an init that reaps (as \
                 `--init` of container runtimes does); {end}",
                unseen_waits(parent, "it")
            ),
            (Some(Cause::Ptraced), _) => {
                let tracer = zombie.held_by.unwrap_or_default();
                format!(
                    "process {tracer} traces it and has not waited for it: let it wait, or kill \
                     {tracer} ends it; then {name} can reap"
                )
            }
            (Some(Cause::ExitSignalNone), _) => {
                let signal = zombie.exit_signal.filter(|signal| *signal != 0);
                let signal =
                    signal.map_or("no signal".to_owned(), |number| format!("signal {number}"));
                format!(
                    "it sent {signal} at death, not SIGCHLD: {name} must wait with __WALL or \
                     __WCLONE; {end}"
                )
            }
            (Some(Cause::InheritedOverExec), _) => format!(
                "it was forked before {name} was run in its parent's place, and {name} does not know \
                 of it: whoever runs {name} must not leave children to it; {end}"
            ),
            (None, _) if !self.has_waited(parent) => format!("{name} {}; {end}", self.may_wait()),
            (Some(Cause::ParentBlocked | Cause::ThreadsAlive) | None, _) => {
                format!("{name} does wait{when}, but has not got to this one yet; {again}{end}")
            }
        }
    }

    /// Whether the parent is known to have waited for the dead.
    fn has_waited(&self, parent: &Process) -> bool {
        parent.waits.reaping > 0 || self.sits_waiting().is_some() || has_reaped(parent)
    }

    /// Whether it is known of a parent that was not seen to wait that it has not waited: outside the traced
    /// tree only the process table shows it. Who has just adopted the zombie may get to it yet.
    fn had_the_chance(&self, parent: &Process) -> bool {
        (parent.traced || self.look().is_some()) && self.just_adopted().is_none()
    }

    /// When the parent adopted it, if that was a moment ago.
    fn just_adopted(&self) -> Option<u64> {
        self.zombie.adopted_at.filter(|adopted| self.at.saturating_sub(*adopted) < CHANCE)
    }

    /// Of a parent that is blamed for nothing and was not seen to wait.
    fn may_wait(&self) -> String {
        self.just_adopted().map_or_else(
            || "is not of the traced tree, and whether it waits is not seen".to_owned(),
            |adopted| format!("adopted it {} and may get to it yet", ago(adopted, self.at)),
        )
    }

    /// Whom the parent waits for right now.
    fn sits_waiting(&self) -> Option<Awaited> {
        self.look()?.waits_for
    }

    /// It waits, and never for any child or for this one.
    fn waits_for_others(&self, parent: &Process) -> bool {
        let number = self.number();
        let sees_it =
            |awaited| matches!(awaited, Awaited::Any) || awaited == Awaited::Process(number);
        if let Some(awaited) = self.sits_waiting() {
            return !sees_it(awaited);
        }
        let waits = &parent.waits;
        // Of who is not in the traced tree only the waits are seen that reaped somebody who is.
        parent.traced && waits.reaping > 0 && waits.any == 0 && waits.named(number).is_none()
    }

    /// For whom it waits instead.
    fn other_waits(&self, name: &str) -> String {
        if let Some(awaited) = self.sits_waiting() {
            return format!("{name} sits waiting for {}", awaited.words());
        }
        let waits = self.parent.map(|parent| &parent.waits);
        let (all, kinds) = waits.map(|waits| (waits.seen, waits.kinds())).unzip();
        format!(
            "{} waits of {name} were for others, the last for {}",
            all.unwrap_or_default(),
            words(kinds.into_iter().flatten(), self.at)
        )
    }

    /// What the parent's waits call it.
    fn number(&self) -> u32 {
        self.zombie.number.unwrap_or(self.zombie.id.pid)
    }

    /// For whom the parent's last waits were, the very last first.
    pub(crate) fn waits(&self) -> Box<[Alike]> {
        self.parent.map(|parent| parent.waits.kinds().collect()).unwrap_or_default()
    }

    fn look(&self) -> Option<&Look> {
        recent(self.parent?, self.at).last()
    }

    fn doing(&self) -> Option<&Doing> {
        self.look().map(|look| &look.doing)
    }

    /// In how many of how many looks at the parent it was found busy, if that was nearly always.
    fn busy(&self) -> Option<(usize, usize)> {
        let parent = self.parent?;
        let looks = recent(parent, self.at).count();
        let busy = recent(parent, self.at).filter(|look| look.doing == Doing::Busy).count();
        (looks >= LOOKS && busy * 10 >= looks * 9).then_some((busy, looks))
    }

    fn end(&self, parent: &Process) -> End {
        let look = self.look();
        End {
            pid: parent.id.pid,
            is_init: parent.is_namespace_init(),
            sigterm: look.map(|look| look.sigterm).unwrap_or_default(),
            threads: look.map_or(1, Look::count),
            others: self.others,
        }
    }

    /// Its main thread is dead, and the others are in the way.
    fn end_threads(&self) -> String {
        let look = recent(self.zombie, self.at).last();
        let threads = look.map(|look| look.threads.clone()).unwrap_or_default();
        let sigterm = look.map(|look| look.sigterm).unwrap_or_default();
        let others = Others { threads, sigterm };
        format!("{}: {}", others.evidence(), others.remedy(self.zombie.id.pid, 1))
    }
}

/// That the parent does not wait, as far as it was seen.
fn unseen_waits(parent: &Process, name: &str) -> String {
    if parent.traced {
        format!("no wait call of {name} was seen")
    } else {
        format!("the process table shows no child that {name} ever reaped")
    }
}

/// The looks that say what a process does now, oldest first.
fn recent(process: &Process, at: u64) -> impl Iterator<Item = &Look> {
    let recent = move |(seen, _): &&(u64, Look)| at.saturating_sub(*seen) <= RECENT;
    process.looks.iter().filter(recent).map(|(_, look)| look)
}

/// Whether it is known to have reaped a child. What the process table says of that may be of the program
/// that ran in it before; where all its life was seen, it is not asked.
fn has_reaped(parent: &Process) -> bool {
    let is_seen_whole = parent.traced && parent.life.forked_at.is_some();
    parent.waits.reaped > 0 || parent.waits.has_reaped && !is_seen_whole
}

/// Its parent has run another program since, and that one has not forked it.
fn is_inherited(zombie: &Process, parent: &Process) -> bool {
    let last_exec = parent.life.execs.last().map(|(at, _)| *at);
    zombie.reparents == 0 && last_exec.is_some_and(|at| zombie.id.start.ns() < at)
}
