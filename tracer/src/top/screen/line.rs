//! What is on its way to the terminal. One that takes nothing, as that of a connection which hangs, is not
//! waited for: the ring and the signals are.

use std::{
    fs::File,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    sync::{Arc, OnceLock},
};

use nix::{
    libc::{O_NOCTTY, O_NONBLOCK},
    sys::termios::{FlushArg, tcflush},
};
use tokio::io::{Interest, unix::AsyncFd};

/// The terminal, opened once more: not to wait is a property of what was opened, which standard output
/// shares with the shell.
static TERMINAL: OnceLock<Arc<File>> = OnceLock::new();

fn terminal() -> io::Result<Arc<File>> {
    if let Some(terminal) = TERMINAL.get() {
        return Ok(Arc::clone(terminal));
    }
    let mut options = File::options();
    options.write(true).custom_flags(O_NONBLOCK | O_NOCTTY);
    // Under `su` the terminal is another user's, and can be opened by this name only.
    let file = options.open("/proc/self/fd/1").or_else(|_| options.open("/dev/tty"))?;
    Ok(Arc::clone(TERMINAL.get_or_init(|| Arc::new(file))))
}

/// Writes this to the terminal, as the last thing that it is to obey: what it has not taken yet makes room.
pub(super) fn end(bytes: &[u8]) {
    let Some(mut terminal) = TERMINAL.get().map(Arc::as_ref) else { return };
    if terminal.write(bytes).ok() != Some(bytes.len()) {
        // Also when the terminal is gone, and there is nothing to put right.
        let _ = tcflush(terminal, FlushArg::TCOFLUSH);
        let _ = terminal.write(bytes);
    }
}

pub(super) struct Line {
    terminal: AsyncFd<Arc<File>>,
    /// What it has not taken yet.
    rest: Vec<u8>,
}

impl Line {
    pub(super) fn open() -> io::Result<Self> {
        // SAFETY: the file owns its descriptor, and is never closed.
        let terminal = unsafe { AsyncFd::register_with_interest(terminal()?, Interest::WRITABLE) };
        let terminal = terminal?;
        Ok(Self { terminal, rest: Vec::new() })
    }

    pub(super) fn is_behind(&self) -> bool {
        !self.rest.is_empty()
    }

    /// What is to be written after the rest.
    pub(super) fn rest(&mut self) -> &mut Vec<u8> {
        &mut self.rest
    }

    /// Writes as much as the terminal takes now.
    pub(super) fn push(&mut self) -> io::Result<()> {
        while !self.rest.is_empty() {
            match self.terminal.get_ref().as_ref().write(&self.rest) {
                Ok(taken) => drop(self.rest.drain(..taken)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Waits until the terminal takes something, and writes that.
    pub(super) async fn wait(&mut self) -> io::Result<()> {
        let mut room = self.terminal.writable().await?;
        // Unless somebody else has taken the room.
        if let Ok(taken) = room.try_io(|terminal| terminal.get_ref().as_ref().write(&self.rest)) {
            drop(self.rest.drain(..taken?));
        }
        Ok(())
    }
}
