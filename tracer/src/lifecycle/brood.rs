//! What a parent does with its dead children, over time: whether it leaks them, is late, or fine.

/// A zombie that has stood for so long was not waited for by somebody who was waiting, ns.
pub(super) const LATE: u64 = 1_000_000_000;

/// Counts of one parent since it was first seen.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Brood {
    /// Zombies that became its own, by death or by adoption.
    pub(crate) made: u64,
    /// Of these, those that are gone.
    pub(crate) reaped: u64,
    /// Of these, those that had stood for [`LATE`].
    late: u64,
    /// When the youngest of them had died.
    youngest: Option<u64>,
    /// The same before the last burst of reaps, in which it reaps in any order, and when that began.
    before: Option<u64>,
    burst: u64,
    /// It ended and left zombies that had stood for [`LATE`].
    pub(super) abandoned: bool,
}

/// What is to be thought of a parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It leaves zombies that it will not reap: it reaps none, or passes them over for younger ones.
    Leaks,
    /// It reaps, but lets zombies stand for a second and more.
    Lazy,
    /// None stands for long.
    Fine,
}

impl Verdict {
    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Leaks => "leaks",
            Self::Lazy => "lazy",
            Self::Fine => "fine",
        }
    }
}

impl Brood {
    /// A zombie of its own was reaped that had died then.
    pub(crate) fn lose(&mut self, died: u64, zombie: u64) {
        let at = died.saturating_add(zombie);
        if at.saturating_sub(self.burst) >= LATE {
            (self.before, self.burst) = (self.youngest, at);
        }
        self.reaped += 1;
        self.late += u64::from(zombie >= LATE);
        self.youngest = self.youngest.max(Some(died));
    }

    /// It had zombies that had stood for [`LATE`] and that it reaped, or left at its end.
    pub(crate) fn was_late(&self) -> bool {
        self.late > 0 || self.abandoned
    }

    /// Whether it reaps nothing, or reaped a younger one than this and had the time to reap this.
    fn has_passed_over(&self, died: u64, age: u64) -> bool {
        let bursts = died.saturating_add(age).saturating_sub(self.burst) < LATE;
        let youngest = if bursts { self.before } else { self.youngest };
        self.youngest.is_none() || youngest.is_some_and(|youngest| youngest > died)
    }

    /// The verdict, with the oldest of the zombies that it has now: when that died, and its age.
    pub(crate) fn verdict(&self, oldest: Option<(u64, u64)>) -> Verdict {
        match oldest.filter(|(_, age)| *age >= LATE) {
            Some((died, age)) if self.has_passed_over(died, age) => Verdict::Leaks,
            Some(_) => Verdict::Lazy,
            None if self.abandoned => Verdict::Leaks,
            None if self.late > 0 => Verdict::Lazy,
            None => Verdict::Fine,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn who_reaps_nothing_leaks_once_a_zombie_is_old() {
        let brood = Brood::default();
        assert_eq!(brood.verdict(Some((5, 10))), Verdict::Fine);
        assert_eq!(brood.verdict(Some((5, 2 * SECOND))), Verdict::Leaks);
    }

    #[test]
    fn who_reaps_a_younger_one_has_passed_the_old_one_over() {
        let mut brood = Brood::default();
        brood.lose(100, 10);
        assert_eq!(brood.verdict(Some((50, 2 * SECOND))), Verdict::Leaks);
        assert_eq!(brood.verdict(Some((150, 2 * SECOND))), Verdict::Lazy);
    }

    #[test]
    fn who_is_about_to_reap_them_all_in_any_order_passes_none_over() {
        let mut brood = Brood::default();
        brood.lose(3 * SECOND, 2 * SECOND);
        assert_eq!(brood.verdict(Some((SECOND, 4 * SECOND + 5))), Verdict::Lazy);
        assert_eq!(brood.verdict(Some((SECOND, 5 * SECOND))), Verdict::Leaks);
        brood.lose(6 * SECOND, SECOND);
        assert_eq!(brood.verdict(Some((SECOND, 6 * SECOND + 5))), Verdict::Leaks);
    }

    #[test]
    fn who_leaves_old_zombies_at_its_end_has_leaked_them() {
        let brood = Brood { abandoned: true, ..Brood::default() };
        assert_eq!(brood.verdict(None), Verdict::Leaks);
    }

    #[test]
    fn who_reaps_in_bursts_is_lazy_between_them() {
        let mut brood = Brood::default();
        brood.lose(100, 3 * SECOND);
        assert_eq!(brood.verdict(None), Verdict::Lazy);
        let mut prompt = Brood::default();
        prompt.lose(100, 50_000);
        assert_eq!(prompt.verdict(None), Verdict::Fine);
    }
}
