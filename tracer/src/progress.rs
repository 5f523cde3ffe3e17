//! How far a file is read, for those who wait: on a terminal, and ten times a second.

use std::{
    io::IsTerminal as _,
    time::{Duration, Instant},
};

use crate::sink::{self, output::Target};

const EVERY: Duration = Duration::from_millis(100);

/// The line on the terminal.
pub(crate) struct Progress {
    /// Length of the file; none of a pipe.
    whole: Option<u64>,
    read: u64,
    shown: Option<Instant>,
}

impl Progress {
    /// Nobody waits where standard error is no terminal; where what is made goes to one, that shows.
    pub(crate) fn new(whole: Option<u64>, target: &Target) -> Option<Self> {
        let shows_itself = *target == Target::Stdout && std::io::stdout().is_terminal();
        let is_awaited = std::io::stderr().is_terminal() && !shows_itself;
        is_awaited.then(|| Self { whole, read: 0, shown: None })
    }

    /// So much is read, and it has so many events.
    pub(crate) fn show(&mut self, read: u64, events: u64) {
        // The clock is looked at once a frame.
        if read == self.read || self.shown.is_some_and(|shown| shown.elapsed() < EVERY) {
            return;
        }
        (self.read, self.shown) = (read, Some(Instant::now()));
        sink::say(&format!("\r\x1b[K{}", sink::reading(read, self.whole, events)));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown.is_some() {
            sink::say("\r\x1b[K");
        }
    }
}
