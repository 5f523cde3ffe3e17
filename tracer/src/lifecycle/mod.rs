//! The model: from observations to events. It reads no clock, no file and no environment; time is
//! an argument, so a replayed session gives the same events as the live one.

#![deny(clippy::wildcard_enum_match_arm)]

pub mod event;
pub mod filter;
mod process;
pub mod standing;
mod state;
pub mod summary;
#[cfg(test)]
#[allow(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of event")]
mod tests;
mod why;

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, VecDeque},
};

use event::{By, Event, Exit, Peer, Reap, Reaper, Via, What};
use filter::Filter;
use process::{Process, SIGCHLD, UnnamedWait, Waits};
use state::{Seen, State, Step, step};
use summary::{Living, Summary, Tally};

use crate::observation::{
    Adopter, AdopterKind, Died, Execed, Exited, Fact, Forked, Found, Identity, Observation,
    Outcome, Released, Sigchld, Waited,
};

/// Unless told otherwise, a zombie is reported as unreaped from this age on, ns.
const UNREAPED_FROM: u64 = 1_000_000_000;
/// A zombie younger than this is nothing to report, whatever was asked for, ns.
const SHORTEST_ALARM: u64 = 1_000_000;
/// How long a reaped process is kept for its late records when its release is never seen, ns.
const KEEP_GONE: u64 = 10_000_000_000;
/// The processes known and what is still to be said of them.
pub struct Model {
    filter: Filter,
    /// The pid namespace whose numbers the observations use.
    pidns: Option<u32>,
    processes: HashMap<u32, Process>,
    /// When a zombie is to be reported as unreaped, and at what age.
    alarms: BinaryHeap<Reverse<(u64, u64, u32, u64)>>,
    /// Reaped processes whose release has not been seen, in the order of their ends.
    gone: VecDeque<(u64, Identity)>,
    tally: Tally,
    events: Vec<Event>,
}

impl Model {
    /// An empty model. `pidns` is the namespace in which observations number processes.
    pub fn new(filter: Filter, pidns: Option<u32>) -> Self {
        Self {
            filter,
            pidns,
            processes: HashMap::new(),
            alarms: BinaryHeap::new(),
            gone: VecDeque::new(),
            tally: Tally::default(),
            events: Vec::new(),
        }
    }

    /// Takes one fact. Facts come in the order of their times; one that comes late is taken too.
    pub fn observe(&mut self, observation: Observation) {
        self.advance(observation.at);
        let at = observation.at;
        match observation.fact {
            Fact::Forked(fork) => self.forked(at, fork),
            Fact::Execed(exec) => self.execed(at, exec),
            Fact::LeaderExited { id, threads } => self.leader_exited(at, id, threads),
            Fact::Exited(exit) => self.exited(at, exit),
            Fact::Died(death) => self.died(at, &death),
            Fact::Waited(wait) => self.waited(at, &wait),
            Fact::Freed { id } => self.freed(at, id),
            Fact::Released(release) => self.released(at, &release),
            Fact::Found(found) => self.found(at, found),
            Fact::Lost(lost) => {
                self.tally.lost(lost);
                self.events.push(Event { at, who: None, what: What::Lost(lost) });
            }
        }
    }

    /// Says that nothing older than `now` will come: what is due by then is reported.
    pub fn advance(&mut self, now: u64) {
        while let Some(Reverse((due, age, pid, start))) = self.alarms.peek().copied() {
            if due > now {
                break;
            }
            self.alarms.pop();
            self.unreaped(due, age, pid, start);
        }
        while self.gone.front().is_some_and(|(at, _)| at.saturating_add(KEEP_GONE) <= now) {
            let (_, id) = self.gone.pop_front().expect("it was just seen");
            self.drop_gone(id);
        }
    }

