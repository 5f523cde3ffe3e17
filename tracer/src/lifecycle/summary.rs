//! What a session comes to: counted event by event, in memory that does not grow with the number of
//! processes that lived.

use std::collections::BTreeMap;

use super::{
    brood::{Brood, Verdict},
    event::{By, Event, ForkCause, Peer, Reap, Via, What, Who},
    gauge::Gauge,
    spread::{Durations, Spread},
};
use crate::observation::{AdopterKind, Comm, Identity, Lost, LostWhere};

/// A process that is there at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Living {
    /// Which.
    pub who: Who,
    /// How long it has been a zombie, ns, if it is one.
    pub zombie: Option<u64>,
    /// It has exited.
    pub dead: bool,
    /// Its parent.
    pub parent: Option<Peer>,
    /// It lost an earlier one.
    pub orphaned: bool,
}

/// The last event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// How many events there were.
    pub totals: Totals,
    /// Time as a zombie by name of the parent, most zombies first.
    pub by_parent: Vec<(Option<Comm>, Spread)>,
    /// Time as a zombie by name of the reaper, most reaped first.
    pub by_reaper: Vec<(Option<Comm>, Spread)>,
    /// Parents with zombies left, and those that had some for long, most first.
    pub leakers: Vec<Leaker>,
    /// Who adopted orphans, most orphans first.
    pub adopters: Vec<Adopter>,
    /// The zombie that lasted longest of those that are gone.
    pub longest: Option<Lasted>,
    /// Processes that lost their parent.
    pub orphans: u64,
    /// One of them, if possible one that still lives.
    pub orphan: Option<Who>,
    /// The first process whose fork failed.
    pub fork_failure: Option<Who>,
    /// Failed forks by cause, most first.
    pub fork_failures: Vec<(Option<ForkCause>, u64)>,
    /// Failed forks are seen: none means none.
    pub sees_fork_failures: bool,
    /// How full the machine is, its cgroups and users, the next to be full first.
    pub pid_space: Vec<Gauge>,
    /// Records lost, by place.
    pub lost: BTreeMap<LostWhere, u64>,
    /// Records that the kernel side made and that arrived.
    pub received: u64,
    /// Runs of programs that the kernel left out where there may have been nothing to tell.
    pub left_out: u64,
    /// Processes that are there at the end.
    pub living: Vec<Living>,
    /// Name them all, not only those that are zombies.
    pub name_living: bool,
    /// Records that came out of order, later than they are waited for; they were used all the same.
    pub late: u64,
}

impl Summary {
    /// Records lost anywhere.
    pub fn all_lost(&self) -> u64 {
        sum(&self.lost)
    }

    /// The processes at the end that are to be named.
    pub fn listed(&self) -> impl Iterator<Item = &Living> {
        self.living.iter().filter(|one| self.name_living || one.zombie.is_some())
    }
}

/// How long a zombie certainly was one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lasted {
    /// ns
    pub time: u64,
    /// Which process.
    pub who: Who,
}

/// Counts of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Processes found at the start.
    pub existing: u64,
    /// Processes created.
    pub forks: u64,
    /// Programs replaced.
    pub execs: u64,
    /// Processes ended.
    pub exits: u64,
    /// Processes gone from the table.
    pub reaps: u64,
    /// Of these, released by the kernel without a wait.
    pub autoreaps: u64,
    /// Of these, those of which it was not seen who reaped them.
    pub unknown_reaps: u64,
    /// Times a process lost its parent.
    pub reparents: u64,
    /// Zombies at the end.
    pub zombies: u64,
}

/// A parent with zombies left, or that had some for long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaker {
    /// The parent.
    pub parent: Peer,
    /// It has ended, and whoever adopted its zombies answers for them.
    pub ended: bool,
    /// Its zombies; those that were old at its end, if it has ended.
    pub zombies: u64,
    /// Age of the oldest of them, ns.
    pub oldest: Option<u64>,
    /// Zombies that became its own while it was watched, by death or by adoption.
    pub made: u64,
    /// Zombies of its own that were reaped meanwhile.
    pub reaped: u64,
    /// How long it was watched, ns.
    pub watched: u64,
    /// Whether it will reap them, as far as can be told.
    pub verdict: Verdict,
}

/// One that adopted orphans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adopter {
    /// Which.
    pub peer: Peer,
    /// In what role.
    pub kind: AdopterKind,
    /// How many.
    pub orphans: u64,
    /// How long those were zombies that were reaped, ns.
    pub reaped: Spread,
    /// How long it was watched, ns.
    pub watched: u64,
    /// Whether it reaps, its own children included.
    pub verdict: Verdict,
}

