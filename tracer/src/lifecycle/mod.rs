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
mod living;
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

use event::{Event, Peer, What, Who};
use filter::Filter;
use flood::Flood;
use foldhash::{HashMap, HashMapExt as _};
use gauge::Gauges;
use process::Process;
use state::State;
use summary::{Living, Summary, Tally, Totals};
use zombies::Alarm;

pub(crate) use why::RECENT;

/// So long before a zombie is reported its parent is looked at: not at once, else whoever forks and waits
/// all the time would be looked at all the time.
const LOOKED_AT: u64 = RECENT / 10 * 9;

use crate::observation::{Fact, Identity, Measure, Observation};

/// How long a reaped process is kept for its late records when its release is not seen, ns: with the tracepoint
/// hooks that of most is not told.
const KEEP_GONE: u64 = 10_000_000_000;
/// So many are kept at most: those of 25 ms of the busiest machine, in what memory a CPU has at hand.
const MOST_GONE: usize = 800;

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
    /// Those that the kernel said it would release itself, however many: that is told of each, and of one that is
    /// forgotten it would be news.
    released_later: VecDeque<(u64, Identity)>,
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
            released_later: VecDeque::new(),
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
            Fact::HasReaped { id } => {
                if let Some(process) = self.get_mut(id) {
                    process.waits.has_reaped = true;
                }
            }
            Fact::ForkFailed(failed) => self.fork_failed(at, &failed),
            Fact::Remembered(known) => self.remembered(at, *known),
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
        let oldest = [&self.gone, &self.released_later].map(VecDeque::front).into_iter().flatten();
        let gone = oldest.map(|(at, _)| at.saturating_add(KEEP_GONE));
        self.due().into_iter().chain(gone).any(|due| due <= now)
    }

    /// Says that nothing older than `now` will come: what is due by then is reported.
    pub fn advance(&mut self, now: u64) {
        while self.advance_once(now).is_some() {}
        let is_over = |(at, _): &mut (u64, Identity)| at.saturating_add(KEEP_GONE) <= now;
        while let Some((_, id)) =
            self.gone.pop_front_if(is_over).or_else(|| self.released_later.pop_front_if(is_over))
        {
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
        let defunct = due.filter_map(|alarm| self.defunct(*alarm));
        let defunct = defunct.filter(|one| self.filter.matches(one));
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
        process.matched = self.filter.matches(process);
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
        let is_within = self.is_within(parent.pid);
        let Some(process) = self.processes.get_mut(&pid) else { return };
        let old = process.parent.replace(parent);
        // Orphans stay in their tree, and adopters do not get theirs into another.
        process.is_below |= is_within && old.is_none();
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
        // Its release has just been told.
        self.gone.pop_back_if(|(_, last)| last.same(process.id));
        self.tally.forgotten(process.key(), process.brood);
        if let Some(alarm) = process.alarm {
            self.alarms.remove(&alarm);
        }
        if let Some(parent) = process.parent.and_then(|parent| self.processes.get_mut(&parent.pid))
        {
            parent.children.remove(&pid);
        }
    }

    fn await_release(&mut self, at: u64, id: Identity, by_kernel: bool) {
        if by_kernel {
            self.released_later.push_back((at, id));
            while let Some((_, id)) = self.released_later.front().copied()
                && self.get(id).is_none()
            {
                self.released_later.pop_front();
            }
            return;
        }
        self.gone.push_back((at, id));
        if self.gone.len() > MOST_GONE
            && let Some((_, id)) = self.gone.pop_front()
        {
            self.drop_gone(id);
        }
    }

    fn drop_gone(&mut self, id: Identity) {
        if self.get(id).is_some_and(|process| process.state == State::Gone) {
            self.forget(id.pid);
        }
    }
}
