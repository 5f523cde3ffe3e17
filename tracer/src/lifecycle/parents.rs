//! Parents, now and at the end of a session: those with zombies left, and those that adopted.

use std::collections::BTreeMap;

use super::{
    Model,
    brood::{LATE, Verdict},
    event::{Via, Who},
    process::Process,
    state::State,
    summary::{Adopter, Former, Key, Leaker},
    waits::Alike,
};
use crate::observation::Identity;

/// The zombies of one parent.
#[derive(Clone, Copy, Debug)]
struct Left {
    parent: Identity,
    zombies: u64,
    /// The oldest, and when that died, at the latest.
    id: Identity,
    oldest: u64,
    /// Since when the parent has had the one that it has had for longest.
    owed: u64,
}

impl Left {
    /// When the oldest died or was adopted, and how long ago.
    fn owed(&self, now: u64) -> (u64, u64) {
        (self.owed, now.saturating_sub(self.owed))
    }
}

/// What was seen of a process as a parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    /// Which.
    pub who: Who,
    /// For how long it was watched, ns.
    pub time: u64,
    /// Until when.
    pub at: u64,
    /// Its zombies now.
    pub zombies: u64,
    /// The oldest of them, and its age, ns.
    pub oldest: Option<(Identity, u64)>,
    /// Zombies that became its own meanwhile, by death or by adoption.
    pub made: u64,
    /// Zombies of its own that were reaped meanwhile.
    pub reaped: u64,
    /// Its waits.
    pub waits: u64,
    /// Of these, those that any child could have answered.
    pub waits_for_any: u64,
    /// For whom the last were, the very last first.
    pub waited_for: Box<[Alike]>,
    /// The orphans it adopted, if it did.
    pub adopter: Option<Adopter>,
    /// Whether it reaps, as far as was seen.
    pub verdict: Verdict,
}

impl Model {
    /// Asks for what was seen of a parent.
    pub fn watched(&self, now: u64) -> impl Fn(Identity) -> Option<Watched> {
        let left = self.left();
        let adopters = self.adopters(now).into_iter();
        let adopters: BTreeMap<u32, Adopter> =
            adopters.map(|adopter| (adopter.peer.pid, adopter)).collect();
        move |id| {
            let parent = self.get(id)?;
            let since = self.watched_since(id)?;
            let left = left.get(&id.pid);
            Some(Watched {
                who: parent.who(),
                time: now.saturating_sub(since),
                at: now,
                zombies: left.map_or(0, |left| left.zombies),
                oldest: left.map(|left| (left.id, now.saturating_sub(left.oldest))),
                made: parent.brood.made,
                reaped: parent.brood.reaped,
                waits: parent.waits.seen,
                waits_for_any: parent.waits.any,
                waited_for: parent.waits.kinds().collect(),
                adopter: adopters.get(&id.pid).copied(),
                verdict: parent.brood.verdict(left.map(|left| left.owed(now))),
            })
        }
    }

    /// Those that are there and have had zombies while they were watched, or have some now.
    pub fn parents(&self) -> impl Iterator<Item = Identity> {
        let left = self.left();
        let parents = self.processes.values().filter(move |parent| {
            let has_some =
                || left.get(&parent.id.pid).is_some_and(|left| left.parent.same(parent.id));
            parent.state != State::Gone && (parent.brood.made > 0 || has_some())
        });
        parents.map(|parent| parent.id)
    }

    /// How old the zombies are that match, ns.
    pub fn ages(&self, now: u64) -> impl Iterator<Item = u64> {
        let zombies = self.processes.values();
        let zombies = zombies.filter(|process| process.matched && process.state == State::Zombie);
        zombies.filter_map(move |zombie| Some(now.saturating_sub(zombie.zombie_since()?)))
    }

    /// Those that adopted and are there still.
    pub fn present_adopters(&self) -> impl Iterator<Item = Identity> {
        let ids = self.tally.adoptions().map(|(id, _)| id);
        ids.filter(|id| self.get(*id).is_some_and(|adopter| adopter.state != State::Gone))
    }

    /// Zombies that match, by the pid of their parent.
    fn left(&self) -> BTreeMap<u32, Left> {
        let mut left = BTreeMap::<u32, Left>::new();
        let zombies = self.processes.values();
        for zombie in zombies.filter(|process| process.matched && process.state == State::Zombie) {
            if let (Some(parent), Some(since)) = (zombie.parent, zombie.zombie_since()) {
                let owed = zombie.owed_from(since);
                let new = Left { parent, zombies: 0, id: zombie.id, oldest: since, owed };
                let row = left.entry(parent.pid).or_insert(new);
                // Losses can leave zombies to an earlier life with the pid.
                if parent.start.ns() > row.parent.start.ns() {
                    row.parent = parent;
                }
                row.zombies += 1;
                row.owed = row.owed.min(owed);
                if since < row.oldest {
                    (row.id, row.oldest) = (zombie.id, since);
                }
            }
        }
        left
    }

