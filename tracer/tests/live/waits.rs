//! Rows B1 to B5, B9, B10: the ways to wait.

use serde_json::{Value, json};

use crate::story::{Story, fixture, has};

#[test]
fn b1_a_wait_that_only_peeks_reaps_nothing() {
    let story = Story::of(&["peeks"]);
    let reap = story.one("reap", story.number("child"));
    has(reap, &[("via", json!("wait4")), ("status", json!({"code": 6})), ("by", json!("parent"))]);
    assert!(reap["zombie_ns"].as_u64() >= Some(20_000_000), "it lasted past the peeks: {reap}");
}

#[test]
fn b2_waitid_reaps_whatever_it_is_asked_by() {
    let story = Story::of(&["waitid_kinds"]);
    for (name, precision) in [
        ("by_pid", "exact"),
        ("by_any", "exact"),
        ("by_group", "exact"),
        ("by_pidfd", "exact"),
        ("blind_pid", "exact"),
        // No argument and no answer names the child: without the hook on the release itself, only
        // its consequence is seen.
        ("blind_any", if story.tier() == "fentry" { "exact" } else { "bound" }),
    ] {
        let reap = story.one("reap", story.number(name));
        has(
            reap,
            &[("via", json!("waitid")), ("by", json!("parent")), ("precision", json!(precision))],
        );
        assert_eq!(reap["reaper"]["pid"], reap["ppid"], "{name}: {reap}");
    }
}

#[test]
fn b3_a_child_that_stops_and_goes_on_is_reaped_once_at_its_end() {
    let story = Story::of(&["stops"]);
    let child = story.number("child");
    has(story.one("reap", child), &[("by", json!("parent")), ("via", json!("wait4"))]);
    assert_eq!(story.one("exit", child)["status"]["signal"], 15);
}

#[test]
fn b4_the_thread_that_takes_the_status_is_named() {
    let story = Story::of(&["thief"]);
    let (children, threads) = (story.numbers("children"), story.numbers("threads"));
    assert_eq!(*threads.last().unwrap(), story.number("thief"), "it took the last at least");
    for (child, thread) in children.into_iter().zip(threads) {
        let reap = story.one("reap", child);
        has(reap, &[("by", json!("parent")), ("status", json!({"code": 8}))]);
        assert_eq!(reap["reaper"]["tid"], thread, "{reap}");
        assert_eq!(reap["reaper"]["pid"], reap["ppid"], "{reap}");
    }
}

#[test]
fn b9_a_parent_that_cannot_wait_is_seen_to() {
    let story = Story::of(&["parents_held"]);
    for (name, cause, words) in [
        ("stopped", "parent_stopped", "kill -CONT"),
        ("reading", "parent_blocked", "cannot wait before"),
        ("vforking", "parent_blocked", "cannot be interrupted"),
    ] {
        let child = story.number(name);
        let unreaped = story.one("unreaped", child);
        let place = match cause {
            "parent_blocked" => json!(story.fact(&format!("{name}_place"))),
            _ => Value::Null,
        };
        has(unreaped, &[("where", place)]);
        assert_eq!(unreaped["why"][0], cause, "{unreaped}");
        assert!(unreaped["remedy"].as_str().expect("a remedy").contains(words), "{unreaped}");
        assert_eq!(unreaped["parent"]["pid"], story.number(&format!("{name}_parent")));
        let bound = |end| story.number(&format!("{name}_{end}"));
        story.lasted(child, bound("least"), bound("most"));
        let reap = story.one("reap", child);
        has(reap, &[("by", json!("parent")), ("via", json!("wait4"))]);
        assert_eq!(reap["why"][0], cause);
    }
}

#[test]
fn b9_a_parent_that_computes_has_no_time_to_wait() {
    let story = Story::of(&["computes"]);
    let child = story.number("child");
    let unreaped = story.one("unreaped", child);
    assert_eq!(unreaped["why"][0], "parent_busy", "{unreaped}");
    assert!(unreaped["remedy"].as_str().expect("a remedy").contains("computing"), "{unreaped}");
    story.lasted(child, story.number("least"), story.number("most"));
    let reap = story.one("reap", child);
    has(reap, &[("by", json!("parent")), ("via", json!("wait4"))]);
    assert_eq!(reap["why"][0], "parent_busy", "{reap}");
}

