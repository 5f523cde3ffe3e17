//! Figures for a record of many runs: a line each in the file that `TRACER_FIGURES` names.

use std::{ffi::OsString, fs::File, io::Write as _};

/// A zombie's time as it was told, between the bounds that the program took itself.
pub(crate) fn zombie_time(least: u64, told: u64, most: u64) {
    keep(&format!("zombie_time {least} {told} {most}"));
}

/// How long system calls took with the tracer, per mille of what they took without.
pub(crate) fn system_calls(permille: u64) {
    keep(&format!("system_calls {permille}"));
}

/// This is a guest whose clocks count instructions, which older kernels do not boot with.
pub(crate) fn count_instructions(kernel: (u32, u32)) -> bool {
    path().is_some() && kernel >= (6, 5)
}

fn path() -> Option<OsString> {
    std::env::var_os("TRACER_FIGURES")
}

fn keep(line: &str) {
    let Some(path) = path() else { return };
    let mut file = File::options().append(true).create(true).open(path).expect("the figures");
    writeln!(file, "{line}").expect("the figures");
}
