//! A recording as a database reads it: DuckDB, which `cargo xtask test` puts into the target folder,
//! beside the JSON lines of the same recording.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use serde_json::{Value, json};

use crate::{
    cells::{cells, rows},
    invented,
    story::{fixture, hooks, output, scratch, tracer},
};

const DUCKDB: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/../tools/duckdb");
const READER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/live/parquet.py");
/// A fact of each kind, as the first version wrote them.
const RECORDING: &[u8] = include_bytes!("../../src/recording/tests/version1.trec");

/// What is exported, the exit status, and what is said.
fn exported(recording: &Path, to: &str, place: &Path) -> (String, Option<i32>, String) {
    let mut export = tracer();
    export.arg("export").arg(recording).args(["--to", to, "-o"]).arg(place);
    let done = output(&mut export);
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (text(done.stdout), done.status.code(), text(done.stderr))
}

/// The rows of a recording as JSON has them, and the table as DuckDB reads it.
fn read(recording: &Path, status: i32) -> (Vec<Value>, Value) {
    let table = scratch("table.parquet");
    let (json, json_status, json_said) = exported(recording, "ndjson", Path::new("-"));
    let (_, table_status, table_said) = exported(recording, "parquet", &table);
    assert_eq!((json_status, table_status), (Some(status), Some(status)), "{table_said}");
    assert_eq!(table_said, json_said);
    let mut reader = Command::new("python3");
    let done = reader.args([READER, DUCKDB]).arg(&table).output().expect("python3");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    fs::remove_file(table).expect("it is there");
    (rows(&json).collect(), serde_json::from_slice(&done.stdout).expect("JSON"))
}

/// The value that a column has of what JSON has, and the column's type. What only an invented recording
/// has, and no signed number has room for, is null.
fn typed(name: &str, value: Value) -> (Value, &'static str) {
    match value {
        Value::String(text) if name == "time" => {
            let time: jiff::Timestamp = text.parse().expect("UTC");
            (json!(i64::try_from(time.as_nanosecond()).ok()), "TIMESTAMPTZ_NS")
        }
        // A tid in one type of event, a flag in another.
        value if name == "thread" => (value.to_string().into(), "VARCHAR"),
        Value::Number(number) => (json!(number.as_i64()), "BIGINT"),
        value @ Value::Bool(_) => (value, "BOOLEAN"),
        Value::Array(all) if ["waited_for", "zombies_of"].contains(&name) => {
            (Value::Array(all), "VARCHAR")
        }
        value @ Value::Array(_) => (value, "VARCHAR[]"),
        value => (value, "VARCHAR"),
    }
}

/// Whether the table has what JSON has, row by row; returns which columns had a value.
#[track_caller]
fn same(lines: &[Value], table: &Value) -> BTreeSet<String> {
    let rows = table["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), lines.len());
    let mut seen = BTreeSet::new();
    for (row, line) in rows.iter().zip(lines) {
        let mut row = row.as_object().expect("an object").clone();
        for (name, value) in cells(line) {
            let (value, kind) = typed(&name, value);
            assert_eq!(table["types"][&name], kind, "{name}");
            let mut told = row.remove(&name).unwrap_or_default();
            if let (Value::Array(_), Some(text)) = (&value, told.as_str()) {
                told = serde_json::from_str(text).expect("a list of objects is JSON");
            }
            assert_eq!(told, value, "{name} of {line}");
            seen.insert(name);
        }
        assert!(row.is_empty(), "not in {line}: {row:?}");
    }
    seen
}

fn file(bytes: &[u8]) -> std::path::PathBuf {
    let file = scratch("table.trec");
    fs::write(&file, bytes).expect("a recording");
    file
}

#[test]
fn every_field_has_its_column_type_and_value() {
    let mut seen = BTreeSet::new();
    for recording in [RECORDING, &invented::family()] {
        let recording = file(recording);
        let (lines, table) = read(&recording, 0);
        seen.extend(same(&lines, &table));
        fs::remove_file(recording).expect("it is there");
    }
    for column in ["argv", "from.comm", "orphaned", "status.code", "thread", "waited_for", "why"] {
        assert!(seen.contains(column), "{column} in {seen:?}");
    }
}

#[test]
fn a_damaged_recording_is_a_whole_table_up_to_the_damage() {
    let (whole, part) = (file(RECORDING), file(&RECORDING[..RECORDING.len() * 3 / 4]));
    let (all, _) = read(&whole, 0);
    let (lines, table) = read(&part, 1);
    same(&lines, &table);
    assert!(lines.len() > 5 && lines.len() < all.len(), "{} of {}", lines.len(), all.len());
    for file in [whole, part] {
        fs::remove_file(file).expect("it is there");
    }
}

#[test]
fn hostile_names_are_values_like_others() {
    let (folder, recording) = (scratch("hostile"), scratch("hostile.trec"));
    fs::create_dir(&folder).expect("a folder");
    let mut record = tracer();
    record.args(["record", "--hooks", &hooks(), "-o"]).arg(&recording);
    record.args(["--", fixture(), "hostile_names"]).arg(&folder);
    let done = output(&mut record);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let (lines, table) = read(&recording, 0);
    same(&lines, &table);
    let rows = table["rows"].as_array().expect("rows");
    let exec = rows.iter().find(|row| row["escaped"] == json!(["comm", "exe", "argv"]));
    let exec = exec.expect("the program of a hostile name");
    assert_eq!(exec["comm"], "\u{1b}[2J\n\\xff\\x9b\"\\\\x");
    let argv = exec["argv"].as_array().expect("a list");
    assert_eq!(argv[2..], ["new\nline", "\\xff\\\\", "", "\u{202e}"].map(Value::from));
    fs::remove_dir_all(folder).expect("the folder");
    fs::remove_file(recording).expect("it is there");
}

#[test]
fn a_long_recording_is_several_groups() {
    let recording = file(&invented::build(15_000));
    let (lines, table) = read(&recording, 0);
    assert_eq!(table["groups"], json!([65_536, lines.len() - 65_536]));
    same(&lines, &table);
    fs::remove_file(recording).expect("it is there");
}
