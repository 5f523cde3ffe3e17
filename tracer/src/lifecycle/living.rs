//! From birth, or from where it is found, to death: what a process tells of itself.

use super::{
    Model,
    event::{self, Exit, What},
    process::Process,
    state::{Seen, State, Step, step},
    waits::Waits,
};
use crate::observation::{Execed, Exited, Fate, Forked, Found, Identity, Measure, Sigchld, Space};

impl Model {
    pub(super) fn found(&mut self, at: u64, found: Found) {
        let pid = found.id.pid;
        if self.get(found.id).is_some() || self.is_superseded(found.id) {
            return;
        }
        if self.processes.contains_key(&pid) {
            // The release of an earlier life was not seen.
            self.enter(at, found.id);
        }
        let mut process = Process::new(found.id, found.traced);
        process.comm = Some(found.comm);
        process.number = found.number;
        process.home = found.home;
        let age = found.zombie.map(|death| {
            let latest = death.latest.map_or(at, |latest| latest.min(at));
            process.state = State::Zombie;
            process.found_dead = Some((death.earliest, latest));
            at - latest
        });
        if found.leader_gone {
            process.state = State::LeaderGone;
            process.leader_left = Some(at);
        }
        self.processes.insert(pid, process);
        if let Some(parent) = self.processes.get(&found.parent).map(|parent| parent.id) {
            self.set_parent(pid, parent);
        }
        let entered = self.has_entered(pid, true);
        self.processes.entry(pid).and_modify(|process| process.entered = entered);
        self.push(at, pid, What::Existing { zombie_at_least: age });
        if let Some(age) = age {
            self.tally_standing(pid);
            self.set_first_alarm(at, age, pid);
        } else if found.leader_gone {
            self.set_alarm(at, pid);
        }
    }

    /// A zombie from before the start is its parent's, too.
    fn tally_standing(&mut self, pid: u32) {
        let zombie = self.processes.get(&pid).filter(|zombie| zombie.matched);
        let parent = zombie.and_then(|zombie| self.get(zombie.parent?));
        if let (Some(zombie), Some(parent)) = (zombie, parent) {
            self.tally.owed(zombie.key(), parent.comm);
        }
    }

    /// A zombie in the process table, whose death was not told.
    pub(super) fn found_dead(&mut self, at: u64, id: Identity) {
        let pid = id.pid;
        // Reaped since, and perhaps forgotten.
        let Some(process) = self.get_mut(id) else { return };
        if step(process.state, Seen::FoundDead) == Step::Ignore {
            return;
        }
        process.state = State::Zombie;
        process.found_dead = Some((process.id.start.ns(), at));
        let parent = process.parent;
        let peer = parent.map(|parent| self.peer(parent));
        self.push(at, pid, What::Zombie { teardown: None, notified: None, parent: peer });
        self.gained(parent, pid);
        self.set_alarm(at, pid);
    }

    pub(super) fn forked(&mut self, at: u64, fork: Forked) {
        if self.is_superseded(fork.id) {
            return;
        }
        if let (Some(filled), Some(uid)) = (fork.nproc, fork.home.uid) {
            self.measured(at, Measure { space: Space::User(uid), filled });
        }
        let pid = fork.id.pid;
        let is_within = self.is_within(fork.forker);
        let step = self.get(fork.id).map_or(Step::Apply, |known| step(known.state, Seen::Forked));
        if step == Step::Ignore {
            return;
        }
        let process = self.enter(at, fork.id);
        process.comm = process.comm.or(Some(fork.comm));
        process.exit_signal = Some(fork.exit_signal);
        process.number = fork.number;
        // The forker need not be the parent (`CLONE_PARENT`).
        process.is_below |= is_within;
        process.move_to(fork.home.clone());
        let first = process.life.forked_at.replace(at).is_none();
        if process.parent.is_none() {
            self.set_parent(pid, fork.parent);
            let entered = self.has_entered(pid, false);
            self.processes.entry(pid).and_modify(|process| process.entered = entered);
        }
        if first {
            self.push(at, pid, What::Fork { forker: fork.forker, home: fork.home });
        }
    }

