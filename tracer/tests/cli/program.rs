//! Runs the program and keeps what came of it.

use std::{
    fs::File,
    os::{fd::AsRawFd as _, unix::process::CommandExt as _},
    process::Command,
    sync::LazyLock,
};

use serde_json::Value;

use crate::common::check;

const PATH: &str = env!("CARGO_BIN_EXE_tracer");
/// Whether the programs for the kernel are in the build that is tested.
pub(crate) const HAS_PROGRAMS: bool = option_env!("TRACER_BPF_OBJECT").is_some();
/// `nobody`, by convention.
const NOBODY: u32 = 65534;

/// What came of a run.
pub(crate) struct Done {
    /// None when a signal ended it.
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Done {
    /// Standard output as lines of JSON, each held against the schema.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.stdout.lines().map(check).collect()
    }
}

pub(crate) fn tracer(arguments: &[&str]) -> Command {
    let mut command = Command::new(PATH);
    command.args(arguments);
    command
}

/// The same for a user without any privileges.
pub(crate) fn unprivileged(arguments: &[&str]) -> Command {
    // The build may lie where nobody but its owner can go; what is open is reached all the same.
    static PROGRAM: LazyLock<File> = LazyLock::new(|| File::open(PATH).expect("it was built"));
    if !nix::unistd::geteuid().is_root() {
        return tracer(arguments);
    }
    let mut command = Command::new(format!("/proc/self/fd/{}", PROGRAM.as_raw_fd()));
    command.args(arguments).uid(NOBODY).gid(NOBODY);
    command
}

pub(crate) fn run(command: &mut Command) -> Done {
    let output = command.output().expect("it starts");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Done { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}
