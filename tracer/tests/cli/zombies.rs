//! `tracer zombies`, for a user without privileges.

use std::{collections::BTreeMap, path::Path, process::Command};

use nix::{
    sys::{
        signal::{Signal, kill},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    time::{ClockId, clock_gettime},
    unistd::Pid,
};
use serde_json::{Value, json};

use super::{
    family::{Family, Sigchld},
    program::{Done, run, unprivileged},
};

/// A tick of the process table's clock, which start times are cut off to, ns.
const TICK: u64 = 10_000_000;

fn boot_now() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_BOOTTIME).expect("Linux has it");
    now.tv_sec() as u64 * 1_000_000_000 + now.tv_nsec() as u64
}

/// What a user without privileges is told, and that there would be more.
fn told(arguments: &[&str]) -> Done {
    let done = run(&mut unprivileged(&[&["zombies"], arguments].concat()));
    assert_eq!(done.status, Some(0), "{}", done.stderr);
    let said: Vec<&str> = done.stderr.lines().collect();
    let expected = "tracer: not watched, loading BPF programs needs root";
    assert!(said.len() == 1 && said[0].starts_with(expected), "{said:?}");
    done
}

fn listed() -> Vec<Value> {
    let mut lines = told(&["--format", "json"]).lines();
    lines.retain(|line| line["type"] == "zombie_found");
    lines
}

fn found(pid: u32) -> Value {
    let all = listed();
    all.iter().find(|line| line["pid"] == pid).unwrap_or_else(|| panic!("{pid}: {all:?}")).clone()
}

/// Its row of the text, and all that is said of its parent's zombies.
fn row(pid: u32) -> (String, String) {
    let text = told(&[]).stdout;
    let is_its = |line: &&str| line.starts_with(&format!("{pid:>9}  "));
    let rows = text.split("\n\n").filter_map(|family| Some((family.lines().find(is_its)?, family)));
    let (row, family) = rows.last().unwrap_or_else(|| panic!("{pid}: {text}"));
    (row.to_owned(), family.to_owned())
}

/// What `ps` says: pids in state Z, with their parents, and whether threads live on.
fn told_by_ps() -> BTreeMap<u32, (u32, bool)> {
    let output = Command::new("ps").args(["-e", "-o", "pid=,ppid=,stat="]).output().expect("ps");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let rows = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.filter(|row| row[2].starts_with('Z'))
        .map(|row| (row[0].parse().unwrap(), (row[1].parse().unwrap(), row[2].contains('l'))))
        .collect()
}

#[test]
fn the_list_is_that_of_ps() {
    let families: Vec<Family> = (0..3).map(|_| Family::with_zombie(&Sigchld::Default)).collect();
    let leaderless = Family::without_leader();
    let before = told_by_ps();
    let told: BTreeMap<u32, (u32, bool)> = listed()
        .iter()
        .map(|line| {
            let number = |name: &str| line[name].as_u64().expect("a number") as u32;
            (number("pid"), (number("ppid"), line["state"] == "leader_dead"))
        })
        .collect();
    let after = told_by_ps();
    // Other tests have zombies, too: what was there before and after must be in the list.
    let lasting: Vec<_> = before.iter().filter(|(pid, row)| after.get(pid) == Some(row)).collect();
    for (pid, row) in &lasting {
        assert_eq!(told.get(pid), Some(*row), "{pid} of {before:?} and {after:?}");
    }
    for family in families.iter().chain([&leaderless]) {
        assert!(lasting.iter().any(|(pid, _)| **pid == family.dead), "{}: {before:?}", family.dead);
    }
    // And what is in the list and was there neither before nor after, is gone.
    for pid in told.keys().filter(|pid| !before.contains_key(pid) && !after.contains_key(pid)) {
        assert!(!Path::new(&format!("/proc/{pid}")).exists(), "{pid} is alive");
    }
}

#[test]
fn a_zombie_is_told_with_its_parent_its_age_and_the_remedy() {
    let family = Family::with_zombie(&Sigchld::Default);
    let line = found(family.dead);
    let parent = family.parent();
    assert_eq!(line["state"], "zombie");
    assert_eq!((&line["ppid"], &line["parent"]["pid"]), (&json!(parent), &json!(parent)));
    assert_eq!((&line["why"], &line["tracer"]), (&json!([]), &Value::Null), "no cause is proved");
    let number = |name: &str| line[name].as_u64().expect("a number");
    let (start, now) = (number("start_ns"), number("at_ns"));
    let (born, dead) = (family.times[0], family.times[1]);
    assert!((born - TICK..dead).contains(&start), "{born} <= {start} < {dead}");
    assert!((dead..boot_now()).contains(&now), "{now}");
    // It was seen dead, so it had died before that, and no earlier than it was born.
    let (least, most) = (number("zombie_at_least_ns"), number("zombie_at_most_ns"));
    assert_eq!(line["precision"], "last_run");
    assert!(least < now - born && now - dead <= most && most <= now - start, "{least}..{most}");
    let (row, remedy) = row(family.dead);
    let columns: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(columns[0], family.dead.to_string());
    assert!(
        remedy.starts_with("1 zombie of ") && remedy.contains(&format!("({parent})")),
        "{remedy}"
    );
    assert!(columns[2].trim_start_matches('≥').starts_with(|c: char| c.is_ascii_digit()), "{row}");
    assert!(remedy.contains("its parent has not waited for it"), "{remedy}");
    for remedy in [remedy.as_str(), line["remedy"].as_str().expect("words")] {
        assert!(remedy.contains("must call waitpid"), "{remedy}");
        assert!(remedy.contains(&format!("kill {parent} ENDS THE PARENT")), "{remedy}");
    }
}

