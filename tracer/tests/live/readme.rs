//! The README's examples, as typed there.

use std::{path::Path, process::Command};

use crate::story::{output, scratch};

/// The example commands, without `sudo`, and with an end for those that have none.
fn examples() -> Vec<String> {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let text = std::fs::read_to_string(readme).expect("the README");
    text.lines()
        .filter_map(|line| line.strip_prefix("$ "))
        .map(|line| line.strip_prefix("sudo ").unwrap_or(line))
        .map(|line| {
            let live = line.starts_with("tracer trace") || line.starts_with("tracer record");
            let endless = live && !line.contains("--duration") && !line.contains("--from");
            format!("{line}{}", if endless { " --duration 300ms" } else { "" })
        })
        .collect()
}

#[test]
fn every_example_works() {
    let folder = scratch("readme");
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::write(folder.join("Makefile"), "all:\n\techo built\n").expect("a Makefile");
    let own = Path::new(env!("CARGO_BIN_EXE_tracer")).parent().expect("a folder");
    let path = format!("{}:{}", own.display(), std::env::var("PATH").expect("PATH"));
    let examples = examples();
    assert!(examples.len() >= 8, "{examples:?}");
    for example in examples {
        let mut shell = Command::new("sh");
        let told = output(shell.args(["-c", &example]).env("PATH", &path).current_dir(&folder));
        let said = String::from_utf8_lossy(&told.stderr);
        assert!(told.status.success(), "{example}: {said}");
    }
    std::fs::remove_dir_all(folder).expect("the folder");
}
