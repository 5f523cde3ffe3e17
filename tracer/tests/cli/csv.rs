//! `--format csv`: the same as in JSON, cell by cell.

use std::collections::BTreeMap;

use serde_json::Value;

use super::recordings::{RECORDING, told};
use crate::cells;

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

fn same(options: &[&str]) -> usize {
    let table = told("csv", RECORDING, &[options, &["--format", "csv"]].concat());
    assert_eq!(table.status, Some(0), "{}", table.stderr);
    assert!(table.stderr.contains(" forks, "), "the summary: {}", table.stderr);
    assert!(table.stdout.starts_with("v,type,time,at_ns,pid,start_ns,ppid,comm,"));
    assert!(!table.stdout.contains(|c: char| c.is_control() && c != '\n'));
    let rows = rows(&table.stdout);
    let json = told("json", RECORDING, &[options, &["--format", "json"]].concat()).stdout;
    let lines: Vec<Value> = cells::rows(&json).collect();
    assert_eq!(rows.len(), lines.len());
    for (row, line) in rows.iter().zip(&lines) {
        let expected = cells::cells(line);
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
