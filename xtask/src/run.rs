//! Running what was built.

use std::{ffi::OsString, os::unix::process::CommandExt as _, path::Path, process::Command};

use anyhow::{Context as _, Result, bail};

use crate::process;

/// Becomes tracer, so that signals and the exit status are its own.
pub(crate) fn replace_self(binary: &Path, args: &[OsString]) -> Result<()> {
    let mut command = as_root(binary)?;
    let error = command.args(args).exec();
    Err(error).with_context(|| format!("cannot start {}", command.get_program().display()))
}

fn as_root(binary: &Path) -> Result<Command> {
    if process::is_root() {
        return Ok(Command::new(binary));
    }
    if process::find_in_path("sudo").is_none() {
        bail!(
            "loading BPF programs needs root and sudo is not installed; as root, run {}",
            binary.display()
        );
    }
    let mut sudo = Command::new("sudo");
    sudo.arg("--").arg(binary);
    Ok(sudo)
}
