//! The screen of what happens now.

use std::time::Duration;

use anyhow::Result;
use nix::sys::utsname::uname;
use tokio::time::MissedTickBehavior;

use super::{
    front::{Front, Turn},
    state::{Origin, State},
};
use crate::{
    clock::{boot_now, boot_to_unix},
    road::Road,
    settings::Top,
    sink::Stamp,
    source::{Capture, Drained},
};

/// The time between two looks at the ring: what is due is not seen sooner than in the next picture.
const TICK: Duration = Duration::from_millis(100);

pub(super) async fn run(settings: &Top) -> Result<u8> {
    let capture = Capture {
        roots: settings.roots.clone(),
        own_children: false,
        ring_size: settings.ring_size,
        immediate: false,
        hooks: settings.hooks,
        fork_failures: false,
    };
    let mut road = Road::start(&capture, settings.asked.filter()?, TICK)?;
    road.model.show_all();
    road.seed();
    let state = State::new(origin(settings, &road), None);
    let mut front = Front::open(state, settings)?;
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut drained = Drained::Emptied;
    loop {
        let mut turn = None;
        tokio::select! {
            biased;
            next = front.next() => turn = Some(next?),
            _ = tick.tick() => {}
            filled = road.live.filled() => filled?,
            () = std::future::ready(()), if drained == Drained::Rest => {}
        }
        if turn == Some(Turn::End) {
            return Ok(0);
        }
        drained = road.pump(false, false, &mut |event| front.state.see(event));
        road.attend(drained);
        let Some(turn) = turn else { continue };
        let now = boot_now();
        front.state.sample(&road.model, now);
        if turn == Turn::Frame {
            road.look_at(front.state.looked_at());
        }
        front.show(&road.model, now)?;
    }
}

fn origin(settings: &Top, road: &Road) -> Origin {
    let machine = uname().ok();
    let text = |part: &std::ffi::OsStr| part.to_string_lossy().into_owned();
    Origin {
        host: machine.as_ref().map_or_else(String::new, |machine| text(machine.nodename())),
        kernel: machine.as_ref().map_or_else(String::new, |machine| text(machine.release())),
        tier: road.live.tier().to_owned(),
        filters: settings.asked.typed.clone(),
        stamp: Stamp::new(boot_to_unix()),
        min_zombie: settings.asked.min_zombie,
        types: settings.asked.types.clone(),
    }
}
