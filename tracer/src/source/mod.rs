//! Where observations come from: the kernel's hooks and its process table. Nothing outside knows
//! how, and only here is `aya` named.

mod btf;
mod cgroups;
mod deaths;
mod decode;
mod kernel;
mod live;
mod look;
mod offsets;
mod pids;
pub(crate) mod probe;
mod programs;
mod refusal;
mod returns;
mod ring;
mod seed;
pub(crate) mod table;

pub(crate) use cgroups::Cgroups;
pub(crate) use decode::decode;
pub(crate) use live::{Capture, Live};
pub(crate) use look::look;
pub(crate) use probe::INITIAL_PIDNS;
pub use refusal::Refusal;
pub(crate) use ring::Drained;
pub(crate) use seed::{is_listed, pidns};
