//! Rows A2, A3, A10, D1 to D3: parents that die before their children.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::story::{Partner, Story, Watch, has};

/// What the tracer calls an adopter that a program saw as its new parent.
fn kind(adopter: u64) -> &'static str {
    if adopter == 1 { "init" } else { "subreaper" }
}

#[test]
fn a2_an_orphan_is_adopted_by_whom_getppid_names() {
    let story = Story::of(&["parent_first"]);
    let (orphan, adopter) = (story.number("orphan"), story.number("adopter"));
    let reparent = story.one("reparent", orphan);
    has(reparent, &[("kind", json!(kind(adopter))), ("state", json!("running"))]);
    assert_eq!(reparent["from"]["pid"], story.number("parent"));
    assert_eq!(reparent["to"]["pid"], adopter);
    // The kernel moves it somewhere between these two.
    let [exit, zombie] = ["exit", "zombie"].map(|kind| {
        let event = story.one(kind, story.number("parent"));
        event["at_ns"].as_u64().expect("a time")
    });
    assert_eq!(reparent["at_ns"], exit);
    assert!(story.number("at_last") + story.tolerance() >= exit, "{reparent}");
    assert!(story.number("not_yet") <= zombie + story.tolerance(), "{reparent}");
    let reap = story.one("reap", orphan);
    has(
        reap,
        &[
            ("orphaned", json!(true)),
            ("reparents", json!(1)),
            ("by", json!("adopter")),
            ("ppid", json!(adopter)),
            ("status", json!({"code": 4})),
        ],
    );
    assert_eq!(reap["reaper"]["pid"], adopter);
}

#[test]
fn a3_a_child_that_nobody_waits_for_is_a_zombie_until_its_parent_dies() {
    let story = Story::of(&["never_waits"]);
    let (child, parent) = (story.number("child"), story.number("parent"));
    let unreaped = story.about("unreaped", child);
    let ages: Vec<u64> =
        unreaped.iter().map(|event| event["zombie_ns"].as_u64().unwrap()).collect();
    assert_eq!(ages[0], 1_000_000_000);
    assert_eq!(unreaped[0]["why"], json!(["parent_never_waits"]));
    assert_eq!(unreaped[0]["parent"]["pid"], parent);
    let died = story.one("zombie", child)["at_ns"].as_u64().unwrap();
    assert_eq!(unreaped[0]["at_ns"].as_u64().unwrap(), died + 1_000_000_000);
    let reparent = story.one("reparent", child);
    has(reparent, &[("state", json!("zombie"))]);
    assert_eq!(reparent["from"]["pid"], parent);
    story.lasted(child, story.number("least"), story.number("most"));
    let reap = story.one("reap", child);
    has(reap, &[("by", json!("adopter")), ("orphaned", json!(true))]);
    assert_eq!(reap["reaper"]["pid"], reparent["to"]["pid"]);
    assert!(reap["why"].as_array().unwrap().contains(&json!("parent_never_waits")), "{reap}");
}

#[test]
fn a10_a_double_fork_makes_a_daemon() {
    let story = Story::of(&["double_fork"]);
    let (middle, daemon) = (story.number("middle"), story.number("daemon"));
    story.lasted(middle, 0, story.number("most"));
    has(story.one("reap", middle), &[("by", json!("parent")), ("orphaned", json!(false))]);
    let adopter = story.number("adopter");
    let reparent = story.one("reparent", daemon);
    has(reparent, &[("kind", json!(kind(adopter)))]);
    assert_eq!(reparent["to"]["pid"], adopter);
    has(story.one("reap", daemon), &[("by", json!("adopter")), ("orphaned", json!(true))]);
}

#[test]
fn a3_who_adopts_a_zombie_answers_for_it_from_then_on() {
    let story = Story::of(&["adopts_late", "2000", "0"]);
    let (leaker, zombie) = (story.number("leaker"), story.number("zombie"));
    assert!(story.one("reap", zombie)["zombie_ns"].as_u64() >= Some(2_000_000_000));
    let row = |list: &str, pid: &Value| {
        let rows = story.summary()[list].as_array().expect("rows");
        rows.iter().find(|row| row["pid"] == *pid).cloned().unwrap_or_else(|| panic!("{rows:?}"))
    };
    let adopter = row("orphans_by_adopter", &story.one("reparent", zombie)["to"]["pid"]);
    has(&adopter, &[("orphans", json!(1)), ("reaped", json!(1)), ("verdict", json!("fine"))]);
    assert!(adopter["max_ns"].as_u64() < Some(1_000_000_000), "{adopter}");
    let leaks = row("leakers", &json!(leaker));
    has(&leaks, &[("ended", json!(true)), ("zombies", json!(1)), ("verdict", json!("leaks"))]);
    assert!(leaks["oldest_ns"].as_u64() >= Some(2_000_000_000), "{leaks}");
}