    /// The events since the last call.
    pub fn drain(&mut self) -> impl Iterator<Item = Event> + '_ {
        self.events.drain(..)
    }

    /// How many processes are known.
    pub fn len(&self) -> usize {
        self.processes.len()
    }

    /// Whether no process is known.
    pub fn is_empty(&self) -> bool {
        self.processes.is_empty()
    }

    /// The processes that have exited and are not known to be gone.
    pub fn dead(&self) -> impl Iterator<Item = Identity> {
        let dead = |process: &&Process| matches!(process.state, State::Exiting | State::Zombie);
        self.processes.values().filter(dead).map(|process| process.id)
    }

    /// The process with this pid, if it is in the table of processes still.
    pub fn has(&self, pid: u32) -> bool {
        self.processes.get(&pid).is_some_and(|process| process.state != State::Gone)
    }

    /// How many processes that match were found at the start.
    pub fn existing(&self) -> u64 {
        self.tally.existing()
    }

    /// What the session comes to.
    pub fn summary(&self, now: u64) -> Summary {
        let mut living: Vec<Living> = self
            .processes
            .values()
            .filter(|process| process.matched && process.state != State::Gone)
            .map(|process| Living {
                who: process.who(),
                zombie: (process.state == State::Zombie)
                    .then(|| process.zombie_since().map(|since| now.saturating_sub(since)))
                    .flatten(),
                dead: matches!(process.state, State::Zombie | State::Exiting),
                parent: process.parent.map(|parent| self.peer(parent)),
            })
            .collect();
        living.sort_by_key(|living| living.who.pid);
        self.tally.summary(living)
    }

    fn push(&mut self, at: u64, pid: u32, what: What) {
        let Some(process) = self.processes.get_mut(&pid) else { return };
        process.matched = process.matched || self.filter.matches(process);
        if !process.matched {
            return;
        }
        let event = Event { at, who: Some(process.who()), what };
        self.tally.see(&event);
        if self.filter.shows(&event) {
            self.events.push(event);
        }
    }

    /// This very life, not another one with its pid.
    fn get(&self, id: Identity) -> Option<&Process> {
        self.processes.get(&id.pid).filter(|known| known.id.same(id))
    }

    fn get_mut(&mut self, id: Identity) -> Option<&mut Process> {
        self.processes.get_mut(&id.pid).filter(|known| known.id.same(id))
    }

    /// Another process, by the name it has now.
    fn peer(&self, id: Identity) -> Peer {
        self.get(id).map_or(Peer { pid: id.pid, comm: None }, Process::peer)
    }

    /// Makes `pid` this very life, creating it when it is not known and ending another life that
    /// had the pid, whose release was not seen.
    fn enter(&mut self, at: u64, id: Identity) -> &mut Process {
        let other = self.processes.get(&id.pid).is_some_and(|known| !known.id.same(id));
        let unseen = other && self.has(id.pid);
        if unseen {
            // The wait that released it may not have returned yet.
            self.reap_unseen(at, id.pid, u64::MAX);
        }
        if other {
            self.forget(id.pid);
        }
        let process = self.processes.entry(id.pid).or_insert_with(|| Process::new(id, true));
        process.after_unseen |= unseen;
        if process.id.start != id.start {
            // Found in /proc to the tick, now known to the nanosecond.
            process.id = id;
        }
        process
    }

    /// Whether a younger life has this pid now than the one that is told of.
    fn is_superseded(&self, id: Identity) -> bool {
        self.processes
            .get(&id.pid)
            .is_some_and(|known| !known.id.same(id) && known.id.start.ns() > id.start.ns())
    }

    fn set_parent(&mut self, pid: u32, parent: Identity) {
        let Some(process) = self.processes.get_mut(&pid) else { return };
        let old = process.parent.replace(parent);
        if let Some(old) = old.and_then(|old| self.processes.get_mut(&old.pid)) {
            old.children.remove(&pid);
        }
        if let Some(parent) = self.get_mut(parent) {
            parent.children.insert(pid);
        }
    }

    fn forget(&mut self, pid: u32) {
        let Some(process) = self.processes.remove(&pid) else { return };
        if let Some(parent) = process.parent.and_then(|parent| self.processes.get_mut(&parent.pid))
        {
            parent.children.remove(&pid);
        }
    }

    fn drop_gone(&mut self, id: Identity) {
        if self.get(id).is_some_and(|process| process.state == State::Gone) {
            self.forget(id.pid);
        }
    }

    fn found(&mut self, at: u64, found: Found) {
        let pid = found.id.pid;
        let known = self.processes.get(&pid);
        if known.is_some_and(|known| step(known.state, Seen::Found) == Step::Ignore) {
            return;
        }
        let mut process = Process::new(found.id, found.traced);
        process.comm = Some(found.comm);
        process.home = found.home;
        if found.zombie {
            process.state = State::Zombie;
            process.zombie_since_before = Some(at);
        }
        self.processes.insert(pid, process);
        if let Some(parent) = self.processes.get(&found.parent).map(|parent| parent.id) {
            self.set_parent(pid, parent);
        }
        self.push(at, pid, What::Existing { zombie_at_least: found.zombie.then_some(0) });
        if found.zombie {
            self.set_alarm(at, pid);
        }
    }

    fn forked(&mut self, at: u64, fork: Forked) {
        if self.is_superseded(fork.id) {
            return;
        }
        let pid = fork.id.pid;
        let step = self.get(fork.id).map_or(Step::Apply, |known| step(known.state, Seen::Forked));
        if step == Step::Ignore {
            return;
        }
        let process = self.enter(at, fork.id);
        process.comm = process.comm.or(Some(fork.comm));
        process.exit_signal = Some(fork.exit_signal);
        process.move_to(fork.home.clone());
        let first = process.life.forked_at.replace(at).is_none();
        if process.parent.is_none() {
            self.set_parent(pid, fork.parent);
        }
        if first {
            self.push(at, pid, What::Fork { forker: fork.forker, home: fork.home });
        }
    }

    /// The process a record of its middle or end tells of: made known when its birth was not seen.
    /// None when the record is of no use; the step is what to do.
    fn known(&mut self, at: u64, id: Identity, seen: Seen) -> Option<(&mut Process, Step)> {
        if self.is_superseded(id) {
            return None;
        }
        let process = self.enter(at, id);
        let step = step(process.state, seen);
        (step != Step::Ignore).then_some((process, step))
    }

    fn execed(&mut self, at: u64, exec: Execed) {
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

    fn leader_exited(&mut self, at: u64, id: Identity, threads: u32) {
        let Some((process, _)) = self.known(at, id, Seen::LeaderExited) else { return };
        process.state = State::LeaderGone;
        self.push(at, id.pid, What::LeaderExit { threads });
    }

    fn exited(&mut self, at: u64, exit: Exited) {
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
        if let Some(adopter) = exit.adopter {
            self.orphan_children(at, pid, adopter);
        }
    }

    /// The kernel names the parent: where it is not the one we thought, it wins. A parent that is
    /// on its way out hands the child on a moment later, which we took for done.
    fn correct_parent(&mut self, at: u64, pid: u32, parent: Identity) {
        let known = self.processes.get(&pid).and_then(|process| process.parent);
        match known {
            None => self.set_parent(pid, parent),
            Some(known) if known.same(parent) || self.is_ending(parent) => {}
            Some(_) => self.reparent(at, pid, parent, None),
        }
    }

    fn is_ending(&self, id: Identity) -> bool {
        self.get(id).is_some_and(Process::is_ending)
    }

    fn orphan_children(&mut self, at: u64, pid: u32, adopter: Adopter) {
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

    /// What happens to a child shows that it was there when its parent ended.
    fn was_handed_over(&mut self, at: u64, pid: u32) {
        let adopter = self.processes.get_mut(&pid).and_then(|child| child.heir.take());
        if let Some(adopter) = adopter {
            self.hand_over(at, pid, adopter);
        }
    }

    /// `reparent_leader` (kernel/exit.c): whatever signal it was born with, from now on it is
    /// SIGCHLD, and a zombie is announced to its new parent, and released at once by the dying one
    /// where the new one wants none. When exactly is not seen, only that it is gone.
    fn hand_over(&mut self, at: u64, pid: u32, adopter: Adopter) {
        self.reparent(at, pid, adopter.id, Some(adopter.kind));
        if let Some(child) = self.processes.get_mut(&pid) {
            child.adopter_sigchld = adopter.sigchld;
            child.exit_signal = Some(SIGCHLD);
        }
    }

    fn reparent(&mut self, at: u64, pid: u32, to: Identity, kind: Option<AdopterKind>) {
        let Some(process) = self.processes.get_mut(&pid) else { return };
        let Some(from) = process.parent else { return self.set_parent(pid, to) };
        process.reparents += 1;
        let zombie = process.state == State::Zombie;
        let what = What::Reparent {
            from: self.peer(from),
            to: self.peer(to),
            kind: kind.unwrap_or_else(|| self.kind_of_adopter(to.pid)),
            zombie,
        };
        self.set_parent(pid, to);
        self.push(at, pid, what);
    }

    /// In what role a process adopts, when the kernel did not say beforehand that it would.
    fn kind_of_adopter(&self, pid: u32) -> AdopterKind {
        let ns_pid = self.processes.get(&pid).and_then(|process| process.home.ns_pid);
        match (pid, ns_pid) {
            (1, _) => AdopterKind::Init,
            (_, Some(1)) => AdopterKind::PidnsInit,
            (_, _) => AdopterKind::Subreaper,
        }
    }

    fn died(&mut self, at: u64, death: &Died) {
        let Some((process, step)) = self.known(at, death.id, Seen::Died) else { return };
        let pid = death.id.pid;
        process.fate = Some(death.fate);
        let told_parent = process.ptracer != Some(death.target.pid);
        if process.heir.is_some_and(|heir| heir.id.same(death.target)) {
            self.was_handed_over(at, pid);
        } else if told_parent {
            self.correct_parent(at, pid, death.target);
        }
        if step == Step::Fill {
            return;
        }
        let Some(process) = self.processes.get_mut(&pid) else { return };
        process.life.zombie_at = Some(at);
        process.state = State::Zombie;
        let teardown = process.teardown();
        let parent = process.parent;
        if let Some(parent) = parent.and_then(|parent| self.get_mut(parent)) {
            parent.waits.coalesced += u64::from(death.fate == crate::observation::Fate::Pending);
        }
        let parent = parent.map(|parent| self.peer(parent));
        self.push(at, pid, What::Zombie { teardown, notified: Some(death.fate), parent });
        if death.autoreap {
            self.reap(at, pid, None, Some(By::Kernel), Via::Autoreap, true);
        } else {
            self.set_alarm(at, pid);
        }
    }

    fn set_alarm(&mut self, since: u64, pid: u32) {
        let age = self.filter.min_zombie.unwrap_or(UNREAPED_FROM).max(SHORTEST_ALARM);
        self.set_alarm_at(since, age, pid);
    }

    fn set_alarm_at(&mut self, since: u64, age: u64, pid: u32) {
        if let (Some(process), Some(due)) = (self.processes.get(&pid), since.checked_add(age)) {
            self.alarms.push(Reverse((due, age, pid, process.reported_start)));
        }
    }

    fn unreaped(&mut self, at: u64, age: u64, pid: u32, start: u64) {
        let Some(process) = self.processes.get(&pid) else { return };
        if process.state != State::Zombie || process.reported_start != start {
            return;
        }
        let Some(since) = process.zombie_since() else { return };
        self.was_handed_over(at, pid);
        let Some(process) = self.processes.get(&pid) else { return };
        let parent = process.parent.and_then(|parent| self.get(parent));
        let (causes, remedy) = why::explain(process, parent);
        let parent = process.parent.map(|parent| self.peer(parent));
        let process = self.processes.get_mut(&pid).expect("it was just seen");
        for cause in &causes {
            if !process.why.contains(cause) {
                process.why.push(*cause);
            }
        }
        self.push(at, pid, What::Unreaped { zombie: age, parent, why: causes, remedy });
        if let Some(next) = age.checked_mul(10) {
            self.set_alarm_at(since, next, pid);
        }
    }

    fn waited(&mut self, at: u64, wait: &Waited) {
        if let Some(waiter) = self.processes.get_mut(&wait.pid) {
            waiter.waits.returned += 1;
            waiter.waits.any += u64::from(wait.any);
        }
        match wait.outcome {
            Outcome::Nothing => {}
            Outcome::Unnamed => self.waited_for_someone(at, wait),
            Outcome::Child { pid, reaped } => self.waited_for(at, wait, pid, reaped),
        }
    }

    fn waited_for_someone(&mut self, at: u64, wait: &Waited) {
        let Some(waiter) = self.processes.get_mut(&wait.pid) else { return };
        let unnamed = &mut waiter.waits.unnamed;
        if unnamed.len() == Waits::UNNAMED {
            unnamed.remove(0);
        }
        unnamed.push(UnnamedWait { at, tid: wait.tid, comm: wait.comm, call: wait.call });
    }

    fn waited_for(&mut self, at: u64, wait: &Waited, number: u32, reaped: Option<bool>) {
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

    /// Whether `by` traces the process and is not its parent, nor about to be.
    fn is_tracer_only(&self, pid: u32, by: u32) -> bool {
        self.processes.get(&pid).is_some_and(|child| {
            let is_parent = child.parent.is_none_or(|parent| parent.pid == by);
            let is_heir = child.heir.is_some_and(|heir| heir.id.pid == by);
            child.ptracer == Some(by) && !is_parent && !is_heir
        })
    }

    /// Reaped by its parent: nobody else can, so whoever did is the parent now, whether we have
    /// seen the adoption or not.
    fn reaped_by(&mut self, at: u64, pid: u32, reaper: Reaper, via: Via) {
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

    fn role_of_parent(&self, pid: u32) -> By {
        let orphaned = self.processes.get(&pid).is_some_and(|child| child.reparents > 0);
        if orphaned { By::Adopter } else { By::Parent }
    }

    /// It leaves the table, and the kernel says in whose context.
    fn released(&mut self, at: u64, release: &Released) {
        let pid = release.id.pid;
        let Some((process, step)) = self.known(at, release.id, Seen::Released) else { return };
        if step == Step::Apply {
            let home = process.home.clone();
            let reaper = Reaper { pid: release.by, tid: Some(release.tid), comm: release.comm };
            let via = release.call.map_or(Via::Unknown, Via::Call);
            let releaser = self.processes.get(&release.by).filter(|known| known.is_ending());
            let is_dying_init = |releaser: &Process| {
                releaser.home.ns_pid == Some(1) && releaser.home.pidns == home.pidns
            };
            match releaser {
                // `zap_pid_ns_processes`, kernel/pid_namespace.c.
                Some(releaser) if is_dying_init(releaser) && release.by != pid => {
                    let by = self.role_of_parent(pid);
                    self.reap(at, pid, Some(reaper), Some(by), Via::PidnsDeath, true);
                }
                // Its own last thread, or its parent on the way out, whose heir wants no zombies.
                Some(_) => self.reap(at, pid, None, Some(By::Kernel), Via::Autoreap, true),
                // The parent wants no zombies and left it to its tracer.
                None if self.is_tracer_only(pid, release.by) => {
                    self.reap(at, pid, Some(reaper), Some(By::Tracer), via, true);
                }
                None => self.reaped_by(at, pid, reaper, via),
            }
        }
        self.forget(pid);
    }

    /// The process that a waiter means by a number of its own pid namespace.
    fn resolve(&self, waiter: u32, number: u32) -> Option<u32> {
        let ns = self.processes.get(&waiter).and_then(|waiter| waiter.home.pidns);
        if ns.is_none() || self.pidns.is_none() || ns == self.pidns {
            return Some(number);
        }
        let children = &self.processes.get(&waiter)?.children;
        children.iter().copied().find(|pid| {
            let home = self.processes.get(pid).map(|child| &child.home);
            home.is_some_and(|home| home.pidns == ns && home.ns_pid == Some(number))
        })
    }

    fn freed(&mut self, at: u64, id: Identity) {
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
    fn reap_unseen(&mut self, at: u64, pid: u32, since: u64) {
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
            return self.reap(at, pid, None, Some(By::Kernel), Via::Autoreap, true);
        }
        let is_dead = matches!(process.state, State::Exiting | State::Zombie);
        if process.adopter_sigchld.reaps_itself() && is_dead {
            return self.reap(at, pid, None, Some(By::Kernel), Via::Autoreap, false);
        }
        let (reaper, via) = match parent {
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

    fn reap(
        &mut self,
        at: u64,
        pid: u32,
        reaper: Option<Reaper>,
        by: Option<By>,
        via: Via,
        seen: bool,
    ) {
        let Some(process) = self.processes.get_mut(&pid) else { return };
        let auto = via == Via::Autoreap;
        let exact = seen && (auto || process.life.zombie_at.is_some());
        // Without the moment it became a zombie, the time since an earlier one is the upper bound.
        let since = process
            .life
            .zombie_at
            .or(process.life.exited_at)
            .or(process.zombie_since_before.map(|_| process.id.start.ns()));
        // Without that moment an auto-reap has none: no signal is raised for it.
        let zombie = match process.life.zombie_at {
            None if auto && seen => Some(0),
            _ => since.and_then(|since| at.checked_sub(since)),
        };
        process.life.reaped_at = Some(at);
        process.state = State::Gone;
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
        if let Some(parent) = reaper.and_then(|reaper| self.processes.get_mut(&reaper.pid)) {
            parent.waits.reaped += 1;
        }
        self.push(at, pid, What::Reap(Box::new(reap)));
        self.gone.push_back((at, id));
    }
}

/// Nobody but the parent can have reaped a zombie that is gone, as long as it lives; which thread and
/// by which call is known when one wait of it, since then, did not name whom it reaped.
fn only_parent(parent: &Process, since: u64) -> (Option<Reaper>, Via) {
    let waits = || parent.waits.unnamed.iter().filter(|wait| wait.at >= since);
    let unseen = Reaper { pid: parent.id.pid, tid: None, comm: parent.comm.unwrap_or_default() };
    match (waits().next(), waits().count()) {
        (Some(wait), 1) => {
            let reaper = Reaper { tid: Some(wait.tid), comm: wait.comm, ..unseen };
            (Some(reaper), Via::Call(wait.call))
        }
        (Some(wait), _) => (Some(unseen), Via::Call(wait.call)),
        (None, _) => (Some(unseen).filter(|_| !parent.is_ending()), Via::Unknown),
    }
}

/// What became of the signal when none was seen: a parent that ignores SIGCHLD is sent none.
fn process_fate(sigchld: Sigchld) -> Option<crate::observation::Fate> {
    sigchld.ignored.then_some(crate::observation::Fate::None)
}
