//! The command that `tracer run` traces: started when every hook is attached, as the user who
//! called, its signals and its status passed on.

use std::{
    ffi::OsStr,
    fs::File,
    io,
    os::unix::{
        ffi::OsStrExt as _,
        process::{CommandExt as _, ExitStatusExt as _},
    },
    path::Path,
    process::ExitStatus,
};

use anyhow::Result;
use nix::{
    sys::signal::{SigHandler, Signal, kill, signal},
    unistd::{Pid, getpgrp, initgroups, tcgetpgrp},
};

use crate::{settings, signals::Caught};

/// The command could not be started: exit status 127 when there is none, 126 when it is not one.
#[derive(Debug)]
pub struct NotStarted {
    what: String,
    /// The exit status, as shells have it.
    pub status: u8,
}

impl std::fmt::Display for NotStarted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for NotStarted {}

/// The running command.
pub(crate) struct Command {
    child: tokio::process::Child,
    told_to_end: bool,
}

impl Command {
    pub(crate) fn spawn(settings: &settings::Command) -> Result<Self> {
        let program = &settings.argv[0];
        let mut command = std::process::Command::new(program);
        command.args(&settings.argv[1..]);
        if let Some(as_user) = &settings.user {
            let (user, gid) = (as_user.user.clone(), as_user.gid);
            command.env("HOME", &user.dir).env("USER", &user.name).env("LOGNAME", &user.name);
            let name = std::ffi::CString::new(user.name.as_str())?;
            let uid = user.uid;
            // SAFETY: between fork and exec of a single thread's copy; the calls below are system
            // calls, but for initgroups, whose memory is safe because this program forks only here,
            // with no other thread inside the allocator's locks that the C library does not reset.
            unsafe {
                command.pre_exec(move || {
                    initgroups(&name, gid)?;
                    nix::unistd::setgid(gid)?;
                    nix::unistd::setuid(uid)?;
                    Ok(())
                });
            }
        }
        let ignored = settings.ignored.clone();
        if !ignored.is_empty() {
            // SAFETY: between fork and exec, a system call for each.
            unsafe {
                command.pre_exec(move || {
                    for ignored in &ignored {
                        signal(*ignored, SigHandler::SigIgn)?;
                    }
                    Ok(())
                });
            }
        }
        let child = tokio::process::Command::from(command).spawn().map_err(|error| {
            let status = if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 };
            let what = match error.kind() {
                io::ErrorKind::NotFound if is_there(program) => {
                    "the interpreter or loader that it names is missing".to_owned()
                }
                io::ErrorKind::NotFound => "command not found".to_owned(),
                io::ErrorKind::PermissionDenied => "not executable, or no permission".to_owned(),
                _ => error.to_string(),
            };
            NotStarted { what: format!("cannot run '{}': {what}", program.display()), status }
        })?;
        Ok(Self { child, told_to_end: false })
    }

    /// Waits for its end and reaps it; its exit status as shells have it.
    pub(crate) async fn wait(&mut self) -> Result<u8> {
        Ok(exit_status(self.child.wait().await?))
    }

    /// Passes a signal on. False when the session should end instead: it has been told to before.
    pub(crate) fn take_signal(&mut self, caught: Caught) -> bool {
        let Caught { signal, by_kernel } = caught;
        let repeated = std::mem::replace(&mut self.told_to_end, signal == Signal::SIGTERM);
        if repeated && signal == Signal::SIGTERM {
            return false;
        }
        // What the terminal sends, it sends to the whole group: the command has it already.
        let from_terminal = by_kernel && in_foreground();
        if let (false, Some(pid)) = (from_terminal, self.child.id()) {
            // It may have ended just now.
            let _ = kill(Pid::from_raw(pid as i32), signal);
        }
        true
    }
}

/// Whether there is such a file, where the command is looked for.
fn is_there(program: &OsStr) -> bool {
    if program.as_bytes().contains(&b'/') {
        return Path::new(program).is_file();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn in_foreground() -> bool {
    File::open("/dev/tty").is_ok_and(|tty| tcgetpgrp(&tty) == Ok(getpgrp()))
}

fn exit_status(status: ExitStatus) -> u8 {
    match (status.code(), status.signal()) {
        (Some(code), _) => code as u8,
        (None, Some(signal)) => 128 + signal as u8,
        (None, None) => 1,
    }
}