#[test]
fn a3_an_adopter_that_is_not_of_the_tree_is_blamed_for_nothing_that_was_not_seen() {
    let mut partner = Partner::start(&["adopts_late", "200", "2000"], 1);
    let watch = Watch::start(&["--pid", &partner.facts["leaker"]]);
    partner.go();
    partner.listen(1);
    let story = watch.stop();
    let zombie = partner.facts["zombie"].parse().expect("a pid");
    let unreaped = story.one("unreaped", zombie);
    assert_eq!((&unreaped["why"], &unreaped["parent"]["pid"]), (&json!([]), &json!(partner.pid())));
    let remedy = unreaped["remedy"].as_str().expect("a remedy");
    assert!(remedy.starts_with("fixture does wait"), "{remedy}");
    assert!(remedy.contains(", but has not got to this one yet"), "{remedy}");
    has(story.one("reap", zombie), &[("by", json!("adopter")), ("why", json!([]))]);
}

#[test]
fn d1_subreapers_adopt_one_after_the_other() {
    let story = Story::of(&["subreapers"]);
    let (inner, outer) = (story.number("inner"), story.number("outer"));
    for (name, state) in [("zombie", "zombie"), ("live", "running")] {
        let pid = story.number(name);
        let moves = story.about("reparent", pid);
        assert_eq!(moves.len(), 2, "{moves:?}");
        for (step, to) in moves.iter().zip([inner, outer]) {
            has(step, &[("kind", json!("subreaper")), ("state", json!(state))]);
            assert_eq!(step["to"]["pid"], to);
        }
        let reap = story.one("reap", pid);
        has(reap, &[("reparents", json!(2)), ("by", json!("adopter"))]);
        assert_eq!(reap["reaper"]["pid"], outer);
    }
    let zombie = story.number("zombie");
    story.lasted(zombie, story.number("least"), story.number("most"));
}

#[test]
fn d2_the_subreaper_flag_counts_as_it_is_when_the_parent_dies() {
    let story = Story::of(&["subreaper_late_and_no_more"]);
    let own = story.number("own");
    assert_eq!(story.number("late_adopter"), own);
    assert_ne!(story.number("no_more_adopter"), own);
    for name in ["late", "no_more"] {
        let (orphan, adopter) = (story.number(name), story.number(&format!("{name}_adopter")));
        let reparent = story.one("reparent", orphan);
        has(reparent, &[("kind", json!(kind(adopter))), ("state", json!("running"))]);
        assert_eq!(reparent["from"]["pid"], story.number(&format!("{name}_parent")));
        assert_eq!(reparent["to"]["pid"], adopter);
        let reap = story.one("reap", orphan);
        has(reap, &[("by", json!("adopter")), ("reparents", json!(1))]);
        assert_eq!(reap["reaper"]["pid"], adopter);
    }
}

#[test]
fn d3_a_parent_of_thousands_leaves_every_one_of_them() {
    let story = Story::of(&["leaves_thousands"]);
    let (parent, adopter) = (story.number("parent"), story.number("adopter"));
    let by_pid = |kind: &str| -> HashMap<u64, &Value> {
        let all = story.all(kind).into_iter();
        all.map(|event| (event["pid"].as_u64().unwrap(), event)).collect()
    };
    let (reparents, reaps) = (by_pid("reparent"), by_pid("reap"));
    assert_eq!((reparents.len(), story.all("reparent").len()), (2000, 2000));
    for (name, state) in [("live", "running"), ("dead", "zombie")] {
        let children = story.numbers(name);
        assert_eq!(children.len(), 1000);
        for child in children {
            let (reparent, reap) = (reparents[&child], reaps[&child]);
            has(reparent, &[("kind", json!("subreaper")), ("state", json!(state))]);
            assert_eq!(reparent["from"]["pid"], parent);
            assert_eq!(reparent["to"]["pid"], adopter);
            has(reap, &[("by", json!("adopter")), ("precision", json!("exact"))]);
            assert_eq!(reap["reaper"]["pid"], adopter);
        }
    }
    let adopters = story.summary()["orphans_by_adopter"].as_array().expect("a list");
    let row = adopters.iter().find(|row| row["pid"] == adopter).expect("the subreaper");
    has(row, &[("orphans", json!(2000)), ("reaped", json!(2000)), ("kind", json!("subreaper"))]);
    let rates = ["orphans_per_s", "reaped_per_s"].map(|name| row[name].as_f64().expect("a rate"));
    assert!(rates[0] > 0.0 && rates[0].to_bits() == rates[1].to_bits(), "{row}");
}
