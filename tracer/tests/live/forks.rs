//! Row A15: forks that fail, the limit that made them fail, and the time until they do.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};

use crate::{
    common,
    story::{Story, Watch, finish, fixture, has, hooks, scratch, tracer, until},
};

/// A user that nobody is.
const USER: &str = "54321";

fn failures(program: &[&str]) -> Story {
    let mut command = vec![fixture()];
    command.extend(program);
    Story::with(&["--fork-failures"], &command)
}

/// A cgroup that is removed in the end, with one below it.
struct Cgroup {
    /// In the file system.
    outer: PathBuf,
    /// From the root of its hierarchy.
    path: String,
    /// Of v1, where nothing tells the cgroup of a zombie.
    is_v1: bool,
}

impl Cgroup {
    /// In the hierarchy that limits pids: v1's, if it has that controller.
    fn new(limit: u32) -> Self {
        let name = format!("tracer-a15-{}", std::process::id());
        let root = Path::new("/sys/fs/cgroup");
        let v1 = root.join("pids");
        let outer = if v1.is_dir() {
            v1.join(&name)
        } else {
            fs::write(root.join("cgroup.subtree_control"), "+pids").expect("the controller");
            root.join(&name)
        };
        fs::create_dir(&outer).expect("a cgroup");
        if !v1.is_dir() {
            fs::write(outer.join("cgroup.subtree_control"), "+pids").expect("the controller");
        }
        fs::create_dir(outer.join("inner")).expect("a cgroup");
        fs::write(outer.join("pids.max"), limit.to_string()).expect("a limit");
        Self { outer, path: format!("/{name}"), is_v1: v1.is_dir() }
    }

    fn inner(&self) -> String {
        self.outer.join("inner").display().to_string()
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // Its processes may be gone only in a moment.
        until("the cgroup is empty", || fs::remove_dir(self.inner()).ok());
        fs::remove_dir(&self.outer).expect("it is empty");
    }
}

/// The zombies of the forker, which are all there are under a limit that only it has.
fn zombies_of(story: &Story) -> Value {
    let (forker, zombies) = (story.number("forker"), story.number("zombies"));
    json!([{ "pid": forker, "comm": "fixture", "zombies": zombies }])
}

#[test]
fn a15_a_user_at_its_limit_and_every_call_that_fails() {
    let story = failures(&["user_limit", USER]);
    let forker = story.number("forker");
    let failed = story.about("fork_failed", forker);
    let calls: Vec<(&str, bool)> = failed
        .iter()
        .map(|event| (event["call"].as_str().unwrap(), event["thread"].as_bool().unwrap()))
        .collect();
    let by_hand =
        [("fork", false), ("vfork", false), ("clone", false), ("clone", true), ("clone3", false)];
    assert_eq!(calls[1..], by_hand, "after the one of the C library");
    if is_locked_down() {
        for event in failed {
            has(event, &[("errno", json!("EAGAIN")), ("cause", Value::Null)]);
        }
        return;
    }
    for event in failed {
        has(
            event,
            &[
                ("errno", json!("EAGAIN")),
                ("cause", json!("rlimit_nproc")),
                ("uid", json!(USER.parse::<u32>().unwrap())),
                ("limit", json!(10)),
                ("used", json!(10)),
                ("zombies", json!(story.number("zombies"))),
                ("zombies_of", zombies_of(&story)),
            ],
        );
    }
    let by_cause = json!([{ "cause": "rlimit_nproc", "count": 6 }]);
    has(story.summary(), &[("fork_failures", json!(6)), ("fork_failures_by_cause", by_cause)]);
}

