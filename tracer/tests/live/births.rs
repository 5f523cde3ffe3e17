//! Rows B6 to B8, B11: the ways to be born.

use serde_json::json;

use crate::story::{Story, fixture, has};

#[test]
fn b6_who_sends_no_sigchld_is_seen_by_no_plain_wait() {
    let story = Story::of(&["other_signals"]);
    for (name, notified) in [("silent", "none"), ("usr1", "ignored")] {
        let child = story.number(name);
        has(story.one("zombie", child), &[("notified", json!(notified))]);
        let unreaped = story.one("unreaped", child);
        assert_eq!(unreaped["why"][0], "exit_signal_none", "{unreaped}");
        assert!(unreaped["remedy"].as_str().expect("a remedy").contains("__WALL"), "{unreaped}");
        let bound = |end| story.number(&format!("{name}_{end}"));
        story.lasted(child, bound("least"), bound("most"));
        has(story.one("reap", child), &[("by", json!("parent")), ("via", json!("wait4"))]);
    }
}

#[test]
fn b7_a_child_made_for_the_grandparent_is_no_orphan() {
    let story = Story::of(&["for_the_parent"]);
    let (parent, child) = (story.number("parent"), story.number("child"));
    has(
        story.one("fork", child),
        &[("ppid", json!(parent)), ("forker", json!(story.number("forker")))],
    );
    let reap = story.one("reap", child);
    has(
        reap,
        &[
            ("by", json!("parent")),
            ("orphaned", json!(false)),
            ("status", json!({"code": 5})),
            ("precision", json!("exact")),
        ],
    );
    assert_eq!(reap["reaper"]["pid"], parent);
    assert_eq!(story.about("reparent", child).len(), 0);
}

#[test]
fn b8_a_child_that_borrows_its_memory_has_the_life_of_any_other() {
    let story = Story::of(&["without_a_copy"]);
    let (leaves, executes) =
        (vec!["fork", "exit", "zombie", "reap"], vec!["fork", "exec", "exit", "zombie", "reap"]);
    for (name, kinds) in [("left", leaves), ("executed", executes.clone()), ("spawned", executes)] {
        let child = story.number(name);
        assert_eq!(story.kinds(child), kinds, "{name}");
        has(story.one("reap", child), &[("by", json!("parent")), ("precision", json!("exact"))]);
    }
    assert_eq!(story.one("exit", story.number("left"))["status"], json!({"code": 3}));
    assert_eq!(story.one("exec", story.number("spawned"))["exe"], "/bin/true");
    let parent = story.number("parent");
    assert_eq!(story.kinds(parent), ["fork", "exec", "exit", "zombie", "reap"]);
}

#[test]
fn b11_a_child_that_the_shell_leaves_to_the_next_program_is_unknown_to_it() {
    let shell = ["bash", "-c", "(exec sleep 3) < <(sleep 1; true)"];
    let story = Story::of_command(&[&[fixture(), "adopts"], &shell[..]].concat());
    let unreaped = story.all("unreaped");
    assert_eq!(unreaped.len(), 1, "{unreaped:?}");
    let child = unreaped[0]["pid"].as_u64().expect("a pid");
    assert_eq!(unreaped[0]["why"][0], "inherited_over_exec", "{unreaped:?}");
    has(&unreaped[0]["parent"], &[("comm", json!("sleep"))]);
    let reap = story.one("reap", child);
    assert_eq!(reap["why"][0], "inherited_over_exec");
    assert!(reap["zombie_ns"].as_u64() >= Some(1_500_000_000), "from one second to three: {reap}");
    has(reap, &[("by", json!("adopter")), ("precision", json!("exact"))]);
    assert_eq!(reap["reaper"]["pid"], story.number("adopter"));
}