    /// The process a record of its middle or end tells of: made known when its birth was not seen.
    /// None when the record is of no use; the step is what to do.
    pub(super) fn known(
        &mut self,
        at: u64,
        id: Identity,
        seen: Seen,
    ) -> Option<(&mut Process, Step)> {
        if self.is_superseded(id) {
            return None;
        }
        let process = self.enter(at, id);
        let step = step(process.state, seen);
        (step != Step::Ignore).then_some((process, step))
    }

    pub(super) fn execed(&mut self, at: u64, exec: Execed) {
        let Some((process, _)) = self.known(at, exec.id, Seen::Execed) else { return };
        process.state = State::Running;
        process.comm = Some(exec.comm);
        process.move_to(exec.home);
        // How the old program waited says nothing of the new one. Whom it reaped stays open.
        let unnamed = std::mem::take(&mut process.waits.unnamed);
        process.waits = Waits { unnamed, ..Waits::default() };
        process.life.exec_count += 1;
        if process.life.execs.len() == event::Life::EXECS {
            process.life.execs.remove(0);
        }
        process.life.execs.push((at, exec.program.clone()));
        self.push(at, exec.id.pid, What::Exec { program: exec.program, thread: exec.thread });
    }

    pub(super) fn leader_exited(&mut self, at: u64, id: Identity, threads: u32) {
        let Some((process, _)) = self.known(at, id, Seen::LeaderExited) else { return };
        process.state = State::LeaderGone;
        process.leader_left = Some(at);
        self.push(at, id.pid, What::LeaderExit { threads });
        self.set_alarm(at, id.pid);
    }

    pub(super) fn exited(&mut self, at: u64, exit: Exited) {
        let parent_stays = !self.is_ending(exit.parent);
        let Some((process, step)) = self.known(at, exit.id, Seen::Exited) else { return };
        if process.life.exited_at.is_some() {
            // Doubled, and read after the death.
            return;
        }
        process.comm = Some(exit.comm);
        process.status = Some(exit.status);
        process.sigchld = exit.sigchld;
        process.exit_signal = Some(exit.exit_signal);
        (process.ptracer, process.held_by) = (exit.ptracer, exit.ptracer);
        process.move_to(exit.home);
        process.life.exited_at = Some(at);
        if parent_stays {
            // `sigchld` is that of the parent it dies to.
            process.adopter_sigchld = Sigchld::default();
        }
        if step == Step::Apply {
            process.state = State::Exiting;
        }
        let lifetime = process.lifetime();
        let pid = exit.id.pid;
        self.correct_parent(at, pid, exit.parent);
        let what = Exit {
            status: exit.status,
            lifetime,
            cpu_user: exit.cpu_user,
            cpu_system: exit.cpu_system,
            max_rss: exit.max_rss,
        };
        self.push(at, pid, What::Exit(what));
        self.tally.ended(self.key(exit.id), at);
        if let Some(tracer) = exit.ptracer.and_then(|tracer| self.processes.get_mut(&tracer)) {
            tracer.is_tracer = true;
        }
        match exit.adopter {
            Some(adopter) => self.orphan_children(at, pid, adopter),
            None => self.end_namespace(pid),
        }
        self.end_tracer(pid);
        self.retired(at, exit.id);
    }

    pub(super) fn became_zombie(&mut self, at: u64, pid: u32, fate: Fate) {
        let Some(process) = self.processes.get_mut(&pid) else { return };
        process.life.zombie_at = Some(at);
        process.state = State::Zombie;
        let teardown = process.teardown();
        let parent = process.parent;
        if let Some(parent) = parent.and_then(|parent| self.get_mut(parent)) {
            parent.waits.coalesced += u64::from(fate == Fate::Pending);
        }
        let peer = parent.map(|parent| self.peer(parent));
        self.push(at, pid, What::Zombie { teardown, notified: Some(fate), parent: peer });
        self.gained(parent, pid);
    }
}
