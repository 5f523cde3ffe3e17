//! The signals that end a session, or are passed on to the command it runs.

use std::{
    io,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

use nix::{
    libc::{c_int, c_void, siginfo_t},
    sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction},
};
use procfs::process::Process;
use tokio::signal::unix::{self, SignalKind};

/// A caught signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Caught {
    pub(crate) signal: Signal,
    /// The kernel sent it, as it does for a terminal; not a process.
    pub(crate) by_kernel: bool,
}

/// The signals, caught from now on.
pub(crate) struct Signals {
    interrupt: unix::Signal,
    terminate: unix::Signal,
    quit: unix::Signal,
    /// None when it is ignored: `nohup` asks to outlive the terminal.
    hangup: Option<unix::Signal>,
}

impl Signals {
    pub(crate) fn catch() -> io::Result<Self> {
        // The runtime's handlers call those that were there before them.
        for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGQUIT] {
            note_origin(signal)?;
        }
        let hangup = !is_ignored(Signal::SIGHUP);
        if hangup {
            note_origin(Signal::SIGHUP)?;
        }
        Ok(Self {
            interrupt: unix::signal(SignalKind::interrupt())?,
            terminate: unix::signal(SignalKind::terminate())?,
            quit: unix::signal(SignalKind::quit())?,
            hangup: if hangup { Some(unix::signal(SignalKind::hangup())?) } else { None },
        })
    }

    /// The next one.
    pub(crate) async fn next(&mut self) -> Caught {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        let signal = tokio::select! {
            _ = self.interrupt.recv() => Signal::SIGINT,
            _ = self.terminate.recv() => Signal::SIGTERM,
            _ = self.quit.recv() => Signal::SIGQUIT,
            _ = hangup => Signal::SIGHUP,
        };
        Caught { signal, by_kernel: BY_KERNEL.load(Relaxed) & bit(signal as c_int) != 0 }
    }
}

/// A bit for each signal that the kernel sent last.
static BY_KERNEL: AtomicU32 = AtomicU32::new(0);
/// `include/uapi/asm-generic/siginfo.h`
const SI_KERNEL: c_int = 0x80;

fn bit(signal: c_int) -> u32 {
    1 << signal
}

/// Whether this process ignores it, as one that `nohup` or a script started may.
pub(crate) fn is_ignored(signal: Signal) -> bool {
    let status = Process::myself().and_then(|own| own.status());
    status.is_ok_and(|status| status.sigign >> (signal as c_int - 1) & 1 == 1)
}

/// Notes the origin of a signal whenever it comes.
fn note_origin(signal: Signal) -> io::Result<()> {
    extern "C" fn note(signal: c_int, info: *mut siginfo_t, _: *mut c_void) {
        // SAFETY: the kernel hands a siginfo to a handler that is installed with SA_SIGINFO.
        let by_kernel = unsafe { (*info).si_code } == SI_KERNEL;
        if by_kernel {
            BY_KERNEL.fetch_or(bit(signal), Relaxed);
        } else {
            BY_KERNEL.fetch_and(!bit(signal), Relaxed);
        }
    }
    let flags = SaFlags::SA_SIGINFO | SaFlags::SA_RESTART;
    let action = SigAction::new(SigHandler::SigAction(note), flags, SigSet::empty());
    // SAFETY: the handler touches nothing but an atomic.
    unsafe { sigaction(signal, &action) }?;
    Ok(())
}