#[test]
fn a15_a_loop_of_forks_that_fail_is_counted_and_does_not_flood() {
    const FAILURES: u64 = 20_000;
    let story = failures(&["fails_in_a_loop", USER, &FAILURES.to_string()]);
    let failed = story.about("fork_failed", story.number("forker"));
    let count = |event: &&Value| event["count"].as_u64().expect("a number");
    assert_eq!(failed.iter().map(count).sum::<u64>(), FAILURES);
    has(story.summary(), &[("fork_failures", json!(FAILURES))]);
    let at = |event: &Value| event["at_ns"].as_u64().expect("a time");
    let [first, .., last] = failed.as_slice() else { panic!("{failed:?}") };
    let seconds = (at(last) - at(first)).div_ceil(1_000_000_000);
    assert!(failed.len() as u64 <= 11 * (seconds + 1), "{} in {seconds} s", failed.len());
    let singly = failed.iter().take(10);
    assert!(singly.clone().all(|event| event["count"] == 1) && count(&failed[10]) > 1);
}

/// Lockdown leaves the counts of users and cgroups out of reach.
fn is_locked_down() -> bool {
    let lockdown = fs::read_to_string("/sys/kernel/security/lockdown");
    lockdown.is_ok_and(|text| text.contains("[confidentiality]"))
}

#[test]
fn a15_the_cgroup_up_the_tree_that_is_at_its_limit() {
    let cgroup = Cgroup::new(8);
    let story = failures(&["cgroup_limit", &cgroup.inner()]);
    assert_eq!(story.number("zombies"), 7, "and their parent");
    let unknown = |known: Value| if cgroup.is_v1 { Value::Null } else { known };
    let failed = story.one("fork_failed", story.number("forker"));
    if is_locked_down() {
        has(failed, &[("errno", json!("EAGAIN")), ("cause", Value::Null), ("cgroup", Value::Null)]);
        return;
    }
    has(
        failed,
        &[
            ("errno", json!("EAGAIN")),
            ("cause", json!("pids_max")),
            ("cgroup", json!(cgroup.path)),
            ("limit", json!(8)),
            ("used", json!(8)),
            ("zombies", unknown(json!(7))),
            ("zombies_of", unknown(zombies_of(&story))),
        ],
    );
}

#[test]
fn a15_a_namespace_whose_init_is_dead() {
    let story = failures(&["dead_namespace"]);
    let failed = story.one("fork_failed", story.number("forker"));
    has(
        failed,
        &[
            ("errno", json!("ENOMEM")),
            ("cause", json!("pidns_init_dead")),
            ("pidns", json!(story.number("pidns"))),
            ("limit", Value::Null),
            ("used", Value::Null),
        ],
    );
}

/// Whether pid namespaces have a `pid_max` of their own.
fn is_pid_max_per_namespace() -> bool {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").expect("a release");
    let mut numbers = release.split(['.', '-']).map(|part| part.parse::<u32>().ok());
    numbers.next().zip(numbers.next()) >= Some((Some(6), Some(14)))
}

#[test]
fn a15_a_namespace_without_a_number_left() {
    if !is_pid_max_per_namespace() {
        eprintln!("left out: pid_max is the machine's before 6.14");
        return;
    }
    let story = failures(&["namespace_limit"]);
    let failed = story.one("fork_failed", story.number("forker"));
    has(
        failed,
        &[
            ("errno", json!("EAGAIN")),
            ("cause", json!("pid_max")),
            ("pidns", json!(story.number("pidns"))),
            ("limit", json!(400)),
            ("used", json!(story.number("zombies") + 1)),
            ("zombies", json!(story.number("zombies"))),
            ("zombies_of", zombies_of(&story)),
        ],
    );
}

/// A number of the machine that is another one for a while.
struct Sysctl {
    path: &'static str,
    before: String,
}

impl Sysctl {
    fn set(path: &'static str, value: u64) -> Self {
        let before = fs::read_to_string(path).expect("a number");
        fs::write(path, value.to_string()).expect("a number");
        Self { path, before }
    }
}

impl Drop for Sysctl {
    fn drop(&mut self) {
        fs::write(self.path, &self.before).expect("a number");
    }
}

