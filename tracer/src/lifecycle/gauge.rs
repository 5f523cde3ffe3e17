//! How full the spaces for processes and threads are, and when they will be at the present rate.

use std::collections::BTreeMap;

use super::{Model, summary::ROWS};
use crate::observation::{Filled, Measure, Space};

/// The time over which a rate is taken, ns. It takes two of them in a row, so that the start of
/// something large is not taken for growth without end.
const STEP: u64 = 5_000_000_000;
/// What is full sooner is told, ns.
const SOON: u64 = 3_600_000_000_000;
/// As long as there is not even a tenth used, it is the rate that is likely to change.
const LEAST_PART: u64 = 10;
/// Spaces watched: far more than a machine's cgroups, and a bound where they are made in a loop.
const SPACES: usize = 10_000;

/// How full a space is, and for how long it will not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gauge {
    /// Which space.
    pub space: Space,
    /// How full it is.
    pub filled: Filled,
    /// When it is full at the present rate, ns from the last measure on; none as long as it does not
    /// grow, or that is not known.
    pub left: Option<u64>,
}

/// A space over time.
#[derive(Clone, Debug)]
struct Course {
    filled: Filled,
    /// Two earlier measures, at least a step from each other.
    earlier: [(u64, u64); 2],
    left: Option<u64>,
    warned: bool,
}

/// The spaces that were measured.
#[derive(Clone, Debug, Default)]
pub(super) struct Gauges {
    courses: BTreeMap<Space, Course>,
}

impl Gauges {
    /// Takes a measure; what has to be told of it, which is so once for each space.
    pub(super) fn take(&mut self, at: u64, Measure { space, filled }: Measure) -> Option<Gauge> {
        if self.courses.len() >= SPACES && !self.courses.contains_key(&space) {
            return None;
        }
        let first = [(at, filled.used); 2];
        let course = self.courses.entry(space.clone()).or_insert(Course {
            filled,
            earlier: first,
            left: None,
            warned: false,
        });
        course.filled = filled;
        let [before, last] = course.earlier;
        let now = (at, filled.used);
        if at < last.0.saturating_add(STEP) {
            return None;
        }
        let room = filled.limit.saturating_sub(filled.used);
        let left = |from, to| time_to_grow(room, from, to);
        // The slower of the two steps: what goes on.
        course.left = left(before, last).zip(left(last, now)).map(|(a, b)| a.max(b));
        course.earlier = [last, now];
        let soon = course.left.is_some_and(|left| left < SOON);
        let large = filled.used >= filled.limit / LEAST_PART;
        if !soon || !large || course.warned {
            return None;
        }
        course.warned = true;
        Some(Gauge { space, filled, left: course.left })
    }

    /// The [`ROWS`] that are to be looked at first: those that will be full, the machine, the fullest.
    pub(super) fn list(&self) -> Vec<Gauge> {
        let gauge = |(space, course): (&Space, &Course)| Gauge {
            space: space.clone(),
            filled: course.filled,
            left: course.left,
        };
        let mut list: Vec<Gauge> = self.courses.iter().map(gauge).collect();
        // In thousandths, which is as fine as it matters.
        let room = |filled: Filled| {
            filled.limit.saturating_sub(filled.used).saturating_mul(1000) / filled.limit.max(1)
        };
        list.sort_by_key(|gauge| {
            let is_machine = matches!(gauge.space, Space::Pids | Space::Threads);
            (gauge.left.unwrap_or(u64::MAX), !is_machine, room(gauge.filled))
        });
        list.truncate(ROWS);
        list
    }
}

impl Model {
    /// How full the machine is, its cgroups and users, as the summary has it.
    pub fn spaces(&self) -> Vec<Gauge> {
        self.gauges.list()
    }
}

/// How long it takes to grow by so much, at the rate between two measures; never, if there was none.
fn time_to_grow(room: u64, (since, then): (u64, u64), (at, used): (u64, u64)) -> Option<u64> {
    let grown = u128::from(used.checked_sub(then)?);
    let time = u128::from(at.checked_sub(since)?);
    u64::try_from((u128::from(room) * time).checked_div(grown)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn told(limit: u64, used: impl Fn(u64) -> u64, seconds: u64) -> Vec<(u64, Gauge)> {
        let mut gauges = Gauges::default();
        (0..seconds)
            .filter_map(|second| {
                let filled = Filled { used: used(second), limit };
                let measure = Measure { space: Space::Pids, filled };
                gauges.take(second * SECOND, measure).map(|gauge| (second, gauge))
            })
            .collect()
    }

    #[test]
    fn what_is_full_within_an_hour_is_told_once() {
        let told = told(1000, |second| 100 + second, 60);
        let [(at, gauge)] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!(*at, 10, "two steps are needed");
        assert_eq!(gauge.left, Some(890 * SECOND));
    }

    #[test]
    fn what_takes_longer_or_does_not_go_on_is_not_told() {
        assert_eq!(told(1_000_000, |second| 200_000 + second, 60), []);
        assert_eq!(told(1000, |second| 300 + second.min(5), 60), [], "a start");
        assert_eq!(told(1000, |second| 300 - second, 60), []);
        assert_eq!(told(10_000, |second| 300 + second, 60), [], "not a tenth is used");
        assert_eq!(told(1000, |_| 999, 60), []);
    }

    #[test]
    fn the_first_to_be_full_is_listed_first() {
        let mut gauges = Gauges::default();
        for second in 0..20 {
            for (space, used) in
                [(Space::Pids, 500), (Space::Threads, 900), (Space::User(7), 10 + second)]
            {
                let filled = Filled { used, limit: 1000 };
                gauges.take(second * SECOND, Measure { space, filled });
            }
        }
        let order: Vec<Space> = gauges.list().into_iter().map(|gauge| gauge.space).collect();
        assert_eq!(order, [Space::User(7), Space::Threads, Space::Pids]);
    }
}
