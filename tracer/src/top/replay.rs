//! The screen of what was recorded, at the speed it was, or another one.

use std::{
    io::Read,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Result;
use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    draw::{Ink, paint},
    front::{Front, Turn},
    keys::Action,
    state::{Origin, Playing, State},
    views::View,
};
use crate::{
    lifecycle::filter::Asked,
    playback::{self, Replay},
    recording::{Damage, Header},
    settings::Top,
    sink::{Stamp, output::Target},
};

/// For how long a recording is read on before the user has a turn.
const STRETCH: Duration = Duration::from_millis(50);
/// A pause that is longer was one of ours: suspended, or asleep.
const LONGEST: Duration = Duration::from_secs(1);

pub(super) async fn run(settings: &Top, from: &Path, speed: f64) -> Result<u8> {
    let mut replay = playback::open(from, &settings.asked, &Target::Stdout)?.with_all_events();
    let origin = origin(replay.header());
    let playing = Playing { speed, has_ended: false, damage: None };
    let mut front = Front::open(State::new(origin, Some(playing)), settings)?;
    let mut clock = replay.at();
    let mut last = Instant::now();
    let mut is_behind = false;
    let damage = loop {
        let mut turn = None;
        tokio::select! {
            biased;
            next = front.next() => turn = Some(next?),
            () = std::future::ready(()), if is_behind => {}
        }
        if turn == Some(Turn::End) {
            break None;
        }
        let passed = std::mem::replace(&mut last, Instant::now()).elapsed();
        let state = &mut front.state;
        let speed = state.playing.as_ref().map_or(1.0, |playing| playing.speed);
        if !state.is_paused {
            // As far as it goes, where that is more than there is.
            let passed = passed.min(LONGEST).as_secs_f64();
            clock = clock.saturating_add((passed * speed * 1e9) as u64);
        }
        match tell(&mut replay, state, &mut clock) {
            Ok(behind) => is_behind = behind,
            Err(damage) => break Some(damage),
        }
        if turn.is_some() {
            front.show(replay.model(), clock)?;
        }
    };
    let Some(damage) = damage else { return Ok(0) };
    // Without the name of the file, which there may be no room for.
    let told = format!("it {damage} (byte {}): what comes before is shown", replay.place());
    stay(&mut front, &mut replay, told).await?;
    let damage = playback::named(from, &replay, &damage);
    // Once the terminal is given back.
    drop(front);
    Err(damage)
}

fn origin(header: &Header) -> Origin {
    Origin {
        host: header.host.clone(),
        kernel: header.kernel.clone(),
        tier: header.tier.clone(),
        filters: header.asked.typed.clone(),
        stamp: Stamp::new(header.boot_to_unix),
        min_zombie: header.asked.min_zombie,
        types: header.asked.types.clone(),
    }
}

/// Tells what was until then, or one event more. Returns whether there is more of it.
fn tell<R: Read>(
    replay: &mut Replay<R>,
    state: &mut State,
    clock: &mut u64,
) -> Result<bool, Damage> {
    let begun = Instant::now();
    if state.has_ended() {
        *clock = replay.at();
        return Ok(false);
    }
    while let Some(at) = replay.next_at()? {
        if at > *clock && !state.is_stepping {
            return Ok(false);
        }
        if begun.elapsed() > STRETCH {
            // It takes longer than it took.
            *clock = replay.at();
            return Ok(true);
        }
        state.sample(replay.model(), at);
        replay.step()?;
        let mut is_told = false;
        for event in replay.drain() {
            is_told |= event.who.is_some();
            state.see(event);
        }
        if is_told && state.is_stepping {
            state.is_stepping = false;
            *clock = replay.at();
        }
    }
    end(replay, state, clock);
    Ok(false)
}

/// Nothing more is told.
fn end<R: Read>(replay: &mut Replay<R>, state: &mut State, clock: &mut u64) {
    replay.end(false);
    replay.drain().for_each(|event| state.see(event));
    *clock = replay.at();
    if let Some(playing) = &mut state.playing {
        playing.has_ended = true;
    }
}

/// What comes before the damage stays to be looked at.
async fn stay<R: Read>(front: &mut Front, replay: &mut Replay<R>, damage: String) -> Result<()> {
    let mut clock = 0;
    end(replay, &mut front.state, &mut clock);
    if let Some(playing) = &mut front.state.playing {
        playing.damage = Some(damage);
    }
    loop {
        front.show(replay.model(), clock)?;
        if front.next().await? == Turn::End {
            return Ok(());
        }
    }
}

/// Draws a recording that is in memory, whatever is in it: after each event the next view, or a story of one,
/// at the end all of them.
pub fn of_recording(file: &[u8]) -> Result<(), Damage> {
    let mut replay = Replay::open(file, &Asked::default())?.with_all_events();
    let playing = Playing { speed: 0.0, has_ended: false, damage: None };
    let mut state = State::new(origin(replay.header()), Some(playing));
    let mut picture = Buffer::empty(Rect::new(0, 0, 80, 24));
    let mut clock = replay.at();
    let turn = [Action::NextView, Action::Enter, Action::Back];
    let mut turns = turn.into_iter().cycle();
    let mut look = |replay: &Replay<_>, state: &mut State, clock, times: usize| {
        for action in turns.by_ref().take(times) {
            state.apply(action);
            state.refresh(replay.model(), clock);
            paint(state, Ink { color: true }, &mut picture);
        }
    };
    let whole = loop {
        state.apply(Action::Step);
        let told = tell(&mut replay, &mut state, &mut clock);
        if told.is_err() || state.has_ended() {
            break told.map(|_behind| ());
        }
        look(&replay, &mut state, clock, 1);
    };
    if whole.is_err() {
        end(&mut replay, &mut state, &mut clock);
    }
    look(&replay, &mut state, clock, turn.len() * View::ALL.len());
    whole
}
