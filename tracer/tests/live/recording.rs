//! Recordings: what a session gave is given again, whatever became of the recorder.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};

use crate::{
    common,
    story::{Partner, finish, fixture, has, hooks, output, scratch, tracer, until},
};

/// A file of its own, and those that it is continued in.
struct Recording(PathBuf);

impl Recording {
    fn new(name: &str) -> Self {
        Self(scratch(name))
    }

    fn path(&self) -> &Path {
        &self.0
    }

    fn number(&self, number: u32) -> PathBuf {
        PathBuf::from(format!("{}.{number}", self.0.display()))
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
        for number in 1..5 {
            let _ = fs::remove_file(self.number(number));
        }
    }
}

fn record(file: &Recording, options: &[&str]) -> Command {
    let mut command = tracer();
    command.args(["record", "--hooks", &hooks(), "--output"]).arg(file.path()).args(options);
    command.stderr(Stdio::piped());
    command
}

/// Starts it and waits until it has begun.
fn recorder(file: &Recording, options: &[&str]) -> Child {
    let child = record(file, options).spawn().expect("it starts");
    until("it has begun", || {
        fs::metadata(file.path()).is_ok_and(|file| file.len() > 0).then_some(())
    });
    child
}

fn stop(child: Child) -> Output {
    kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).expect("kill");
    let output = finish(child);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// What a replay says, as nobody.
fn replay(file: &Path, options: &[&str]) -> Output {
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all"]);
    command.arg(env!("CARGO_BIN_EXE_tracer")).args(["trace", "--from", "-"]).args(options);
    command.stdin(fs::File::open(file).expect("a recording"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    finish(command.spawn().expect("it starts"))
}

fn events(told: &Output) -> Vec<Value> {
    String::from_utf8_lossy(&told.stdout).lines().map(common::check).collect()
}

fn of<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["type"] == kind).collect()
}

fn cycles(count: u32) {
    for _ in 0..count {
        let done = Command::new(fixture()).arg("fork_once").stdout(Stdio::null()).status();
        assert!(done.expect("it runs").success());
    }
}

/// Nothing that happens for so long is the tracer's doing.
fn wait(time: Duration) {
    let begun = Instant::now();
    until("time has passed", || (begun.elapsed() >= time).then_some(()));
}

/// The events of a session, and of its recording.
fn both(command: &mut Command, recording: &Recording) -> (Vec<u8>, Output) {
    let file = scratch("both.json");
    command.args(["--hooks", &hooks(), "--format", "json", "--output"]).arg(&file);
    command.arg("--record").arg(recording.path());
    let child = command.stderr(Stdio::piped()).spawn().expect("it starts");
    until("it has begun", || fs::metadata(&file).is_ok_and(|file| file.len() > 0).then_some(()));
    let mut partner = Partner::start(&["never_waits"], 1);
    let mut zombies = Partner::start(&["leaves_zombies"], 1);
    cycles(20);
    wait(Duration::from_millis(2500));
    zombies.go();
    zombies.wait();
    partner.go();
    partner.kill();
    stop(child);
    let live = fs::read(&file).expect("the events");
    fs::remove_file(file).expect("the events");
    (live, replay(recording.path(), &["--format", "json"]))
}

#[test]
fn a_recording_gives_the_events_of_its_session_byte_for_byte() {
    for options in [&[][..], &["--comm", "fixture", "--min-zombie", "1s"], &["--fork-failures"]] {
        let recording = Recording::new("same.trec");
        let (live, told) = both(tracer().arg("trace").args(options), &recording);
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        assert!(live == told.stdout, "{options:?}: a replay differs from the session");
        let events = events(&told);
        assert!(!of(&events, "unreaped").is_empty() && !of(&events, "reap").is_empty());
    }
}

