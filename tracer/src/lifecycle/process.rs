//! What the model keeps of one process.

use std::collections::{BTreeSet, VecDeque};

use super::{
    brood::Brood,
    event::{Cause, Life, Peer, Who},
    state::State,
    summary::Key,
    waits::Waits,
    why::RECENT,
    zombies::Alarm,
};
use crate::observation::{Adopter, Comm, Fate, Home, Identity, Look, Sigchld, Status};

/// `include/uapi/asm-generic/signal.h`
pub(crate) const SIGCHLD: u32 = 17;

/// Looks kept of one process: more than a session takes in [`RECENT`].
const LOOKS: usize = 256;

/// One process, from its first sign until nothing more of it is awaited.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    pub(crate) id: Identity,
    /// As first reported: later events keep it, so that scripts can join on it.
    pub(crate) reported_start: u64,
    pub(crate) state: State,
    pub(crate) parent: Option<Identity>,
    pub(crate) children: BTreeSet<u32>,
    /// What its parent's waits call it.
    pub(crate) number: Option<u32>,
    pub(crate) comm: Option<Comm>,
    pub(crate) home: Home,
    /// It, or an ancestor, came into its pid namespace from outside, not by birth from its init.
    pub(crate) entered: Option<bool>,
    /// Its parent, if that is the init of a pid namespace, and ends: it takes all with it that live
    /// there. It may be freed, and forgotten, before they are.
    pub(crate) ends_with: Option<Peer>,
    pub(crate) life: Life,
    pub(crate) exit_signal: Option<u32>,
    pub(crate) status: Option<Status>,
    pub(crate) fate: Option<Fate>,
    /// What its parent did with SIGCHLD when it exited.
    pub(crate) sigchld: Sigchld,
    pub(crate) ptracer: Option<u32>,
    /// The same, until it has waited for it or ended.
    pub(crate) held_by: Option<u32>,
    /// It has traced a process that ended.
    pub(crate) is_tracer: bool,
    pub(crate) reparents: u32,
    /// When the last of them was.
    pub(crate) adopted_at: Option<u64>,
    /// Who took it over when its parent ended, if it was there still (see `may_be_released`).
    pub(crate) heir: Option<Adopter>,
    /// What the process that took it over did with SIGCHLD, as long as it does not begin to exit
    /// under it.
    pub(crate) adopter_sigchld: Sigchld,
    pub(crate) waits: Waits,
    pub(crate) brood: Brood,
    /// Looks at it, oldest first, those of the last [`RECENT`].
    pub(crate) looks: VecDeque<(u64, Look)>,
    pub(crate) why: Vec<Cause>,
    /// When its main thread left, or was found dead.
    pub(crate) leader_left: Option<u64>,
    /// When it died, as far as the process table told, where it was found as a zombie: not before the
    /// first, and not after the second.
    pub(crate) found_dead: Option<(u64, u64)>,
    /// When it is to be reported as unreaped.
    pub(crate) alarm: Option<Alarm>,
    /// It has the pid of a life whose reap was not seen.
    pub(crate) after_unseen: bool,
    /// It is in the traced tree.
    pub(crate) traced: bool,
    /// It was born below one that has a pid that was asked for.
    pub(crate) is_below: bool,
    /// It matched the filter once.
    pub(crate) matched: bool,
}

impl Process {
    pub(crate) fn new(id: Identity, traced: bool) -> Self {
        Self {
            id,
            reported_start: id.start.ns(),
            state: State::Running,
            parent: None,
            children: BTreeSet::new(),
            number: None,
            comm: None,
            home: Home::default(),
            entered: None,
            ends_with: None,
            life: Life::default(),
            exit_signal: None,
            status: None,
            fate: None,
            sigchld: Sigchld::default(),
            ptracer: None,
            held_by: None,
            is_tracer: false,
            reparents: 0,
            adopted_at: None,
            heir: None,
            adopter_sigchld: Sigchld::default(),
            waits: Waits::default(),
            brood: Brood::default(),
            looks: VecDeque::new(),
            why: Vec::new(),
            leader_left: None,
            found_dead: None,
            alarm: None,
            after_unseen: false,
            traced,
            is_below: false,
            matched: false,
        }
    }

    pub(crate) fn who(&self) -> Who {
        Who {
            pid: self.id.pid,
            start: self.reported_start,
            ppid: self.parent.map(|parent| parent.pid),
            comm: self.comm,
        }
    }

    pub(crate) fn key(&self) -> Key {
        (self.id.pid, self.reported_start)
    }

