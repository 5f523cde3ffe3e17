//! Wrong usage: exit status 2, nothing on stdout, and the message names what is wrong.

use super::program::{run, tracer};

#[track_caller]
pub(crate) fn wrong(arguments: &[&str], message: &str) {
    let done = run(&mut tracer(arguments));
    assert_eq!(
        (done.status, done.stdout.as_str()),
        (Some(2), ""),
        "{arguments:?}: {}",
        done.stderr
    );
    assert!(done.stderr.contains(message), "{arguments:?}: {}", done.stderr);
}

#[test]
fn a_command_or_option_that_does_not_exist() {
    wrong(&["trase"], "'trase'");
    wrong(&["trace", "--colour", "always"], "'--colour'");
    wrong(&["trace", "/bin/true"], "'/bin/true'");
    wrong(&["trace", "--format", "xml"], "'xml'");
    wrong(&["zombies", "--pid", "1"], "'--pid'");
}

#[test]
fn a_duration_without_a_unit_or_a_meaning() {
    for option in ["--duration", "--min-zombie", "--latency"] {
        for bad in ["10", "fast", "-1s", "10 parsecs", "500000h"] {
            wrong(&["trace", &format!("{option}={bad}")], &format!("{option} {bad}: takes"));
        }
    }
    wrong(&["zombies", "--watch", "1"], "--watch 1: takes a number and a unit");
}

#[test]
fn a_condition_to_fail_on_that_cannot_come_true() {
    for (bad, message) in [
        ("zombies", "takes a condition such as 'zombies>0', in quotes"),
        ("zombies>x", "--fail-on zombies>x: takes a number after the >"),
        ("orphans>-1", "--fail-on orphans>-1: takes a number"),
        ("zombie>10", "--fail-on zombie> 10: takes a number and a unit"),
        ("orphan>0", "takes zombie>DURATION, zombies>N, orphans>N, fork-failures>N or lost>N"),
    ] {
        wrong(&["trace", "--fail-on", bad], message);
        wrong(&["run", "--fail-on", "lost>0", "--fail-on", bad, "--", "true"], message);
    }
}

#[test]
fn a_glob_that_is_none() {
    wrong(&["trace", "--comm", "[a"], "--comm [a: ");
}

#[test]
fn a_type_of_events_that_does_not_exist() {
    wrong(&["trace", "--type", "exit,exot"], "--type exot: takes session, existing, fork");
    wrong(&["trace", "--type", ""], "--type : takes");
}

#[test]
fn types_of_events_for_records_that_are_none() {
    wrong(&["trace", "--lifecycles", "--type", "exit"], "--lifecycles");
}

#[test]
fn a_ring_size_that_no_ring_can_have() {
    for bad in ["0", "2048", "5000", "2147483648", "2G", "12M", "8MB"] {
        wrong(&["trace", "--ring-size", bad], &format!("--ring-size {bad}: takes a power of two"));
    }
}

#[test]
fn a_user_who_does_not_exist() {
    wrong(&["trace", "--uid", "no-such-user"], "--uid no-such-user: there is no such user");
    wrong(&["run", "--user", "no-such-user", "--", "true"], "--user no-such-user: there is no");
}

#[test]
fn a_process_that_does_not_exist() {
    // `PID_MAX_LIMIT`, include/linux/threads.h, is the first number that no process can have.
    for bad in ["0", "4194304", "4294967295"] {
        wrong(&["trace", "--pid", bad], &format!("--pid {bad}: there is no such process"));
    }
    wrong(&["trace", "--pidns", "4194304"], "--pidns 4194304: neither a process");
    wrong(&["trace", "--pid", "init"], "'init' for '--pid");
}

#[test]
fn a_cgroup_that_does_not_exist() {
    wrong(&["trace", "--cgroup", "/no/such/cgroup"], "--cgroup /no/such/cgroup: ");
}

#[test]
fn a_run_of_nothing() {
    wrong(&["run"], "<CMD>");
    wrong(&["run", "--"], "<CMD>");
    wrong(&["run", "true"], "'true'");
}

#[test]
fn what_makes_no_sense_of_a_recording() {
    for option in [
        &["--duration", "1s"][..],
        &["--hooks", "fentry"],
        &["--latency", "1s"],
        &["--ring-size", "64M"],
        &["--fork-failures"],
        &["--record", "other"],
    ] {
        wrong(&[&["trace", "--from", "file"], option].concat(), "cannot be used with");
    }
    wrong(
        &["trace", "--from", "file", "--pidns", "1"],
        "--pidns 1: takes the inode of a namespace",
    );
    wrong(&["trace", "--from", "file", "--comm", "[a"], "--comm [a: ");
    wrong(&["trace", "--from", "file", "--lifecycles", "--type", "exit"], "--lifecycles");
}

#[test]
fn a_recording_that_cannot_be_made() {
    wrong(&["record"], "--output <FILE>");
    for (option, message) in [
        (["--max-size", "5MB"], "--max-size 5MB: takes a number of bytes, such as 100M or 2G"),
        (["--max-size", "4K"], "--max-size 4K: takes 1M at least"),
        (["--max-age", "10"], "--max-age 10: takes a number and a unit"),
        (["--max-age", "1ms"], "--max-age: takes a second at least"),
        (["--keep", "0"], "0 is not in 1..=9999"),
        (["--on", "zombie>10"], "--on zombie> 10: takes a number and a unit"),
        (["--on", "zombies"], "--on zombies: takes a condition such as"),
        (["--user", "root"], "<CMD>"),
    ] {
        wrong(&[&["record", "-o", "file"], &option[..]].concat(), message);
    }
    wrong(&["record", "-o", "file", "--pid", "1", "--", "true"], "cannot be used with");
    for more in [["--max-size", "1M"], ["--max-age", "9s"], ["--on", "lost>0"], ["--", "true"]] {
        wrong(
            &[&["record", "-o", "-"], &more[..]].concat(),
            "--output -: stdout has neither files",
        );
    }
    wrong(&["trace", "--record", "-"], "--record -: takes a file");
}

#[test]
fn a_screen_without_a_terminal_or_of_what_is_no_row() {
    wrong(&["top"], "top draws on a terminal, and standard output is none: see `tracer trace`");
    wrong(&["top", "--from", "file", "--type", "exot"], "exot");
    wrong(&["top", "--speed", "2"], "--from <FILE>");
    wrong(&["top", "--from", "file", "--speed=-1"], "--speed -1: takes a number");
    wrong(&["top", "--from", "file", "--speed", "nan"], "--speed NaN: takes a number");
    wrong(&["top", "--ring-size", "5000"], "--ring-size 5000: takes a power of two");
    for option in [["--hooks", "fentry"], ["--ring-size", "64M"]] {
        wrong(&[&["top", "--from", "file"], &option[..]].concat(), "cannot be used with");
    }
}
