//! `docs/events.schema.json` itself: strict enough to be worth checking lines against.

use serde_json::{Value, json};
use tracer::lifecycle::event::What;

use crate::common::errors;

/// A line of each type as the contract has it, and those whose unknowns are null.
const LINES: &str = include_str!("lines.ndjson");

fn lines() -> impl Iterator<Item = Value> {
    LINES.lines().map(|line| serde_json::from_str(line).expect("JSON"))
}

fn line(kind: &str) -> Value {
    lines().find(|line| line["type"] == kind).expect("there is one of each type")
}

fn refused(line: &Value) -> bool {
    !errors(line).is_empty()
}

/// The JSON pointers to all values inside a value.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    let mut visit = |key: String, inner: &Value| {
        let place = format!("{at}/{key}");
        places(inner, &place, found);
        found.push(place);
    };
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(key, inner)| visit(key.clone(), inner));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, inner)| visit(index.to_string(), inner));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn inside(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    places(value, "", &mut found);
    found
}

#[test]
fn a_line_of_each_type_is_accepted() {
    for line in lines() {
        assert_eq!(errors(&line), [""; 0], "{line}");
    }
}

#[test]
fn every_type_of_event_is_known() {
    let schema: Value =
        serde_json::from_str(include_str!("../../../docs/events.schema.json")).expect("JSON");
    let mut known: Vec<&str> = What::NAMES.to_vec();
    known.extend(["lifecycle", "zombie_found", "zombie_parent", "doctor"]);
    assert_eq!(schema["properties"]["type"]["enum"], json!(known));
    assert!(refused(&json!({ "v": 1, "type": "surprise" })));
}

#[test]
fn no_field_may_be_missing() {
    for line in lines() {
        for place in inside(&line) {
            let (parent, key) = place.rsplit_once('/').expect("a pointer");
            let mut less = line.clone();
            let within = less.pointer_mut(parent).expect("it is there");
            let Some(fields) = within.as_object_mut().filter(|_| key != "escaped") else {
                continue;
            };
            fields.remove(key);
            assert!(refused(&less), "without {place}: {less}");
        }
    }
}

#[test]
fn no_field_may_be_added() {
    for line in lines() {
        for place in inside(&line).into_iter().chain([String::new()]) {
            let mut more = line.clone();
            let within = more.pointer_mut(&place).expect("it is there");
            let Some(fields) = within.as_object_mut() else { continue };
            fields.insert("surprise".to_owned(), json!(1));
            assert!(refused(&more), "with one more in {place:?}: {more}");
        }
    }
}

#[test]
fn no_field_takes_a_value_of_another_kind() {
    for line in lines() {
        for place in inside(&line) {
            let mut odd = line.clone();
            *odd.pointer_mut(&place).expect("it is there") = json!({ "surprise": [] });
            assert!(refused(&odd), "an object at {place}: {odd}");
            let value = odd.pointer_mut(&place).expect("it is there");
            *value = json!(-1.5);
            assert!(refused(&odd), "a negative fraction at {place}: {odd}");
        }
    }
}

#[test]
fn a_line_may_not_contradict_itself() {
    for (kind, changes) in [
        ("fork", json!({ "v": 2 })),
        ("fork", json!({ "time": "2026-01-02T03:04:05Z" })),
        ("fork", json!({ "time": "2026-01-02T03:04:05.123456789+01:00" })),
        ("fork", json!({ "pid": 0 })),
        ("fork", json!({ "ppid": 0 })),
        ("fork", json!({ "escaped": [] })),
        ("fork", json!({ "escaped": ["exe"] })),
        ("session", json!({ "tier": "kprobe" })),
        ("existing", json!({ "state": "zombie", "zombie_at_least_ns": null })),
        ("existing", json!({ "state": "running", "zombie_at_least_ns": 1 })),
        ("exit", json!({ "status": null })),
        ("exit", json!({ "status": { "code": 256 } })),
        ("exit", json!({ "status": { "code": 0, "signal": 9, "name": "SIGKILL", "core": false } })),
        ("leader_exit", json!({ "threads": 0 })),
        ("reparent", json!({ "kind": "container" })),
        ("reap", json!({ "zombie_ns": null, "precision": "exact" })),
        ("reap", json!({ "orphaned": true })),
        ("reap", json!({ "reparents": 1 })),
        ("reap", json!({ "by": "adopter" })),
        ("reap", json!({ "via": "autoreap" })),
        ("reap", json!({ "why": ["ptraced", "ptraced"] })),
        ("unreaped", json!({ "why": ["bad_luck"] })),
        ("unreaped", json!({ "remedy": "" })),
        ("fork_failed", json!({ "uid": null })),
        ("fork_failed", json!({ "limit": null })),
        ("fork_failed", json!({ "cause": "pids_max" })),
        ("fork_failed", json!({ "cause": null })),
        ("fork_failed", json!({ "cgroup": "/" })),
        ("fork_failed", json!({ "errno": "Resource temporarily unavailable" })),
        ("pid_space", json!({ "left_ns": null })),
        ("lost", json!({ "count": 0 })),
        ("zombie_found", json!({ "zombie_at_least_ns": null })),
        ("zombie_found", json!({ "precision": "start" })),
        ("zombie_found", json!({ "threads": 1 })),
        ("zombie_found", json!({ "state": "leader_dead" })),
        ("zombie_parent", json!({ "watched": { "ns": 1 } })),
        ("doctor", json!({ "works": true })),
        ("doctor", json!({ "tier": "fentry" })),
    ] {
        let mut odd = line(kind);
        assert!(!refused(&odd), "{odd}");
        for (key, value) in changes.as_object().expect("fields") {
            odd[key] = value.clone();
        }
        assert!(refused(&odd), "{changes} in {odd}");
    }
}
