//! What the machine of a developer must be spared or does not have: only in a guest of
//! `cargo xtask vm`, where nobody else is.

use std::fs;

use serde_json::json;

use crate::story::{Story, fixture, has};

const PID_MAX: &str = "/proc/sys/kernel/pid_max";

/// Sets the limit for a while.
struct PidMax(String);

impl PidMax {
    fn lowered_to(limit: u32) -> Self {
        let before = fs::read_to_string(PID_MAX).expect("the limit");
        fs::write(PID_MAX, limit.to_string()).expect("the limit");
        Self(before)
    }
}

impl Drop for PidMax {
    fn drop(&mut self) {
        fs::write(PID_MAX, &self.0).expect("the limit");
    }
}

#[test]
#[ignore = "only in a guest of `cargo xtask vm`: lowers pid_max"]
fn e3_lives_of_one_pid_are_not_mixed() {
    // Up to 300 are reserved, so that each comes again every hundred forks or so.
    let limit = PidMax::lowered_to(400);
    let story = Story::told_of(&[fixture(), "forks_in_a_row", "1", "2000"]);
    drop(limit);
    let lost = story.summary()["lost"]["ring"].as_u64().expect("a number") as usize;
    let reaps = story.all("reap");
    assert!(reaps.len() + lost >= 2002, "{} and {lost} lost", reaps.len());
    let mut lives: Vec<(u64, u64)> = reaps
        .iter()
        .map(|reap| (reap["pid"].as_u64().expect("a pid"), reap["start_ns"].as_u64().expect("ns")))
        .collect();
    let count = lives.len();
    lives.sort_unstable();
    lives.dedup();
    assert_eq!(lives.len(), count, "each life ends once");
    lives.dedup_by_key(|(pid, _)| *pid);
    assert!(lives.len() < 400, "{} pids", lives.len());
    let codes = reaps.iter().filter(|reap| reap["by"] == "parent" && reap["precision"] == "exact");
    // A parent that is kept off its CPU at the end of a wait is not seen to reap by the tracepoint hooks.
    let unseen = if story.tier() == "tracepoint" { 4 } else { 0 };
    assert!(codes.count() + lost + unseen >= 2002);
}

#[test]
#[ignore = "only in a guest of `cargo xtask vm`: needs cgroup v2 alone"]
fn cgroups_are_named_where_there_is_only_version_2() {
    let mounts = fs::read_to_string("/proc/mounts").expect("mounts");
    assert!(mounts.contains(" cgroup2 ") && !mounts.contains(" cgroup "), "{mounts}");
    fs::create_dir_all("/sys/fs/cgroup/outer/inner").expect("a cgroup");
    let enter =
        format!("echo 0 > /sys/fs/cgroup/outer/inner/cgroup.procs; exec {} fork_once", fixture());
    let story = Story::of_command(&["sh", "-c", &enter]);
    has(story.one("fork", story.number("child")), &[("cgroup", json!("/outer/inner"))]);
}

#[test]
#[ignore = "only in a guest of `cargo xtask vm`: needs an init that waits as others do"]
fn an_init_that_is_no_systemd_is_named_as_the_reaper() {
    let story = Story::of(&["parent_first"]);
    let orphan = story.number("orphan");
    let comm = fs::read_to_string("/proc/1/comm").expect("a name");
    let init = json!({"pid": 1, "tid": 1, "comm": comm.trim_end()});
    has(story.one("reparent", orphan), &[("kind", json!("init"))]);
    let reap = story.one("reap", orphan);
    has(reap, &[("reaper", init), ("via", json!("wait4")), ("precision", json!("exact"))]);
}
