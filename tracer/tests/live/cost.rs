//! What the hooks cost programs that they have nothing to say about, and what the tracer asks of the kernel.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write as _,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;

use crate::{
    figures,
    story::{Partner, Watch, fixture, measured, output, scratch, tracer, until},
};

/// Pairs without and with the tracer; the best of each side counts, which noise can only worsen.
const PAIRS: usize = 5;
/// How long an idle session is looked at.
const QUIET: Duration = Duration::from_secs(5);

#[test]
fn other_system_calls_are_free_with_the_fentry_hooks() {
    let (mut fentry, mut counts, mut without, mut with) = (false, false, u64::MAX, u64::MAX);
    for _ in 0..PAIRS {
        without = without.min(measured("system_calls"));
        let watch = Watch::start(&[]);
        with = with.min(measured("system_calls"));
        let story = watch.stop();
        fentry = story.tier() == "fentry";
        counts = figures::count_instructions(story.kernel());
    }
    let permille = with * 1000 / without;
    figures::system_calls(permille);
    let most = if counts { 1005 } else { 1100 };
    // The tracepoint hooks send every system call through the slow path: told in the README.
    assert!(!fentry || permille <= most, "{permille} per mille of the time without");
}

/// A figure of `docs/costs.json`, and the tenth by which it may be missed. How threads meet and how often a second
/// is over is by chance and the machine's: these are recorded by hand, half as much again as in most runs. One call
/// more for every event or for every process is many times that.
fn most(name: &str) -> f64 {
    let costs = include_str!("../../../docs/costs.json");
    let costs: BTreeMap<String, f64> = serde_json::from_str(costs).expect("JSON");
    costs[name] * 1.1
}

/// How often the threads of a process have gone to sleep.
fn sleeps(pid: u32) -> u64 {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).expect("its threads");
    let of = |thread: std::io::Result<fs::DirEntry>| {
        let status = fs::read_to_string(thread.expect("a thread").path().join("status"));
        let status = status.expect("its status");
        let count = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        count.expect("a count").trim().parse::<u64>().expect("a number")
    };
    threads.map(of).sum()
}

#[test]
fn an_idle_session_is_woken_by_nothing_but_its_clock() {
    let partner = Partner::start(&["storm"], 0);
    let watch = Watch::start(&["--pid", &partner.pid().to_string()]);
    let after = |time: Duration| {
        let begun = Instant::now();
        until("some time has passed", || (begun.elapsed() >= time).then_some(()));
        sleeps(watch.pid())
    };
    let before = after(Duration::from_secs(1));
    let per_second = (after(QUIET) - before) as f64 / QUIET.as_secs_f64();
    partner.kill();
    watch.stop();
    assert!(per_second <= most("wakeups of an idle session per second"), "{per_second}");
}

/// How often each system call was made, by strace's table.
type Calls = BTreeMap<String, f64>;

/// Counts the system calls of a session, which may have been stopped, until `end` comes back.
fn calls(watch: &Watch, end: impl FnOnce()) -> (Calls, f64) {
    let table = scratch("strace");
    let mut strace = Command::new("strace");
    // A look at the clock is a system call only where the vDSO does not know the machine's counter.
    strace.args(["-qq", "-f", "-c", "-e", "trace=!clock_gettime", "-o"]).arg(&table);
    strace.arg("-p").arg(watch.pid().to_string());
    let mut strace = strace.stderr(Stdio::null()).spawn().expect("strace");
    let status = format!("/proc/{}/status", watch.pid());
    until("strace looks at it", || {
        let status = fs::read_to_string(&status).expect("its status");
        (!status.contains("TracerPid:\t0\n")).then_some(())
    });
    let begun = Instant::now();
    signal(watch.pid(), Signal::SIGCONT);
    end();
    signal(strace.id(), Signal::SIGINT);
    strace.wait().expect("wait");
    let seconds = begun.elapsed().as_secs_f64();
    let text = fs::read_to_string(&table).expect("what strace counted");
    fs::remove_file(&table).expect("what strace counted");
    let row = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        Some(((*words.last()?).to_owned(), words.get(3)?.parse().ok()?))
    };
    let counts: Calls = text.lines().filter_map(row).filter(|(name, _)| name != "total").collect();
    assert!(counts.contains_key("write"), "{text}");
    (counts, seconds)
}

fn signal(pid: u32, signal: Signal) {
    kill(Pid::from_raw(pid as i32), signal).expect("kill");
}

