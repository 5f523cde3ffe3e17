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
pub(crate) struct Recording(PathBuf);

impl Recording {
    pub(crate) fn new(name: &str) -> Self {
        Self(scratch(name))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn number(&self, number: u32) -> PathBuf {
        PathBuf::from(format!("{}.{number}", self.0.display()))
    }

    /// All its files, the first first.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let earlier: Vec<_> =
            (1..1000).map(|number| self.number(number)).take_while(|file| file.exists()).collect();
        earlier.into_iter().rev().chain([self.0.clone()]).collect()
    }

    /// What all of them tell, and when the last ended.
    pub(crate) fn events(&self) -> Vec<Value> {
        let told = |file: &PathBuf| events(&replay(file, &["--format", "json"]));
        self.files().iter().flat_map(told).collect()
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        for file in self.files() {
            let _ = fs::remove_file(file);
        }
    }
}

pub(crate) fn record(file: &Recording, options: &[&str]) -> Command {
    let mut command = tracer();
    command.args(["record", "--hooks", &hooks(), "--output"]).arg(file.path()).args(options);
    command.stderr(Stdio::piped());
    command
}

/// Starts it and waits until it has begun.
pub(crate) fn recorder(file: &Recording, options: &[&str]) -> Child {
    let child = record(file, options).spawn().expect("it starts");
    until("it has begun", || {
        fs::metadata(file.path()).is_ok_and(|file| file.len() > 0).then_some(())
    });
    child
}

pub(crate) fn stop(child: Child) -> Output {
    kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).expect("kill");
    let output = finish(child);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// What a replay says, as nobody.
pub(crate) fn replay(file: &Path, options: &[&str]) -> Output {
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all"]);
    command.arg(env!("CARGO_BIN_EXE_tracer")).args(["trace", "--from", "-"]).args(options);
    command.stdin(fs::File::open(file).expect("a recording"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    finish(command.spawn().expect("it starts"))
}

pub(crate) fn events(told: &Output) -> Vec<Value> {
    String::from_utf8_lossy(&told.stdout).lines().map(common::check).collect()
}

pub(crate) fn of<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["type"] == kind).collect()
}

pub(crate) fn cycles(count: u32) {
    for _ in 0..count {
        let done = Command::new(fixture()).arg("fork_once").stdout(Stdio::null()).status();
        assert!(done.expect("it runs").success());
    }
}

/// Nothing that happens for so long is the tracer's doing.
pub(crate) fn wait(time: Duration) {
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
fn a_recording_can_go_into_a_pipe() {
    let mut command = tracer();
    command.args(["record", "--hooks", &hooks(), "-o", "-", "--duration", "1s"]);
    let mut recorder =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let pipe = recorder.stdout.take().expect("a pipe");
    let mut report = tracer();
    report.args(["report", "-"]).stdin(pipe).stdout(Stdio::piped()).stderr(Stdio::piped());
    let told = finish(report.spawn().expect("it starts"));
    let recorded = finish(recorder);
    let said = String::from_utf8_lossy(&recorded.stderr);
    assert!(recorded.status.success() && said.contains("recorded: "), "{said}");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    assert!(String::from_utf8_lossy(&told.stdout).contains("LIFETIME"));
    assert!(!Path::new("-").exists(), "no file of that name");
}
