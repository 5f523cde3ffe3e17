//! What the user sees and types, whatever is behind it.

use std::{
    io::{self, IsTerminal as _},
    time::Duration,
};

use anyhow::{Context as _, Result};
use nix::libc::SIGCONT;
use ratatui::crossterm::event::Event;
use tokio::{
    signal::unix::{self, SignalKind},
    sync::mpsc::Receiver,
    time::{Interval, MissedTickBehavior},
};

use super::{
    draw::{self, Ink},
    keys::{Action, action},
    mouse,
    screen::{Screen, events},
    state::State,
};
use crate::{lifecycle::Model, settings::Top, signals::Signals};

/// The time between two pictures.
const FRAME: Duration = Duration::from_millis(250);

/// What is to be done next.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// The user has seen enough, or the terminal is gone.
    End,
    /// Something was typed, or the terminal is another one in some way.
    Key,
    /// It is time for another picture.
    Frame,
}

pub(super) struct Front {
    pub(super) state: State,
    ink: Ink,
    screen: Screen,
    events: Receiver<Event>,
    signals: Signals,
    continued: unix::Signal,
    frame: Interval,
}

impl Front {
    pub(super) fn open(mut state: State, settings: &Top) -> Result<Self> {
        state.has_mouse = settings.mouse;
        let signals = Signals::catch()?;
        let continued = unix::signal(SignalKind::from_raw(SIGCONT))?;
        let mut frame = tokio::time::interval(FRAME);
        frame.set_missed_tick_behavior(MissedTickBehavior::Delay);
        if io::stderr().is_terminal() {
            // It would be written across the picture.
            log::set_max_level(log::LevelFilter::Off);
        }
        let screen = Screen::open(state.has_mouse).context("cannot use the terminal")?;
        let events = events()?;
        let ink = Ink { color: settings.color };
        Ok(Self { state, ink, screen, events, signals, continued, frame })
    }

    /// Waits for something to do.
    pub(super) async fn next(&mut self) -> io::Result<Turn> {
        loop {
            tokio::select! {
                biased;
                _ = self.signals.next() => return Ok(Turn::End),
                event = self.events.recv() => return self.take(event),
                _ = self.continued.recv() => {
                    self.screen.resume()?;
                    return Ok(Turn::Key);
                }
                caught_up = self.screen.catch_up(), if self.screen.is_behind() => caught_up?,
                _ = self.frame.tick() => return Ok(Turn::Frame),
            }
        }
    }

    fn take(&mut self, event: Option<Event>) -> io::Result<Turn> {
        let Some(event) = event else { return Ok(Turn::End) };
        let key = || event.as_key_event().and_then(|key| action(key, self.state.is_typing));
        let mouse = event.as_mouse_event();
        let wish = mouse.map_or_else(key, |mouse| mouse::action(mouse, &self.state.spots));
        match wish {
            Some(Action::Quit) => return Ok(Turn::End),
            Some(Action::Suspend) => self.screen.suspend()?,
            Some(Action::Redraw) => self.screen.clear(),
            Some(Action::Mouse) => {
                self.state.has_mouse = !self.state.has_mouse;
                self.screen.watch_mouse(self.state.has_mouse)?;
            }
            Some(wish) => self.state.apply(wish),
            None => {}
        }
        Ok(Turn::Key)
    }

    /// Shows what there is now.
    pub(super) fn show(&mut self, model: &Model, now: u64) -> io::Result<()> {
        self.state.refresh(model, now);
        let Self { state, ink, screen, .. } = self;
        screen.draw(|picture| draw::paint(state, *ink, picture))
    }
}
