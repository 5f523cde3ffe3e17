//! Rows A14, D4, D5, D7: pid namespaces and their inits.

use serde_json::{Value, json};

use crate::story::{Story, fixture, has};

/// A process that came into a namespace from outside is left to its init, which sleeps and never knew
/// of it, until it dies.
pub(crate) fn stays_with_an_init_that_sleeps(story: &Story, orphan: u64, init: u64) {
    let reparent = story.one("reparent", orphan);
    has(reparent, &[("kind", json!("pidns_init")), ("entered", json!(true))]);
    has(&reparent["to"], &[("pid", json!(init)), ("comm", json!("sleep"))]);
    let unreaped = story.one("unreaped", orphan);
    has(unreaped, &[("why", json!(["init_not_reaping"]))]);
    assert_eq!(unreaped["parent"]["pid"], init);
    let reap = story.one("reap", orphan);
    has(reap, &[("by", json!("adopter")), ("via", json!("pidns_death"))]);
    assert_eq!(reap["reaper"]["pid"], init);
}

#[test]
fn a14_an_init_that_sleeps_is_told_from_one_that_reaps() {
    let story = Story::of(&["init_sleeps"]);
    let (init, orphans) = (story.number("init"), story.numbers("orphans"));
    assert_eq!(orphans.len(), 3);
    for orphan in orphans {
        stays_with_an_init_that_sleeps(&story, orphan, init);
    }
    let adopters = story.summary()["orphans_by_adopter"].as_array().expect("a list");
    let row = adopters.iter().find(|row| row["pid"] == init).expect("the init");
    has(
        row,
        &[
            ("orphans", json!(3)),
            ("kind", json!("pidns_init")),
            ("reaped", json!(0)),
            ("max_ns", Value::Null),
            ("reaped_per_s", json!(0.0)),
            ("verdict", json!("leaks")),
        ],
    );
    rate_is_over_its_life(&story, init, &row["orphans_per_s"], 3);
}

/// So many in the time from the birth of the init to its end, to the thousandth.
#[track_caller]
fn rate_is_over_its_life(story: &Story, init: u64, rate: &Value, count: u32) {
    let at = |kind| story.one(kind, init)["at_ns"].as_u64().expect("known");
    let lived = (at("exit") - at("fork")) as f64 / 1e9;
    let rate = rate.as_f64().expect("a rate");
    assert!((rate - f64::from(count) / lived).abs() < 0.001, "{rate}: {count} in {lived} s");
}

#[test]
fn d4_pids_are_translated_two_levels_deep() {
    let story = Story::of(&["two_levels_deep"]);
    let namespace = |name| story.one("fork", story.number(name))["pidns"].clone();
    for (name, here, status) in [
        ("outside", None, 4),
        ("one_deep", None, 4),
        ("two_deep", None, 4),
        ("outer", Some(1), 0),
        ("inner", Some(1), 7),
    ] {
        let pid = story.number(name);
        let ns_pid = here.unwrap_or_else(|| story.number(&format!("{name}_inside")));
        has(story.one("fork", pid), &[("ns_pid", json!(ns_pid))]);
        let reap = story.one("reap", pid);
        has(
            reap,
            &[
                ("status", json!({"code": status})),
                ("by", json!("parent")),
                ("via", json!("wait4")),
                ("precision", json!("exact")),
            ],
        );
        assert_eq!(reap["reaper"]["pid"], story.number(&format!("{name}_parent")), "{name}");
    }
    for name in ["outside", "one_deep", "two_deep"] {
        let bound = |end| story.number(&format!("{name}_{end}"));
        story.lasted(story.number(name), bound("least"), bound("most"));
    }
    assert_eq!(namespace("one_deep"), namespace("outer"));
    assert_eq!(namespace("two_deep"), namespace("inner"));
    assert_ne!(namespace("inner"), namespace("outer"));
    assert_ne!(namespace("outer"), namespace("outside"));
}

/// A wait in a namespace speaks of pids that are others' on the machine.
#[test]
fn d4_a_wait_for_a_namesake_does_not_hide_the_reap() {
    let story = Story::of(&["same_pid_outside"]);
    let (blind, namesake) = (story.number("blind"), story.number("namesake"));
    has(story.one("fork", namesake), &[("ns_pid", json!(blind))]);
    let reap = |pid| story.one("reap", pid);
    has(reap(namesake), &[("status", json!({"code": 7})), ("by", json!("parent"))]);
    // The end of its memory alone shows that the wait that names nobody was for this one.
    let precision = if story.tier() == "fentry" { "exact" } else { "bound" };
    has(
        reap(blind),
        &[
            ("status", json!({"code": 6})),
            ("by", json!("parent")),
            ("via", json!("waitid")),
            ("precision", json!(precision)),
        ],
    );
    assert!(reap(blind)["zombie_ns"].as_u64() >= Some(story.number("least")), "{}", reap(blind));
}

#[test]
fn d5_an_init_that_dies_takes_its_namespace_with_it() {
    let story = Story::of(&["init_dies"]);
    let running = story.numbers("running");
    assert_eq!(running.len(), 5);
    for pid in running {
        assert_eq!(story.one("exit", pid)["status"]["signal"], 9);
        has(story.one("reap", pid), &[("via", json!("pidns_death"))]);
    }
    let (zombie, init) = (story.number("zombie"), story.number("init"));
    let reap = story.one("reap", zombie);
    has(
        reap,
        &[("via", json!("pidns_death")), ("by", json!("parent")), ("status", json!({"code": 3}))],
    );
    assert_eq!(reap["reaper"]["pid"], init);
    has(story.one("reap", init), &[("via", json!("wait4")), ("by", json!("parent"))]);
}

#[test]
fn d7_inits_that_reap_are_seen_to() {
    for init in ["dumb-init", "tini", "catatonit"] {
        let command = [fixture(), "as_init", init, "--", fixture(), "leaves_orphans"];
        let story = Story::of_command(&command);
        let (pid, orphans) = (story.number("init"), story.numbers("orphans"));
        assert_eq!(orphans.len(), 5);
        for orphan in orphans {
            let reparent = story.one("reparent", orphan);
            has(reparent, &[("kind", json!("pidns_init")), ("entered", json!(false))]);
            assert_eq!(reparent["to"]["pid"], pid, "{init}");
            let reap = story.one("reap", orphan);
            has(reap, &[("by", json!("adopter")), ("precision", json!("exact"))]);
            has(&reap["reaper"], &[("pid", json!(pid)), ("comm", json!(init))]);
            assert!(reap["zombie_ns"].as_u64() < Some(500_000_000), "at its signal: {reap}");
        }
        let rows = story.summary()["zombie_time_by_reaper"].as_array().expect("a list");
        let row = rows.iter().find(|row| row["comm"] == init).expect("a row of the init");
        assert!(row["count"].as_u64() >= Some(5), "{row}");
        let adopters = story.summary()["orphans_by_adopter"].as_array().expect("a list");
        let row = adopters.iter().find(|row| row["pid"] == pid).expect("the init");
        has(row, &[("orphans", json!(5)), ("reaped", json!(5)), ("verdict", json!("fine"))]);
        assert!(row["max_ns"].as_u64() < Some(500_000_000), "{row}");
        rate_is_over_its_life(&story, pid, &row["orphans_per_s"], 5);
        rate_is_over_its_life(&story, pid, &row["reaped_per_s"], 5);
    }
}
