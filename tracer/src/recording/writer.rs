//! From what the model is told to the bytes of a file.

use std::sync::Arc;

use super::{
    Counts, ENTRY, Entry, Header,
    frame::{self, Packer},
};
use crate::observation::{Fact, Lost, LostWhere, Observation, Zombie};

/// A frame is closed when this much is in it, so that memory and what a crash takes stay small.
const FULL: usize = 64 * 1024;
/// Or after this time, ns.
const AGE: u64 = 1_000_000_000;

/// Makes the frames of one file.
pub struct Writer {
    packer: Packer,
    frame: Vec<u8>,
    /// When what there was was last packed whatever its size.
    closed_at: u64,
    /// The time of the last entry in this frame.
    at: u64,
    zombies: Option<Arc<[Zombie]>>,
    number: u32,
    closed: Vec<u8>,
    written: u64,
}

impl Writer {
    /// Begins a file.
    pub fn new(header: &Header) -> Self {
        let mut closed = frame::preamble().to_vec();
        let first = postcard::to_stdvec(header).expect("everything in it can be written");
        let mut packer = Packer::default();
        packer.pack(0, &first, &mut closed);
        Self {
            packer,
            frame: Vec::new(),
            closed_at: header.began,
            at: 0,
            zombies: None,
            number: 1,
            written: closed.len() as u64,
            closed,
        }
    }

    /// The model is told a fact.
    pub fn observed(&mut self, observation: &Observation) {
        let Observation { at, fact } = observation;
        if let Fact::ForkFailed(failed) = fact {
            self.zombies(failed.zombies.as_ref());
        }
        let after = self.after(*at);
        if !self.put(&Entry::Observed { after, fact }) {
            let lost = Lost { count: 1, place: LostWhere::Output, since: *at };
            self.put(&Entry::Observed { after, fact: &Fact::Lost(lost) });
        }
        if self.frame.len() >= FULL {
            self.pack();
        }
    }

    /// The model is told the time, and something is due.
    pub fn due(&mut self, at: u64) {
        let after = self.after(at);
        self.put(&Entry::Due { after });
    }

    /// The last entry.
    pub fn ended(&mut self, at: u64, counts: Counts) {
        self.put(&Entry::Counted(counts));
        let after = self.after(at);
        self.put(&Entry::Ended { after });
        self.pack();
    }

    /// Closes the frame if it may be old as of `now`: what is in hand is what a crash would take.
    pub fn close(&mut self, now: u64, counts: impl FnOnce() -> Counts) {
        if now >= self.closed_at.saturating_add(AGE) {
            self.closed_at = now;
            if !self.frame.is_empty() {
                self.put(&Entry::Counted(counts()));
                self.pack();
            }
        }
    }

    /// Whether nothing waits for its frame to be closed.
    pub fn is_empty(&self) -> bool {
        self.frame.is_empty()
    }

    /// The frames that are closed, to be written.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.closed)
    }

    /// How long the file can be with the frame in hand.
    pub fn at_most(&self) -> u64 {
        self.written + frame::at_most(self.frame.len()) as u64
    }

    /// How long the file is with the frames that are closed.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Failed forks come by the thousand, and so do the zombies that each of them names.
    fn zombies(&mut self, zombies: Option<&Arc<[Zombie]>>) {
        let same = match (&self.zombies, zombies) {
            (Some(known), Some(zombies)) => Arc::ptr_eq(known, zombies),
            (known, zombies) => known.is_none() && zombies.is_none(),
        };
        if !same {
            self.zombies = zombies.cloned();
            if !self.put(&Entry::Zombies(self.zombies.clone())) {
                self.put(&Entry::Zombies(None));
            }
        }
    }

    fn after(&mut self, at: u64) -> i64 {
        let before = std::mem::replace(&mut self.at, at);
        at.wrapping_sub(before) as i64
    }

    /// Whether there was room for it.
    fn put(&mut self, entry: &Entry<&Fact>) -> bool {
        let len = self.frame.len();
        let frame = std::mem::take(&mut self.frame);
        self.frame = postcard::to_extend(entry, frame).expect("everything in it can be written");
        let fits = self.frame.len() - len <= ENTRY;
        if !fits {
            self.frame.truncate(len);
        }
        fits
    }

    fn pack(&mut self) {
        let before = self.closed.len();
        self.packer.pack(self.number, &self.frame, &mut self.closed);
        self.written += (self.closed.len() - before) as u64;
        self.number = self.number.wrapping_add(1);
        self.frame.clear();
        (self.at, self.zombies) = (0, None);
    }
}
