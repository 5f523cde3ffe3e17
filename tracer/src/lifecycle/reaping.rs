//! Who reaped whom: by waits that name a child, by its release, or by what is left to explain it.

use super::{
    Model,
    event::{By, Peer, Reap, Reaper, Via, What},
    process::Process,
    state::{Seen, State, Step, step},
    summary::Lasted,
    waits::{UnnamedWait, Waits},
};
use crate::observation::{Fate, Identity, Outcome, Released, Sigchld, Waited};

impl Model {
    pub(super) fn waited(&mut self, at: u64, wait: &Waited) {
        if let Some(waiter) = self.processes.get_mut(&wait.pid) {
            waiter.waits.add(at, wait);
        }
        match wait.outcome {
            Outcome::Nothing => {}
            Outcome::Unnamed => self.waited_for_someone(at, wait),
            Outcome::Child { pid, reaped } => self.waited_for(at, wait, pid, reaped),
        }
    }

    pub(super) fn waited_for_someone(&mut self, at: u64, wait: &Waited) {
        let Some(waiter) = self.processes.get_mut(&wait.pid) else { return };
        let unnamed = &mut waiter.waits.unnamed;
        if unnamed.len() == Waits::UNNAMED {
            unnamed.remove(0);
        }
        unnamed.push(UnnamedWait { at, tid: wait.tid, comm: wait.comm, call: wait.call });
    }

    pub(super) fn waited_for(&mut self, at: u64, wait: &Waited, number: u32, reaped: Option<bool>) {
        if reaped == Some(false) {
            return;
        }
        let Some(pid) = self.resolve(wait.pid, number) else { return };
        let Some(child) = self.processes.get(&pid) else { return };
        if child.may_be_mistaken(at) {
            return;
        }
        if step(child.state, Seen::Waited { certain: reaped.is_some() }) != Step::Apply {
            return;
        }
        if self.is_tracer_only(pid, wait.pid) {
            // The tracer has its report; the parent must wait, too (EXIT_TRACE, wait_task_zombie).
            self.processes.entry(pid).and_modify(|child| child.held_by = None);
            return;
        }
        let reaper = Reaper { pid: wait.pid, tid: Some(wait.tid), comm: wait.comm };
        self.reaped_by(at, pid, reaper, Via::Call(wait.call));
    }

    /// The process that a waiter means by a number of its own pid namespace.
    pub(super) fn resolve(&self, waiter: u32, number: u32) -> Option<u32> {
        let ns = self.processes.get(&waiter).and_then(|waiter| waiter.home.pidns);
        if ns.is_none() || self.pidns.is_none() || ns == self.pidns {
            return Some(number);
        }
        let children = &self.processes.get(&waiter)?.children;
        children
            .iter()
            .copied()
            .find(|pid| self.processes.get(pid).is_some_and(|child| child.number == Some(number)))
    }

    /// Reaped by its parent: nobody else can, so whoever did is the parent now, whether we have
    /// seen the adoption or not.
    pub(super) fn reaped_by(&mut self, at: u64, pid: u32, reaper: Reaper, via: Via) {
        let heir = self.processes.get(&pid).and_then(|child| child.heir);
        if heir.is_some_and(|heir| heir.id.pid == reaper.pid) {
            self.was_handed_over(at, pid);
        }
        let adopter = self.processes.get(&reaper.pid).filter(|known| known.state != State::Gone);
        let adopter = adopter.map(|known| known.id);
        let Some(child) = self.processes.get_mut(&pid) else { return };
        // The pid is enough: whoever adopts was alive when the parent died, and has another one.
        let is_parent = child.parent.is_none_or(|parent| parent.pid == reaper.pid);
        match adopter.filter(|_| !is_parent) {
            Some(adopter) => self.reparent(at, pid, adopter, None),
            None => child.reparents += u32::from(!is_parent),
        }
        let by = self.role_of_parent(pid);
        self.reap(at, pid, Some(reaper), Some(by), via, true);
    }

