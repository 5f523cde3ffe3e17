//! What the hooks cost programs that they have nothing to say about, and what the tracer asks of the kernel.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{
    figures,
    story::{Partner, Watch, fixture, measured, scratch, until},
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

/// A figure of `docs/costs.json`, and the tenth by which it may be missed. Those of time are no exact counts,
/// so they are recorded by hand, as the most there was.
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

#[test]
fn a_thousand_events_take_few_system_calls() {
    // Of no concern: neither it nor its parent, this process, is looked at.
    let mut zombie = Command::new("true").spawn().expect("true");
    let mut shell = Command::new("sh");
    shell.args(["-c", "read go; exec \"$0\" forks_in_a_row 1 10000", fixture()]);
    let mut shell = shell.stdin(Stdio::piped()).spawn().expect("sh");
    let watch = Watch::start(&["--pid", &shell.id().to_string()]);
    let counts = scratch("strace");
    let mut strace = Command::new("strace");
    // A look at the clock is a system call only where the vDSO does not know the machine's counter.
    strace.args(["-qq", "-f", "-c", "-e", "trace=!clock_gettime", "-o"]).arg(&counts);
    strace.arg("-p").arg(watch.pid().to_string());
    let mut strace = strace.stderr(Stdio::null()).spawn().expect("strace");
    let status = format!("/proc/{}/status", watch.pid());
    until("strace looks at it", || {
        let status = fs::read_to_string(&status).expect("its status");
        (!status.contains("TracerPid:\t0\n")).then_some(())
    });
    let begun = Instant::now();
    drop(shell.stdin.take().map(|mut go| go.write_all(b"\n")));
    shell.wait().expect("its end");
    watch.wait_for("reap", 10_000);
    let seconds = begun.elapsed().as_secs_f64();
    kill(Pid::from_raw(strace.id() as i32), Signal::SIGINT).expect("kill");
    strace.wait().expect("wait");
    let thousands = watch.stop().events.len() as f64 / 1000.0;
    zombie.wait().expect("its end");
    let table = fs::read_to_string(&counts).expect("what strace counted");
    fs::remove_file(&counts).expect("what strace counted");
    let total = table.lines().find(|line| line.ends_with(" total")).expect("a total");
    let calls: f64 = total.split_whitespace().nth(3).and_then(|count| count.parse().ok()).unwrap();
    let most = thousands * most("system calls per 1,000 events")
        + seconds * most("system calls per second of a busy session");
    assert!(calls <= most, "{calls} of {most} for {thousands} thousands in {seconds} s:\n{table}");
}
