//! Rows C1 to C5: processes of several threads.

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};

use crate::story::{Partner, Story, Watch, has};

#[test]
fn c1_the_end_of_the_main_thread_is_not_the_end() {
    let story = Story::of(&["leader_leaves"]);
    let child = story.number("child");
    let left = story.one("leader_exit", child);
    has(left, &[("threads", json!(1))]);
    let exit = story.one("exit", child);
    has(exit, &[("status", json!({"code": 7}))]);
    let apart = exit["at_ns"].as_u64().unwrap() - left["at_ns"].as_u64().unwrap();
    assert!(apart >= 190_000_000, "the other thread lived on: {apart}");
    has(story.one("reap", child), &[("status", json!({"code": 7})), ("precision", json!("exact"))]);
}

#[test]
fn c1_a_main_thread_that_was_dead_before_the_start_is_told_as_such() {
    let partner = Partner::start(&["stage", "threads"], 1);
    let pid: u64 = partner.facts["zombie"].parse().expect("a pid");
    let watch = Watch::start(&["--pid", &partner.pid().to_string()]);
    watch.wait_for("unreaped", 1);
    kill(Pid::from_raw(pid as i32), Signal::SIGTERM).expect("kill");
    watch.wait_for("reap", 1);
    let story = watch.stop();
    has(story.one("existing", pid), &[("state", json!("running"))]);
    let unreaped = story.one("unreaped", pid);
    has(unreaped, &[("why", json!(["threads_alive"])), ("where", Value::Null)]);
    let remedy = unreaped["remedy"].as_str().expect("a remedy");
    assert!(remedy.contains("1 other lives on (1 sleeping)"), "{remedy}");
    assert_eq!(story.kinds(pid), ["existing", "unreaped", "exit", "zombie", "reap"]);
    has(story.one("reap", pid), &[("why", json!(["threads_alive"])), ("by", json!("parent"))]);
}

#[test]
fn c2_five_hundred_threads_are_one_exit() {
    let story = Story::of(&["many_threads"]);
    let child = story.number("child");
    assert_eq!(story.one("exit", child)["status"]["signal"], 9);
    assert_eq!(story.about("leader_exit", child).len(), 0);
    assert_eq!(story.about("fork", child).len(), 1, "threads are no processes");
    has(story.one("reap", child), &[("by", json!("parent"))]);
}

#[test]
fn c3_an_exec_by_another_thread_is_the_same_process() {
    let story = Story::of(&["thread_execs"]);
    let child = story.number("child");
    let exec = story.one("exec", child);
    has(exec, &[("thread", json!(story.number("thread"))), ("exe", json!("/bin/true"))]);
    assert_eq!(story.kinds(child), ["fork", "exec", "exit", "zombie", "reap"]);
    let starts: Vec<u64> = story
        .about("exit", child)
        .iter()
        .map(|event| event["start_ns"].as_u64().unwrap())
        .collect();
    assert_eq!(starts, [story.one("fork", child)["start_ns"].as_u64().unwrap()]);
}

#[test]
fn c4_a_process_outlives_the_thread_that_forked() {
    let story = Story::of(&["forker_leaves"]);
    for (parent, child) in [("parent", "child"), ("leaderless", "leaderless_child")] {
        let (parent, child) = (story.number(parent), story.number(child));
        assert_eq!(story.kinds(child), ["fork", "exit", "zombie", "reap"], "no reparent");
        let reap = story.one("reap", child);
        has(
            reap,
            &[("by", json!("parent")), ("ppid", json!(parent)), ("precision", json!("exact"))],
        );
        assert_eq!(reap["reaper"]["pid"], parent);
    }
    story.one("leader_exit", story.number("leaderless"));
}

#[test]
fn c5_two_last_threads_are_one_exit() {
    let story = Story::of(&["last_two_race"]);
    let children = story.numbers("children");
    assert_eq!(children.len(), 1000);
    for kind in ["exit", "zombie", "reap"] {
        assert_eq!(story.all(kind).len(), 1000 + 1, "{kind}");
    }
    for reap in story.all("reap") {
        has(reap, &[("by", json!("parent")), ("precision", json!("exact"))]);
    }
}
