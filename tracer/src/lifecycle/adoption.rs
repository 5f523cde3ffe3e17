//! Who is whose parent: what the kernel's rule said beforehand, corrected by what it did.

use super::{
    Model,
    event::{By, What},
    process::{Process, SIGCHLD},
    state::State,
    summary::Adoptions,
};
use crate::observation::{Adopter, AdopterKind, Identity};

impl Model {
    /// The kernel names the parent: where it is not the one we thought, it wins. A parent that is
    /// on its way out hands the child on a moment later, which we took for done.
    pub(super) fn correct_parent(&mut self, at: u64, pid: u32, parent: Identity) {
        let known = self.processes.get(&pid).and_then(|process| process.parent);
        match known {
            None => self.set_parent(pid, parent),
            Some(known) if known.same(parent) || self.is_ending(parent) => {}
            Some(_) => self.reparent(at, pid, parent, None),
        }
    }

    pub(super) fn is_ending(&self, id: Identity) -> bool {
        self.get(id).is_some_and(Process::is_ending)
    }

    pub(super) fn orphan_children(&mut self, at: u64, pid: u32, adopter: Adopter) {
        let children = self.processes.get(&pid).map(|process| process.children.clone());
        for child in children.unwrap_or_default() {
            let Some(process) = self.processes.get(&child) else { continue };
            let parent = self.processes.get(&pid);
            if parent.is_some_and(|parent| process.may_be_released(parent)) {
                self.processes.entry(child).and_modify(|child| child.heir = Some(adopter));
            } else if process.state != State::Gone {
                self.hand_over(at, child, adopter);
            }
        }
    }

    /// The end of an init is the end of its pid namespace (`zap_pid_ns_processes`,
    /// kernel/pid_namespace.c).
    pub(super) fn end_namespace(&mut self, init: u32) {
        let init = self.processes.get(&init).filter(|init| init.is_namespace_init());
        let Some((init, children)) = init.map(|init| (init.peer(), init.children.clone())) else {
            return;
        };
        for child in children {
            self.processes.entry(child).and_modify(|child| child.ends_with = Some(init));
        }
    }

    /// A tracer that ends holds nobody any more (`exit_ptrace`, kernel/ptrace.c).
    pub(super) fn end_tracer(&mut self, pid: u32) {
        if self.processes.get(&pid).is_some_and(|tracer| tracer.is_tracer) {
            let held = self.processes.values_mut().filter(|child| child.held_by == Some(pid));
            held.for_each(|child| child.held_by = None);
        }
    }

    /// Whether a process came into its pid namespace from outside. One found in the table may have
    /// another parent than at its birth: that its init is its parent tells nothing.
    pub(super) fn has_entered(&self, pid: u32, may_be_adopted: bool) -> Option<bool> {
        let process = self.processes.get(&pid)?;
        let pidns = process.home.pidns?;
        if Some(pidns) == self.pidns {
            return Some(false);
        }
        let parent = process.parent.and_then(|parent| self.get(parent))?;
        if parent.home.pidns? != pidns {
            return Some(process.home.ns_pid? != 1);
        }
        parent.entered.filter(|_| !(may_be_adopted && parent.is_namespace_init()))
    }

    /// What happens to a child shows that it was there when its parent ended.
    pub(super) fn was_handed_over(&mut self, at: u64, pid: u32) {
        let adopter = self.processes.get_mut(&pid).and_then(|child| child.heir.take());
        if let Some(adopter) = adopter {
            self.hand_over(at, pid, adopter);
        }
    }

    /// `reparent_leader` (kernel/exit.c): whatever signal it was born with, from now on it is
    /// SIGCHLD, and a zombie is announced to its new parent, and released at once by the dying one
    /// where the new one wants none. When exactly is not seen, only that it is gone.
    pub(super) fn hand_over(&mut self, at: u64, pid: u32, adopter: Adopter) {
        self.reparent(at, pid, adopter.id, Some(adopter.kind));
        if let Some(child) = self.processes.get_mut(&pid) {
            child.adopter_sigchld = adopter.sigchld;
            child.exit_signal = Some(SIGCHLD);
        }
    }

    pub(super) fn reparent(&mut self, at: u64, pid: u32, to: Identity, kind: Option<AdopterKind>) {
        let Some(process) = self.processes.get_mut(&pid) else { return };
        let Some(from) = process.parent else { return self.set_parent(pid, to) };
        process.reparents += 1;
        let entered = process.entered;
        let is_zombie = process.state == State::Zombie;
        let zombie = is_zombie.then(|| at.saturating_sub(process.zombie_since().unwrap_or(at)));
        let since = process.owed_since().filter(|_| is_zombie);
        // It may be told later than it was.
        let ended = self.get(from).and_then(|from| from.life.exited_at);
        let adopted = ended.map_or(at, |ended| ended.min(at));
        self.processes.entry(pid).and_modify(|process| process.adopted_at = Some(adopted));
        let kind = kind.unwrap_or_else(|| self.kind_of_adopter(to.pid));
        let adopter = self.peer(to);
        let what = What::Reparent { from: self.peer(from), to: adopter, kind, zombie, entered };
        self.set_parent(pid, to);
        self.push(at, pid, what);
        let matched = self.processes.get(&pid).is_some_and(|process| process.matched);
        if matched {
            let new = Adoptions::new(adopter, kind, self.watched_since(to).unwrap_or(at));
            self.tally.adopted(self.key(to), to, new);
        }
        if let Some(since) = since.filter(|_| matched) {
            self.abandoned(adopted, from, adopted.saturating_sub(since));
            self.gained(Some(to), pid);
        }
    }

    /// In what role a process adopts, when the kernel did not say beforehand that it would.
    pub(super) fn kind_of_adopter(&self, pid: u32) -> AdopterKind {
        let ns_pid = self.processes.get(&pid).and_then(|process| process.home.ns_pid);
        match (pid, ns_pid) {
            (1, _) => AdopterKind::Init,
            (_, Some(1)) => AdopterKind::PidnsInit,
            (_, _) => AdopterKind::Subreaper,
        }
    }

    pub(super) fn role_of_parent(&self, pid: u32) -> By {
        let orphaned = self.processes.get(&pid).is_some_and(|child| child.reparents > 0);
        if orphaned { By::Adopter } else { By::Parent }
    }

    /// Whether `by` traces the process and is not its parent, nor about to be.
    pub(super) fn is_tracer_only(&self, pid: u32, by: u32) -> bool {
        self.processes.get(&pid).is_some_and(|child| {
            let is_parent = child.parent.is_none_or(|parent| parent.pid == by);
            let is_heir = child.heir.is_some_and(|heir| heir.id.pid == by);
            child.ptracer == Some(by) && !is_parent && !is_heir
        })
    }
}
