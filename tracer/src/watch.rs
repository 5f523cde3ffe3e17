//! A short session that nobody is told of: what `tracer zombies` knows beside the process table.

use std::time::Duration;

use anyhow::Result;
use tokio::time::{Instant, MissedTickBehavior};

use crate::{
    lifecycle::{Model, filter::Filter},
    road::Road,
    settings::{Hooks, RING_SIZE},
    signals::Signals,
    source::Capture,
};

/// The time between two looks at the ring.
const TICK: Duration = Duration::from_millis(50);

/// How long what the ring holds at the end is waited for.
const PATIENCE: Duration = Duration::from_millis(500);

/// Watches all processes for so long, or until a signal comes.
pub(crate) fn watch(time: Duration) -> Result<Model> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let capture = Capture {
            roots: None,
            own_children: false,
            ring_size: RING_SIZE,
            immediate: false,
            hooks: Hooks::Auto,
            fork_failures: false,
        };
        let mut road = Road::start(&capture, Filter::default(), TICK)?;
        let mut signals = Signals::catch()?;
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let end = Instant::now() + time;
        let until = tokio::time::sleep_until(end);
        tokio::pin!(until);
        loop {
            tokio::select! {
                biased;
                () = &mut until => break,
                _ = signals.next() => break,
                _ = tick.tick() => {}
                filled = road.live.filled() => filled?,
            }
            let emptied = road.pump(false, false);
            road.attend(emptied);
            road.model.drain().for_each(drop);
        }
        // In the middle of a storm there is no end to it.
        while !road.pump(true, false) && Instant::now() < end + PATIENCE {}
        Ok(road.model)
    })
}
