//! A short session that nobody is told of: what `tracer zombies` knows beside the process table.

use std::time::Duration;

use anyhow::Result;
use tokio::time::MissedTickBehavior;

use crate::{
    lifecycle::{Model, filter::Filter},
    road::Road,
    settings::{Hooks, RING_SIZE},
    signals::Signals,
    source::{Capture, Drained},
};

/// The time between two looks at the ring.
const TICK: Duration = Duration::from_millis(50);

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
        road.seed();
        let mut signals = Signals::catch()?;
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let until = tokio::time::sleep(time);
        tokio::pin!(until);
        let mut drained = Drained::Emptied;
        loop {
            tokio::select! {
                biased;
                () = &mut until => break,
                _ = signals.next() => break,
                _ = tick.tick() => {}
                filled = road.live.filled() => filled?,
                () = std::future::ready(()), if drained == Drained::Rest => {}
            }
            drained = road.pump(false, false, &mut drop);
            road.attend(drained);
        }
        road.end(&mut drop).await;
        Ok(road.model)
    })
}
