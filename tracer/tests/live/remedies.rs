//! What `tracer zombies` and `unreaped` advise, done: the zombie goes.

use std::process::Command;

use serde_json::Value;

use crate::story::{Partner, Watch, output, tracer, until};

fn zombie(pid: u64) -> Option<Value> {
    let told = output(tracer().args(["zombies", "--watch", "0s", "--format", "json"])).stdout;
    let text = String::from_utf8(told).expect("UTF-8");
    let mut rows = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    rows.find(|row| row["type"] == "zombie_found" && row["pid"] == pid)
}

/// The first command in a remedy.
fn command(remedy: &str) -> String {
    let words: Vec<&str> =
        remedy.split(|c: char| c.is_whitespace() || "(),;".contains(c)).collect();
    let at = words.iter().position(|word| *word == "kill").expect("a command");
    let end = words[at..].iter().position(|word| word.parse::<u32>().is_ok()).expect("a pid");
    words[at..=at + end].join(" ")
}

/// The command that a remedy is to have, of the processes that this is about.
fn expected(remedy: &str, zombie: u64, parent: &Value) -> String {
    let parent = parent.as_u64().expect("a parent");
    let [tracer, debugger] = [zombie, parent].map(tracer_of);
    let remedy = remedy.replace("PARENT", &parent.to_string());
    let remedy = remedy.replace("ZOMBIE", &zombie.to_string());
    remedy.replace("TRACER", &tracer).replace("DEBUGGER", &debugger)
}

fn tracer_of(pid: u64) -> String {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it is there");
    let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:\t"));
    tracer.expect("a number").to_owned()
}

fn do_as_told(command: &str) {
    let done = Command::new("sh").args(["-c", command]).status().expect("sh");
    assert!(done.success(), "{command}");
}

#[test]
fn every_remedy_works_when_it_is_done() {
    for (kind, cause, remedy) in [
        ("never_waits", "parent_never_waits", "kill PARENT"),
        ("handler", "", "kill -CHLD PARENT"),
        ("stopped", "parent_stopped", "kill -CONT PARENT"),
        ("traced", "ptraced", "kill TRACER"),
        ("debugged", "parent_stopped", "kill DEBUGGER"),
        ("threads", "threads_alive", "kill ZOMBIE"),
        ("init", "init_not_reaping", "kill -9 PARENT"),
        ("silent", "exit_signal_none", "kill PARENT"),
        // It sits in no wait, and that it has only waited for another is not in the table.
        ("waits_for_others", "", "kill PARENT"),
        ("inherited", "parent_never_waits", "kill PARENT"),
        ("reading", "parent_never_waits", "kill PARENT"),
        ("vforking", "parent_blocked", "kill -9 PARENT"),
        ("computing", "", "kill PARENT"),
        // Calling these handlers would do nothing.
        ("notes", "parent_never_waits", "kill PARENT"),
        ("notes_and_waits", "parent_waits_for_others", "kill PARENT"),
        ("notes_silent", "exit_signal_none", "kill PARENT"),
    ] {
        let partner = Partner::start(&["stage", kind], 1);
        let pid: u64 = partner.facts["zombie"].parse().expect("a pid");
        let found = until(&format!("{kind}: {cause} is told"), || {
            // The parent that stops may not have, yet.
            zombie(pid).filter(|row| {
                let first = row["why"].as_array().expect("causes").first();
                first.map_or("", |first| first.as_str().expect("a name")) == cause
            })
        });
        let command = command(found["remedy"].as_str().expect("a remedy"));
        let expected = expected(remedy, pid, &found["ppid"]);
        assert_eq!(command, expected, "{kind}: {found}");
        do_as_told(&command);
        until(&format!("{kind}: the zombie is gone"), || zombie(pid).is_none().then_some(()));
    }
}

#[test]
fn a_parent_that_handles_sigterm_is_asked_to_end_and_then_ended() {
    let mut partner = Partner::start(&["stage", "asked"], 1);
    let pid: u64 = partner.facts["zombie"].parse().expect("a pid");
    let told = zombie(pid).expect("it is there");
    let remedy = told["remedy"].as_str().expect("a remedy");
    let [ask, end] = ["kill", "kill -9"].map(|kill| format!("{kill} {}", partner.pid()));
    assert!(remedy.contains(&format!("{ask} asks the parent to end")), "{remedy}");
    assert!(remedy.contains(&format!("{end} ENDS THE PARENT")), "{remedy}");
    do_as_told(&ask);
    partner.listen(1);
    zombie(pid).expect("its parent was asked, and stayed");
    do_as_told(&end);
    until("the zombie is gone", || zombie(pid).is_none().then_some(()));
}

#[test]
fn every_remedy_of_a_session_works_when_it_is_done() {
    // A stage is ready some time after the zombie is one: on a machine under load, a second.
    let filter = ["--comm", "fixture", "--type", "unreaped,reap", "--min-zombie", "3s"];
    let watch = Watch::start(&filter);
    let stages = [
        ("never_waits", "parent_never_waits", "kill PARENT"),
        ("handler", "sigchld_coalesced", "kill -CHLD PARENT"),
        ("stopped", "parent_stopped", "kill -CONT PARENT"),
        ("traced", "ptraced", "kill TRACER"),
        ("debugged", "parent_stopped", "kill DEBUGGER"),
        ("threads", "threads_alive", "kill ZOMBIE"),
        ("init", "init_not_reaping", "kill -9 PARENT"),
        ("silent", "exit_signal_none", "kill PARENT"),
        ("waits_for_others", "parent_waits_for_others", "kill PARENT"),
        ("inherited", "inherited_over_exec", "kill PARENT"),
        ("reading", "parent_blocked", "kill PARENT"),
        ("vforking", "parent_blocked", "kill -9 PARENT"),
        ("computing", "parent_busy", "kill PARENT"),
        ("notes", "parent_never_waits", "kill PARENT"),
        ("notes_and_waits", "parent_waits_for_others", "kill PARENT"),
        ("notes_silent", "exit_signal_none", "kill PARENT"),
    ];
    for (kind, cause, remedy) in stages {
        let partner = Partner::start(&["stage", kind], 1);
        let pid: u64 = partner.facts["zombie"].parse().expect("a pid");
        let unreaped = until(&format!("{kind}: {cause} is told"), || watch.told("unreaped", pid));
        assert_eq!(unreaped["why"][0], cause, "{kind}: {unreaped}");
        let command = command(unreaped["remedy"].as_str().expect("a remedy"));
        let expected = expected(remedy, pid, &unreaped["parent"]["pid"]);
        assert_eq!(command, expected, "{kind}: {unreaped}");
        do_as_told(&command);
        if cause == "threads_alive" {
            // Its main thread was dead for long, but itself it is a zombie for a moment only.
            until("it is gone", || zombie(pid).is_none().then_some(()));
            continue;
        }
        let reap = until(&format!("{kind}: the zombie is gone"), || watch.told("reap", pid));
        assert!(reap["why"].as_array().expect("causes").contains(&unreaped["why"][0]), "{reap}");
    }
    watch.stop();
}