#[test]
fn a_command_is_recorded_with_its_tree_and_its_status_passed_on() {
    let recording = Recording::new("command.trec");
    let mut command = record(&recording, &["--", "sh", "-c", "/bin/true; exit 5"]);
    let told = finish(command.stdout(Stdio::piped()).spawn().expect("it starts"));
    let said = String::from_utf8_lossy(&told.stderr);
    assert_eq!((told.status.code(), told.stdout.as_slice()), (Some(5), &b""[..]), "{said}");
    assert!(said.contains("2 reaped") && said.contains("recorded: "), "{said}");
    let events = events(&replay(recording.path(), &["--format", "json"]));
    assert_eq!(of(&events, "fork").len(), 2);
    has(of(&events, "reap")[1], &[("status", json!({"code": 5}))]);
    // What a filter leaves out at one time can be asked for at another.
    let told = replay(recording.path(), &["--type", "exec", "--comm", "true", "--format", "json"]);
    let events = self::events(&told);
    assert_eq!(of(&events, "exec").len(), 1);
    has(&events[0], &[("filters", json!(["--comm true", "--type exec"]))]);
    has(of(&events, "exec")[0], &[("exe", json!("/bin/true"))]);
}

#[test]
fn a_report_tells_the_story_of_the_worst_zombie() {
    let recording = Recording::new("report.trec");
    let late = ["--", "perl", "-e", "fork or exit 7; sleep 2; wait"];
    let told = output(&mut record(&recording, &late));
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let events = events(&replay(recording.path(), &["--format", "json"]));
    let reap = of(&events, "reap").into_iter().find(|reap| reap["status"]["code"] == 7);
    let reap = reap.expect("it was reaped");
    let (child, parent) = (&reap["pid"], &reap["ppid"]);
    let seconds = reap["zombie_ns"].as_f64().expect("a time") / 1e9;
    let told = output(tracer().arg("report").arg(recording.path()));
    let text = String::from_utf8_lossy(&told.stdout);
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let first = text.split("  1. ").nth(1).and_then(|rest| rest.split("\n  2. ").next());
    let first = first.unwrap_or_else(|| panic!("{text}"));
    for part in [
        format!("perl ({child}), zombie for {seconds:.2}s\n"),
        format!("forked by perl ({parent})"),
        "exit 7 after ".to_owned(),
        format!("a zombie of perl ({parent}), teardown "),
        format!("reaped by perl ({parent}) via wait4"),
        "why     parent_never_waits".to_owned(),
        format!("kill {parent} ENDS THE PARENT"),
    ] {
        assert!(first.contains(&part), "{part} in {first}");
    }
}

#[test]
fn a_recorder_that_is_killed_loses_what_it_has_in_hand() {
    let recording = Recording::new("killed.trec");
    let mut child = recorder(&recording, &[]);
    cycles(5);
    // A frame takes a second at most, and its way to the disk.
    wait(Duration::from_secs(2));
    child.kill().expect("kill");
    child.wait().expect("wait");
    let told = replay(recording.path(), &["--format", "json"]);
    let said = String::from_utf8_lossy(&told.stderr);
    assert_eq!(told.status.code(), Some(1), "{said}");
    assert!(said.contains("has no end") && said.contains("up to 20"), "{said}");
    let events = events(&told);
    let reaps = of(&events, "reap").into_iter();
    assert!(reaps.filter(|reap| reap["comm"] == "fixture").count() >= 10, "{}", events.len());
    assert_eq!(events.last().expect("a line")["type"], "summary");
}

#[test]
fn a_full_disk_ends_a_recording_and_both_say_so() {
    let copy = Recording::new("full.trec");
    // A tmpfs of five pages: the storm needs more. What fitted is copied out of its namespace.
    let disk = scratch("disk");
    fs::create_dir(&disk).expect("a folder");
    let script = format!(
        "disk={}; mount -t tmpfs -o size=20k none $disk || exit; \
         {} record --hooks {} -o $disk/full & \
         until [ -s $disk/full ]; do sleep 0.1; done; \
         {} forks_in_a_row 1 5000 >/dev/null; wait $!; status=$?; cp $disk/full {}; exit $status",
        disk.display(),
        env!("CARGO_BIN_EXE_tracer"),
        hooks(),
        fixture(),
        copy.path().display(),
    );
    let told = output(Command::new("unshare").args(["--mount", "sh", "-c", &script]));
    fs::remove_dir(&disk).expect("an empty folder");
    let said = String::from_utf8_lossy(&told.stderr);
    assert_eq!(told.status.code(), Some(1), "{said}");
    let failed = format!("cannot write to {}/full", disk.display());
    assert!(said.contains(&failed) && said.contains("No space left"), "{said}");
    assert!(said.contains("20480 bytes are there"), "{said}");
    let told = replay(copy.path(), &["--format", "json"]);
    let said = String::from_utf8_lossy(&told.stderr);
    assert_eq!(told.status.code(), Some(1), "{said}");
    assert!(said.contains("cut off in the middle of a frame"), "{said}");
    assert!(of(&events(&told), "fork").len() > 100);
}

