//! Forks that fail in a loop: told one by one up to a rate, the rest together, and all of them counted.

use std::collections::BTreeMap;

use super::event::{Event, ForkCause, ForkFailure, What, Who};
use crate::observation::Bytes;

/// Failures of one limit that are told one by one in a [`SPAN`]: enough to see who forks how, and no
/// more lines than a person reads.
const SINGLY: u32 = 10;
/// The time after which the rest is told, ns.
const SPAN: u64 = 1_000_000_000;

/// Limits that are told apart in a span, far more than fail at once; each call looks through all.
const LIMITS: usize = 1_000;

/// A limit, and whose it is, as far as they are known; and the error that it gave.
type Limit = (i32, Option<ForkCause>, Option<u32>, Option<Bytes>, Option<u32>);

/// Failures of one limit since the first in a span.
#[derive(Clone, Debug)]
struct Span {
    due: u64,
    singly: u32,
    /// The last of the rest, with the count of all.
    rest: Option<(Who, ForkFailure)>,
}

/// Failures of the present spans.
#[derive(Clone, Debug, Default)]
pub(super) struct Flood {
    spans: BTreeMap<Limit, Span>,
}

impl Flood {
    /// Takes a failure; what is to be told of it at once.
    pub(super) fn take(&mut self, at: u64, who: Who, mut failure: ForkFailure) -> Option<Event> {
        let limit = limit(&failure);
        if self.spans.len() >= LIMITS && !self.spans.contains_key(&limit) {
            return Some(told(at, who, failure));
        }
        let new = Span { due: at.saturating_add(SPAN), singly: 0, rest: None };
        let span = self.spans.entry(limit).or_insert(new);
        if span.singly < SINGLY {
            span.singly += 1;
            return Some(told(at, who, failure));
        }
        failure.count += span.rest.as_ref().map_or(0, |(_, before)| before.count);
        span.rest = Some((who, failure));
        None
    }

    /// When the next span ends.
    pub(super) fn due(&self) -> Option<u64> {
        self.spans.values().map(|span| span.due).min()
    }

    /// What is left to be told of the spans that are due by then: now, unless they ended before.
    pub(super) fn end(&mut self, until: u64, now: u64) -> Vec<Event> {
        let ended = self.spans.extract_if(.., |_, span| span.due <= until);
        let rest = ended.filter_map(|(_, span)| Some((span.due.min(now), span.rest?)));
        let mut rest: Vec<Event> =
            rest.map(|(at, (who, failure))| told(at, who, failure)).collect();
        rest.sort_by_key(|event| event.at);
        rest
    }
}

fn told(at: u64, who: Who, failure: ForkFailure) -> Event {
    Event { at, who: Some(who), what: What::ForkFailed(Box::new(failure)) }
}

fn limit(failure: &ForkFailure) -> Limit {
    (failure.errno, failure.cause, failure.uid, failure.cgroup.clone(), failure.pidns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_of_very_many_limits_are_told_without_being_kept() {
        let mut flood = Flood::default();
        let who = Who { pid: 1, start: 0, ppid: None, comm: None };
        let failure = ForkFailure {
            errno: 11,
            call: None,
            thread: None,
            cause: Some(ForkCause::RlimitNproc),
            filled: None,
            uid: None,
            cgroup: None,
            pidns: None,
            zombies: None,
            count: 1,
        };
        for uid in 0..2 * LIMITS as u32 {
            let failure = ForkFailure { uid: Some(uid), ..failure.clone() };
            assert!(flood.take(5, who, failure).is_some(), "{uid}");
        }
        assert_eq!(flood.spans.len(), LIMITS);
    }
}