#[test]
fn b10_a_parent_that_waits_for_the_other_child_is_told_so() {
    let story = Story::of(&["waits_for_one_of_two"]);
    let unreaped = story.one("unreaped", story.number("other"));
    has(unreaped, &[("why", json!(["parent_waits_for_others"]))]);
    let waited_for = unreaped["waited_for"].as_array().expect("its waits");
    // Up to 5.14 the fentry hooks do not say for whom.
    if story.tier() == "tracepoint" || story.kernel() >= (5, 15) {
        let [group, one] = &waited_for[..] else { panic!("{unreaped}") };
        for (waited, kind, id) in [(group, "group", "group"), (one, "process", "one")] {
            has(waited, &[("kind", json!(kind)), ("id", json!(story.number(id)))]);
            has(waited, &[("count", json!(1)), ("reaps", json!(true))]);
        }
        let at = |value: &Value| value.as_u64().expect("a time");
        let by = [&one["last_at_ns"], &group["last_at_ns"], &unreaped["at_ns"]].map(at);
        assert!(by.is_sorted(), "{unreaped}");
    } else {
        let [unknown] = &waited_for[..] else { panic!("{unreaped}") };
        has(unknown, &[("kind", json!("unknown")), ("count", json!(2))]);
    }
    let reap = story.one("reap", story.number("other"));
    has(reap, &[("by", json!("parent")), ("why", json!(["parent_waits_for_others"]))]);
    has(story.one("reap", story.number("one")), &[("why", json!([]))]);
}

#[test]
fn b10_a_parent_that_sits_in_a_wait_for_another_is_told_so() {
    let story = Story::of(&["sits_waiting"]);
    let unreaped = story.one("unreaped", story.number("other"));
    has(unreaped, &[("why", json!(["parent_waits_for_others"]))]);
    let words = format!("sits waiting for process {}", story.number("one"));
    assert!(unreaped["remedy"].as_str().expect("a remedy").contains(&words), "{unreaped}");
    has(story.one("reap", story.number("other")), &[("by", json!("parent"))]);
}

#[test]
fn b1_a_parent_that_only_peeks_never_waits() {
    let story = Story::of(&["only_peeks"]);
    let unreaped = story.one("unreaped", story.number("child"));
    // Up to 5.14 the fentry hooks do not say how it waits.
    if story.tier() == "tracepoint" || story.kernel() >= (5, 15) {
        has(unreaped, &[("why", json!(["parent_never_waits"]))]);
        let remedy = unreaped["remedy"].as_str().expect("a remedy");
        assert!(remedy.contains("any child, taking nothing (3 times, "), "{unreaped}");
    } else {
        has(unreaped, &[("why", json!([]))]);
    }
    has(story.one("reap", story.number("child")), &[("by", json!("parent"))]);
}

#[test]
fn b5_a_tracer_holds_the_zombie_until_it_ends() {
    let story = Story::of(&["held_by_a_tracer"]);
    let (child, tracer) = (story.number("child"), story.number("tracer"));
    let unreaped = story.one("unreaped", child);
    assert_eq!(unreaped["why"][0], "ptraced", "{unreaped}");
    let remedy = unreaped["remedy"].as_str().expect("a remedy");
    assert!(remedy.contains(&tracer.to_string()), "{remedy}");
    story.lasted(child, story.number("least"), story.number("most"));
    let reap = story.one("reap", child);
    has(reap, &[("by", json!("parent")), ("via", json!("wait4")), ("orphaned", json!(false))]);
    assert_eq!(reap["reaper"]["pid"], reap["ppid"]);
}

/// With the tracepoint hooks it is the end of its memory that tells of the reap, although a wait told of its
/// death: the tracer's, which may have had to do with this one, too.
#[test]
fn b5_a_tracer_that_waits_first_does_not_hide_the_reap() {
    let story = Story::of(&["traced_and_reaped_blind"]);
    let reap = story.one("reap", story.number("child"));
    has(reap, &[("status", json!({"code": 6}))]);
    assert!(reap["zombie_ns"].as_u64() >= Some(story.number("least")), "{reap}");
    if story.tier() == "fentry" {
        has(
            reap,
            &[("by", json!("parent")), ("via", json!("waitid")), ("precision", json!("exact"))],
        );
    } else {
        has(reap, &[("by", json!(null)), ("via", json!("unknown")), ("precision", json!("bound"))]);
    }
}

#[test]
fn b5_under_strace_everyone_is_reaped_once_by_its_parent() {
    let strace = ["strace", "-f", "-qq", "-o", "/dev/null"];
    let story =
        Story::of_command(&[&strace[..], &[fixture(), "forks_in_a_row", "2", "10"]].concat());
    let forks = story.all("fork");
    assert!(forks.len() >= 2 + 2 + 20, "strace, the program, two forkers, twenty lives");
    for fork in forks {
        let pid = fork["pid"].as_u64().expect("a pid");
        let reap = story.one("reap", pid);
        has(reap, &[("by", json!("parent")), ("precision", json!("exact"))]);
        assert_eq!(reap["reaper"]["pid"], reap["ppid"], "{reap}");
    }
}
