//! What a table has of a line of JSON.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The fields of an event by column.
pub(crate) fn cells(event: &Value) -> BTreeMap<String, Value> {
    let mut row = BTreeMap::new();
    flat("", event.as_object().expect("an object"), &mut row);
    row
}

fn flat(within: &str, fields: &Map<String, Value>, row: &mut BTreeMap<String, Value>) {
    for (name, value) in fields {
        match value {
            Value::Object(inner) => flat(&format!("{within}{name}."), inner, row),
            Value::Null => {}
            Value::Array(names) if name == "escaped" => {
                let all = row.entry(name.clone()).or_insert_with(|| Value::Array(Vec::new()));
                let names = names.iter().filter_map(Value::as_str);
                let all = all.as_array_mut().expect("names");
                all.extend(names.map(|name| format!("{within}{name}").into()));
            }
            _ => {
                row.insert(format!("{within}{name}"), value.clone());
            }
        }
    }
}

/// The events that are rows.
pub(crate) fn rows(json: &str) -> impl Iterator<Item = Value> + '_ {
    // Of any values there can be, which those of a machine are some of: the schema is not for it.
    let lines = json.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    lines.filter(|line| line["type"] != "session" && line["type"] != "summary")
}
