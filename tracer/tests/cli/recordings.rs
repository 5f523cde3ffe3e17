//! Recordings as they are read: whole, damaged, and none at all.

use std::{collections::BTreeSet, fs, io::pipe, path::PathBuf};

use serde_json::{Value, json};

use super::{
    program::{Done, run, unprivileged},
    top::story,
};
use crate::common;

/// A fact of each kind, as the first version wrote them.
pub(crate) const RECORDING: &[u8] = include_bytes!("../../src/recording/tests/version1.trec");

/// A file of this name with these bytes, which every user can read.
pub(crate) fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let file = std::env::temp_dir().join(format!("tracer-{}-{name}", std::process::id()));
    fs::write(&file, bytes).expect("a file");
    file
}

pub(crate) fn told(name: &str, bytes: &[u8], options: &[&str]) -> Done {
    let file = file(name, bytes);
    let mut arguments = vec!["trace", "--from", file.to_str().expect("UTF-8")];
    arguments.extend(options);
    let done = run(&mut unprivileged(&arguments));
    fs::remove_file(file).expect("it is there");
    done
}

#[track_caller]
fn refused(done: &Done, message: &str) {
    assert_eq!(done.status, Some(1), "{}", done.stderr);
    assert!(done.stderr.contains(message), "{message:?} in {}", done.stderr);
}

#[test]
fn a_recording_is_told_to_its_end_without_any_privilege() {
    let done = told("whole", RECORDING, &[]);
    assert_eq!(done.status, Some(0), "{}", done.stderr);
    assert!(done.stdout.contains("(fentry hooks on 6.12, "), "{}", done.stdout);
    assert!(done.stderr.contains(" forks, "), "the summary: {}", done.stderr);
    let json = told("json", RECORDING, &["--format", "json"]).stdout;
    assert!(
        json.starts_with(
            "{\"v\":1,\"type\":\"session\",\"time\":\"2023-11-14T22:13:20.000000005Z\""
        )
    );
    assert!(json.contains("\"filters\":[\"--comm *\"]"));
    let other = told("other", RECORDING, &["--comm", "x", "--format", "json", "--no-summary"]);
    assert!(other.stdout.contains("\"filters\":[\"--comm x\"]"), "{}", other.stdout);
    assert!(!other.stdout.contains("\"summary\""));
}

#[test]
fn what_is_no_recording_is_refused() {
    for (bytes, message) in [
        (&b""[..], "is no recording"),
        (b"{\"v\":1}\n", "is no recording"),
        (&RECORDING[..10], "is cut off in the middle of a frame"),
    ] {
        let done = told("none", bytes, &[]);
        refused(&done, message);
        assert_eq!(done.stdout, "");
    }
    refused(
        &run(&mut unprivileged(&["trace", "--from", "/no/such/file"])),
        "cannot read /no/such/file: No such",
    );
    refused(&run(&mut unprivileged(&["trace", "--from", "/"])), "cannot be read: Is a directory");
}

#[test]
fn a_newer_recording_says_so() {
    // Version 3, and its checksum.
    let newer = [&RECORDING[..8], &[3, 0, 0, 0], &NEWER_SUM, &RECORDING[16..]].concat();
    let done = told("newer", &newer, &[]);
    refused(
        &done,
        "is a recording of format 3, of which this tracer knows nothing: it reads those to format 2",
    );
    assert_eq!(done.stdout, "");
}

/// CRC-32 of the beginning of a recording of version 3.
const NEWER_SUM: [u8; 4] = [0xb2, 0xad, 0xe1, 0xe8];

#[test]
fn a_damaged_recording_is_told_up_to_the_damage() {
    let whole = told("undamaged", RECORDING, &["--format", "json", "--no-summary"]).stdout;
    let place = RECORDING.len() * 3 / 4;
    let mut changed = RECORDING.to_vec();
    changed[place] ^= 1;
    for (bytes, message) in [
        (&RECORDING[..place], "is cut off in the middle of a frame (byte "),
        (&changed[..], "is damaged: a checksum does not match (byte "),
    ] {
        let done = told("damaged", bytes, &["--format", "json", "--no-summary"]);
        refused(&done, message);
        assert!(done.stderr.contains("): what comes before is told, up to 2"), "{}", done.stderr);
        assert!(whole.starts_with(&done.stdout) && done.stdout.lines().count() > 5);
        assert!(done.stdout.len() < whole.len());
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure_and_a_full_disk_is_one() {
    let file = file("pipe", RECORDING);
    let arguments = ["trace", "--from", file.to_str().expect("UTF-8")];
    let (reader, writer) = pipe().expect("a pipe");
    drop(reader);
    let done = run(unprivileged(&arguments).stdout(writer));
    assert_eq!((done.status, done.stderr.as_str()), (Some(0), ""));
    let full = fs::File::options().write(true).open("/dev/full").expect("Linux has it");
    let done = run(unprivileged(&arguments).stdout(full));
    refused(&done, "cannot write to standard output");
    fs::remove_file(file).expect("it is there");
}

/// The pids of which something is told, and of these those that are reaped.
fn tree(root: &str) -> (BTreeSet<u64>, BTreeSet<u64>) {
    let asked = ["--pid", root, "--format", "json"];
    let done = told("tree", &story::recording(0), &asked);
    assert_eq!(done.status, Some(0), "{}", done.stderr);
    let events = done.stdout.lines().map(common::check);
    let of = |events: &[Value]| events.iter().filter_map(|event| event["pid"].as_u64()).collect();
    let (reaped, others): (Vec<_>, Vec<_>) = events.partition(|event| event["type"] == "reap");
    assert_eq!(others[0]["filters"], json!([format!("--pid {root}")]));
    (of(&others), of(&reaped))
}

#[test]
fn of_a_recording_a_tree_is_told_with_its_orphans() {
    let sleeps = [36_000, 36_001, 36_002];
    // The subreaper, and all that the shell leaves to it.
    assert_eq!(
        tree("601"),
        ([&[601, 602], &sleeps[..]].concat().into_iter().collect(), [602, 36_000, 36_001].into())
    );
    // The shell, and what it left.
    assert_eq!(
        tree("602"),
        ([&[602], &sleeps[..]].concat().into_iter().collect(), [602, 36_000, 36_001].into())
    );
    assert_eq!(tree("36002"), ([36_002].into(), [].into()));
    assert_eq!(tree("9"), ([].into(), [].into()));
}
