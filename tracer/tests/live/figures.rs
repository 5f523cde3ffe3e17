//! Figures for a record of many runs: a line each in the file that `TRACER_FIGURES` names.

use std::{fs::File, io::Write as _};

/// A zombie's time as it was told, between the bounds that the program took itself.
pub(crate) fn zombie_time(least: u64, told: u64, most: u64) {
    keep(&format!("zombie_time {least} {told} {most}"));
}

/// How long system calls took with the tracer, in percent of what they took without.
pub(crate) fn system_calls(percent: u64) {
    keep(&format!("system_calls {percent}"));
}

fn keep(line: &str) {
    let Some(path) = std::env::var_os("TRACER_FIGURES") else { return };
    let mut file = File::options().append(true).create(true).open(path).expect("the figures");
    writeln!(file, "{line}").expect("the figures");
}
