//! From death to the alarms of those that nobody reaps.

use std::cmp::Reverse;

use super::{
    Model,
    event::What,
    state::{Seen, State, Step},
    why,
};
use crate::observation::{Died, Doing};

/// Unless told otherwise, a zombie is reported as unreaped from this age on, ns.
const UNREAPED_FROM: u64 = 1_000_000_000;
/// A zombie younger than this is nothing to report, whatever was asked for, ns.
const SHORTEST_ALARM: u64 = 1_000_000;

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

    pub(super) fn set_alarm(&mut self, since: u64, pid: u32) {
        let age = self.filter.min_zombie.unwrap_or(UNREAPED_FROM).max(SHORTEST_ALARM);
        self.set_alarm_at(since, age, pid);
    }

    pub(super) fn set_alarm_at(&mut self, since: u64, age: u64, pid: u32) {
        if let (Some(process), Some(due)) = (self.processes.get(&pid), since.checked_add(age)) {
            self.alarms.push(Reverse((due, age, pid, process.reported_start)));
        }
    }

    pub(super) fn unreaped(&mut self, at: u64, age: u64, pid: u32, start: u64) {
        let Some(process) = self.processes.get(&pid) else { return };
        if process.state != State::Zombie || process.reported_start != start {
            return;
        }
        let Some(since) = process.zombie_since() else { return };
        self.was_handed_over(at, pid);
        let Some(process) = self.processes.get(&pid) else { return };
        let parent = process.parent.and_then(|parent| self.get(parent));
        let doing = parent.and_then(|parent| why::doing(parent, at));
        let (causes, remedy) = why::explain(process, parent, doing);
        let place = match doing {
            Some(Doing::Blocked { place, .. }) => Some(place.clone()),
            Some(Doing::Stopped | Doing::Other) | None => None,
        };
        let parent = process.parent.map(|parent| self.peer(parent));
        let process = self.processes.get_mut(&pid).expect("it was just seen");
        for cause in &causes {
            if !process.why.contains(cause) {
                process.why.push(*cause);
            }
        }
        self.push(at, pid, What::Unreaped { zombie: age, parent, why: causes, place, remedy });
        if let Some(next) = age.checked_mul(10) {
            self.set_alarm_at(since, next, pid);
        }
    }
}