    pub(crate) fn peer(&self) -> Peer {
        Peer { pid: self.id.pid, comm: self.comm }
    }

    /// Facts of a newer record replace those of an older one, unknowns replace nothing.
    pub(crate) fn move_to(&mut self, home: Home) {
        self.home = Home {
            uid: home.uid.or(self.home.uid),
            cgroup: home.cgroup.or_else(|| self.home.cgroup.take()),
            pidns: home.pidns.or(self.home.pidns),
            ns_pid: home.ns_pid.or(self.home.ns_pid),
        };
    }

    pub(crate) fn lifetime(&self) -> Option<u64> {
        self.life.exited_at?.checked_sub(self.id.start.ns())
    }

    pub(crate) fn teardown(&self) -> Option<u64> {
        self.life.zombie_at?.checked_sub(self.life.exited_at?)
    }

    /// Its last thread has begun to exit, at least.
    pub(crate) fn is_ending(&self) -> bool {
        matches!(self.state, State::Exiting | State::Zombie | State::Gone)
    }

    /// It is the init of a pid namespace, not of the machine.
    pub(crate) fn is_namespace_init(&self) -> bool {
        self.home.ns_pid == Some(1) && self.id.pid != 1
    }

    /// The signal it sends at death is the one by which a parent can say that it wants no zombies.
    pub(crate) fn sends_sigchld(&self) -> bool {
        self.exit_signal.is_none_or(|signal| signal == SIGCHLD)
    }

    /// Its parent wanted no zombie of it when it began to exit.
    pub(crate) fn is_unwanted(&self) -> bool {
        self.sends_sigchld() && self.sigchld.reaps_itself()
    }

    /// Whether it may be released without a sign so far: by the kernel, because its parent wants no
    /// zombies, or by a wait of its parent that did not name it.
    pub(crate) fn may_be_released(&self, parent: &Self) -> bool {
        match self.state {
            State::Exiting => self.is_unwanted(),
            State::Zombie => {
                let mut unnamed = parent.waits.unnamed.iter();
                unnamed.any(|wait| self.zombie_since().is_none_or(|since| wait.at >= since))
            }
            State::Running | State::LeaderGone | State::Gone => false,
        }
    }

    /// Whether a wait that names its pid may be meant for the life that had the pid before: the
    /// pid is free for a new one before the call that released it returns.
    pub(crate) fn may_be_mistaken(&self, waited_at: u64) -> bool {
        let alive = matches!(self.state, State::Running | State::LeaderGone);
        waited_at < self.id.start.ns() || self.after_unseen && alive
    }

    /// A look at it, which is kept as long as it says what it does now.
    pub(crate) fn seen(&mut self, at: u64, look: Look) {
        if look.is_init {
            // In lockdown no record says it (`Config::may_read_memory`).
            self.home.ns_pid = Some(1);
        }
        self.looks.retain(|(then, _)| at.saturating_sub(*then) <= RECENT);
        if self.looks.len() == LOOKS {
            self.looks.pop_front();
        }
        self.looks.push_back((at, look));
    }

    /// Since when `ps` has called it a zombie, which it does when the main thread is dead.
    pub(crate) fn defunct_since(&self) -> Option<u64> {
        match self.state {
            State::Zombie => self.zombie_since(),
            State::LeaderGone => self.leader_left,
            State::Running | State::Exiting | State::Gone => None,
        }
    }

    /// Since when it certainly was a zombie.
    pub(crate) fn zombie_since(&self) -> Option<u64> {
        self.life.zombie_at.or(self.found_dead.map(|(_, latest)| latest))
    }

    /// Since when its parent has had it for a zombie: who adopts one answers for the time from then on.
    pub(crate) fn owed_since(&self) -> Option<u64> {
        self.zombie_since().map(|since| self.owed_from(since))
    }

    /// The same of one that died then.
    pub(crate) fn owed_from(&self, died: u64) -> u64 {
        self.adopted_at.map_or(died, |adopted| adopted.max(died))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::{Doing, Sigterm, Start};

    #[test]
    fn of_looks_at_one_moment_the_last_are_kept() {
        let mut process = Process::new(Identity { pid: 1, start: Start::Exact(0) }, true);
        for threads in 0..1000 {
            let look = Look {
                doing: Doing::Other,
                handles: false,
                is_init: false,
                sigterm: Sigterm::Ends,
                threads: [('S', threads)].into(),
                waits_for: None,
            };
            process.seen(5, look);
        }
        assert_eq!(process.looks.len(), LOOKS);
        assert_eq!(process.looks.back().map(|(_, look)| look.count()), Some(999));
    }
}
