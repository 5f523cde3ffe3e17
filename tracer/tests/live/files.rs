//! Recordings of several files, and those that wait for something.

use std::{
    fs,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    recording::{Recording, cycles, events, of, record, recorder, replay, stop, wait},
    story::{Partner, finish, fixture, has, output},
};

/// A parent that calls itself so and leaves so many zombies for so many seconds: nobody else's come true.
fn leaker(name: &str, zombies: u32, seconds: u32) -> Child {
    let script = "$0 = shift; for (1..shift) { fork or exit } sleep shift";
    let (zombies, seconds) = (zombies.to_string(), seconds.to_string());
    let mut perl = Command::new("perl");
    perl.args(["-e", script, name, &zombies, &seconds]).spawn().expect("it starts")
}

/// A parent that has waited for one child, and not for the other, which is a zombie for three seconds.
const WAITS_FOR_OTHERS: &str = "my $z = fork; if (!$z) { select undef, undef, undef, 0.1; exit 3 } \
     my $o = fork; if (!$o) { select undef, undef, undef, 0.3; exit 0 } \
     waitpid $o, 0; select undef, undef, undef, 3.2; waitpid $z, 0";

#[test]
fn files_of_a_long_recording_are_read_one_by_one() {
    let recording = Recording::new("long.trec");
    let partner = Partner::start(&["leaves_zombies"], 1);
    let child = recorder(&recording, &["--max-age", "1s", "--keep", "3"]);
    let mut perl = Command::new("perl").args(["-e", WAITS_FOR_OTHERS]).spawn().expect("it starts");
    for _ in 0..9 {
        cycles(1);
        wait(Duration::from_millis(500));
    }
    perl.wait().expect("it ends");
    stop(child);
    assert!(!recording.number(4).exists(), "as many as are to be kept");
    let (mut told, mut late, mut ended, mut unreaped) = (0, 0, None, Vec::new());
    for file in recording.files() {
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
        // What the recorder saw of a parent is known in every file; an age is told of once.
        let of_perl = |one: &&Value| one["ppid"] == perl.id();
        unreaped.extend(of(&events, "unreaped").into_iter().filter(of_perl).cloned());
        let is_late = |reap: &&Value| reap["zombie_ns"].as_u64() > Some(3_000_000_000);
        for reap in of(&events, "reap").into_iter().filter(of_perl).filter(is_late) {
            late += 1;
            let why = json!(["parent_waits_for_others"]);
            has(
                reap,
                &[("why", why), ("precision", json!("exact")), ("status", json!({"code": 3}))],
            );
        }
        // Asked for older ones than was the recorder, each file tells of those that became so old in it.
        let asked = replay(&file, &["--format", "json", "--min-zombie", "2500ms"]);
        let asked = self::events(&asked);
        for one in of(&asked, "unreaped").into_iter().filter(of_perl) {
            has(one, &[("why", json!(["parent_waits_for_others"]))]);
            told += 100;
        }
    }
    // The first are in files that are gone.
    assert!((103..=109).contains(&told), "{told}");
    assert_eq!(late, 1);
    assert!(unreaped.len() <= 1, "{unreaped:?}");
    for one in &unreaped {
        has(one, &[("why", json!(["parent_waits_for_others"]))]);
    }
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
    let ours = ["--comm", "awaited"];
    let child =
        recorder(&recording, &[&ours[..], &["--on", "zombie>1500ms", "--max-age", "2s"]].concat());
    let mut leaker = leaker("awaited", 50, 8);
    let told = finish(child);
    let said = String::from_utf8_lossy(&told.stderr);
    assert!(told.status.success(), "{said}");
    assert!(
        said.contains("zombie>1500ms: a zombie of") && said.contains("goes on for 2.00s"),
        "{said}"
    );
    let events = recording.events();
    let about: Vec<_> =
        of(&events, "zombie").into_iter().filter(|one| one["ppid"] == leaker.id()).collect();
    assert_eq!(about.len(), 50, "what was before");
    let last = events.last().expect("a summary")["at_ns"].as_u64();
    assert!(last >= about[0]["at_ns"].as_u64().map(|at| at + 3_500_000_000), "and what was after");
    leaker.wait().expect("it ends");
}

