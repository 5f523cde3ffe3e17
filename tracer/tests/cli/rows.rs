//! `docs/rows.md`: which live test proves which row of the truth table, read off their names.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

/// How many rows each part of the truth table has.
const PARTS: [(char, u32); 5] = [('A', 15), ('B', 11), ('C', 5), ('D', 7), ('E', 7)];

const HEAD: &str = "# Which test proves which row

The rows are those of the truth table: A the classic cases, B who waits and how, C threads, D adoption
and namespaces, E scale and honesty. The tests are in `tracer/tests/live`, those of the model alone in
`tracer/src/lifecycle/tests` (`model::`), named by their row. Written by
`TRACER_WRITE_ROWS=1 cargo test -p tracer --test cli rows`.

| row | proven by |
|---|---|
";

/// The tests by the row that their names begin with.
fn tests() -> BTreeMap<(char, u32), Vec<String>> {
    let mut found = BTreeMap::new();
    for (folder, prefix) in [("tests/live", ""), ("src/lifecycle/tests", "model::")] {
        tests_in(folder, prefix, &mut found);
    }
    for tests in found.values_mut() {
        tests.sort();
    }
    found
}

fn tests_in(folder: &str, prefix: &str, found: &mut BTreeMap<(char, u32), Vec<String>>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    for file in fs::read_dir(folder).expect("the tests") {
        let path = file.expect("a file").path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let module = path.file_stem().expect("a name").to_string_lossy();
        let text = fs::read_to_string(&path).expect("source");
        let mut is_test = false;
        for line in text.lines() {
            let name = line.strip_prefix("fn ").and_then(|rest| rest.split('(').next());
            if let Some(row) = name.filter(|_| is_test).and_then(row) {
                let name = name.expect("it has a row");
                found.entry(row).or_default().push(format!("`{prefix}{module}::{name}`"));
            }
            is_test = line == "#[test]" || is_test && line.starts_with("#[");
        }
    }
}

/// `b10_words` proves B10.
fn row(test: &str) -> Option<(char, u32)> {
    let (row, _) = test.split_once('_')?;
    let part = row.chars().next()?.to_ascii_uppercase();
    Some((part, row[1..].parse().ok()?))
}

#[test]
fn every_row_has_a_line_and_every_test_a_row() {
    let mut tests = tests();
    let mut page = HEAD.to_owned();
    for (part, rows) in PARTS {
        for row in 1..=rows {
            let proven = tests.remove(&(part, row)).unwrap_or_else(|| vec!["none".to_owned()]);
            writeln!(page, "| {part}{row} | {} |", proven.join("<br>")).expect("text");
        }
    }
    assert!(tests.is_empty(), "rows that the truth table has not: {tests:?}");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/rows.md");
    if std::env::var_os("TRACER_WRITE_ROWS").is_some() {
        fs::write(&file, &page).expect("the page");
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(written, page, "docs/rows.md is not what the tests say: see its head");
}
