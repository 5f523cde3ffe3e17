//! How long zombies lasted, in memory that does not grow with their number.

use std::collections::BTreeMap;

/// How long zombies lasted, ns. Percentiles are upper bounds within 1/16; the rest is exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spread {
    /// How many.
    pub count: u64,
    /// Median.
    pub p50: u64,
    /// 95th percentile.
    pub p95: u64,
    /// 99th percentile.
    pub p99: u64,
    /// Longest.
    pub max: u64,
}

/// Durations, counted in steps of a sixteenth of a power of two.
#[derive(Clone, Debug, Default)]
pub(crate) struct Durations {
    steps: BTreeMap<u64, u64>,
    count: u64,
    max: u64,
}

impl Durations {
    pub(crate) fn add(&mut self, ns: u64) {
        let shift = u64::from(64 - (ns >> 4).leading_zeros());
        // The largest value that falls into the same step.
        let step = ((ns >> shift) << shift) + ((1 << shift) - 1);
        *self.steps.entry(step).or_default() += 1;
        self.count += 1;
        self.max = self.max.max(ns);
    }

    pub(crate) fn spread(&self) -> Spread {
        let at = |percent: u64| {
            let rank = (self.count * percent).div_ceil(100);
            let mut seen = 0;
            self.steps
                .iter()
                .find(|(_, count)| {
                    seen += **count;
                    seen >= rank
                })
                .map_or(0, |(step, _)| (*step).min(self.max))
        };
        Spread { count: self.count, p50: at(50), p95: at(95), p99: at(99), max: self.max }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_upper_bounds_within_a_sixteenth() {
        let mut durations = Durations::default();
        for ns in 1..=10_000 {
            durations.add(ns * 1000);
        }
        let spread = durations.spread();
        assert_eq!((spread.count, spread.max), (10_000, 10_000_000));
        for (got, exact) in [(spread.p50, 5e6), (spread.p95, 9.5e6), (spread.p99, 9.9e6)] {
            let ratio = got as f64 / exact;
            assert!((1.0..1.07).contains(&ratio), "{got} for {exact}");
        }
    }

    #[test]
    fn small_and_extreme_durations_are_counted() {
        let mut durations = Durations::default();
        for ns in [0, 1, 15, 16, u64::MAX] {
            durations.add(ns);
        }
        assert_eq!(
            durations.spread(),
            Spread { count: 5, p50: 15, p95: u64::MAX, p99: u64::MAX, max: u64::MAX }
        );
    }
}
