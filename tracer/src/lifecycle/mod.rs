//! The model: from observations to events. It reads no clock, no file and no environment; time is
//! an argument, so a replayed session gives the same events as the live one.

#![deny(clippy::wildcard_enum_match_arm)]

mod adoption;
pub mod brood;
pub mod condition;
pub mod container;
pub mod ending;
pub mod event;
pub mod filter;
mod flood;
pub mod forest;
mod forks;
pub mod gauge;
pub mod parents;
mod process;
mod reaping;
mod snapshot;
pub mod spread;
pub mod standing;
mod state;
pub mod summary;
#[cfg(test)]
#[allow(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of event")]
mod tests;
pub mod waits;
mod why;
mod zombies;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use event::{Event, Exit, Peer, What, Who};
use filter::Filter;
use flood::Flood;
use foldhash::{HashMap, HashMapExt as _};
use gauge::Gauges;
use process::Process;
use state::{Seen, State, Step, step};
use summary::{Living, Summary, Tally, Totals};
use waits::Waits;
use zombies::Alarm;

pub(crate) use why::RECENT;

/// So long before a zombie is reported its parent is looked at: not at once, else whoever forks and waits
/// all the time would be looked at all the time.
const LOOKED_AT: u64 = RECENT / 10 * 9;

use crate::observation::{
    Execed, Exited, Fact, Forked, Found, Identity, Measure, Observation, Sigchld, Space,
};

/// How long a reaped process is kept for its late records when its release is never seen, ns.
const KEEP_GONE: u64 = 10_000_000_000;
/// So many are no memory worth looking through.
const SWEPT_FROM: usize = 1_000;

/// The processes known and what is still to be said of them.
pub struct Model {
    filter: Filter,
    /// The pid namespace whose numbers the observations use.
    pidns: Option<u32>,
    processes: HashMap<u32, Process>,
    /// The time of the first fact.
    began: Option<u64>,
    /// When a zombie that is there is to be reported as unreaped.
    alarms: BTreeSet<Alarm>,
    /// Reaped processes whose release has not been seen, in the order of their ends.
    gone: VecDeque<(u64, Identity)>,
    tally: Tally,
    gauges: Gauges,
    flood: Flood,
    events: Vec<Event>,
}

impl Model {
    /// An empty model. `pidns` is the namespace in which observations number processes.
    pub fn new(filter: Filter, pidns: Option<u32>) -> Self {
        Self {
            filter,
            pidns,
            processes: HashMap::new(),
            began: None,
            alarms: BTreeSet::new(),
            gone: VecDeque::new(),
            tally: Tally::default(),
            gauges: Gauges::default(),
            flood: Flood::default(),
            events: Vec::new(),
        }
    }

