//! Recordings: what went into the model, in the order it went in, so that a replay needs no order and
//! no clock. docs/recording.md has the format to the byte.

mod frame;
mod header;
mod reader;
#[cfg(test)]
pub(crate) mod tests;
mod writer;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use frame::{MOST, PREAMBLE, Packer, VERSION, preamble};
pub use header::Header;
pub use reader::{Damage, Reader, Told};
pub use writer::Writer;

use crate::observation::Zombie;

/// No entry takes more, unpacked: a full frame with two stays below [`MOST`], and what one makes of itself
/// in memory, ten times as much and more, stays small.
const ENTRY: usize = MOST / 4;
/// No header takes more, unpacked: a glob in it, which may be a byte, takes 1.5 kB in memory.
const HEADER: usize = 64 * 1024;

/// What a frame holds after the first one, which holds the [`Header`]. `F` is a fact, or one borrowed.
/// `after` is the time since the entry before that has one, in this frame (since 0 for the first).
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Entry<F> {
    /// The model was told a fact.
    Observed {
        /// ns, negative for one that came late.
        after: i64,
        /// What.
        fact: F,
    },
    /// The model was told the time, and something was due.
    Due {
        /// ns
        after: i64,
    },
    /// The zombies of the machine, as the failed forks that follow in this frame have them; none at
    /// its beginning.
    Zombies(Option<Arc<[Zombie]>>),
    /// What is known outside of the model, as of now.
    Counted(Counts),
    /// The session ended: nothing follows.
    Ended {
        /// ns
        after: i64,
    },
}

/// What the summary has that the model does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Records that the kernel side made and that arrived.
    pub received: u64,
    /// Records that came later than they are waited for.
    pub late: u64,
    /// Runs of programs that the kernel left out where there may have been nothing to tell.
    pub left_out: u64,
}

impl Counts {
    /// What there was since then.
    #[must_use]
    pub fn since(self, then: Self) -> Self {
        Self {
            received: self.received - then.received,
            late: self.late - then.late,
            left_out: self.left_out - then.left_out,
        }
    }
}
