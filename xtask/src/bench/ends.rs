//! A tool at work: what it has told so far, and what it costs.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

use super::{
    load::{Bench, Load, Started},
    pause,
    tools::{Tells, Tool, Way},
};
use crate::process;

/// Between two looks, which must not be a load of their own.
const LOOK: Duration = Duration::from_millis(5);
/// How long a tool may take until it tells of something.
const START: Duration = Duration::from_mins(1);
/// A tool that tells nothing for this long has nothing more to tell.
const SILENCE: Duration = Duration::from_millis(1500);

/// Where nothing can be read: what is under way is encoded by then.
const WRITTEN: Duration = Duration::from_millis(200);

/// A tool that runs.
pub(super) struct Running<'a> {
    tool: &'a Tool,
    pid: u32,
    /// Not of a tool that has started the load, and ends with it.
    child: Option<Child>,
    /// Where what it tells goes.
    pub path: PathBuf,
    lines: BufReader<File>,
    line: Vec<u8>,
    canaries: u64,
    ends: u64,
    /// From its start until its first event was there to be read.
    pub start_up: Duration,
}

/// What a tool has used so far.
pub(super) struct Usage {
    pub cpu_ns: u64,
    pub peak_rss_bytes: u64,
}

impl<'a> Running<'a> {
    /// Starts it beside a load, and has the load make canaries until it tells of one.
    pub(super) fn start(tool: &'a Tool, bench: &Bench, load: &Load) -> Result<(Self, Started)> {
        let path = bench.folder.join("events");
        let file = File::create(&path).with_context(|| path.display().to_string())?;
        let lines = BufReader::new(File::open(&path)?);
        let errors = bench.folder.join("errors");
        let (mut command, to_stdout) = tool.command(&path);
        command.stdin(Stdio::null()).stderr(File::create(&errors)?);
        command.stdout(if to_stdout { Stdio::from(file) } else { Stdio::null() });
        let mut begun = Instant::now();
        let (child, mut load) = if matches!(tool.way, Way::Starts) {
            command.arg("--");
            (None, bench.start_by(load, Some(command))?)
        } else {
            let load = bench.start(load)?;
            if let Way::Attaches(option) = tool.way {
                command.arg(option).arg(load.pid().to_string());
            }
            begun = Instant::now();
            let child = command.spawn();
            (Some(child.with_context(|| format!("cannot start {}", tool.name))?), load)
        };
        let pid = child.as_ref().map_or(load.pid(), Child::id);
        let (line, start_up) = (Vec::new(), Duration::ZERO);
        let mut running =
            Self { tool, pid, child, path, lines, line, canaries: 0, ends: 0, start_up };
        while !running.is_ready()? {
            let errors = || fs::read_to_string(&errors).unwrap_or_default();
            let ended = running.child.as_mut().map(Child::try_wait).transpose()?.flatten();
            if let Some(status) = ended {
                bail!("{} ended ({status}): {}", tool.name, errors());
            }
            if begun.elapsed() > START {
                bail!("{} told nothing: {}", tool.name, errors());
            }
            load.canary()?;
            pause(LOOK);
            running.read()?;
        }
        running.start_up = begun.elapsed();
        Ok((running, load))
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// Whether it sees what happens: a recording is begun when the hooks are there.
    fn is_ready(&self) -> Result<bool> {
        Ok(match self.tool.tells {
            Tells::Recording => fs::metadata(&self.path)?.len() > 0,
            Tells::Nothing => true,
            _ => self.canaries > 0,
        })
    }

    /// Reads the lines that have been finished.
    fn read(&mut self) -> Result<bool> {
        let mut grown = false;
        loop {
            let count = self.lines.read_until(b'\n', &mut self.line)?;
            grown |= count > 0;
            if self.line.last() != Some(&b'\n') {
                return Ok(grown);
            }
            let line = String::from_utf8_lossy(&self.line);
            self.canaries += u64::from(self.tool.tells_a_canary(&line));
            self.ends += u64::from(self.tool.tells_an_end(&line));
            self.line.clear();
        }
    }

    /// Reads on until so many ends are told, or nothing more is.
    pub(super) fn read_until(&mut self, ends: u64) -> Result<()> {
        if !self.tool.tells.are_lines() {
            pause(WRITTEN);
            return Ok(());
        }
        let mut last = Instant::now();
        while self.ends < ends && last.elapsed() < SILENCE {
            if self.read()? {
                last = Instant::now();
            }
            pause(LOOK);
        }
        Ok(())
    }

    /// Of all its threads, as the scheduler counts it (`proc_pid_schedstat`, fs/proc/base.c, 6.18).
    pub(super) fn usage(&self) -> Result<Usage> {
        let folder = format!("/proc/{}", self.pid());
        let mut cpu_ns = 0;
        for thread in fs::read_dir(format!("{folder}/task"))? {
            let Ok(text) = fs::read_to_string(thread?.path().join("schedstat")) else { continue };
            cpu_ns += text.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0);
        }
        Ok(Usage { cpu_ns, peak_rss_bytes: resident(self.pid(), "VmHWM:")? })
    }

    /// Ends it as Ctrl-C does, and the load. Returns how many ends it has told of.
    pub(super) fn stop(mut self, load: Started) -> Result<u64> {
        if let Some(child) = &mut self.child {
            // What follows a process ends before it.
            process::output(Command::new("kill").args(["-INT", &child.id().to_string()]))
                .with_context(|| format!("{} is gone", self.tool.name))?;
            child.wait()?;
        }
        load.end()?;
        if matches!(self.tool.tells, Tells::Recording) {
            let mut replay = Command::new(&self.tool.program);
            replay.args(["trace", "--format", "json", "--type", "exit", "--from"]).arg(&self.path);
            let told = process::output(&mut replay).context("the recording cannot be replayed")?;
            self.ends = told.lines().filter(|line| self.tool.tells_an_end(line)).count() as u64;
        }
        Ok(self.ends)
    }
}

/// Whatever goes wrong, the next run has the machine for itself.
impl Drop for Running<'_> {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A line of `/proc/PID/status` about memory, in bytes.
pub(super) fn resident(pid: u32, field: &str) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let value = status.lines().find_map(|line| line.strip_prefix(field));
    let value = value.and_then(|value| value.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    Ok(value.with_context(|| format!("no {field} of {pid}"))? * 1024)
}