    /// Takes one fact. Facts come in the order of their times; one that comes late is taken too.
    pub fn observe(&mut self, observation: Observation) {
        self.advance(observation.at);
        self.began.get_or_insert(observation.at);
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
            Fact::FoundDead { id } => self.found_dead(at, id),
            Fact::Looked { id, look } => {
                if let Some(process) = self.get_mut(id) {
                    process.seen(at, look);
                }
            }
            Fact::ForkFailed(failed) => self.fork_failed(at, &failed),
            Fact::Measured(measures) => {
                for measure in measures {
                    self.measured(at, measure);
                }
            }
            Fact::Lost(lost) => {
                self.tally.lost(lost);
                self.events.push(Event { at, who: None, what: What::Lost(lost) });
            }
        }
    }

    /// Whether the time makes a difference.
    pub fn is_due(&self, now: u64) -> bool {
        let gone = self.gone.front().map(|(at, _)| at.saturating_add(KEEP_GONE));
        self.due().into_iter().chain(gone).any(|due| due <= now)
    }

    /// Says that nothing older than `now` will come: what is due by then is reported.
    pub fn advance(&mut self, now: u64) {
        while self.advance_once(now).is_some() {}
        while self.gone.front().is_some_and(|(at, _)| at.saturating_add(KEEP_GONE) <= now) {
            let (_, id) = self.gone.pop_front().expect("it was just seen");
            self.drop_gone(id);
        }
    }

    /// Reports the first that is due by `now`, and says when it was: for those who have no room for all
    /// that a great many zombies come to.
    pub(crate) fn advance_once(&mut self, now: u64) -> Option<u64> {
        let due = self.due().filter(|due| *due <= now)?;
        self.end_floods(due, due);
        if let Some(alarm) = self.alarms.first().copied().filter(|alarm| alarm.due <= due) {
            self.alarms.remove(&alarm);
            self.unreaped(alarm);
        }
        Some(due)
    }

    /// Says that nothing will come any more: what was held back is told.
    pub fn close(&mut self, now: u64) {
        self.end_floods(u64::MAX, now);
    }

    /// When something is to be told even if nothing is observed.
    pub fn due(&self) -> Option<u64> {
        let alarm = self.alarms.first().map(|alarm| alarm.due);
        alarm.into_iter().chain(self.flood.due()).min()
    }

    fn end_floods(&mut self, until: u64, now: u64) {
        self.flood.end(until, now).into_iter().for_each(|event| self.tell(event));
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

    /// The processes that have exited and are not known to be gone, and whether each is an orphan.
    pub fn dead(&self) -> impl Iterator<Item = (Identity, bool)> {
        let dead = |process: &&Process| matches!(process.state, State::Exiting | State::Zombie);
        self.processes.values().filter(dead).map(|process| (process.id, process.reparents > 0))
    }

    /// The processes that are not known to be gone, and whether they are in the traced tree.
    pub fn present(&self) -> impl Iterator<Item = (Identity, bool)> {
        let present = |process: &&Process| process.state != State::Gone;
        self.processes.values().filter(present).map(|process| (process.id, process.traced))
    }

    /// Of those that are about to be reported the parents, and themselves if they only lack their main
    /// thread: what these do now will be evidence.
    pub fn suspects(&self, now: u64) -> Vec<Identity> {
        let until = now.saturating_add(LOOKED_AT);
        let due = self.alarms.iter().take_while(|alarm| alarm.due <= until);
        let asked_for = |one: &&Process| one.matched || self.filter.matches(one);
        let defunct = due.filter_map(|alarm| self.defunct(*alarm)).filter(asked_for);
        let suspect = |one: &Process| match one.state {
            State::LeaderGone => Some(one.id),
            State::Running | State::Exiting | State::Zombie | State::Gone => one.parent,
        };
        let suspects = defunct.filter_map(suspect).map(|id| (id.pid, id));
        suspects.collect::<BTreeMap<_, _>>().into_values().collect()
    }

    /// The process with this pid, if it is in the table of processes still.
    pub fn has(&self, pid: u32) -> bool {
        self.processes.get(&pid).is_some_and(|process| process.state != State::Gone)
    }

    /// How many processes that match were found at the start.
    pub fn existing(&self) -> u64 {
        self.tally.totals().existing
    }

    /// How many events there were.
    pub fn totals(&self) -> Totals {
        self.tally.totals()
    }

    /// How many records were lost.
    pub fn lost(&self) -> u64 {
        self.tally.all_lost()
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
                orphaned: process.reparents > 0,
            })
            .collect();
        living.sort_by_key(|living| living.who.pid);
        Summary {
            pid_space: self.gauges.list(),
            ..self.tally.summary(living, self.leakers(now), self.adopters(now))
        }
    }

    fn measured(&mut self, at: u64, measure: Measure) {
        if let Some(gauge) = self.gauges.take(at, measure) {
            self.events.push(Event { at, who: None, what: What::PidSpace(gauge) });
        }
    }

    fn push(&mut self, at: u64, pid: u32, what: What) {
        if let Some(who) = self.matching(pid) {
            self.tell(Event { at, who: Some(who), what });
        }
    }

    /// The process, if it is one of those asked for.
    fn matching(&mut self, pid: u32) -> Option<Who> {
        let process = self.processes.get_mut(&pid)?;
        process.matched = process.matched || self.filter.matches(process);
        process.matched.then(|| process.who())
    }

    fn tell(&mut self, event: Event) {
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
    pub fn peer(&self, id: Identity) -> Peer {
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
        let Some(parent) = self.get_mut(parent) else { return };
        parent.children.insert(pid);
        let ends = parent.is_namespace_init() && parent.is_ending();
        let ends_with = ends.then(|| parent.peer());
        self.processes.entry(pid).and_modify(|process| process.ends_with = ends_with);
    }

    fn forget(&mut self, pid: u32) {
        let Some(process) = self.processes.remove(&pid) else { return };
        self.tally.forgotten(process.key(), process.brood);
        if let Some(alarm) = process.alarm {
            self.alarms.remove(&alarm);
        }
        if let Some(parent) = process.parent.and_then(|parent| self.processes.get_mut(&parent.pid))
        {
            parent.children.remove(&pid);
        }
    }

    /// Of the many whose release is seen soon none is kept for long.
    fn await_release(&mut self, at: u64, id: Identity) {
        self.gone.push_back((at, id));
        let Self { gone, processes, .. } = self;
        if gone.len() > 2 * processes.len() + SWEPT_FROM {
            gone.retain(|(_, id)| {
                let known = processes.get(&id.pid);
                known.is_some_and(|one| one.id.same(*id) && one.state == State::Gone)
            });
        }
    }

    fn drop_gone(&mut self, id: Identity) {
        if self.get(id).is_some_and(|process| process.state == State::Gone) {
            self.forget(id.pid);
        }
    }

    fn found(&mut self, at: u64, found: Found) {
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
            self.set_first_alarm(at, age, pid);
        } else if found.leader_gone {
            self.set_alarm(at, pid);
        }
    }

    /// A zombie in the process table, whose death was not told.
    fn found_dead(&mut self, at: u64, id: Identity) {
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

    fn forked(&mut self, at: u64, fork: Forked) {
        if self.is_superseded(fork.id) {
            return;
        }
        if let (Some(filled), Some(uid)) = (fork.nproc, fork.home.uid) {
            self.measured(at, Measure { space: Space::User(uid), filled });
        }
        let pid = fork.id.pid;
        let step = self.get(fork.id).map_or(Step::Apply, |known| step(known.state, Seen::Forked));
        if step == Step::Ignore {
            return;
        }
        let process = self.enter(at, fork.id);
        process.comm = process.comm.or(Some(fork.comm));
        process.exit_signal = Some(fork.exit_signal);
        process.number = fork.number;
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
        process.leader_left = Some(at);
        self.push(at, id.pid, What::LeaderExit { threads });
        self.set_alarm(at, id.pid);
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
        self.tally.ended(self.key(exit.id), at);
        if let Some(tracer) = exit.ptracer.and_then(|tracer| self.processes.get_mut(&tracer)) {
            tracer.is_tracer = true;
        }
        match exit.adopter {
            Some(adopter) => self.orphan_children(at, pid, adopter),
            None => self.end_namespace(pid),
        }
        self.end_tracer(pid);
    }

    fn became_zombie(&mut self, at: u64, pid: u32, fate: crate::observation::Fate) {
        let Some(process) = self.processes.get_mut(&pid) else { return };
        process.life.zombie_at = Some(at);
        process.state = State::Zombie;
        let teardown = process.teardown();
        let parent = process.parent;
        if let Some(parent) = parent.and_then(|parent| self.get_mut(parent)) {
            parent.waits.coalesced += u64::from(fate == crate::observation::Fate::Pending);
        }
        let peer = parent.map(|parent| self.peer(parent));
        self.push(at, pid, What::Zombie { teardown, notified: Some(fate), parent: peer });
        self.gained(parent, pid);
    }
}
