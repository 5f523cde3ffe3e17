//! Rows E1, E5: many processes, and those that were there before.

use serde_json::{Value, json};

use crate::story::{Partner, Story, Watch, has};

fn every_life_is_whole(forkers: &str, each: &str, lives: usize) {
    let story = Story::of(&["forks_in_a_row", forkers, each]);
    for kind in ["fork", "exit", "zombie", "reap"] {
        assert_eq!(story.all(kind).len(), lives, "{kind}");
    }
    let exact = |reap: &&Value| reap["precision"] == "exact" && reap["by"] == "parent";
    assert_eq!(story.all("reap").iter().filter(|reap| exact(reap)).count(), lives);
    has(story.summary(), &[("lost", json!({"ring": 0, "decode": 0, "output": 0}))]);
}

#[test]
fn e1_five_thousand_in_a_row_are_five_thousand_lives() {
    every_life_is_whole("1", "5000", 5000 + 2);
}

#[test]
fn e1_eight_forkers_at_once_are_told_apart() {
    every_life_is_whole("8", "1000", 8000 + 8 + 1);
}

#[test]
fn e5_zombies_from_before_the_start_are_reported_and_their_reap_seen() {
    let mut partner = Partner::start(&["leaves_zombies"], 1);
    let children: Vec<u64> =
        partner.facts["children"].split(',').map(|pid| pid.parse().unwrap()).collect();
    let watch = Watch::start(&["--pid", &partner.pid().to_string()]);
    watch.wait_for("existing", 51);
    partner.go();
    watch.wait_for("reap", 51 - 1);
    let parent = partner.pid();
    partner.end();
    let story = watch.stop();
    assert_eq!(story.events[0]["existing"], 51, "the zombies and their parent");
    has(story.one("existing", u64::from(parent)), &[("state", json!("running"))]);
    for child in children {
        let existing = story.one("existing", child);
        has(existing, &[("state", json!("zombie"))]);
        assert!(existing["zombie_at_least_ns"].is_u64(), "{existing}");
        let reap = story.one("reap", child);
        has(
            reap,
            &[("by", json!("parent")), ("via", json!("wait4")), ("precision", json!("bound"))],
        );
        assert_eq!(reap["start_ns"], existing["start_ns"], "one identity from first to last");
    }
}
