//! A tool at work: what it has told so far, and what it costs.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

use super::{load::Started, pause, tools::Tool};
use crate::process;

/// Between two looks, which must not be a load of their own.
const LOOK: Duration = Duration::from_millis(5);
/// How long a tool may take until it tells of something.
const START: Duration = Duration::from_mins(1);
/// A tool that tells nothing for this long has nothing more to tell.
const SILENCE: Duration = Duration::from_millis(1500);

/// A tool that runs.
pub(super) struct Running<'a> {
    tool: &'a Tool,
    child: Child,
    lines: BufReader<File>,
    line: Vec<u8>,
    canaries: u64,
    pub ends: u64,
    /// From its start until its first event was there to be read.
    pub start_up: Duration,
}

/// What a tool has used so far.
pub(super) struct Usage {
    pub cpu_ns: u64,
    pub peak_rss_bytes: u64,
}

impl<'a> Running<'a> {
    /// Starts it, and has the load make canaries until it tells of one.
    pub(super) fn start(tool: &'a Tool, folder: &Path, load: &mut Started) -> Result<Self> {
        let path = folder.join("events");
        let file = File::create(&path).with_context(|| path.display().to_string())?;
        let (mut command, to_stdout) = tool.command(&path, load.pid());
        command.stdin(Stdio::null()).stderr(File::create(folder.join("errors"))?);
        command.stdout(if to_stdout { Stdio::from(file) } else { Stdio::null() });
        let begun = Instant::now();
        let child = command.spawn().with_context(|| format!("cannot start {}", tool.name))?;
        let mut running = Self {
            tool,
            child,
            lines: BufReader::new(File::open(&path)?),
            line: Vec::new(),
            canaries: 0,
            ends: 0,
            start_up: Duration::ZERO,
        };
        while running.canaries == 0 {
            let errors = || fs::read_to_string(folder.join("errors")).unwrap_or_default();
            if let Some(status) = running.child.try_wait()? {
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
        Ok(running)
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
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

    /// Ends it as Ctrl-C does.
    pub(super) fn stop(mut self) -> Result<()> {
        let pid = self.pid().to_string();
        process::output(std::process::Command::new("kill").args(["-INT", &pid]))
            .with_context(|| format!("{} is gone", self.tool.name))?;
        self.child.wait()?;
        Ok(())
    }
}

/// Whatever goes wrong, the next run has the machine for itself.
impl Drop for Running<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A line of `/proc/PID/status` about memory, in bytes.
pub(super) fn resident(pid: u32, field: &str) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let value = status.lines().find_map(|line| line.strip_prefix(field));
    let value = value.and_then(|value| value.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    Ok(value.with_context(|| format!("no {field} of {pid}"))? * 1024)
}
