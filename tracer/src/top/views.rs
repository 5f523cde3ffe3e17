//! The views, and what their rows are sorted by.

use super::picture::Row;

/// The views.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    Parents,
    Tree,
    Zombies,
    Adopters,
}

impl View {
    pub(super) const ALL: [(Self, &str); 4] = [
        (Self::Parents, "1 parents"),
        (Self::Tree, "2 tree"),
        (Self::Zombies, "3 zombies"),
        (Self::Adopters, "4 adopters"),
    ];

    /// Whether it has a column for that.
    pub(super) fn has(self, sort: Sort) -> bool {
        self != Self::Adopters || !matches!(sort, Sort::Made | Sort::Reaped)
    }

    pub(super) fn by(self, steps: usize) -> Self {
        Self::ALL[(self as usize + steps) % Self::ALL.len()].0
    }
}

/// What parents are sorted by, the greatest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Zombies,
    Oldest,
    Made,
    Reaped,
    Adopted,
    Pid,
}

impl Sort {
    pub(super) const ALL: [(Self, &str); 6] = [
        (Self::Zombies, "zombies"),
        (Self::Oldest, "oldest"),
        (Self::Made, "made/s"),
        (Self::Reaped, "reaped/s"),
        (Self::Adopted, "adopted"),
        (Self::Pid, "pid"),
    ];

    pub(super) fn next(self) -> Self {
        Self::ALL[(self as usize + 1) % Self::ALL.len()].0
    }

    pub(super) fn value(self, row: &Row) -> f64 {
        match self {
            Self::Zombies => row.watched.zombies as f64,
            Self::Oldest => row.age().map_or(-1.0, |age| age as f64),
            Self::Made => row.rate.made,
            Self::Reaped => row.rate.reaped,
            Self::Adopted => row.adopted() as f64,
            Self::Pid => f64::from(row.watched.who.pid),
        }
    }
}