#[test]
fn what_the_parent_does_with_sigchld_is_read_from_its_masks() {
    for (sigchld, action, blocked, words) in [
        (Sigchld::Default, "default", false, "(SIGCHLD default)"),
        (Sigchld::Handler, "handler", false, "(SIGCHLD handler)"),
        (Sigchld::Ignored, "ignored", false, "(SIGCHLD ignored)"),
        (Sigchld::Blocked, "default", true, "(SIGCHLD default, blocked, pending)"),
    ] {
        let family = Family::with_zombie(&sigchld);
        let parent = &found(family.dead)["parent"];
        assert_eq!(parent["sigchld"], action);
        assert_eq!(parent["sigchld_blocked"], blocked, "{action}");
        assert_eq!(parent["sigchld_pending"], blocked, "{action}");
        let (_, remedy) = row(family.dead);
        assert!(remedy.contains(words), "{remedy}");
        let again = format!("kill -CHLD {} ", family.parent());
        assert_eq!(remedy.contains(&again), action == "handler", "{remedy}");
    }
}

#[test]
fn a_stopped_parent_is_the_cause_and_letting_it_go_on_the_remedy() {
    let family = Family::with_zombie(&Sigchld::Default);
    let parent = Pid::from_raw(family.parent() as i32);
    kill(parent, Signal::SIGSTOP).expect("it is ours");
    let stopped = waitpid(parent, Some(WaitPidFlag::WUNTRACED)).expect("it is ours");
    assert_eq!(stopped, WaitStatus::Stopped(parent, Signal::SIGSTOP));
    let line = found(family.dead);
    kill(parent, Signal::SIGCONT).expect("it is ours");
    assert_eq!(line["why"], json!(["parent_stopped"]));
    assert_eq!(line["parent"]["state"], "T");
    let remedy = line["remedy"].as_str().expect("words");
    assert!(remedy.contains(&format!("kill -CONT {parent} ")), "{remedy}");
}

#[test]
fn a_dead_main_thread_with_living_threads_is_called_so() {
    let family = Family::without_leader();
    let line = found(family.dead);
    assert_eq!(line["state"], "leader_dead");
    assert_eq!((&line["threads"], &line["why"]), (&json!(1), &json!(["threads_alive"])));
    assert_eq!(line["ppid"], std::process::id());
    let (_, remedy) = row(family.dead);
    assert!(remedy.contains("its main thread has ended"), "{remedy}");
    assert!(remedy.contains(&format!("kill {} ends them", family.dead)), "{remedy}");
}

#[test]
fn a_hostile_name_stays_on_its_line_and_moves_no_cursor() {
    let name = b"\x1b[2J\n) Z 1 \x07";
    let family = Family::with_zombie_called(name, &Sigchld::Default);
    let (row, _) = row(family.dead);
    assert!(row.contains("\\u{1b}[2J\\n) Z 1 \\u{7}"), "{row}");
    let text = told(&[]).stdout;
    assert!(!text.chars().any(|one| one.is_control() && one != '\n'), "{text:?}");
    let line = found(family.dead);
    for of in [&line, &line["parent"]] {
        assert_eq!((&of["comm"], &of["escaped"]), (&json!("\x1b[2J\n) Z 1 \x07"), &Value::Null));
    }
    assert_eq!(line["ppid"], family.parent());
}

#[test]
fn a_name_that_is_no_utf8_can_be_had_back() {
    let family = Family::with_zombie_called(b"inv\xff\\", &Sigchld::Default);
    let line = found(family.dead);
    for of in [&line, &line["parent"]] {
        assert_eq!((&of["comm"], &of["escaped"]), (&json!("inv\\xff\\\\"), &json!(["comm"])));
    }
    let (row, _) = row(family.dead);
    assert!(row.contains(" inv\\xff\\ "), "{row}");
}

#[test]
fn whoever_does_not_ask_for_watching_is_told_of_none() {
    let family = Family::with_zombie(&Sigchld::Default);
    let done = run(&mut unprivileged(&["zombies", "--watch", "0s", "--format", "json"]));
    assert_eq!((done.status, done.stderr.as_str()), (Some(0), ""));
    let lines = done.lines();
    let is_its = |line: &&Value| line["type"] == "zombie_parent" && line["pid"] == family.parent();
    let parent = lines.iter().find(is_its).unwrap_or_else(|| panic!("{lines:?}"));
    assert_eq!((&parent["zombies"], &parent["watched"]), (&json!(1), &Value::Null));
    let number = |name: &str| parent[name].as_u64().expect("a number");
    let (born, dead) = (family.times[0], family.times[1]);
    assert!(number("oldest_at_least_ns") < number("at_ns") - born, "{parent}");
    assert!(number("oldest_at_most_ns") >= number("at_ns") - dead, "{parent}");
}