#[test]
fn a_thousand_events_take_few_system_calls() {
    // Of no concern: neither it nor its parent, this process, is looked at.
    let mut zombie = Command::new("true").spawn().expect("true");
    let mut shell = Command::new("sh");
    shell.args(["-c", "read go; exec \"$0\" forks_in_a_row 1 10000", fixture()]);
    let mut shell = shell.stdin(Stdio::piped()).spawn().expect("sh");
    let watch = Watch::start(&["--pid", &shell.id().to_string()]);
    // All is in the ring before the session looks again: how fast who makes it is no matter.
    signal(watch.pid(), Signal::SIGSTOP);
    drop(shell.stdin.take().map(|mut go| go.write_all(b"\n")));
    shell.wait().expect("its end");
    let (counts, seconds) = calls(&watch, || watch.wait_for("reap", 10_000));
    let thousands = watch.stop().events.len() as f64 / 1000.0;
    zombie.wait().expect("its end");
    let of = |name| counts.get(name).copied().unwrap_or_default();
    let (writes, threads) = (of("write"), of("futex"));
    // Most is looked at once a second, and slept through as often as time allows, however much happens.
    let others = counts.values().sum::<f64>() - writes - threads;
    for (now, most) in [
        (writes, thousands * most("writes per 1,000 events")),
        (threads, thousands * most("calls between threads per 1,000 events")),
        (others, (seconds + 1.0) * most("other system calls per second of a full ring")),
    ] {
        assert!(now <= most, "{now} of {most}, {thousands} thousands in {seconds} s: {counts:?}");
    }
}

#[test]
fn a_busy_session_makes_few_system_calls_a_second() {
    let mut shell = Command::new("sh");
    let mut shell = shell.args(["-c", "while :; do sleep 0.01; done"]).spawn().expect("sh");
    let watch = Watch::start(&["--pid", &shell.id().to_string()]);
    watch.wait_for("reap", 50);
    let begun = Instant::now();
    let time = || until("some time has passed", || (begun.elapsed() >= QUIET).then_some(()));
    let (counts, seconds) = calls(&watch, time);
    shell.kill().expect("kill");
    shell.wait().expect("its end");
    watch.stop();
    let per_second = counts.values().sum::<f64>() / seconds;
    assert!(per_second <= most("system calls per second of a busy session"), "{counts:?}");
}

/// The tracepoints that a process has programs at, by the links that it holds (`bpf_raw_tp_link_show_fdinfo`,
/// kernel/bpf/syscall.c, 5.8 and newer).
fn tracepoints(pid: u32) -> BTreeSet<String> {
    let infos = fs::read_dir(format!("/proc/{pid}/fdinfo")).expect("its descriptors");
    let texts = infos.filter_map(|info| fs::read_to_string(info.expect("one").path()).ok());
    let named = |text: String| {
        text.lines().find_map(|line| line.strip_prefix("tp_name:\t").map(str::to_owned))
    };
    texts.filter_map(named).collect()
}

#[test]
fn the_fentry_hooks_are_at_no_system_call_and_no_context_switch() {
    let watch = Watch::start(&[]);
    let found = tracepoints(watch.pid());
    let calls = perf_events(watch.pid());
    let story = watch.stop();
    let watch = Watch::start(&["--fork-failures"]);
    let with_forks = perf_events(watch.pid());
    drop(watch.stop());
    let everyone: Vec<&String> =
        found.iter().filter(|name| name.starts_with("sys_") || *name == "sched_switch").collect();
    assert!(found.contains("sched_process_fork"), "{found:?}");
    let of_all: &[&str] = match (story.tier(), ends_of_single_calls()) {
        ("fentry", _) => &[],
        ("tracepoint", true) => &["sched_switch"],
        ("tracepoint", false) => &["sched_switch", "sys_exit"],
        (tier, _) => panic!("{tier}"),
    };
    assert_eq!(everyone, of_all);
    let expected = if of_all == ["sched_switch"] { (2, 6) } else { (0, 0) };
    assert_eq!((calls, with_forks), expected, "perf events");
}

fn perf_events(pid: u32) -> usize {
    let links = fs::read_dir(format!("/proc/{pid}/fd")).expect("its descriptors");
    let links = links.filter_map(|link| fs::read_link(link.expect("one").path()).ok());
    links.filter(|link| link.as_os_str() == "anon_inode:[perf_event]").count()
}

/// Whether the system calls that are wanted have tracepoints of their own here.
fn ends_of_single_calls() -> bool {
    let told = output(tracer().args(["doctor", "--format", "json"])).stdout;
    let report: Value = serde_json::from_slice(&told).expect("JSON");
    let checks = report["checks"].as_array().expect("checks");
    let check = checks.iter().find(|check| check["name"] == "tp/syscalls/sys_exit_*");
    check.expect("the check")["available"].as_bool().expect("yes or no")
}
