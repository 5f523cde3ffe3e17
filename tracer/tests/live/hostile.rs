//! Row E6: names and arguments that were chosen to do harm.

use serde_json::{Value, json};

use crate::story::{Story, fixture, output, scratch, tracer};

#[test]
fn e6_hostile_names_stay_on_their_line() {
    let folder = scratch("hostile");
    std::fs::create_dir(&folder).expect("a folder");
    let story = Story::of(&["hostile_names", folder.to_str().expect("UTF-8")]);
    let exec = story.one("exec", story.number("hostile"));
    let marks: Vec<&str> =
        exec["escaped"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(marks, ["comm", "exe", "argv"], "{exec}");
    assert_eq!(exec["comm"], "\u{1b}[2J\n\\xff\\x9b\"\\\\x");
    let argv = ["\u{1b}]0;owned\u{7}", "fork_once", "new\nline", "\\xff\\\\", "", "\u{202e}"];
    assert_eq!(exec["argv"], json!(argv), "each byte can be had back");
    std::fs::remove_dir_all(folder).expect("the folder");
}

#[test]
fn e6_text_holds_nothing_that_a_terminal_obeys() {
    let folder = scratch("hostile");
    std::fs::create_dir(&folder).expect("a folder");
    let mut run = tracer();
    run.args(["run", "--color", "never", "--", fixture(), "hostile_names"]).arg(&folder);
    let told = String::from_utf8(output(&mut run).stderr).expect("UTF-8");
    let odd: Vec<char> =
        told.chars().filter(|one| one.is_control() && *one != '\n' || *one == '\u{202e}').collect();
    assert_eq!(odd, []);
    let line = told.lines().find(|line| line.contains("new\\nline")).expect("the exec");
    assert!(line.contains("\\u{1b}[2J"), "{line}");
    std::fs::remove_dir_all(folder).expect("the folder");
}

#[test]
fn e6_arguments_that_are_too_many_are_marked() {
    let story = Story::of(&["huge_arguments"]);
    let exec = story.one("exec", story.number("huge"));
    assert_eq!(exec["argv_truncated"], true);
    let argv = exec["argv"].as_array().expect("what was kept");
    assert_eq!(argv[0], "true");
    assert!(argv[1].as_str().unwrap().starts_with("xxxxxxxx"));
}
