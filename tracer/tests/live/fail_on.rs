//! `--fail-on`: what came true decides the exit status, and is said.

use std::process::Output;

use crate::story::{Partner, fixture, hooks, output, tracer};

const EVERYTHING: [&str; 5] = ["zombie>5s", "zombies>0", "orphans>0", "fork-failures>0", "lost>0"];

/// Before its exec it is another shell.
const LEAVES_A_SLEEP: &str =
    "sleep 10 >/dev/null 2>&1 & until grep -q sleep /proc/$!/comm; do true; done";

fn run(conditions: &[&str], command: &[&str]) -> Output {
    let mut run = tracer();
    run.args(["run", "--no-summary", "--hooks", &hooks(), "--output", "/dev/null"]);
    for condition in conditions {
        run.args(["--fail-on", condition]);
    }
    output(run.arg("--").args(command))
}

#[track_caller]
fn failed(told: &Output, words: &str) {
    let said = String::from_utf8_lossy(&told.stderr);
    assert_eq!(told.status.code(), Some(3), "{said}");
    assert!(said.contains(words), "{words:?} in {said}");
}

#[test]
fn a_command_that_leaves_nothing_is_done() {
    let told = run(&EVERYTHING, &[fixture(), "fork_once"]);
    let said = String::from_utf8_lossy(&told.stderr);
    assert_eq!((told.status.code(), &*said), (Some(0), ""));
}

#[test]
fn an_orphan_is_named_whether_it_lives_or_not() {
    let lives = run(&["orphans>0"], &["sh", "-c", &format!("{LEAVES_A_SLEEP}; true")]);
    failed(&lives, "tracer: failed on orphans>0: 1 orphan, sleep (");
    let gone = run(&["orphans>0"], &[fixture(), "double_fork"]);
    failed(&gone, "tracer: failed on orphans>0: 1 orphan, fixture (");
    assert_eq!(run(&["orphans>1"], &[fixture(), "double_fork"]).status.code(), Some(0));
}

#[test]
fn a_command_that_failed_keeps_its_status() {
    let told = run(&["orphans>0"], &["sh", "-c", &format!("{LEAVES_A_SLEEP}; exit 5")]);
    let said = String::from_utf8_lossy(&told.stderr);
    assert_eq!(told.status.code(), Some(5), "{said}");
    assert!(said.contains("failed on orphans>0: 1 orphan, sleep ("), "{said}");
}

#[test]
fn a_zombie_that_lasted_is_named_with_its_time() {
    let told = run(&["zombie>15ms", "zombie>5s"], &[fixture(), "peeks"]);
    failed(&told, "tracer: failed on zombie>15ms: a zombie of ");
    assert!(!String::from_utf8_lossy(&told.stderr).contains("5s"), "only the one that came true");
}

#[test]
fn zombies_that_are_left_are_counted() {
    let partner = Partner::start(&["leaves_zombies"], 1);
    let trace = |condition| {
        let parent = partner.pid().to_string();
        let mut trace = tracer();
        trace.args(["trace", "--hooks", &hooks(), "--no-summary", "--duration", "200ms"]);
        output(trace.args(["--pid", &parent, "--fail-on", condition]))
    };
    failed(
        &trace("zombies>49"),
        "tracer: failed on zombies>49: 50 zombies left, such as fixture (",
    );
    assert_eq!(trace("zombies>50").status.code(), Some(0));
    partner.end();
}

#[test]
fn forks_that_fail_are_looked_at_when_they_are_to_fail_on() {
    let told = run(&["fork-failures>5"], &[fixture(), "user_limit", "54322"]);
    failed(&told, "tracer: failed on fork-failures>5: 6 failed forks, such as fixture (");
    let told = run(&["fork-failures>6"], &[fixture(), "user_limit", "54322"]);
    assert_eq!(told.status.code(), Some(0));
}

#[test]
fn losses_are_counted() {
    let mut run = tracer();
    run.args(["run", "--no-summary", "--hooks", &hooks(), "--output", "/dev/null"]);
    run.args(["--ring-size", "4096", "--latency", "1s", "--fail-on", "lost>0", "--"]);
    let told = output(run.args([fixture(), "forks_in_a_row", "8", "100"]));
    failed(&told, "tracer: failed on lost>0: ");
}
