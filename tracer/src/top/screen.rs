//! The terminal: taken for a full screen, and given back as it was, however that ends.

use std::{
    io::{self, Stdout, stdout},
    panic,
    sync::{
        Once,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
};

use nix::sys::signal::{Signal, raise};
use ratatui::{
    Terminal,
    backend::CrosstermBackend,
    buffer::Buffer,
    crossterm::{
        cursor::{Hide, Show},
        event::{self, Event},
        execute,
        style::ResetColor,
        terminal::{
            Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
            enable_raw_mode,
        },
    },
};
use tokio::sync::mpsc::{Receiver, channel};

/// The terminal is ours.
static TAKEN: AtomicBool = AtomicBool::new(false);

fn take() -> io::Result<()> {
    TAKEN.store(true, SeqCst);
    enable_raw_mode()?;
    execute!(stdout(), EnterAlternateScreen, Hide)
}

fn give_back() {
    if TAKEN.swap(false, SeqCst) {
        // When the terminal is gone, there is nothing to give back.
        let _ = execute!(stdout(), ResetColor, LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
    }
}

/// Gives the terminal back when it is dropped.
struct Taken;

impl Drop for Taken {
    fn drop(&mut self) {
        give_back();
    }
}

/// The full screen.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    /// What is on it, unless it has to be drawn anew.
    shown: Option<Buffer>,
    _taken: Taken,
}

impl Screen {
    pub(super) fn open() -> io::Result<Self> {
        static HOOK: Once = Once::new();
        // What a panic says belongs on the screen that stays.
        HOOK.call_once(|| {
            let say = panic::take_hook();
            panic::set_hook(Box::new(move |panic| {
                give_back();
                say(panic);
            }));
        });
        let taken = Taken;
        take()?;
        let terminal = Terminal::new(CrosstermBackend::new(stdout()))?;
        Ok(Self { terminal, shown: None, _taken: taken })
    }

    /// Writes what is other than it was; nothing, if nothing is.
    pub(super) fn draw(&mut self, paint: impl FnOnce(&mut Buffer)) -> io::Result<()> {
        self.terminal.autoresize()?;
        let mut picture = Buffer::empty(self.terminal.get_frame().area());
        paint(&mut picture);
        if self.shown.as_ref() == Some(&picture) {
            return Ok(());
        }
        self.terminal.draw(|frame| {
            // Else it has just been resized, and is drawn the next time.
            if frame.area() == picture.area {
                frame.buffer_mut().clone_from(&picture);
            }
        })?;
        self.shown = Some(picture);
        Ok(())
    }

    /// Draws it anew the next time: something else has written to the terminal.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        self.shown = None;
        // The library's own way asks the terminal for its cursor, whose answer the keys would take.
        self.terminal.swap_buffers();
        execute!(stdout(), Clear(ClearType::All))
    }

    /// Stops as Ctrl-Z asks for, where a shell can let it go on.
    pub(super) fn suspend(&mut self) -> io::Result<()> {
        give_back();
        raise(Signal::SIGTSTP)?;
        self.resume()
    }

    /// Takes the terminal again: whoever had it meanwhile may have left it otherwise.
    pub(super) fn resume(&mut self) -> io::Result<()> {
        give_back();
        take()?;
        self.clear()
    }
}

/// Keys waiting to be read: more than a person types, less than what is pasted.
const KEYS: usize = 64;

/// What is typed, and when the terminal is resized, until it is gone.
pub(super) fn events() -> io::Result<Receiver<Event>> {
    let (send, events) = channel(KEYS);
    std::thread::Builder::new().name("tracer-keys".to_owned()).spawn(move || {
        while let Ok(event) = event::read() {
            if send.blocking_send(event).is_err() {
                return;
            }
        }
    })?;
    Ok(events)
}

#[cfg(test)]
mod tests;
