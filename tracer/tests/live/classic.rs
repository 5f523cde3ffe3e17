//! Rows A1 and A4 to A13: a parent, its children, and what it does about their deaths.

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};

use crate::story::{Partner, Story, Watch, has, output, tracer, until};

#[test]
fn a1_a_fork_has_both_pids() {
    let story = Story::of(&["fork_once"]);
    let (child, parent) = (story.number("child"), story.number("parent"));
    let fork = story.one("fork", child);
    has(fork, &[("ppid", json!(parent)), ("forker", json!(parent)), ("ns_pid", json!(child))]);
    has(story.one("reap", child), &[("by", json!("parent")), ("orphaned", json!(false))]);
}

#[test]
fn a4_a_zombie_of_ten_seconds_is_reaped_by_its_parent() {
    let story = Story::of(&["waits_late"]);
    let child = story.number("child");
    story.lasted(child, story.number("least"), story.number("most"));
    let reap = story.one("reap", child);
    has(
        reap,
        &[
            ("status", json!({"code": 7})),
            ("by", json!("parent")),
            ("via", json!("wait4")),
            ("reparents", json!(0)),
            ("why", json!(["parent_never_waits"])),
        ],
    );
    assert_eq!(reap["reaper"]["pid"], reap["ppid"]);
    assert_eq!(story.about("unreaped", child).len(), 2, "at one second and at ten");
}