    /// It leaves the table, and the kernel says in whose context.
    pub(super) fn released(&mut self, at: u64, release: &Released) {
        let pid = release.id.pid;
        let Some((process, step)) = self.known(at, release.id, Seen::Released) else { return };
        if step == Step::Apply {
            let (home, dead) = (process.home.clone(), process.state == State::Zombie);
            let reaper = Reaper { pid: release.by, tid: Some(release.tid), comm: release.comm };
            let via = release.call.map_or(Via::Unknown, Via::Call);
            let is_itself = release.by == pid;
            let is_dying = |known: &&Process| {
                let ends = matches!(known.state, State::Exiting | State::Zombie);
                is_itself || ends && release.call.is_none()
            };
            let releaser = self.processes.get(&release.by).filter(is_dying);
            let nested = home.pidns.filter(|pidns| Some(*pidns) != self.pidns);
            let is_dying_init = |releaser: &Process| {
                // In lockdown the number is not told; who leaves it to an heir is heard of first.
                let is_first =
                    releaser.home.ns_pid.map_or(nested.is_some() && dead, |pid| pid == 1);
                is_first && releaser.home.pidns == home.pidns
            };
            match releaser {
                // `zap_pid_ns_processes`, kernel/pid_namespace.c.
                Some(releaser) if is_dying_init(releaser) && !is_itself => {
                    let by = self.role_of_parent(pid);
                    self.reap(at, pid, Some(reaper), Some(by), Via::PidnsDeath, true);
                }
                // Its own last thread, or its parent on the way out, whose heir wants no zombies: it was
                // one until then, seen or not.
                Some(_) => self.reap_by_kernel(at, pid, is_itself || dead),
                // The parent wants no zombies and left it to its tracer.
                None if self.is_tracer_only(pid, release.by) => {
                    self.reap(at, pid, Some(reaper), Some(By::Tracer), via, true);
                }
                // Its parent on the way out, released and forgotten itself: of that we heard too little.
                None if release.call.is_none() && !self.may_wait_for(pid, release.by) => {
                    self.reap(at, pid, None, None, Via::Unknown, true);
                }
                None => self.reaped_by(at, pid, reaper, via),
            }
        }
        self.forget(pid);
    }

    /// Whether this is its parent, or a living process that can have adopted it.
    fn may_wait_for(&self, pid: u32, by: u32) -> bool {
        let parent = self.processes.get(&pid).and_then(|child| child.parent);
        self.has(by) || parent.is_none_or(|parent| parent.pid == by)
    }

    pub(super) fn freed(&mut self, at: u64, id: Identity) {
        let Some(process) = self.get(id) else { return };
        match step(process.state, Seen::Freed) {
            Step::Apply => {
                let since = process.zombie_since().unwrap_or(0);
                self.reap_unseen(at, id.pid, since);
                self.forget(id.pid);
            }
            Step::Drop => self.forget(id.pid),
            Step::Fill | Step::Ignore => {}
        }
    }

    /// It is gone, and no wait told of it: finds the explanation that fits, if one does. A wait
    /// `since` then can have reaped it.
    pub(super) fn reap_unseen(&mut self, at: u64, pid: u32, since: u64) {
        let Some(process) = self.processes.get(&pid) else { return };
        let parent = process.parent.and_then(|parent| self.get(parent));
        if process.life.zombie_at.is_none()
            && process.life.exited_at.is_some()
            && process.is_unwanted()
        {
            self.push(
                at,
                pid,
                What::Zombie {
                    teardown: None,
                    notified: process_fate(process.sigchld),
                    parent: parent.map(Process::peer),
                },
            );
            return self.reap_by_kernel(at, pid, true);
        }
        let is_dead = matches!(process.state, State::Exiting | State::Zombie);
        // An init that ends ignores SIGCHLD from then on, and waits for those that are zombies already.
        let is_swept = process.ends_with.is_some() && process.state == State::Exiting;
        if is_swept || process.adopter_sigchld.reaps_itself() && is_dead {
            return self.reap_by_kernel(at, pid, false);
        }
        let (reaper, via) = match parent {
            _ if process.ends_with.is_some() => (process.ends_with.map(unseen), Via::PidnsDeath),
            // A tracer may have had to do with it.
            Some(parent) if process.ptracer.is_none() && process.state == State::Zombie => {
                only_parent(parent, since)
            }
            _ => (None, Via::Unknown),
        };
        let by = self.role_of_parent(pid);
        if let Some(Reaper { pid: parent, tid: Some(_), .. }) = reaper
            && let Some(parent) = self.processes.get_mut(&parent)
        {
            // One wait reaps one child.
            parent.waits.unnamed.retain(|wait| wait.at < since);
        }
        self.reap(at, pid, reaper, reaper.map(|_| by), via, false);
    }