#[test]
fn files_of_a_long_recording_are_read_one_by_one() {
    let recording = Recording::new("long.trec");
    let partner = Partner::start(&["leaves_zombies"], 1);
    let child = recorder(&recording, &["--max-age", "1s", "--keep", "2"]);
    for _ in 0..9 {
        cycles(1);
        wait(Duration::from_millis(500));
    }
    stop(child);
    assert!(!recording.number(3).exists(), "as many as are to be kept");
    let (mut told, mut ended) = (0, None);
    for file in [recording.number(2), recording.number(1), recording.path().to_owned()] {
        let replayed = replay(&file, &["--format", "json"]);
        assert!(replayed.status.success(), "{}", String::from_utf8_lossy(&replayed.stderr));
        let events = events(&replayed);
        // Where one ends the next begins, with all that are there.
        let began = events[0]["at_ns"].as_u64();
        assert!(ended.is_none() || ended == began, "{ended:?} {began:?}");
        ended = events.last().expect("a summary")["at_ns"].as_u64();
        let zombies = of(&events, "existing").into_iter();
        let zombies =
            zombies.filter(|one| one["ppid"] == partner.pid() && one["state"] == "zombie");
        assert_eq!(zombies.count(), 50);
        let own = |reap: &&&Value| reap["ppid"] == std::process::id();
        told += of(&events, "reap").iter().filter(own).count();
    }
    assert!((3..=9).contains(&told), "the first are in files that are gone: {told}");
    partner.end();
}

#[test]
fn no_file_becomes_larger_than_it_may() {
    let recording = Recording::new("large.trec");
    let child = recorder(&recording, &["--max-size", "1M"]);
    let forks = [fixture(), "forks_in_a_row", "4", "8000"];
    assert!(Command::new(forks[0]).args(&forks[1..]).status().expect("it runs").success());
    stop(child);
    let lengths: Vec<u64> = [recording.number(2), recording.number(1), recording.path().to_owned()]
        .iter()
        .filter_map(|file| Some(fs::metadata(file).ok()?.len()))
        .collect();
    assert!(lengths.len() > 1 && lengths.iter().all(|len| *len <= 1 << 20), "{lengths:?}");
    assert!(lengths[0] > 1 << 19, "{lengths:?}");
    let told = replay(&recording.number(1), &["--no-summary", "--format", "json"]);
    assert!(told.status.success() && events(&told).len() > 10_000);
}

#[test]
fn a_recording_that_waits_for_something_ends_after_it() {
    let recording = Recording::new("on.trec");
    // Not what else stands on the machine.
    let ours = ["--comm", "fixture"];
    let child =
        recorder(&recording, &[&ours[..], &["--on", "zombie>1500ms", "--max-age", "2s"]].concat());
    cycles(3);
    let partner = Partner::start(&["leaves_zombies"], 1);
    let told = finish(child);
    let said = String::from_utf8_lossy(&told.stderr);
    assert!(told.status.success(), "{said}");
    assert!(
        said.contains("zombie>1500ms: a zombie of") && said.contains("goes on for 2.00s"),
        "{said}"
    );
    let files = [recording.number(2), recording.number(1), recording.path().to_owned()];
    let events: Vec<Value> = files
        .iter()
        .filter(|file| file.exists())
        .flat_map(|file| events(&replay(file, &["--format", "json"])))
        .collect();
    let about: Vec<_> =
        of(&events, "zombie").into_iter().filter(|one| one["ppid"] == partner.pid()).collect();
    assert_eq!(about.len(), 50, "what was before");
    let last = events.last().expect("a summary")["at_ns"].as_u64();
    assert!(last >= about[0]["at_ns"].as_u64().map(|at| at + 3_500_000_000), "and what was after");
    partner.end();
}