/// The running count of one that adopts.
#[derive(Clone, Debug)]
pub(crate) struct Adoptions {
    pub(crate) peer: Peer,
    pub(crate) kind: AdopterKind,
    pub(crate) orphans: u64,
    pub(crate) times: Durations,
    /// When watching it began.
    pub(crate) since: u64,
    /// When it ended.
    pub(crate) until: Option<u64>,
    /// What it had come to when it was forgotten.
    pub(crate) brood: Brood,
}

impl Adoptions {
    pub(crate) fn new(peer: Peer, kind: AdopterKind, since: u64) -> Self {
        Self {
            peer,
            kind,
            orphans: 0,
            times: Durations::default(),
            since,
            until: None,
            brood: Brood::default(),
        }
    }
}

/// A parent that has ended and had zombies for long.
#[derive(Clone, Debug)]
pub(crate) struct Former {
    pub(crate) parent: Peer,
    /// Old zombies that it left, and how long it had had the oldest, ns.
    pub(crate) zombies: u64,
    pub(crate) oldest: u64,
    /// How long it was watched, ns.
    pub(crate) watched: u64,
    pub(crate) brood: Brood,
}

/// Names kept apart, and parents: a program that renames itself without end stays bounded.
const NAMES: usize = 1000;
/// Rows of each table of the summary.
pub(super) const ROWS: usize = 10;

/// A process by its pid and its start as first reported: the same for all its life.
pub(crate) type Key = (u32, u64);

type ByName = BTreeMap<Option<Comm>, Durations>;

/// The running count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    totals: Totals,
    by_parent: ByName,
    by_reaper: ByName,
    adopters: BTreeMap<Key, (Identity, Adoptions)>,
    formers: BTreeMap<Key, Former>,
    /// The names of the parents of zombies.
    parents: BTreeMap<Key, Option<Comm>>,
    longest: Option<Lasted>,
    orphans: u64,
    orphan: Option<Who>,
    fork_failures: BTreeMap<Option<ForkCause>, u64>,
    fork_failure: Option<Who>,
    lost: BTreeMap<LostWhere, u64>,
}

impl Tally {
    pub(crate) fn see(&mut self, event: &Event) {
        let totals = &mut self.totals;
        match &event.what {
            What::Existing { .. } => totals.existing += 1,
            What::Fork { .. } => totals.forks += 1,
            What::Exec { .. } => totals.execs += 1,
            What::Exit(_) => totals.exits += 1,
            What::Zombie { parent, .. } => {
                if let (Some(parent), Some(who)) = (parent, event.who) {
                    self.owed((who.pid, who.start), parent.comm);
                }
            }
            What::Reparent { .. } => totals.reparents += 1,
            What::Reap(reap) => self.reaped(event.who, reap),
            What::ForkFailed(failure) => {
                self.fork_failure = self.fork_failure.or(event.who);
                *self.fork_failures.entry(failure.cause).or_default() += failure.count;
            }
            What::Session(_)
            | What::LeaderExit { .. }
            | What::Unreaped { .. }
            | What::PidSpace(_)
            | What::Lost(_)
            | What::Summary(_) => {}
        }
    }

    fn reaped(&mut self, who: Option<Who>, reap: &Reap) {
        self.totals.reaps += 1;
        if reap.reparents > 0 {
            self.orphans += 1;
            self.orphan = self.orphan.or(who);
        }
        self.totals.autoreaps += u64::from(reap.by == Some(By::Kernel));
        self.totals.unknown_reaps += u64::from(reap.via == Via::Unknown);
        let parent = who.and_then(|who| self.parents.remove(&(who.pid, who.start))).flatten();
        if let Some(zombie) = reap.zombie {
            add(&mut self.by_parent, parent, zombie);
            if let Some(reaper) = reap.reaper {
                add(&mut self.by_reaper, Some(reaper.comm), zombie);
            }
        }
    }

    /// An orphan was given to it.
    pub(crate) fn adopted(&mut self, key: Key, id: Identity, new: Adoptions) {
        if self.adopters.len() < NAMES || self.adopters.contains_key(&key) {
            self.adopters.entry(key).or_insert((id, new)).1.orphans += 1;
        }
    }

    /// One that may have adopted has ended.
    pub(crate) fn ended(&mut self, key: Key, at: u64) {
        if let Some((_, adoptions)) = self.adopters.get_mut(&key) {
            adoptions.until = Some(at);
        }
    }

    /// An orphan of it was reaped.
    pub(crate) fn adopted_reaped(&mut self, key: Key, zombie: u64) {
        if let Some((_, adoptions)) = self.adopters.get_mut(&key) {
            adoptions.times.add(zombie);
        }
    }

