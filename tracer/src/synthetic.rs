//! The way of a record without a kernel and a clock, for the benchmark and what guards its counts.

use crate::{
    observation::Observation,
    source::{Cgroups, decode},
};

/// Reads records as a session does.
pub struct Decoder(Cgroups);

impl Default for Decoder {
    fn default() -> Self {
        Self(Cgroups::new())
    }
}

impl Decoder {
    /// What the record says, if it is one.
    pub fn decode(&mut self, record: &[u8]) -> Option<Observation> {
        decode(record, &mut self.0).ok()
    }
}
