//! Rows B7, B8: the ways to be born.

use serde_json::json;

use crate::story::{Story, has};

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
