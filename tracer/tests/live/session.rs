//! A session's beginning and end: exit statuses, signals, outputs, and what is left behind.

use std::{
    fs::{self, File},
    os::unix::process::ExitStatusExt as _,
    process::{Command, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};

use crate::{
    common,
    story::{Partner, Story, Watch, finish, fixture, has, output, scratch, tracer, until},
};

fn run(command: &[&str]) -> std::process::Output {
    output(tracer().args(["run", "--"]).args(command))
}

#[test]
fn run_exits_as_the_command_does() {
    assert_eq!(run(&["sh", "-c", "exit 3"]).status.code(), Some(3));
    assert_eq!(run(&["sh", "-c", "kill -TERM $$"]).status.code(), Some(128 + 15));
    let missing = run(&["no-such-command"]);
    assert_eq!(missing.status.code(), Some(127));
    let said = String::from_utf8_lossy(&missing.stderr);
    assert!(said.contains("cannot run 'no-such-command': command not found"), "{said}");
    let folder = run(&["/etc/passwd"]);
    assert_eq!(folder.status.code(), Some(126));
    let said = String::from_utf8_lossy(&folder.stderr);
    assert!(said.contains("not executable"), "{said}");
}

#[test]
fn run_keeps_stdout_for_the_command() {
    let told = run(&["echo", "hello"]);
    assert_eq!(told.stdout, b"hello\n");
    assert!(String::from_utf8_lossy(&told.stderr).contains("/echo hello"));
}

#[test]
fn run_passes_a_signal_on() {
    let mut command = tracer();
    // A loop of its own: the shell would replace itself by a single command.
    command.args([
        "run",
        "--no-summary",
        "--",
        "sh",
        "-c",
        "trap 'exit 42' TERM; echo up; while :; do sleep 0.1; done",
    ]);
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut up = [0; 3];
    std::io::Read::read_exact(child.stdout.as_mut().expect("stdout"), &mut up).expect("it is up");
    kill(Pid::from_raw(child.id() as i32), Signal::SIGTERM).expect("kill");
    assert_eq!(finish(child).status.code(), Some(42));
}

#[test]
fn run_names_descendants_that_still_live() {
    // It may not run its own program yet when the shell goes on.
    let leave = "sleep 30 >/dev/null 2>&1 & \
                 until grep -q sleep /proc/$!/comm; do :; done; echo left=$!";
    let story = Story::of_command(&["sh", "-c", leave]);
    let left = story.number("left");
    let living = story.summary()["living"].as_array().expect("a list");
    assert_eq!(living.len(), 1, "{living:?}");
    has(&living[0], &[("pid", json!(left)), ("comm", json!("sleep")), ("zombie_ns", Value::Null)]);
    story.one("reparent", left);
    kill(Pid::from_raw(left as i32), Signal::SIGKILL).expect("kill");
}

#[test]
fn run_as_another_user() {
    let told = output(tracer().args(["run", "--user", "nobody", "--", "id", "-un"]));
    assert_eq!(told.stdout, b"nobody\n");
    let mut sudo = tracer();
    sudo.args(["run", "--", "sh", "-c", "id -u; id -g; echo $HOME"]);
    let told = output(sudo.env("SUDO_UID", "65534").env("SUDO_GID", "65534"));
    assert_eq!(told.stdout, b"65534\n65534\n/nonexistent\n");
}

#[test]
fn lifecycles_are_one_line_for_each_life() {
    let file = scratch("lives.json");
    let mut command = tracer();
    command.args(["run", "--format", "json", "--lifecycles", "--output"]).arg(&file);
    let told = output(command.args(["--", "sh", "-c", "/bin/true; exit 5"]));
    assert_eq!(told.status.code(), Some(5));
    let text = fs::read_to_string(&file).expect("the lives");
    fs::remove_file(file).expect("the lives");
    let lives: Vec<Value> =
        text.lines().map(common::check).filter(|line| line["type"] == "lifecycle").collect();
    assert_eq!(lives.len(), 2);
    has(&lives[0]["execs"][0], &[("exe", json!("/bin/true"))]);
    has(&lives[1], &[("status", json!({"code": 5})), ("exec_count", json!(1))]);
    for life in lives {
        let date = |name: &str| life[name].as_u64().expect("a date");
        let dates = ["forked_at", "exited_at", "zombie_at", "reaped_at"].map(date);
        assert!(dates.is_sorted(), "{life}");
        assert_eq!(date("zombie_ns"), date("reaped_at") - date("zombie_at"));
    }
}

#[test]
fn signals_end_a_session_cleanly() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let watch = Watch::start(&["--type", "reap"]);
        kill(Pid::from_raw(watch.pid() as i32), signal).expect("kill");
        let story = watch.stop();
        assert_eq!(story.events[0]["type"], "session");
        story.summary();
    }
}

