//! What is known of those that are there, as if it had been found in the process table, and what the table
//! would not tell: with it a recording goes on in another file, which is read alone.

use super::{
    Model,
    process::Process,
    state::State,
    waits::{Alike, Waits},
    why::Case,
};
use crate::observation::{Death, Fact, Found, Identity, Remembered, Start, Waiting};

impl Model {
    /// Each after its parent.
    pub fn snapshot(&self) -> Vec<Fact> {
        let present = self.processes.values().filter(|process| process.state != State::Gone);
        // A process whose name was never told says nothing.
        let mut found: Vec<Found> = present.filter_map(found).collect();
        found.sort_by_cached_key(|found| (self.depth(found.id.pid), found.id.pid));
        let facts = found.into_iter().flat_map(|found| {
            let known = self.get(found.id).map(|process| self.remembers(process));
            [Some(Fact::Found(found)), known.map(|known| Fact::Remembered(Box::new(known)))]
        });
        facts.flatten().collect()
    }

    /// What is beside what the process table would show: how it ended, and how it waits.
    fn remembers(&self, process: &Process) -> Remembered {
        let waits = &process.waits;
        let is_older =
            |pid: &u32, at| self.processes.get(pid).is_some_and(|child| child.id.start.ns() < at);
        // Its program says only which of its children that program does not know.
        let program = process.life.execs.last();
        let program =
            program.filter(|(at, _)| process.children.iter().any(|pid| is_older(pid, *at)));
        let kind = |&Alike { awaited, reaps, count, last }: &Alike| Waiting {
            awaited,
            reaps,
            count,
            last,
        };
        Remembered {
            id: process.id,
            forked_at: process.life.forked_at,
            leader_left: process.leader_left,
            exited_at: process.life.exited_at,
            zombie_at: process.life.zombie_at,
            status: process.status,
            fate: process.fate,
            exit_signal: process.exit_signal,
            sigchld: process.sigchld,
            ptracer: process.ptracer,
            is_held: process.held_by.is_some(),
            next: process.alarm.map(|alarm| alarm.age),
            reparents: process.reparents,
            adopted_at: process.adopted_at,
            program: program.cloned(),
            seen: waits.seen,
            reaping: waits.reaping,
            any: waits.any,
            reaped: waits.reaped,
            has_reaped: waits.has_reaped,
            coalesced: waits.coalesced,
            kinds: waits.kinds.iter().map(kind).collect(),
        }
    }

    /// Goes on with one that was found.
    pub(super) fn remembered(&mut self, at: u64, known: Remembered) {
        let is_there = |process: &&mut Process| process.state != State::Gone;
        let Some(process) = self.get_mut(known.id).filter(is_there) else { return };
        // A file may claim anything: nothing is still to come, and there is room to count on.
        let before = |time: Option<u64>| time.map(|time| time.min(at));
        let count = |count: u64| count.min(u64::MAX / 2);
        process.id = known.id;
        process.life.forked_at = before(known.forked_at);
        process.leader_left = before(known.leader_left).or(process.leader_left);
        process.life.exited_at = before(known.exited_at);
        process.status = known.status;
        process.fate = known.fate;
        process.exit_signal = known.exit_signal;
        process.sigchld = known.sigchld;
        process.ptracer = known.ptracer;
        process.held_by = known.ptracer.filter(|_| known.is_held);
        process.reparents = known.reparents.min(u32::MAX / 2);
        process.adopted_at = before(known.adopted_at);
        process.life.execs = known.program.into_iter().collect();
        let alike = |Waiting { awaited, reaps, count: alike, last }: Waiting| Alike {
            awaited,
            reaps,
            count: count(alike),
            last,
        };
        process.waits = Waits {
            seen: count(known.seen),
            reaping: count(known.reaping),
            any: count(known.any),
            reaped: count(known.reaped),
            has_reaped: known.has_reaped,
            coalesced: count(known.coalesced),
            unnamed: Vec::new(),
            kinds: known.kinds.into_iter().take(Waits::KINDS).map(alike).collect(),
        };
        match process.state {
            State::Zombie => process.life.zombie_at = before(known.zombie_at),
            State::Running | State::LeaderGone if process.life.exited_at.is_some() => {
                process.state = State::Exiting;
            }
            State::Running | State::LeaderGone | State::Exiting | State::Gone => {}
        }
        self.goes_on_standing(at, known.id.pid, known.next);
    }

    /// What was said of one that nobody reaps is not said again.
    fn goes_on_standing(&mut self, at: u64, pid: u32, next: Option<u64>) {
        let Some(process) = self.processes.get(&pid) else { return };
        let Some(since) = process.defunct_since() else { return };
        let (age, from) = (at.saturating_sub(since), self.reported_from());
        if age >= from {
            let parent = process.parent.and_then(|parent| self.get(parent));
            // Who else lives is no cause, and takes long to count.
            let why = Case { zombie: process, parent, others: 0, at }.causes();
            self.processes.entry(pid).and_modify(|process| process.why = why);
        }
        let tenfold = std::iter::successors(Some(from), |age| age.checked_mul(10));
        let ages = next.filter(|next| *next >= from).into_iter().chain(tenfold);
        if let Some(next) = ages.filter(|next| *next > age).min() {
            self.set_alarm_at(since, next, pid);
        }
    }

    /// How many ancestors of it are known.
    fn depth(&self, pid: u32) -> usize {
        let parent = |pid: &u32| Some(self.processes.get(pid)?.parent?.pid);
        std::iter::successors(Some(pid), parent).take(self.processes.len()).count()
    }
}

fn found(process: &Process) -> Option<Found> {
    let zombie = (process.state == State::Zombie).then_some(process.zombie_since()).flatten();
    // As it was first reported.
    let is_finer = process.id.start.ns() != process.reported_start;
    let start = if is_finer { Start::Tick(process.reported_start) } else { process.id.start };
    Some(Found {
        id: Identity { start, ..process.id },
        parent: process.parent.map_or(0, |parent| parent.pid),
        number: process.number,
        comm: process.comm?,
        zombie: zombie.map(|latest| Death {
            earliest: process.found_dead.map_or(latest, |(earliest, _)| earliest),
            latest: Some(latest),
        }),
        leader_gone: process.state == State::LeaderGone,
        traced: process.traced,
        home: process.home.clone(),
    })
}
