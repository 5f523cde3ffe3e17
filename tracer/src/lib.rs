//! tracer: process lifecycles from the kernel's own hooks. ARCHITECTURE.md has the map.

pub mod cli;
mod clock;
mod command;
pub mod commands;
pub mod lifecycle;
pub mod observation;
pub mod order;
pub mod playback;
mod progress;
pub mod recording;
mod report;
mod road;
mod session;
pub mod settings;
mod signals;
pub mod sink;
mod source;
#[doc(hidden)]
pub mod synthetic;
mod tape;
mod top;
mod watch;

pub use command::NotStarted;
#[doc(hidden)]
pub use report::of_recording as report_of;
pub use source::Refusal;
#[doc(hidden)]
pub use top::of_recording as screens_of;
