//! `tracer zombies` as root: ages by what the programs themselves know.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::story::{Partner, has, output, tracer};

/// What `tracer zombies` lists, by pid.
fn listed() -> HashMap<u64, Value> {
    let told = output(tracer().args(["zombies", "--format", "json"]));
    let said = String::from_utf8_lossy(&told.stderr);
    assert!(told.status.success() && said.is_empty(), "{said}");
    let text = String::from_utf8(told.stdout).expect("UTF-8");
    let lines = text.lines().map(crate::common::check);
    lines.map(|line| (line["pid"].as_u64().expect("a pid"), line)).collect()
}

fn numbers(partner: &Partner, name: &str) -> Vec<u64> {
    partner.facts[name].split(',').map(|number| number.parse().expect("a number")).collect()
}

#[test]
fn the_age_of_a_zombie_is_that_since_its_death() {
    let partner = Partner::start(&["crowd", "aged"], 4);
    let found = listed();
    let [zombies, ends, seen] = ["zombies", "ends", "seen"].map(|name| numbers(&partner, name));
    let mut errors = Vec::new();
    for ((zombie, end), seen) in zombies.iter().zip(ends).zip(seen) {
        let line = &found[zombie];
        has(line, &[("precision", json!("last_run"))]);
        let number = |name: &str| line[name].as_u64().expect("a number");
        let (least, most) = (number("zombie_at_least_ns"), number("zombie_at_most_ns"));
        let now = number("at_ns");
        assert!(least <= now - end, "{least} of {}: {line}", now - end);
        assert!(most >= now - seen, "{most} of {}: {line}", now - seen);
        errors.push(now - end - least);
    }
    // Some may have waited for a CPU, or that was taken away since.
    errors.sort_unstable();
    println!("short of the truth by, ns: {errors:?}");
    assert!(errors[errors.len() / 2] < 100_000_000, "the most a busy machine adds: {errors:?}");
    let headless = &found[&partner.facts["headless"].parse().expect("a pid")];
    has(headless, &[("precision", json!("start")), ("zombie_at_least_ns", Value::Null)]);
    partner.end();
}