fn zombies() -> Vec<Value> {
    let found = output(tracer().args(["zombies", "--format", "json"]));
    assert!(found.status.success());
    let text = String::from_utf8(found.stdout).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn a5_zombies_lists_what_ps_lists() {
    let partner = Partner::start(&["leaves_zombies"], 1);
    let listed = |rows: Vec<(u64, u64)>| -> Vec<u64> {
        let mut pids: Vec<u64> = rows
            .into_iter()
            .filter(|(_, parent)| *parent == u64::from(partner.pid()))
            .map(|(pid, _)| pid)
            .collect();
        pids.sort_unstable();
        pids
    };
    let field = |row: &Value, name| row[name].as_u64().expect("a number");
    let ours =
        listed(zombies().iter().map(|row| (field(row, "pid"), field(row, "ppid"))).collect());
    let ps = output(std::process::Command::new("ps").args(["-e", "-o", "pid=,ppid=,stat="]));
    let text = String::from_utf8(ps.stdout).expect("UTF-8");
    let rows = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let rows = rows.filter(|row| row[2].starts_with('Z'));
    let theirs =
        listed(rows.map(|row| (row[0].parse().unwrap(), row[1].parse().unwrap())).collect());
    assert_eq!(ours, theirs);
    assert_eq!(ours.len(), 50);
    partner.end();
}

#[test]
fn a6_the_remedy_for_a_zombie_is_to_end_its_parent() {
    let partner = Partner::start(&["leaves_zombies"], 1);
    let parent = partner.pid();
    let watch = Watch::start(&["--pid", &parent.to_string()]);
    let of_ours = || -> Vec<Value> {
        zombies().into_iter().filter(|zombie| zombie["ppid"] == parent).collect()
    };
    let found = of_ours();
    assert_eq!(found.len(), 50);
    let pid = found[0]["pid"].as_u64().expect("a pid");
    kill(Pid::from_raw(pid as i32), Signal::SIGKILL).expect("a zombie takes signals");
    assert_eq!(of_ours().len(), 50, "and they do nothing");

    let remedy = found[0]["remedy"].as_str().expect("a remedy");
    assert!(remedy.contains(&format!("kill {parent} ENDS THE PARENT")), "{remedy}");
    kill(Pid::from_raw(parent as i32), Signal::SIGTERM).expect("kill");
    until("its zombies are gone", || of_ours().is_empty().then_some(()));
    partner.end();
    watch.wait_for("reap", 51);
    let story = watch.stop();
    for zombie in found {
        let pid = zombie["pid"].as_u64().expect("a pid");
        has(story.one("reparent", pid), &[("state", json!("zombie"))]);
        has(story.one("reap", pid), &[("by", json!("adopter")), ("orphaned", json!(true))]);
    }
}

#[test]
fn a7_a_handler_that_loops_reaps_all() {
    let story = Story::of(&["handler_loops"]);
    let children = story.numbers("children");
    assert_eq!(children.len(), 50);
    for child in children {
        story.lasted(child, 0, story.number("most"));
        has(story.one("reap", child), &[("by", json!("parent")), ("why", json!([]))]);
    }
}

#[test]
fn a8_a_handler_that_waits_once_leaves_zombies_behind() {
    let story = Story::of(&["handler_waits_once"]);
    let left = 50 - story.number("reaped");
    assert!(left > 40, "signals fall together when fifty die at once: {left}");
    let unreaped = story.all("unreaped");
    assert_eq!(unreaped.len() as u64, left);
    for event in unreaped {
        assert_eq!(event["why"][0], "sigchld_coalesced", "{event}");
    }
}

fn was_released_at_once(story: &Story) {
    let child = story.number("child");
    let reap = story.one("reap", child);
    has(
        reap,
        &[
            ("zombie_ns", json!(0)),
            ("by", json!("kernel")),
            ("via", json!("autoreap")),
            ("reaper", Value::Null),
            ("precision", json!("exact")),
            ("status", json!({"code": 5})),
        ],
    );
    story.one("zombie", child);
}

#[test]
fn a9_sigchld_ignored_means_no_zombie() {
    was_released_at_once(&Story::of(&["ignores"]));
}

#[test]
fn a9_no_child_wait_means_no_zombie() {
    was_released_at_once(&Story::of(&["no_child_wait"]));
}

#[test]
fn a11_code_signal_and_core_are_told_as_they_were() {
    let story = Story::of(&["deaths"]);
    let status = |name| story.one("exit", story.number(name))["status"].clone();
    assert_eq!(status("exited"), json!({"code": 3}));
    assert_eq!(status("killed"), json!({"signal": 9, "name": "SIGKILL", "core": false}));
    let core: bool = story.fact("core").parse().expect("a truth");
    assert_eq!(status("crashed"), json!({"signal": 11, "name": "SIGSEGV", "core": core}));
    for name in ["exited", "killed", "crashed"] {
        let pid = story.number(name);
        assert_eq!(story.one("reap", pid)["status"], story.one("exit", pid)["status"]);
    }
}

const PYTHON: &str = "
import multiprocessing, os, time
def work(seconds): time.sleep(seconds)
make = lambda seconds: multiprocessing.get_context('fork').Process(target=work, args=(seconds,))
def say(name, value): print(f'{name}={value}', flush=True)
one = make(0); one.start(); time.sleep(1.3); say('late', one.pid); one.join()
two = make(60); two.start(); two.terminate(); two.join(); say('terminated', two.pid)
five = [make(0.1) for _ in range(5)]
for p in five: p.start()
for p in five: p.join()
say('five', ','.join(str(p.pid) for p in five))
say('parent', os.getpid())
";

#[test]
fn a12_python_multiprocessing() {
    let story = Story::of_command(&["python3", "-c", PYTHON]);
    let parent = story.number("parent");
    let late = story.number("late");
    assert_eq!(story.about("unreaped", late).len(), 1, "not joined for more than a second");
    let reaped = |pid| {
        let reap = story.one("reap", pid);
        has(reap, &[("by", json!("parent")), ("ppid", json!(parent))]);
        assert_eq!(reap["reaper"]["pid"], parent);
        reap["status"].clone()
    };
    assert_eq!(reaped(late), json!({"code": 0}));
    assert_eq!(reaped(story.number("terminated"))["signal"], 15);
    let five = story.numbers("five");
    assert_eq!(five.len(), 5);
    for pid in five {
        story.one("fork", pid);
        story.one("exit", pid);
        assert_eq!(reaped(pid), json!({"code": 0}));
    }
}

#[test]
fn a13_a_service_that_never_waits_is_listed_as_a_leaker() {
    let mut service = Partner::start(&["leaks"], 1);
    let pid = service.pid();
    let watch = Watch::start(&["--pid", &pid.to_string()]);
    service.go();
    watch.wait_for("zombie", 25);
    let story = watch.stop();
    let leakers = story.summary()["leakers"].as_array().expect("a list");
    let leaker = leakers.iter().find(|leaker| leaker["pid"] == pid).expect("the service");
    let zombies_now = leaker["zombies"].as_u64().expect("a number");
    assert!(zombies_now >= 25 && leaker["oldest_ns"].as_u64() >= Some(1_000_000_000), "{leaker}");
    let grown = json!(zombies_now);
    has(
        leaker,
        &[
            ("made", grown.clone()),
            ("growth", grown),
            ("reaped", json!(0)),
            ("reaped_per_s", json!(0.0)),
            ("verdict", json!("leaks")),
        ],
    );
    let rate = leaker["made_per_s"].as_f64().expect("a rate");
    assert!((1.0..=20.5).contains(&rate), "one every 50 ms at most: {leaker}");
    service.kill();
    until("its zombies are gone", || {
        zombies().iter().all(|zombie| zombie["ppid"] != pid).then_some(())
    });
}

#[test]
fn teardown_is_not_zombie_time() {
    let story = Story::of(&["large"]);
    let child = story.number("child");
    let reap = story.one("reap", child);
    let (zombie, teardown) =
        (reap["zombie_ns"].as_u64().unwrap(), reap["teardown_ns"].as_u64().unwrap());
    // Up to 6.15 the exit hook comes when the memory has been given back already.
    if story.kernel() >= (6, 16) {
        assert!(teardown >= 10_000_000, "600 MB are not given back in less: {reap}");
    }
    assert!(zombie + story.tolerance() >= story.number("least"), "{reap}");
    assert!(zombie + teardown <= story.number("whole") + story.tolerance(), "{reap}");
}
