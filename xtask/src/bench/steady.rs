//! The tracer over time: where nothing happens, and where much does for a minute.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::{
    ends::{Running, resident},
    load::{self, Bench},
    pause,
    result::{Idle, Replay, Spread, Sustained},
    tools,
};
use crate::process;

const QUIET: Duration = Duration::from_secs(20);
const LONG: Duration = Duration::from_mins(1);
const SIXTHS: u32 = 6;
/// How often the start is measured.
const STARTS: usize = 21;
/// What tracer says when the hooks are there.
const ATTACHED: &str = "are attached";
/// What is recorded to be replayed, and how often.
const RECORDED: Duration = Duration::from_secs(10);
const REPLAYS: usize = 7;

/// The hooks that tracer chooses here.
pub(super) fn hooks(tracer: &Path) -> Result<String> {
    let mut session = Command::new(tracer);
    session.args(["trace", "--format", "json", "--duration", "0s"]);
    let told = process::output(&mut session).context("tracer has no session")?;
    let session: Value = serde_json::from_str(told.lines().next().unwrap_or_default())?;
    Ok(session["tier"].as_str().context("no hooks are named")?.to_owned())
}

pub(super) fn idle(bench: &Bench, tracer: &Path) -> Result<Idle> {
    let tool = &tools::lifecycles(tracer);
    let (running, mut load) = Running::start(tool, bench, &load::ALL[0])?;
    let before = running.usage()?;
    pause(QUIET);
    let used = running.usage()?.cpu_ns - before.cpu_ns;
    load.go()?;
    running.stop(load)?;
    Ok(Idle { seconds: QUIET.as_secs_f64(), cpu_share: used as f64 / QUIET.as_nanos() as f64 })
}

/// From the start of the program until it says that its hooks are attached, ms.
pub(super) fn attached(tracer: &Path) -> Result<Spread> {
    let mut times = Vec::new();
    for _ in 0..STARTS {
        let begun = Instant::now();
        let mut command = Command::new(tracer);
        command.args(["-v", "record", "--duration", "0s", "--output", "/dev/null"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let said = child.stderr.take().context("no standard error")?;
        let mut lines = BufReader::new(said).lines();
        lines
            .find_map(|line| line.map(|line| line.contains(ATTACHED).then_some(())).transpose())
            .context("it does not say that it is attached")??;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
        lines.for_each(drop);
        child.wait()?;
    }
    Ok(Spread::of(times))
}

/// A recording, of which no event is told but the summary.
pub(super) fn replay(bench: &Bench, tracer: &Path) -> Result<Replay> {
    let long = bench.for_seconds(RECORDED.as_secs_f64());
    let tool = &tools::record(tracer);
    let (running, mut load) = Running::start(tool, &long, &load::ALL[1])?;
    load.go()?;
    let path = running.path.clone();
    running.stop(load)?;
    let (mut records, mut seconds) = (0, Vec::new());
    for _ in 0..REPLAYS {
        let mut replay = Command::new(tracer);
        replay.args(["trace", "--format", "json", "--type", "fork_failed", "--from"]).arg(&path);
        let begun = Instant::now();
        let told = process::output(&mut replay).context("the recording cannot be replayed")?;
        seconds.push(begun.elapsed().as_secs_f64());
        let summary: Value =
            serde_json::from_str(told.trim_end().rsplit('\n').next().unwrap_or(""))?;
        records = summary["received"].as_u64().context("no summary")?;
    }
    Ok(Replay { records, seconds: Spread::of(seconds) })
}

/// All events, of more lives than forks could be.
pub(super) fn sustained(bench: &Bench, tracer: &Path) -> Result<Sustained> {
    let long = bench.for_seconds(LONG.as_secs_f64());
    let tool = &tools::json(tracer);
    let (mut running, mut load) = Running::start(tool, &long, &load::VFORKS)?;
    let going = std::thread::spawn(move || load.go().map(|done| (load, done)));
    // The load warms up for a tenth of its time.
    let mut rss_bytes = Vec::new();
    for _ in 0..SIXTHS {
        pause(LONG / SIXTHS);
        rss_bytes.push(resident(running.pid(), "VmRSS:")?);
    }
    let (load, done) = going.join().ok().context("the load's thread died")??;
    running.read_until(done.lives)?;
    let ends = running.stop(load)?;
    Ok(Sustained {
        seconds: LONG.as_secs_f64(),
        lives_per_second: done.per_second,
        rss_bytes,
        lost: done.lives.saturating_sub(ends),
    })
}
