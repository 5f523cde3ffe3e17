//! How a process waits for its children, as far as it was seen.

use crate::observation::{Awaited, Call, Comm, Waited};

/// A wait that released a child without naming it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UnnamedWait {
    pub(crate) at: u64,
    pub(crate) tid: u32,
    pub(crate) comm: Comm,
    pub(crate) call: Call,
}

/// Waits that are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alike {
    /// Whom they are for.
    pub awaited: Awaited,
    /// Whether they take the dead.
    pub reaps: bool,
    /// How many.
    pub count: u64,
    /// When the last was seen.
    pub last: u64,
}

/// What was seen of the waits of one process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Waits {
    /// All of them: where they return, or with fentry hooks where they begin.
    pub(crate) seen: u64,
    /// Of these, those that take the dead.
    pub(crate) reaping: u64,
    /// Of these, those that any child could have answered.
    pub(crate) any: u64,
    /// Children that it has reaped, by a call that was seen or not.
    pub(crate) reaped: u64,
    /// The process table showed that it, or what ran in it before, has reaped some at some time.
    pub(crate) has_reaped: bool,
    /// Deaths whose signal fell together with one that was pending.
    pub(crate) coalesced: u64,
    /// Waits without a name, oldest first, the last [`Waits::UNNAMED`].
    pub(crate) unnamed: Vec<UnnamedWait>,
    /// For whom they were, the last one last, the last [`Waits::KINDS`].
    pub(super) kinds: Vec<Alike>,
}

impl Waits {
    /// Enough to tell one from several, which is all they are asked for.
    pub(crate) const UNNAMED: usize = 8;
    /// Enough to see what a process waits for at present.
    pub(super) const KINDS: usize = 4;

    /// One more.
    pub(crate) fn add(&mut self, at: u64, wait: &Waited) {
        let Waited { awaited, reaps, .. } = *wait;
        self.seen += 1;
        self.reaping += u64::from(reaps);
        self.any += u64::from(reaps && awaited == Awaited::Any);
        let is_like = |kind: &Alike| (kind.awaited, kind.reaps) == (awaited, reaps);
        let mut kind = match self.kinds.iter().rposition(is_like) {
            Some(place) => self.kinds.remove(place),
            None => Alike { awaited, reaps, count: 0, last: at },
        };
        kind.count += 1;
        kind.last = kind.last.max(at);
        if self.kinds.len() == Self::KINDS {
            self.kinds.remove(0);
        }
        self.kinds.push(kind);
    }

    /// For whom the last ones were, the very last first.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = Alike> {
        self.kinds.iter().rev().copied()
    }

    /// Whether it was seen to wait for this process by its number, and when last.
    pub(crate) fn named(&self, number: u32) -> Option<u64> {
        let named = |kind: &Alike| kind.reaps && kind.awaited == Awaited::Process(number);
        self.kinds().find(named).map(|kind| kind.last)
    }
}

/// For whom waits were, how many, and how long before `now` the last of each.
pub(crate) fn words(kinds: impl IntoIterator<Item = Alike>, now: u64) -> String {
    let word = |kind: Alike| {
        let Alike { awaited, reaps, count, last } = kind;
        let times = if count == 1 { String::new() } else { format!("{count} times, ") };
        let peeks = if reaps { "" } else { ", taking nothing" };
        format!("{}{peeks} ({times}{})", awaited.words(), ago(last, now))
    };
    kinds.into_iter().map(word).collect::<Vec<_>>().join(", ")
}

/// How long ago that was, in words.
pub(crate) fn ago(then: u64, now: u64) -> String {
    format!("{:.1} s ago", now.saturating_sub(then) as f64 / 1e9)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Outcome;

    fn wait(awaited: Awaited, reaps: bool) -> Waited {
        let (comm, outcome) = (Comm::from(&b"parent"[..]), Outcome::Nothing);
        Waited { pid: 10, tid: 10, comm, call: Call::Waitid, awaited, reaps, outcome }
    }

    #[test]
    fn waits_that_are_alike_are_counted_and_the_last_come_first() {
        let mut waits = Waits::default();
        for (at, pid) in [(1, 7), (2, 8), (3, 7), (4, 9)] {
            waits.add(at * 1_000_000_000, &wait(Awaited::Process(pid), true));
        }
        let said = words(waits.kinds(), 5_000_000_000);
        assert_eq!(
            said,
            "process 9 (1.0 s ago), process 7 (2 times, 2.0 s ago), process 8 (3.0 s ago)"
        );
        assert_eq!((waits.seen, waits.reaping, waits.any), (4, 4, 0));
        assert_eq!(waits.named(7), Some(3_000_000_000));
        assert_eq!(waits.named(6), None);
    }

    #[test]
    fn who_only_peeks_takes_nothing() {
        let mut waits = Waits::default();
        waits.add(1, &wait(Awaited::Any, false));
        assert_eq!((waits.seen, waits.reaping, waits.any), (1, 0, 0));
        assert_eq!(words(waits.kinds(), 1), "any child, taking nothing (0.0 s ago)");
        waits.add(1, &wait(Awaited::Process(7), false));
        assert_eq!(waits.named(7), None);
    }

    #[test]
    fn of_many_kinds_the_last_are_kept() {
        let mut waits = Waits::default();
        for pid in 1..100 {
            waits.add(u64::from(pid), &wait(Awaited::Process(pid), true));
        }
        assert_eq!(waits.kinds().count(), Waits::KINDS);
        assert!(waits.kinds().map(|kind| kind.last).eq([99, 98, 97, 96]));
        assert_eq!(waits.seen, 99);
    }
}