fn machine_is_full(cause: &str, limit: u64) {
    let story = failures(&["machine_limit"]);
    let failed = story.one("fork_failed", story.number("forker"));
    has(
        failed,
        &[
            ("errno", json!("EAGAIN")),
            ("cause", json!(cause)),
            ("limit", json!(limit)),
            ("pidns", Value::Null),
            ("zombies", json!(story.number("zombies"))),
            ("zombies_of", zombies_of(&story)),
        ],
    );
    let used = failed["used"].as_u64().expect("known");
    assert!(used > story.number("zombies") && used <= limit, "{failed}");
}

#[test]
#[ignore = "only in a guest of cargo xtask vm: no other process of the machine can fork meanwhile"]
fn a15_a_machine_without_a_number_left() {
    let _pid_max = Sysctl::set("/proc/sys/kernel/pid_max", 1000);
    machine_is_full("pid_max", 1000);
}

#[test]
#[ignore = "only in a guest of cargo xtask vm: no other process of the machine can fork meanwhile"]
fn a15_a_machine_with_as_many_threads_as_it_may_have() {
    let _threads_max = Sysctl::set("/proc/sys/kernel/threads-max", 300);
    machine_is_full("threads_max", 300);
}

#[test]
fn a15_a_fork_that_the_kernel_begins_again_has_not_failed() {
    let story = failures(&["interrupted"]);
    assert_eq!(story.all("fork_failed"), [] as [&Value; 0]);
    has(story.summary(), &[("fork_failures", json!(0))]);
}

#[test]
fn a15_what_is_not_looked_at_is_not_none() {
    let story = Story::of_command(&[fixture(), "fork_once"]);
    has(story.summary(), &[("fork_failures", Value::Null)]);
}

#[test]
fn a15_who_asks_for_failed_forks_is_told_of_them() {
    let seen = |types| {
        let story = Watch::start(&["--type", types]).stop();
        story.summary()["fork_failures"].is_u64()
    };
    assert!(seen("exit,fork_failed") && !seen("exit,reap"));
}

#[test]
fn a15_the_time_left_is_told_before_there_is_no_room() {
    let cgroup = Cgroup::new(1000);
    let file = scratch("room.json");
    let mut run = tracer();
    run.args(["run", "--no-summary", "--hooks", &hooks(), "--format", "json", "--output"]);
    run.arg(&file).args(["--", fixture(), "fills_slowly", &cgroup.inner(), "900"]);
    let child = run.stderr(Stdio::piped()).spawn().expect("it starts");
    let text = || fs::read_to_string(&file).unwrap_or_default();
    until("the cgroup will be full", || text().contains(r#""pid_space""#).then_some(()));
    kill(Pid::from_raw(child.id() as i32), Signal::SIGTERM).expect("kill");
    let told = finish(child);
    let events: Vec<Value> = text().lines().map(common::check).collect();
    fs::remove_file(&file).expect("the events");
    let of_ours = |event: &&Value| event["type"] == "pid_space" && event["cgroup"] == cgroup.path;
    let warnings: Vec<&Value> = events.iter().filter(of_ours).collect();
    let [warning] = warnings.as_slice() else { panic!("{warnings:?}") };
    has(warning, &[("limited_by", json!("pids_max")), ("limit", json!(1000))]);
    let (used, left) = (warning["used"].as_u64().unwrap(), warning["left_ns"].as_u64().unwrap());
    let rate = (1000 - used) as f64 / (left as f64 / 1e9);
    assert!((1.0..10.5).contains(&rate), "{rate} a second, and not a little below 10: {warning}");
    let said = String::from_utf8_lossy(&told.stderr);
    let words = format!("tracer: warning: cgroup {} has {used} processes", cgroup.path);
    assert_eq!(said.matches(&words).count(), 1, "{said}");
    assert!(said.contains(" of 1000 (pids_max), at the present rate full in "), "{said}");
}