#[test]
fn duration_ends_a_session() {
    let told = output(tracer().args(["trace", "--format", "json", "--duration", "300ms"]));
    assert!(told.status.success());
    let text = String::from_utf8(told.stdout).expect("UTF-8");
    for line in text.lines() {
        common::check(line);
    }
    assert!(text.lines().last().expect("a line").contains("\"summary\""));
    assert!(told.stderr.is_empty(), "{}", String::from_utf8_lossy(&told.stderr));
}

#[test]
fn a_reader_that_closes_ends_the_session_quietly() {
    let mut command = tracer();
    command.args(["trace", "--latency", "0s"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut first = [0; 4];
    std::io::Read::read_exact(child.stdout.as_mut().expect("stdout"), &mut first).expect("a line");
    drop(child.stdout.take());
    // Something to write, after the reader has gone.
    assert!(Command::new("true").status().expect("true").success());
    let told = finish(child);
    assert_eq!(told.status.code(), Some(0));
    assert!(told.stderr.is_empty(), "{}", String::from_utf8_lossy(&told.stderr));
}

#[test]
fn a_full_disk_is_told_with_what_was_written() {
    let mut command = tracer();
    command.args(["run", "--output", "/dev/full", "--", "sh", "-c", "exit 0"]);
    let told = output(&mut command);
    assert_eq!(told.status.code(), Some(1));
    let said = String::from_utf8_lossy(&told.stderr);
    assert!(said.contains("cannot write to /dev/full") && said.contains("No space left"), "{said}");

    let mut command = tracer();
    command.args(["trace", "--duration", "200ms"]).stdin(Stdio::null()).stderr(Stdio::piped());
    let full = File::options().write(true).open("/dev/full").expect("the full disk");
    let told = finish(command.stdout(full).spawn().expect("it starts"));
    assert_eq!(told.status.code(), Some(1));
}

/// Our programs in the kernel.
fn loaded() -> usize {
    // Each tier has six or seven; these are in both.
    let ours = ["on_fork", "on_exec", "on_exit"];
    aya::programs::loaded_programs()
        .filter_map(Result::ok)
        .filter(|program| program.name_as_str().is_some_and(|name| ours.contains(&name)))
        .count()
}

#[test]
fn nothing_is_left_attached_however_it_ends() {
    until("other sessions are over", || (loaded() == 0).then_some(()));
    let watch = Watch::start(&[]);
    assert_eq!(loaded(), 3);
    watch.stop();
    until("the programs are gone", || (loaded() == 0).then_some(()));

    let mut command = tracer();
    let mut child = command.args(["trace"]).stdout(Stdio::null()).spawn().expect("it starts");
    until("it has begun", || (loaded() == 3).then_some(()));
    child.kill().expect("kill");
    assert_eq!(child.wait().expect("wait").signal(), Some(9));
    until("the programs are gone", || (loaded() == 0).then_some(()));
}

#[test]
fn e7_two_tracers_are_both_right_and_one_that_is_killed_takes_nothing_along() {
    until("other sessions are over", || (loaded() == 0).then_some(()));
    let (first, second, third) = (Watch::start(&[]), Watch::start(&[]), Watch::start(&[]));
    assert_eq!(loaded(), 9);
    let child = |partner: &Partner| partner.facts["child"].parse::<u64>().expect("a pid");
    let before = Partner::start(&["fork_once"], 2);
    let before = (child(&before), before.end()).0;
    kill(Pid::from_raw(third.pid() as i32), Signal::SIGKILL).expect("kill");
    third.lost();
    until("its programs are gone", || (loaded() == 6).then_some(()));
    let after = Partner::start(&["fork_once"], 2);
    let after = (child(&after), after.end()).0;
    for watch in [first, second] {
        // The children, and the programs that forked them.
        watch.wait_for("reap", 4);
        let story = watch.stop();
        for pid in [before, after] {
            for kind in ["fork", "exit", "zombie", "reap"] {
                story.one(kind, pid);
            }
        }
        has(story.summary(), &[("lost", json!({"ring": 0, "decode": 0, "output": 0}))]);
    }
    until("the programs are gone", || (loaded() == 0).then_some(()));
}

#[test]
fn the_tracer_and_its_threads_are_never_reported() {
    let watch = Watch::start(&[]);
    let own = u64::from(watch.pid());
    assert!(
        Command::new(fixture())
            .arg("fork_once")
            .stdout(Stdio::null())
            .status()
            .expect("it runs")
            .success()
    );
    watch.wait_for("reap", 2);
    let story = watch.stop();
    assert!(story.events.iter().all(|event| event["pid"] != own));
}
