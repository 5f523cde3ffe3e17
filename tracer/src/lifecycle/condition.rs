//! What a user wants to fail on, and whether it came true.

use super::{
    event::Who,
    summary::{Lasted, Summary},
};

/// A condition on a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// A zombie lasted longer than this, ns.
    Zombie(u64),
    /// More zombies than this are left at the end.
    Zombies(u64),
    /// More processes than this lost their parent.
    Orphans(u64),
    /// More forks than this failed.
    ForkFailures(u64),
    /// More records than this were lost.
    Lost(u64),
}

/// A condition came true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Met {
    /// Which.
    pub condition: Condition,
    /// What there was: a number, or of [`Condition::Zombie`] a duration in ns.
    pub found: u64,
    /// One of those that made it true, if it is about processes.
    pub example: Option<Who>,
}

impl Condition {
    /// Whether this is how the session ended.
    pub fn met(self, summary: &Summary) -> Option<Met> {
        let left = summary.living.iter().filter(|one| one.zombie.is_some());
        let (most, found, example) = match self {
            Self::Zombie(most) => {
                // Of those that are left the oldest, of the others the one that lasted longest.
                let left = left.filter_map(|one| Some(Lasted { time: one.zombie?, who: one.who }));
                let longest = left.chain(summary.longest).max_by_key(|lasted| lasted.time)?;
                (most, longest.time, Some(longest.who))
            }
            Self::Zombies(most) => (most, summary.totals.zombies, left.map(|one| one.who).next()),
            Self::Orphans(most) => (most, summary.orphans, summary.orphan),
            Self::ForkFailures(most) => {
                let failures = summary.fork_failures.iter().map(|(_, count)| count).sum();
                (most, failures, summary.fork_failure)
            }
            Self::Lost(most) => (most, summary.all_lost(), None),
        };
        (found > most).then_some(Met { condition: self, found, example })
    }
}
