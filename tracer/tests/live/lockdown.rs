//! A kernel in lockdown `confidentiality`, which forbids `bpf_probe_read_kernel`, kprobes and
//! tracefs. The gate, and `cargo xtask vm --core`, run these there and no others; `cargo xtask vm` runs the
//! rest as well, but for those that look at what is not to be had there (xtask/src/vm/init.sh).

use serde_json::{Value, json};

use crate::story::{Story, has, output, tracer};

#[test]
#[ignore = "only in a guest of `cargo xtask vm` that is locked down"]
fn doctor_says_what_lockdown_costs() {
    let locked = std::fs::read_to_string("/sys/kernel/security/lockdown").expect("securityfs");
    assert!(locked.contains("[confidentiality]"), "{locked}");
    let told = output(tracer().args(["doctor", "--format", "json"])).stdout;
    let report: Value = serde_json::from_slice(&told).expect("JSON");
    has(&report, &[("works", json!(true)), ("tier", json!("fentry"))]);
    let mut checks = report["checks"].as_array().expect("a list").iter();
    let reads = checks.find(|check| check["name"] == "memory reads").expect("the check");
    has(reads, &[("available", json!(false)), ("optional", json!(true))]);
    assert!(reads["why"].as_str().expect("words").contains("lockdown"), "{reads}");
}

#[test]
#[ignore = "only in a guest of `cargo xtask vm` that is locked down"]
fn pids_of_nested_namespaces_are_unknown_and_no_more() {
    let script = "sh -c 'exit 5'; true";
    let story = Story::of_command(&["unshare", "--pid", "--fork", "sh", "-c", script]);
    let inside = story.all("exit").into_iter().find(|exit| exit["status"]["code"] == 5);
    let pid = inside.expect("the shell")["pid"].as_u64().expect("a pid");
    let fork = story.one("fork", pid);
    has(fork, &[("ns_pid", Value::Null)]);
    has(story.about("exec", pid)[0], &[("exe", Value::Null), ("comm", json!("sh"))]);
    assert!(fork["pidns"].is_u64(), "{fork}");
    has(story.one("reap", pid), &[("by", json!("parent"))]);
}
