//! `tracer top`: what the model knows on a full screen, as it happens or as it was recorded. What is
//! shown comes from the model and its events; here is only how.

mod draw;
mod front;
mod keys;
mod live;
mod mouse;
mod picture;
mod rates;
mod replay;
mod screen;
mod state;
mod stories;
mod tree;
mod views;

use anyhow::Result;

pub use self::replay::of_recording;
use crate::settings::Top;

/// Shows it until the user has seen enough.
pub(crate) fn run(settings: &Top) -> Result<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match &settings.from {
            Some((from, speed)) => replay::run(settings, from, *speed).await,
            None => live::run(settings).await,
        }
    })
}