#[test]
fn what_was_before_is_kept_however_much_there_is() {
    let recording = Recording::new("volume.trec");
    let small = ["--max-size", "1M", "--keep", "1", "--max-age", "10m"];
    let awaited = ["--comm", "volume", "--on", "orphans>0"];
    let child = recorder(&recording, &[&small[..], &awaited].concat());
    let mut leaker = leaker("volume", 50, 600);
    // Some four files, before it comes true.
    let mut forks = Command::new(fixture());
    forks.args(["forks_in_a_row", "4", "20000"]).stdout(Stdio::null());
    assert!(forks.status().expect("it runs").success());
    wait(Duration::from_millis(1500));
    leaker.kill().expect("kill");
    leaker.wait().expect("it ends");
    wait(Duration::from_secs(5));
    let told = stop(child);
    let said = String::from_utf8_lossy(&told.stderr);
    assert!(said.contains("goes on for 10m"), "{said}");
    assert!(recording.files().len() > 3, "{:?}", recording.files());
    let events = recording.events();
    let own = |kind| of(&events, kind).into_iter().filter(|one| one["ppid"] == leaker.id());
    assert_eq!((own("fork").count(), own("zombie").count()), (50, 50), "what was before");
    let told = own("unreaped").filter(|one| one["zombie_ns"] == 1_000_000_000);
    assert_eq!(told.count(), 50, "once for each, in whatever file");
    assert_eq!(of(&events, "reparent").len(), 50, "and what it waited for");
}

#[test]
fn one_file_that_is_kept_is_enough_for_what_was_before() {
    let recording = Recording::new("keep.trec");
    let options = ["--keep", "1", "--max-age", "2s", "--comm", "kept", "--on", "zombie>100ms"];
    let child = recorder(&recording, &options);
    // Into the third file: a moment after one was begun is when the least is in it.
    wait(Duration::from_millis(4300));
    let mut leaker = leaker("kept", 1, 6);
    let told = finish(child);
    let said = String::from_utf8_lossy(&told.stderr);
    assert!(told.status.success() && said.contains("goes on for 2.00s"), "{said}");
    let events = recording.events();
    let zombie = of(&events, "zombie").into_iter().find(|one| one["ppid"] == leaker.id());
    let at = |event: &Value| event["at_ns"].as_u64().expect("a time");
    let (first, died) = (at(&events[0]), at(zombie.expect("it is kept")));
    assert!(died - first >= 2_000_000_000, "{} before", died - first);
    assert!(at(events.last().expect("a summary")) >= died + 2_000_000_000);
    leaker.wait().expect("it ends");
}

#[test]
fn a_recording_that_waits_ends_in_time_whatever_comes() {
    let recording = Recording::new("time.trec");
    let ours = ["--comm", "timely", "--max-age", "1m"];
    let never = ["--on", "zombie>10s", "--duration", "1s"];
    let told = output(&mut record(&recording, &[&ours[..], &never].concat()));
    let said = String::from_utf8_lossy(&told.stderr);
    assert!(told.status.success(), "{said}");
    assert!(said.contains("tracer: --on zombie>10s: it has not come true\n"), "{said}");
    let mut leaker = leaker("timely", 1, 5);
    let begun = Instant::now();
    let soon = ["--on", "zombie>100ms", "--duration", "4s"];
    let told = output(&mut record(&recording, &[&ours[..], &soon].concat()));
    let said = String::from_utf8_lossy(&told.stderr);
    assert!(told.status.success() && said.contains("zombie>100ms: a zombie of"), "{said}");
    assert!(!said.contains("not come true") && !said.contains("1m00s"), "{said}");
    assert!(begun.elapsed() < Duration::from_secs(30), "the earlier of the two");
    leaker.wait().expect("it ends");
}
