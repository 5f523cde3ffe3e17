//! Rows E1, E5: many processes, and those that were there before.

use serde_json::json;

use crate::story::{Partner, Story, Watch, fixture, has};

/// A life is whole, or what was not seen of it is part of what the tracer says it lost: on
/// preemptible kernels a program is left out when its CPU was preempted inside it.
fn every_life_is_whole(forkers: &str, each: &str, lives: usize) {
    let story = Story::told_of(&[fixture(), "forks_in_a_row", forkers, each]);
    let lost = story.summary()["lost"]["ring"].as_u64().expect("a number") as usize;
    let told = ["fork", "exit", "zombie", "reap"].map(|kind| story.all(kind).len());
    let untold: usize = told.iter().map(|count| lives - count).sum();
    assert_eq!(untold, lost, "of {lives} lives there are {told:?}");
    let by_parent = |precision: &str| {
        let reaps = story.all("reap").into_iter();
        reaps.filter(|reap| reap["precision"] == precision && reap["by"] == "parent").count()
    };
    // A system call's end that is left out in the same way is no fact that could be counted: the
    // tracepoint hooks see then that the zombie is gone, and say `bound`.
    let bound = if story.tier() == "fentry" { 0 } else { by_parent("bound") };
    assert!(bound * 1000 <= lives, "{bound} of {lives} are bound");
    let exact = by_parent("exact");
    assert!(exact + bound + lost >= lives, "{exact} of {lives} are exact, {lost} facts were lost");
    // As far as the kernel itself can leave something out.
    assert!(lost * 10 <= lives, "{lost} of {lives}");
}

#[test]
fn e1_five_thousand_in_a_row_are_five_thousand_lives() {
    every_life_is_whole("1", "5000", 5000 + 2);
}

#[test]
fn e1_eight_forkers_at_once_are_told_apart() {
    every_life_is_whole("8", "1000", 8000 + 8 + 1);
}

/// What the kernel side made for it, lost or not, and the story.
fn storm(ring: &str) -> (u64, u64, Story) {
    let story = Story::told_with(&["--ring-size", ring], &[fixture(), "storm"]);
    let number = |value: &serde_json::Value| value.as_u64().expect("a number");
    let lost = number(&story.summary()["lost"]["ring"]);
    (number(&story.summary()["received"]), lost, story)
}

#[test]
fn e2_losses_are_counted_to_the_record_and_the_picture_heals() {
    let (all, none, _) = storm("8388608");
    let (received, lost, story) = storm("4096");
    assert!(lost > 1000, "a ring of a page has no room for a storm: {lost}");
    // The fixture itself may be freed before or after the end; and see E1.
    assert!((received + lost).abs_diff(all + none) <= 2, "{received} and {lost} of {all}, {none}");
    let told: u64 = story.all("lost").iter().map(|lost| lost["count"].as_u64().unwrap()).sum();
    assert_eq!(told, lost, "as it happened");
    for pid in story.numbers("standing") {
        let unreaped = story.about("unreaped", pid);
        assert!(!unreaped.is_empty(), "{pid} is known for a zombie after the storm");
        story.one("reap", pid);
    }
    let after = story.number("after");
    for kind in ["fork", "exit", "zombie"] {
        story.one(kind, after);
    }
    has(story.one("reap", after), &[("precision", json!("exact")), ("status", json!({"code": 9}))]);
    let totals = &story.summary()["totals"];
    has(totals, &[("zombies", json!(0)), ("living", json!(0))]);
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
