//! Where the answers go, and what happens when they cannot go there.

use std::{fs::File, io::pipe, path::Path};

use super::{
    family::{Family, Sigchld},
    program::{Done, run, tracer, unprivileged},
};

/// Commands that answer without hooks, and their exit status for a user without privileges.
const ANSWERS: [(&[&str], i32); 6] = [
    (&["zombies", "--watch", "0s"], 0),
    (&["zombies", "--watch", "0s", "--format", "json"], 0),
    (&["doctor"], 4),
    (&["completions", "bash"], 0),
    (&["man", "run"], 0),
    (&["--help"], 0),
];

fn full() -> File {
    File::options().write(true).open("/dev/full").expect("Linux has it")
}

#[track_caller]
fn failed(done: &Done, parts: &[&str]) {
    assert_eq!(done.status, Some(1), "{}", done.stderr);
    for part in parts {
        assert!(done.stderr.contains(part), "{part:?} in {}", done.stderr);
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let _family = Family::with_zombie(&Sigchld::Default);
    for (arguments, status) in ANSWERS {
        let (reader, writer) = pipe().expect("a pipe");
        drop(reader);
        let done = run(unprivileged(arguments).stdout(writer));
        assert_eq!((done.status, done.stderr.as_str()), (Some(status), ""), "{arguments:?}");
    }
}

#[test]
fn a_full_disk_is_a_failure() {
    let _family = Family::with_zombie(&Sigchld::Default);
    for (arguments, _) in ANSWERS {
        let done = run(unprivileged(arguments).stdout(full()));
        failed(&done, &["cannot write to standard output", "No space left on device"]);
    }
}

#[test]
fn a_message_that_cannot_be_said_leaves_the_exit_status() {
    for (arguments, status) in [(&["--help"][..], 1), (&["zombies"], 1), (&["trase"], 2)] {
        let done = run(tracer(arguments).stdout(full()).stderr(full()));
        assert_eq!(done.status, Some(status), "{arguments:?}");
    }
}

#[test]
fn a_file_that_cannot_be_created_is_a_failure_before_anything_is_traced() {
    let ran = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ran-although-it-could-not-be-told");
    let _ = std::fs::remove_file(&ran);
    let touch = ["--", "touch", ran.to_str().expect("UTF-8")];
    for (place, why) in [("/no/such/folder/events", "No such file"), ("/", "Is a directory")] {
        for done in [
            run(&mut tracer(&["trace", "--output", place])),
            run(tracer(&["run", "--output", place]).args(touch)),
        ] {
            failed(&done, &["cannot write to", place, why]);
            assert_eq!(done.stdout, "");
        }
    }
    assert!(!ran.exists(), "the command was started");
}
