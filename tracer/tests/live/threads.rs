//! Rows C1 to C3: processes of several threads.

use serde_json::json;

use crate::story::{Story, has};

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
    let kinds: Vec<&str> = story
        .events
        .iter()
        .filter(|event| event["pid"] == child)
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["fork", "exec", "exit", "zombie", "reap"]);
    let starts: Vec<u64> = story
        .about("exit", child)
        .iter()
        .map(|event| event["start_ns"].as_u64().unwrap())
        .collect();
    assert_eq!(starts, [story.one("fork", child)["start_ns"].as_u64().unwrap()]);
}