    /// Nobody waited: its parent wants no zombies, or its pid namespace ended.
    pub(super) fn reap_by_kernel(&mut self, at: u64, pid: u32, seen: bool) {
        let ends = self.processes.get(&pid).is_some_and(|process| process.ends_with.is_some());
        let via = if ends { Via::PidnsDeath } else { Via::Autoreap };
        self.reap(at, pid, None, Some(By::Kernel), via, seen);
    }

    pub(super) fn reap(
        &mut self,
        at: u64,
        pid: u32,
        reaper: Option<Reaper>,
        by: Option<By>,
        via: Via,
        seen: bool,
    ) {
        let Some(process) = self.processes.get_mut(&pid) else { return };
        let never = by == Some(By::Kernel) && process.state != State::Zombie;
        let exact = seen && (never || process.life.zombie_at.is_some());
        // Without the moment it became a zombie, the time since an earlier one is the upper bound.
        let since = process
            .life
            .zombie_at
            .or(process.life.exited_at)
            .or(process.found_dead.map(|(earliest, _)| earliest));
        // Without that moment an auto-reap has none: no signal is raised for it.
        let zombie = match process.life.zombie_at {
            None if never && seen => Some(0),
            _ => since.and_then(|since| at.checked_sub(since)),
        };
        let certain = process.zombie_since().and_then(|since| at.checked_sub(since));
        process.life.reaped_at = Some(at);
        process.state = State::Gone;
        if let Some(alarm) = process.alarm.take() {
            self.alarms.remove(&alarm);
        }
        let reap = Reap {
            status: process.status,
            zombie,
            teardown: process.teardown(),
            lifetime: process.lifetime(),
            reaper,
            by,
            via,
            reparents: process.reparents,
            why: std::mem::take(&mut process.why),
            exact,
            life: std::mem::take(&mut process.life),
        };
        let id = process.id;
        let died = since.filter(|_| !never);
        if let Some(parent) = reaper.and_then(|reaper| self.processes.get_mut(&reaper.pid)) {
            parent.waits.reaped += 1;
        }
        self.push(at, pid, What::Reap(reap));
        let matched = self.processes.get(&pid).filter(|process| process.matched);
        if let (Some(process), Some(time)) = (matched, certain) {
            self.tally.lasted(Lasted { time, who: process.who() });
        }
        if let (Some(died), Some(zombie)) = (died, zombie) {
            self.was_reaped(pid, died, zombie, via);
        }
        self.await_release(at, id, by == Some(By::Kernel));
    }
}

/// Nobody but the parent can have reaped a zombie that is gone, as long as it lives; which thread and
/// by which call is known when one wait of it, since then, did not name whom it reaped.
fn only_parent(parent: &Process, since: u64) -> (Option<Reaper>, Via) {
    let waits = || parent.waits.unnamed.iter().filter(|wait| wait.at >= since);
    let unseen = unseen(parent.peer());
    match (waits().next(), waits().count()) {
        (Some(wait), 1) => {
            let reaper = Reaper { tid: Some(wait.tid), comm: wait.comm, ..unseen };
            (Some(reaper), Via::Call(wait.call))
        }
        (Some(wait), _) => (Some(unseen), Via::Call(wait.call)),
        (None, _) => (Some(unseen).filter(|_| !parent.is_ending()), Via::Unknown),
    }
}

/// A reaper whose call was not seen.
fn unseen(reaper: Peer) -> Reaper {
    Reaper { pid: reaper.pid, tid: None, comm: reaper.comm.unwrap_or_default() }
}

/// What became of the signal when none was seen: a parent that ignores SIGCHLD is sent none.
fn process_fate(sigchld: Sigchld) -> Option<Fate> {
    sigchld.ignored.then_some(Fate::None)
}
