//! Shared by the test programs.

pub(crate) mod terminal;

use std::sync::LazyLock;

use jsonschema::{Validator, draft202012};
use serde_json::Value;

static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
    let text = include_str!("../../../docs/events.schema.json");
    let schema = serde_json::from_str(text).expect("the schema is JSON");
    draft202012::new(&schema).expect("the schema is a JSON Schema")
});

/// Holds a line against the schema, and returns it parsed.
pub(crate) fn check(line: &str) -> Value {
    let value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in: {line}"));
    let errors = errors(&value);
    assert!(errors.is_empty(), "not what the schema says: {line}\n{}", errors.join("\n"));
    value
}

/// What the schema has against a line, one sentence each.
pub(crate) fn errors(line: &Value) -> Vec<String> {
    SCHEMA
        .iter_errors(line)
        .map(|error| format!("  at {:?}: {error}", error.instance_path().as_str()))
        .collect()
}
