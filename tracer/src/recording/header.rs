//! What a recording begins with, and what a session says of itself whether it is recorded or not.

use serde::{Deserialize, Serialize};

use super::{Counts, HEADER};
use crate::lifecycle::{
    Model,
    event::{Event, Session, What},
    filter::Asked,
    summary::Summary,
};

/// The first frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Version of the tracer that recorded.
    pub tracer: String,
    /// Name of the machine.
    pub host: String,
    /// Release of its kernel.
    pub kernel: String,
    /// Which hooks ran.
    pub tier: String,
    /// When the hooks were attached; in a file that follows another, when that one ended.
    pub began: u64,
    /// What to add to the boot clock for ns since 1970.
    pub boot_to_unix: i64,
    /// The filters of the session, which are those of a replay that is given none. The trees of
    /// `--pid` are all that was seen; what the others leave out is recorded all the same.
    pub asked: Asked,
    /// Failed forks are seen.
    pub sees_fork_failures: bool,
    /// A command was run, whose descendants the summary names if they live on.
    pub of_command: bool,
    /// Why the exact hooks do not run, where nobody asked for others. Since version 2.
    pub tier_why: Option<String>,
}

impl Header {
    /// Whether a reader takes it.
    pub fn fits(&self) -> bool {
        postcard::to_stdvec(self).is_ok_and(|bytes| bytes.len() <= HEADER)
    }

    /// The first event, once those that were there are told.
    pub fn session(&self, model: &Model) -> Event {
        let session = Session {
            tracer: self.tracer.clone(),
            host: self.host.clone(),
            kernel: self.kernel.clone(),
            tier: self.tier.clone(),
            tier_why: self.tier_why.clone(),
            filters: self.asked.typed.clone(),
            existing: model.existing(),
        };
        Event { at: self.began, who: None, what: What::Session(Box::new(session)) }
    }

    /// What it all comes to.
    pub fn summary(&self, model: &Model, counts: Counts, now: u64) -> Summary {
        Summary {
            name_living: self.of_command,
            sees_fork_failures: self.sees_fork_failures,
            received: counts.received,
            late: counts.late,
            left_out: counts.left_out,
            ..model.summary(now)
        }
    }
}