    pub(super) fn key(&self, id: Identity) -> Key {
        self.get(id).map_or((id.pid, id.start.ns()), Process::key)
    }

    /// A zombie that matches became one of its parent's.
    pub(super) fn gained(&mut self, parent: Option<Identity>, pid: u32) {
        let matched = self.processes.get(&pid).is_some_and(|process| process.matched);
        if let Some(parent) = parent.filter(|_| matched).and_then(|parent| self.get_mut(parent)) {
            parent.brood.made += 1;
        }
    }

    /// A zombie that matches is gone.
    pub(super) fn was_reaped(&mut self, pid: u32, died: u64, zombie: u64, via: Via) {
        let Some(process) = self.processes.get(&pid).filter(|process| process.matched) else {
            return;
        };
        let (Some(parent), orphaned) = (process.parent, process.reparents > 0) else { return };
        let (at, since) = (died.saturating_add(zombie), process.owed_from(died));
        let owed = at.saturating_sub(since);
        if via == Via::PidnsDeath {
            return self.abandoned(at, parent, owed);
        }
        if orphaned {
            self.tally.adopted_reaped(self.key(parent), owed);
        }
        if let Some(parent) = self.get_mut(parent) {
            parent.brood.lose(since, owed);
        }
    }

    /// A parent ends under a zombie that it had for so long; a young one it may have been about to reap.
    pub(super) fn abandoned(&mut self, at: u64, parent: Identity, zombie: u64) {
        if zombie < LATE {
            return;
        }
        // Its own release may have been told of before that of its children.
        if let Some(parent) = self.get_mut(parent) {
            parent.brood.abandoned = true;
        }
        self.tally.abandoned(self.key(parent), zombie, self.former(parent, at));
    }

    /// A parent ends that had zombies for long.
    pub(super) fn retired(&mut self, at: u64, parent: Identity) {
        if self.get(parent).is_some_and(|parent| parent.brood.was_late()) {
            self.tally.retired(self.key(parent), self.former(parent, at));
        }
    }

    fn former(&self, id: Identity, at: u64) -> Former {
        Former {
            parent: self.peer(id),
            zombies: 0,
            oldest: 0,
            watched: at.saturating_sub(self.watched_since(id).unwrap_or(at)),
            brood: self.get(id).map(|parent| parent.brood).unwrap_or_default(),
        }
    }

    /// Since its birth, or the beginning.
    pub(super) fn watched_since(&self, id: Identity) -> Option<u64> {
        self.get(id).and_then(|process| process.life.forked_at).max(self.began)
    }

    pub(super) fn leakers(&self, now: u64) -> Vec<Leaker> {
        let left = self.left();
        let leaker = |id: Identity, left: Option<&Left>| {
            let since = self.watched_since(id);
            let brood = self.get(id).map(|parent| parent.brood).unwrap_or_default();
            Leaker {
                parent: self.peer(id),
                ended: false,
                zombies: left.map_or(0, |left| left.zombies),
                oldest: left.map(|left| now.saturating_sub(left.oldest)),
                made: brood.made,
                reaped: brood.reaped,
                watched: since.map_or(0, |since| now.saturating_sub(since)),
                verdict: brood.verdict(left.map(|left| left.owed(now))),
            }
        };
        // Those that have none at the moment, but had some for long.
        let late = self.processes.values().filter(|parent| {
            parent.brood.was_late() && !parent.is_ending() && !left.contains_key(&parent.id.pid)
        });
        let late = late.map(|parent| (parent.id.pid, leaker(parent.id, None)));
        let present = left.iter().map(|(pid, left)| (*pid, leaker(left.parent, Some(left))));
        let present: BTreeMap<u32, Leaker> = present.chain(late).collect();
        present.into_values().chain(self.tally.former_leakers()).collect()
    }

    pub(super) fn adopters(&self, now: u64) -> Vec<Adopter> {
        let left = self.left();
        let adopter = |(id, adoptions): (Identity, &super::summary::Adoptions)| Adopter {
            peer: adoptions.peer,
            kind: adoptions.kind,
            orphans: adoptions.orphans,
            reaped: adoptions.times.spread(),
            watched: adoptions.until.unwrap_or(now).saturating_sub(adoptions.since),
            verdict: self
                .get(id)
                .map_or(adoptions.brood, |adopter| adopter.brood)
                .verdict(left.get(&id.pid).map(|left| left.owed(now))),
        };
        self.tally.adoptions().map(adopter).collect()
    }
}
