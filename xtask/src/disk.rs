//! A full disk shows itself as all kinds of failures of other programs, so it is looked for when
//! one of them fails.

use std::{env, path::PathBuf, process::Command};

use crate::process;

const LOW: u64 = 300 << 20;

/// Names the file systems in use here that are nearly full, as the end of an error message.
pub(crate) fn hint() -> String {
    let home = env::var_os("HOME").map(PathBuf::from);
    let target = env::current_exe().ok();
    let mut df = Command::new("df");
    df.args(["--block-size=1", "--output=avail,target"]).arg(env::temp_dir());
    df.args(home).args(target);
    process::output(&mut df).map(|table| nearly_full(&table)).unwrap_or_default()
}

fn nearly_full(table: &str) -> String {
    let mut notes = Vec::new();
    for line in table.lines() {
        let Some((available, mount)) = line.trim_start().split_once(' ') else {
            continue;
        };
        let Ok(available) = available.parse::<u64>() else {
            continue;
        };
        let note = format!("; only {} MiB are free on {}", available >> 20, mount.trim());
        if available < LOW && !notes.contains(&note) {
            notes.push(note);
        }
    }
    notes.concat()
}

#[cfg(test)]
mod tests {
    use super::nearly_full;

    #[test]
    fn names_each_nearly_full_file_system_once() {
        let table = "     Avail Mounted on\n 90000000000 /\n    3145728 /tmp\n    3145728 /tmp\n";
        assert_eq!(nearly_full(table), "; only 3 MiB are free on /tmp");
    }

    #[test]
    fn is_silent_when_there_is_room() {
        assert_eq!(nearly_full("     Avail Mounted on\n 90000000000 /\n"), "");
    }
}
