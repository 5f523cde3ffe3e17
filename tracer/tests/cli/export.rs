//! `tracer export`: what other programs read, of whole and of damaged recordings.

use std::{
    fs,
    io::Write as _,
    process::{Command, Stdio},
};

use super::{
    program::{run, tracer, unprivileged},
    recordings::{RECORDING, file, told},
};

/// Those that are written as it is read.
const FORMATS: [&str; 4] = ["ndjson", "csv", "perfetto", "dot"];

/// What a recording is converted to, the exit status, and what is said.
fn exported(name: &str, recording: &[u8], to: &str) -> (Vec<u8>, Option<i32>, String) {
    let from = file(name, recording);
    let output = unprivileged(&["export", from.to_str().expect("UTF-8"), "--to", to, "-o", "-"])
        .output()
        .expect("it starts");
    fs::remove_file(from).expect("it is there");
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    (output.stdout, output.status.code(), said)
}

#[test]
fn ndjson_and_csv_are_what_a_replay_tells() {
    for (to, format) in [("ndjson", "json"), ("csv", "csv")] {
        let (exported, status, said) = exported(to, RECORDING, to);
        // The summary of a table goes nowhere: that of the recording is a report's business.
        assert_eq!((status, said.as_str()), (Some(0), ""), "{to}");
        let told = told(format, RECORDING, &["--format", format]);
        assert!(exported == told.stdout.as_bytes(), "{to}");
    }
}

#[test]
fn what_comes_before_the_damage_is_converted() {
    for to in FORMATS {
        let (whole, ..) = exported("whole", RECORDING, to);
        let (part, status, said) = exported("half", &RECORDING[..RECORDING.len() / 2], to);
        assert_eq!(status, Some(1), "{to}: {said}");
        assert!(said.contains("is cut off in the middle of a frame (byte "), "{to}: {said}");
        let same = part.iter().zip(&whole).take_while(|(one, other)| one == other).count();
        assert!(same > 100 && part.len() < whole.len(), "{to}: {same} of {}", part.len());
    }
}

#[test]
fn a_table_for_databases_has_its_end_whatever_the_recording() {
    let (whole, status, said) = exported("whole", RECORDING, "parquet");
    assert_eq!((status, said.as_str()), (Some(0), ""));
    let (part, status, said) = exported("half", &RECORDING[..RECORDING.len() / 2], "parquet");
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("is cut off in the middle of a frame (byte "), "{said}");
    for table in [&whole, &part] {
        assert!(table.starts_with(b"PAR1") && table.ends_with(b"PAR1"));
    }
    assert!(part.len() < whole.len());
}

#[test]
fn a_pipe_is_read_and_a_file_written() {
    let out = file("out", b"before");
    let mut child = tracer(&["export", "-", "--to", "ndjson", "-o"])
        .arg(&out)
        .stdin(Stdio::piped())
        .spawn()
        .expect("it starts");
    child.stdin.take().expect("a pipe").write_all(RECORDING).expect("it reads");
    assert!(child.wait().expect("it ends").success());
    let written = fs::read(&out).expect("it is there");
    fs::remove_file(out).expect("it is there");
    assert!(written == told("pipe", RECORDING, &["--format", "json"]).stdout.as_bytes());
}

#[test]
fn a_recording_is_not_converted_into_itself() {
    let from = file("itself", RECORDING);
    let name = from.to_str().expect("UTF-8");
    for arguments in [
        &["export", name, "--to", "csv", "-o", name][..],
        &["trace", "--from", name, "--output", name],
    ] {
        let done = run(&mut tracer(arguments));
        assert_eq!(done.status, Some(1), "{}", done.stderr);
        assert!(done.stderr.contains("is the recording itself"), "{}", done.stderr);
    }
    assert!(fs::read(&from).expect("it is there") == RECORDING);
    fs::remove_file(from).expect("it is there");
}

#[test]
fn who_waits_at_a_terminal_is_told_how_far_it_is() {
    let from = file("terminal", RECORDING);
    let typed =
        format!("{} export {} --to csv -o /dev/null", env!("CARGO_BIN_EXE_tracer"), from.display());
    let done =
        run(Command::new("script").args(["--quiet", "--return", "--command", &typed, "/dev/null"]));
    fs::remove_file(from).expect("it is there");
    assert_eq!(done.status, Some(0), "{}", done.stdout);
    assert!(
        done.stdout.starts_with("\r\x1b[K") && done.stdout.contains("% of "),
        "{}",
        done.stdout
    );
    assert!(done.stdout.ends_with(" events\r\x1b[K"), "it is cleared: {:?}", done.stdout);
}

#[test]
fn a_tree_is_one_graph_whatever_processes_are_called() {
    let (tree, ..) = exported("tree", RECORDING, "dot");
    let tree = String::from_utf8(tree).expect("UTF-8");
    assert!(tree.starts_with("digraph processes {\n") && tree.ends_with("\n}\n"), "{tree}");
    let statements: Vec<&str> = tree.lines().filter(|line| line.contains('"')).collect();
    assert!(statements.len() > 2, "{tree}");
    for statement in statements {
        // Quotes and what is escaped taken out, nothing is left but the shape of a statement.
        let bare = statement.replace("\\\\", "").replace("\\\"", "");
        let outside: Vec<&str> = bare.split('"').step_by(2).collect();
        let shapes =
            [&["  ", " [label=", "]"][..], &["  ", " -> ", ""], &["  ", " -> ", " [style=dashed]"]];
        assert!(shapes.contains(&&outside[..]), "{statement}");
        assert!(!statement.contains(char::is_control), "{statement:?}");
    }
}
