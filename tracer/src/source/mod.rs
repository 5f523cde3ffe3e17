//! Where observations come from: the kernel's hooks and its process table. Nothing outside knows
//! how, and only here is `aya` named.

mod cgroups;
mod decode;
mod kernel;
mod live;
mod offsets;
pub(crate) mod probe;
mod seed;
pub(crate) mod table;

pub(crate) use live::{Capture, Live};
pub(crate) use probe::INITIAL_PIDNS;
pub(crate) use seed::is_listed;

/// This kernel or this user cannot run the programs: exit status 4.
#[derive(Debug)]
pub struct Refusal {
    what: String,
    remedy: String,
}

impl Refusal {
    pub(crate) fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: remedy.into() }
    }

    /// What is refused, and why.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// What to do about it.
    pub fn remedy(&self) -> &str {
        &self.remedy
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}\n  remedy: {}", self.what, self.remedy)
    }
}

impl std::error::Error for Refusal {}
