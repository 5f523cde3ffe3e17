//! The terminal: taken for a full screen, and given back as it was, however that ends.

use std::{
    io, panic,
    sync::{
        Once,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
};

use nix::sys::signal::{Signal, raise};
use ratatui::{
    backend::{Backend as _, CrosstermBackend},
    buffer::Buffer,
    crossterm::{
        cursor::{Hide, Show},
        event::{self, Event},
        queue,
        style::{Print, ResetColor},
        terminal::{
            Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
            enable_raw_mode, size,
        },
    },
    layout::Rect,
};
use tokio::sync::mpsc::{Receiver, channel};

use line::Line;

mod line;

/// Buttons and the wheel are told (1000), in digits (1006): "Mouse Tracking" in xterm's control sequences.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1000l";

/// The terminal is ours.
static TAKEN: AtomicBool = AtomicBool::new(false);

fn give_back() {
    if TAKEN.swap(false, SeqCst) {
        let mut bytes = Vec::new();
        if queue!(bytes, Print(MOUSE_OFF), ResetColor, LeaveAlternateScreen, Show).is_ok() {
            line::end(&bytes);
        }
        // When the terminal is gone, there is nothing to give back.
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
    line: Line,
    /// What is on it once the line is written, unless it has to be drawn anew.
    shown: Option<Buffer>,
    has_mouse: bool,
    _taken: Taken,
}

impl Screen {
    pub(super) fn open(has_mouse: bool) -> io::Result<Self> {
        static HOOK: Once = Once::new();
        // What a panic says belongs on the screen that stays.
        HOOK.call_once(|| {
            let say = panic::take_hook();
            panic::set_hook(Box::new(move |panic| {
                give_back();
                say(panic);
            }));
        });
        let line = Line::open()?;
        let mut screen = Self { line, shown: None, has_mouse, _taken: Taken };
        screen.take()?;
        Ok(screen)
    }

    fn take(&mut self) -> io::Result<()> {
        TAKEN.store(true, SeqCst);
        enable_raw_mode()?;
        // What is left of a picture was meant for the screen that it was.
        self.line.rest().clear();
        queue!(self.line.rest(), EnterAlternateScreen, Hide)?;
        self.clear();
        self.watch_mouse(self.has_mouse)
    }

    /// Asks the terminal to tell of the mouse, or to let it select text.
    pub(super) fn watch_mouse(&mut self, has_mouse: bool) -> io::Result<()> {
        self.has_mouse = has_mouse;
        queue!(self.line.rest(), Print(if has_mouse { MOUSE_ON } else { MOUSE_OFF }))?;
        self.line.push()
    }

    /// Writes what is other than it was; nothing, if nothing is, or if the terminal has not taken the last
    /// picture yet: it gets the one of the time when it has.
    pub(super) fn draw(&mut self, paint: impl FnOnce(&mut Buffer)) -> io::Result<()> {
        self.line.push()?;
        if self.is_behind() {
            return Ok(());
        }
        let (columns, rows) = size()?;
        let mut picture = Buffer::empty(Rect::new(0, 0, columns, rows));
        paint(&mut picture);
        if self.shown.as_ref() == Some(&picture) {
            return Ok(());
        }
        let bytes = self.line.rest();
        let shown = self.shown.take().filter(|shown| shown.area == picture.area);
        if shown.is_none() {
            queue!(bytes, Clear(ClearType::All))?;
        }
        let before = shown.unwrap_or_else(|| Buffer::empty(picture.area));
        CrosstermBackend::new(bytes).draw(before.diff(&picture).into_iter())?;
        self.shown = Some(picture);
        self.line.push()
    }

    /// Whether the terminal has not taken all that was drawn.
    pub(super) fn is_behind(&self) -> bool {
        self.line.is_behind()
    }

    /// Waits until it takes something of that.
    pub(super) async fn catch_up(&mut self) -> io::Result<()> {
        self.line.wait().await
    }

    /// Draws it anew the next time: something else has written to the terminal.
    pub(super) fn clear(&mut self) {
        self.shown = None;
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
        self.take()
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
