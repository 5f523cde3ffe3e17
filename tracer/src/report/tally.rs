//! What many lives come to, in memory that does not grow with their number. The summary of the model has
//! neither names of what ran nor stories; where both count the same, they agree (`tests.rs`).

use std::{cmp::Reverse, collections::BTreeMap};

use super::life::{Life, Relative};
use crate::{
    lifecycle::{
        event::{Cause, Event, ForkFailure, Peer, What},
        spread::{Durations, Spread},
    },
    observation::{AdopterKind, Comm, Status},
};

/// Rows kept of each count: a program that renames itself without end stays bounded.
const ROWS: usize = 1000;
/// Lives whose story is told.
const WORST: usize = 10;
/// A zombie that has stood for so long was not waited for by somebody who was waiting, ns.
pub(super) const LATE: u64 = 1_000_000_000;

/// Where one bar of a histogram ends and the next begins, ns.
pub(super) const STEPS: [u64; 10] = [
    10_000,
    100_000,
    1_000_000,
    10_000_000,
    100_000_000,
    1_000_000_000,
    10_000_000_000,
    60_000_000_000,
    600_000_000_000,
    3_600_000_000_000,
];

/// Durations by their size.
#[derive(Default)]
pub(super) struct Histogram {
    pub(super) bars: [u64; STEPS.len() + 1],
    durations: Durations,
}

impl Histogram {
    fn add(&mut self, ns: u64) {
        self.bars[STEPS.partition_point(|step| *step <= ns)] += 1;
        self.durations.add(ns);
    }

    pub(super) fn spread(&self) -> Spread {
        self.durations.spread()
    }
}

/// What ran under one name.
#[derive(Default)]
pub(super) struct Ran {
    pub(super) processes: u64,
    pub(super) living: u64,
    pub(super) failed: u64,
    pub(super) lifetime: Durations,
    pub(super) cpu: u64,
}

/// The zombies that one parent left standing for [`LATE`], reaped or not, and whoever adopted them since.
/// The summary's leakers have those with younger zombies at the end, too.
#[derive(Default)]
pub(super) struct Leak {
    pub(super) parent: Option<Relative>,
    pub(super) zombies: u64,
    pub(super) left: u64,
    pub(super) longest: u64,
    /// How often which cause was the likeliest.
    pub(super) why: BTreeMap<Cause, u64>,
}

/// Adoptions of the same origin. The summary counts those that lost their parent once, however often.
#[derive(Default)]
pub(super) struct Orphans {
    pub(super) all: u64,
    pub(super) zombies: u64,
}

/// Who adopted: pid, name, and in what role.
pub(super) type Adopter = (u32, Option<Comm>, &'static str);

/// The count.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) ran: BTreeMap<Option<Comm>, Ran>,
    pub(super) zombie: Histogram,
    /// Of these, those whose time is an upper bound.
    pub(super) bounds: u64,
    /// Never zombies: the kernel released them at once.
    pub(super) released: u64,
    pub(super) lifetime: Histogram,
    pub(super) leaks: BTreeMap<(u32, Option<u32>), Leak>,
    pub(super) orphans: BTreeMap<(Option<Comm>, Adopter), Orphans>,
    pub(super) failures: BTreeMap<Option<Comm>, (u64, Option<Box<ForkFailure>>)>,
    /// Longest zombies first.
    pub(super) worst: Vec<(u64, Life)>,
}

/// The row of this name, or when there are too many one that all others share.
fn row<K: Ord, V: Default>(rows: &mut BTreeMap<K, V>, key: K, others: K) -> &mut V {
    let has_room = rows.len() < ROWS || rows.contains_key(&key);
    rows.entry(if has_room { key } else { others }).or_default()
}

impl Tally {
    pub(super) fn see(&mut self, event: &Event) {
        match &event.what {
            What::Exit(exit) => {
                let ran = row(&mut self.ran, event.who.and_then(|who| who.comm), None);
                ran.processes += 1;
                ran.failed += u64::from(exit.status != Status::Code(0));
                ran.cpu = ran.cpu.saturating_add(exit.cpu_user).saturating_add(exit.cpu_system);
                if let Some(lifetime) = exit.lifetime {
                    ran.lifetime.add(lifetime);
                    self.lifetime.add(lifetime);
                }
            }
            What::Reparent { from, to, kind, zombie, .. } => {
                let adopter = (to.pid, to.comm, role(*kind));
                let others = (None, (0, None, ""));
                let orphans = row(&mut self.orphans, (from.comm, adopter), others);
                orphans.all += 1;
                orphans.zombies += u64::from(zombie.is_some());
            }
            What::ForkFailed(failure) => {
                let comm = event.who.and_then(|who| who.comm);
                let (count, last) = row(&mut self.failures, comm, None);
                *count = count.saturating_add(failure.count);
                *last = Some(failure.clone());
            }
            _ => {}
        }
    }

    /// A life is over, as far as it was seen.
    pub(super) fn ended(&mut self, life: &Life) {
        if life.was_released_at_once() {
            self.released += 1;
        } else if let Some(zombie) = life.zombie_time(0) {
            self.zombie.add(zombie);
            self.bounds += u64::from(life.reaped.is_some_and(|reaped| !reaped.exact));
            self.stood(zombie, life);
        }
    }

    /// A life goes on beyond the end.
    pub(super) fn lives_on(&mut self, life: &Life, end: u64) {
        if life.exited_at.is_none() && life.zombie_at.is_none() {
            let ran = row(&mut self.ran, life.who.comm, None);
            ran.processes += 1;
            ran.living += 1;
        }
        if let Some(zombie) = life.zombie_time(end) {
            self.stood(zombie, life);
        }
    }

    fn stood(&mut self, zombie: u64, life: &Life) {
        if zombie >= LATE {
            let key = life.owed_by.map_or((0, None), |one| (one.peer.pid, one.life));
            let leak = row(&mut self.leaks, key, (0, None));
            leak.parent = leak.parent.or(life.owed_by);
            leak.zombies += 1;
            leak.left += u64::from(life.reaped.is_none());
            leak.longest = leak.longest.max(zombie);
            if let Some(cause) = life.why.first() {
                *leak.why.entry(*cause).or_default() += 1;
            }
        }
        // Of those that are alike the first, in whatever order they come.
        let rank = |zombie, life: &Life| (Reverse(zombie), life.number);
        let place =
            self.worst.partition_point(|(time, other)| rank(*time, other) <= rank(zombie, life));
        if place < WORST {
            self.worst.insert(place, (zombie, life.clone()));
            self.worst.truncate(WORST);
        }
    }
}

/// In what role a process adopts.
fn role(kind: AdopterKind) -> &'static str {
    crate::sink::adopter(kind)
}

/// A process by name and pid.
pub(super) fn named(one: Option<Relative>) -> String {
    one.map_or_else(|| "?".to_owned(), |one| crate::sink::peer(one.peer).to_string())
}

/// Adopters by name and pid.
pub(super) fn adopter_named((pid, comm, _): Adopter) -> String {
    if pid == 0 { "others".to_owned() } else { crate::sink::peer(Peer { pid, comm }).to_string() }
}
