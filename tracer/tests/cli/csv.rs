//! `--format csv`: the same as in JSON, cell by cell.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::recordings::{RECORDING, told};

/// The fields of each line under their names. Quoted as RFC 4180 has it.
fn rows(text: &str) -> Vec<BTreeMap<String, String>> {
    let mut lines = text.lines().map(|line| {
        let mut cells = vec![String::new()];
        let (mut is_quoted, mut characters) = (false, line.chars().peekable());
        while let Some(character) = characters.next() {
            let cell = cells.last_mut().expect("one at least");
            match character {
                '"' if is_quoted && characters.peek() == Some(&'"') => {
                    characters.next();
                    cell.push('"');
                }
                '"' => is_quoted = !is_quoted,
                ',' if !is_quoted => cells.push(String::new()),
                other => cell.push(other),
            }
        }
        cells
    });
    let head = lines.next().expect("a head");
    lines
        .map(|cells| {
            assert_eq!(cells.len(), head.len(), "{cells:?}");
            head.iter().cloned().zip(cells).filter(|(_, cell)| !cell.is_empty()).collect()
        })
        .collect()
}

/// The fields of a line of JSON as a table has them.
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

fn same(options: &[&str]) -> usize {
    let table = told("csv", RECORDING, &[options, &["--format", "csv"]].concat());
    assert_eq!(table.status, Some(0), "{}", table.stderr);
    assert!(table.stderr.contains(" forks, "), "the summary: {}", table.stderr);
    assert!(table.stdout.starts_with("v,type,time,at_ns,pid,start_ns,ppid,comm,"));
    assert!(!table.stdout.contains(|c: char| c.is_control() && c != '\n'));
    let rows = rows(&table.stdout);
    // Of any values there can be, which those of a machine are some of: the schema is not for it.
    let json = told("json", RECORDING, &[options, &["--format", "json"]].concat()).stdout;
    let mut lines: Vec<Value> =
        json.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    lines.retain(|line| line["type"] != "session" && line["type"] != "summary");
    assert_eq!(rows.len(), lines.len());
    for (row, line) in rows.iter().zip(&lines) {
        let mut expected = BTreeMap::new();
        flat("", line.as_object().expect("an object"), &mut expected);
        let value = |(name, cell): (&String, &String)| {
            // Text is written as between the quotes of JSON.
            let is_text = matches!(expected.get(name), Some(Value::String(_)));
            let json = if is_text { format!("\"{cell}\"") } else { cell.clone() };
            (name.clone(), serde_json::from_str(&json).expect("JSON"))
        };
        let told: BTreeMap<String, Value> = row.iter().map(value).collect();
        assert_eq!(told, expected);
    }
    rows.len()
}

#[test]
fn a_table_has_what_json_has() {
    assert!(same(&[]) > 10);
    assert!(same(&["--lifecycles"]) > 0);
}

#[test]
fn a_table_of_nothing_has_its_head() {
    let told = told("none", RECORDING, &["--comm", "no such", "--format", "csv", "--no-summary"]);
    let rows = rows(&told.stdout);
    assert!(rows.iter().all(|row| !row.contains_key("pid")), "{rows:?}");
}