    /// One that may have adopted is forgotten.
    pub(crate) fn forgotten(&mut self, key: Key, brood: Brood) {
        if let Some((_, adoptions)) = self.adopters.get_mut(&key) {
            adoptions.brood = brood;
        }
    }

    /// It ended under an old zombie, which it had for so long.
    pub(crate) fn abandoned(&mut self, key: Key, zombie: u64, former: Former) {
        if let Some((_, adoptions)) = self.adopters.get_mut(&key) {
            adoptions.brood.abandoned = true;
        }
        if let Some(former) = self.former(key, former) {
            former.zombies += 1;
            former.oldest = former.oldest.max(zombie);
        }
    }

    /// It ended, and had zombies for long.
    pub(crate) fn retired(&mut self, key: Key, parent: Former) {
        let brood = parent.brood;
        if let Some(former) = self.former(key, parent) {
            former.brood = brood;
        }
    }

    fn former(&mut self, key: Key, new: Former) -> Option<&mut Former> {
        let has_room = self.formers.len() < NAMES || self.formers.contains_key(&key);
        has_room.then(|| self.formers.entry(key).or_insert(new))
    }

    pub(crate) fn former_leakers(&self) -> impl Iterator<Item = Leaker> {
        self.formers.values().map(|former| Leaker {
            parent: former.parent,
            ended: true,
            zombies: former.zombies,
            oldest: (former.zombies > 0).then_some(former.oldest),
            made: former.brood.made,
            reaped: former.brood.reaped,
            watched: former.watched,
            verdict: former.brood.verdict(None),
        })
    }

    /// A zombie that was there before has this parent.
    pub(crate) fn owed(&mut self, zombie: Key, parent: Option<Comm>) {
        self.parents.insert(zombie, parent);
    }

    pub(crate) fn adoptions(&self) -> impl Iterator<Item = (Identity, &Adoptions)> {
        self.adopters.values().map(|(id, adoptions)| (*id, adoptions))
    }

    /// A zombie is gone that certainly was one for so long.
    pub(crate) fn lasted(&mut self, lasted: Lasted) {
        if self.longest.is_none_or(|longest| longest.time < lasted.time) {
            self.longest = Some(lasted);
        }
    }

    /// But for the zombies at the end.
    pub(crate) fn totals(&self) -> Totals {
        self.totals
    }

    pub(crate) fn all_lost(&self) -> u64 {
        sum(&self.lost)
    }

    pub(crate) fn lost(&mut self, lost: Lost) {
        let all = self.lost.entry(lost.place).or_default();
        *all = all.saturating_add(lost.count);
    }

    pub(crate) fn summary(
        &self,
        living: Vec<Living>,
        leakers: Vec<Leaker>,
        adopters: Vec<Adopter>,
    ) -> Summary {
        let orphans = || living.iter().filter(|one| one.orphaned).map(|one| one.who);
        Summary {
            totals: Totals {
                zombies: living.iter().filter(|one| one.zombie.is_some()).count() as u64,
                ..self.totals
            },
            by_parent: rows(&self.by_parent),
            by_reaper: rows(&self.by_reaper),
            leakers: most(leakers.into_iter(), |leaker| leaker.zombies),
            adopters: most(adopters.into_iter(), |adopter| adopter.orphans),
            longest: self.longest,
            orphans: self.orphans + orphans().count() as u64,
            orphan: orphans().next().or(self.orphan),
            fork_failure: self.fork_failure,
            fork_failures: most(
                self.fork_failures.iter().map(|(cause, count)| (*cause, *count)),
                |(_, count)| *count,
            ),
            sees_fork_failures: false,
            pid_space: Vec::new(),
            lost: self.lost.clone(),
            received: 0,
            left_out: 0,
            living,
            name_living: false,
            late: 0,
        }
    }
}

/// A recording may claim anything.
fn sum(lost: &BTreeMap<LostWhere, u64>) -> u64 {
    lost.values().fold(0, |all, count| all.saturating_add(*count))
}

fn add(names: &mut ByName, name: Option<Comm>, zombie: u64) {
    let name = if names.len() < NAMES || names.contains_key(&name) { name } else { None };
    names.entry(name).or_default().add(zombie);
}

fn rows(names: &ByName) -> Vec<(Option<Comm>, Spread)> {
    most(names.iter().map(|(name, durations)| (*name, durations.spread())), |(_, spread)| {
        spread.count
    })
}

fn most<T>(rows: impl Iterator<Item = T>, count: impl Fn(&T) -> u64) -> Vec<T> {
    let mut rows: Vec<T> = rows.collect();
    rows.sort_by_key(|row| std::cmp::Reverse(count(row)));
    rows.truncate(ROWS);
    rows
}
