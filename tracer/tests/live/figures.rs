//! Figures for a record of many runs: a line each in the file that `TRACER_FIGURES` names.

use std::{fs::File, io::Write as _};

/// A zombie's time as it was told, between the bounds that the program took itself.
pub(crate) fn zombie_time(least: u64, told: u64, most: u64) {
    let Some(path) = std::env::var_os("TRACER_FIGURES") else { return };
    let mut file = File::options().append(true).create(true).open(path).expect("the figures");
    writeln!(file, "zombie_time {least} {told} {most}").expect("the figures");
}
