//! From death to the alarms of those that nobody reaps.

use super::{
    Model,
    event::{Cause, What},
    process::Process,
    state::{Seen, State, Step},
    why::Case,
};
use crate::observation::{Died, Identity};

/// Unless told otherwise, a zombie is reported as unreaped from this age on, ns.
const UNREAPED_FROM: u64 = 1_000_000_000;
/// A zombie younger than this is nothing to report, whatever was asked for, ns.
const SHORTEST_ALARM: u64 = 1_000_000;

/// When a process is to be reported as unreaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Alarm {
    pub(super) due: u64,
    /// How long it has been dead then, ns.
    pub(super) age: u64,
    pid: u32,
    /// As reported.
    start: u64,
}

impl Model {
    pub(super) fn died(&mut self, at: u64, death: &Died) {
        let Some((process, step)) = self.known(at, death.id, Seen::Died) else { return };
        let pid = death.id.pid;
        process.fate = Some(death.fate);
        // Without the exit record it may be a tracer, of which nothing is known then.
        let told_parent =
            process.life.exited_at.is_some() && process.ptracer != Some(death.target.pid);
        if process.heir.is_some_and(|heir| heir.id.same(death.target)) {
            self.was_handed_over(at, pid);
        } else if told_parent {
            self.correct_parent(at, pid, death.target);
        }
        if step == Step::Apply {
            self.became_zombie(at, pid, death.fate);
        }
        if death.autoreap {
            // At its death, or when it was handed to a parent that wants no zombies.
            self.reap_by_kernel(at, pid, true);
        } else if step == Step::Apply {
            self.set_alarm(at, pid);
        }
    }

    /// Why this zombie is not reaped, as far as was seen until now.
    pub fn why(&self, zombie: Identity, at: u64) -> Vec<Cause> {
        self.case_of(zombie, at).map_or_else(Vec::new, |case| case.causes())
    }

    /// The evidence for the first of these causes, and what to do.
    pub fn remedy(&self, zombie: Identity, at: u64) -> Option<String> {
        self.case_of(zombie, at).map(|case| case.remedy())
    }

    fn case_of(&self, zombie: Identity, at: u64) -> Option<Case<'_>> {
        let zombie = self.get(zombie).filter(|process| process.state == State::Zombie)?;
        Some(self.case(zombie, at))
    }

    pub(super) fn set_alarm(&mut self, since: u64, pid: u32) {
        self.set_alarm_at(since, self.reported_from(), pid);
    }

    /// Of a zombie that was found at that age: not at once, there is nothing to say of its parent yet.
    pub(super) fn set_first_alarm(&mut self, found: u64, age: u64, pid: u32) {
        let from = self.reported_from();
        let age_then = from.max(age.saturating_add(from.min(UNREAPED_FROM)));
        self.set_alarm_at(found.saturating_sub(age), age_then, pid);
    }

    pub(super) fn reported_from(&self) -> u64 {
        self.filter.min_zombie.unwrap_or(UNREAPED_FROM).max(SHORTEST_ALARM)
    }

    pub(super) fn set_alarm_at(&mut self, since: u64, age: u64, pid: u32) {
        if let (Some(process), Some(due)) = (self.processes.get_mut(&pid), since.checked_add(age)) {
            let alarm = Alarm { due, age, pid, start: process.reported_start };
            if let Some(earlier) = process.alarm.replace(alarm) {
                self.alarms.remove(&earlier);
            }
            self.alarms.insert(alarm);
        }
    }

    /// Whom an alarm is about, if it is still what it was when the alarm was set.
    pub(super) fn defunct(&self, alarm: Alarm) -> Option<&Process> {
        let process = self.processes.get(&alarm.pid)?;
        let since = process.defunct_since().filter(|_| process.reported_start == alarm.start)?;
        (since.checked_add(alarm.age) == Some(alarm.due)).then_some(process)
    }

    pub(super) fn unreaped(&mut self, alarm: Alarm) {
        let Alarm { due: at, age, pid, .. } = alarm;
        if self.defunct(alarm).is_none() {
            return;
        }
        self.was_handed_over(at, pid);
        let Some(process) = self.processes.get(&pid) else { return };
        let case = self.case(process, at);
        let (causes, waits) = (case.causes(), case.waits());
        let (remedy, place) = (case.remedy(), case.place());
        let parent = process.parent.map(|parent| self.peer(parent));
        let process = self.processes.get_mut(&pid).expect("it was just seen");
        for cause in &causes {
            if !process.why.contains(cause) {
                process.why.push(*cause);
            }
        }
        self.push(
            at,
            pid,
            What::Unreaped { zombie: age, parent, why: causes, waits, place, remedy },
        );
        if let Some(next) = age.checked_mul(10) {
            self.set_alarm_at(at - age, next, pid);
        }
    }

    /// What is known of a zombie and its parent.
    fn case<'a>(&'a self, zombie: &'a Process, at: u64) -> Case<'a> {
        let parent = zombie.parent.and_then(|parent| self.get(parent));
        let lives = |pid: &&u32| self.processes.get(pid).is_some_and(|child| !child.is_ending());
        let others = parent.map_or(0, |parent| parent.children.iter().filter(lives).count());
        Case { zombie, parent, others: others as u32, at }
    }
}
