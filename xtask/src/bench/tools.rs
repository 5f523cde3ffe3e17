//! How each tool is started, and how its output tells that a process has ended.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;

use crate::{
    packages::{self, Tool as Package},
    process,
    workspace::Workspace,
};

/// The tools beside tracer that Debian has.
const PACKAGES: [Package; 6] = [
    ("bpftrace", "bpftrace"),
    ("execsnoop", "libbpf-tools"),
    ("exitsnoop", "libbpf-tools"),
    ("forkstat", "forkstat"),
    ("perf", "linux-perf"),
    ("strace", "strace"),
];
/// The one that cargo has, pinned.
const TRACEXEC: &str = "1.0.0";
/// What it is linked with.
const SECCOMP: &str = "libseccomp-dev";

/// Tools that a comparison like this one cannot have, and why.
pub(super) const LEFT_OUT: [(&str, &str); 1] = [(
    "perf record",
    "what it writes can be read when it has ended: neither its start-up nor its losses show",
)];

/// What the script of bpftrace is to tell is what tracer tells by default, as far as a script can.
const SCRIPT: &str = include_str!("lifecycle.bt");
/// A line of tracer's that tells an end.
const EXIT: &str = r#""type":"exit""#;
/// How a canary ends, in the words of strace.
const CANARY: &str = "exited with 77";
/// Tools that read tracepoints look for tracefs in either place. A private mount leaves the machine's as
/// they are.
const WITH_TRACEFS: &str = "mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null; \
    mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null; exec \"$@\"";

/// For those that would keep their lines back where they do not go to a terminal.
const BY_LINE: &[&str] = &["stdbuf", "-oL"];
/// For tracer as one runs it without CAP_SYS_ADMIN, as root so that the files of the others can be written.
const TWO_CAPABILITIES: &[&str] =
    &["setpriv", "--bounding-set=-all,+bpf,+perfmon", "--inh-caps=-all,+bpf,+perfmon"];

/// So many times the pairs for tracer itself, which costs less than the runs differ by, and for no tool at
/// all, which tells what they differ by.
pub(super) const OWN: u16 = 8;

/// How a tool comes to its load.
pub(super) enum Way {
    /// It sees the whole machine.
    Machine,
    /// It follows one process, given by this option.
    Attaches(&'static str),
    /// It follows what it starts.
    Starts,
}

/// What a tool's output has of ends.
pub(super) enum Tells {
    /// Lines with this, and names: only the load's are counted.
    Named(&'static str),
    /// Lines with this.
    Unnamed(&'static str),
    /// None at all.
    NoEnds,
    /// A recording, which tells of them when it is replayed.
    Recording,
    /// Nothing, and it is no tool.
    Nothing,
}

impl Tells {
    /// Whether what it tells can be read meanwhile.
    pub(super) fn are_lines(&self) -> bool {
        !matches!(self, Self::Recording | Self::Nothing)
    }

    pub(super) fn is_any(&self) -> bool {
        !matches!(self, Self::Nothing)
    }

    pub(super) fn are_ends(&self) -> bool {
        !matches!(self, Self::NoEnds | Self::Nothing)
    }
}

pub(super) struct Tool {
    pub name: &'static str,
    pub program: PathBuf,
    arguments: Vec<OsString>,
    /// Where its lines go: an option of it that names a file, or its standard output.
    file_option: Option<&'static str>,
    pub way: Way,
    needs_tracefs: bool,
    /// What starts it.
    starter: &'static [&'static str],
    pub tells: Tells,
    /// So many times the pairs of the others.
    pub times: u16,
}

impl Tool {
    fn new(name: &'static str, program: impl Into<PathBuf>, arguments: &[&str]) -> Self {
        Self {
            name,
            program: program.into(),
            arguments: arguments.iter().map(OsString::from).collect(),
            file_option: None,
            way: Way::Machine,
            needs_tracefs: false,
            starter: &[],
            tells: Tells::Named(""),
            times: 1,
        }
    }

    /// The command that writes to this file, and whether it does so by its standard output.
    pub(super) fn command(&self, file: &Path) -> (Command, bool) {
        let mut command = Command::new(if self.needs_tracefs { "unshare" } else { "env" });
        if self.needs_tracefs {
            command.args(["--mount", "sh", "-c", WITH_TRACEFS, "sh"]);
        }
        command
            .args(self.starter)
            .arg(&self.program)
            .args(&self.arguments)
            .env("PYTHONUNBUFFERED", "1");
        if let Some(option) = self.file_option {
            command.arg(option).arg(file);
        }
        (command, self.file_option.is_none())
    }

    /// What one would type.
    pub(super) fn typed(&self) -> String {
        let program = self.program.file_name().unwrap_or(self.program.as_os_str());
        let mut options: Vec<&str> =
            self.file_option.map_or_else(Vec::new, |one| vec![one, "FILE"]);
        match self.way {
            Way::Machine => {}
            Way::Attaches(option) => options.extend([option, "PID"]),
            Way::Starts => options.extend(["--", "LOAD"]),
        }
        let arguments = self.arguments.iter().map(|argument| argument.to_string_lossy());
        let arguments = arguments.map(|one| {
            if one == SCRIPT { "\"$(cat xtask/src/bench/lifecycle.bt)\"".into() } else { one }
        });
        let starter = self.starter.iter().copied().map(Into::into);
        let words = starter.chain([program.to_string_lossy()]).chain(arguments);
        words.chain(options.into_iter().map(Into::into)).collect::<Vec<_>>().join(" ")
    }

    /// Whether the line tells the end of a process of the load.
    pub(super) fn tells_an_end(&self, line: &str) -> bool {
        let names = ["load", "tiny"];
        let mut words = line.split(|letter: char| !letter.is_ascii_alphanumeric());
        let end = match self.tells {
            Tells::Named(end) | Tells::Unnamed(end) => end,
            Tells::Recording => EXIT,
            Tells::NoEnds | Tells::Nothing => return false,
        };
        let is_named =
            matches!(self.tells, Tells::Unnamed(_)) || words.any(|word| names.contains(&word));
        // Whoever tells of a canary's parent names the load, too.
        line.contains(end) && is_named && !self.tells_a_canary(line)
    }

    /// Whether the line tells of a canary.
    pub(super) fn tells_a_canary(&self, line: &str) -> bool {
        line.contains(if matches!(self.tells, Tells::Unnamed(_)) { CANARY } else { "canary" })
    }

    /// Its name and version, as it says.
    pub(super) fn version(&self) -> Option<(String, String)> {
        let told = process::output(Command::new(&self.program).arg("--version"))?;
        let program = self.program.file_name()?.to_string_lossy().into_owned();
        Some((program, told.lines().next()?.to_owned()))
    }
}

/// tracer, in one of its ways.
fn tracer(name: &'static str, program: &Path, arguments: &[&str], tells: Tells) -> Tool {
    let file_option = Some("--output");
    Tool { file_option, tells, times: OWN, ..Tool::new(name, program, arguments) }
}

pub(super) fn lifecycles(program: &Path) -> Tool {
    tracer("tracer --lifecycles", program, &["trace", "--lifecycles"], Tells::Named(""))
}

pub(super) fn json(program: &Path) -> Tool {
    tracer("tracer --format json", program, &["trace", "--format", "json"], Tells::Named(EXIT))
}

pub(super) fn record(program: &Path) -> Tool {
    tracer("tracer record", program, &["record"], Tells::Recording)
}

/// None, tracer in each of its ways, and where they are wanted those beside it, of which `tracexec` is in that
/// folder.
pub(super) fn all(tracer: &Path, peers: Option<&Path>) -> Vec<Tool> {
    let file_option = Some("--output");
    let nothing =
        Tool { tells: Tells::Nothing, times: OWN, ..Tool::new("no tool", "sleep", &["infinity"]) };
    let with_less = Tool {
        name: "tracer, two capabilities",
        starter: TWO_CAPABILITIES,
        times: 1,
        ..lifecycles(tracer)
    };
    let mut tools = vec![nothing, lifecycles(tracer), json(tracer), record(tracer), with_less];
    let Some(tracexec) = peers else { return tools };
    tools.extend([
        Tool {
            needs_tracefs: true,
            tells: Tells::Named("exit"),
            ..Tool::new("bpftrace", "bpftrace", &["-B", "line", "-e", SCRIPT])
        },
        Tool {
            needs_tracefs: true,
            starter: BY_LINE,
            ..Tool::new("exitsnoop (libbpf)", "exitsnoop", &[])
        },
        Tool {
            needs_tracefs: true,
            starter: BY_LINE,
            tells: Tells::NoEnds,
            ..Tool::new("execsnoop (libbpf)", "execsnoop", &[])
        },
        Tool {
            tells: Tells::Named("exit"),
            ..Tool::new("forkstat", "forkstat", &["-l", "-e", "fork,exec,exit"])
        },
        Tool {
            file_option,
            needs_tracefs: true,
            tells: Tells::Named("sched_process_exit"),
            ..Tool::new(
                "perf trace",
                "perf",
                &[
                    "trace",
                    "--all-cpus",
                    "--no-syscalls",
                    "--event",
                    "sched:sched_process_fork,sched:sched_process_exec,sched:sched_process_exit",
                ],
            )
        },
        Tool {
            file_option,
            way: Way::Attaches("--attach"),
            tells: Tells::Unnamed("exited with"),
            ..Tool::new("strace -f", "strace", &["-f"])
        },
        Tool {
            file_option,
            way: Way::Starts,
            tells: Tells::NoEnds,
            ..Tool::new("tracexec", tracexec, &["log"])
        },
    ]);
    tools
}

/// Installs the tools beside tracer; returns where tracexec is.
pub(super) fn install(workspace: &Workspace) -> Result<PathBuf> {
    packages::require(&PACKAGES)?;
    let folder = workspace.tools().join("tracexec");
    let program = folder.join("bin").join("tracexec");
    if !program.is_file() {
        packages::install(&[SECCOMP])?;
        let mut cargo = workspace.cargo("install");
        cargo.args([
            "--locked",
            "--version",
            TRACEXEC,
            "--no-default-features",
            "tracexec",
            "--root",
        ]);
        process::run(cargo.arg(&folder).arg("--target-dir").arg(folder.join("target")))?;
        fs::remove_dir_all(folder.join("target"))?;
    }
    Ok(program)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{json, lifecycles};

    #[test]
    fn the_ends_of_the_load_are_counted_and_of_what_it_does_beside_it_none() {
        let tracer = Path::new("tracer");
        let of_load = "load life exited 0 after 1ms, zombie for 20µs, reaped by load (9) via wait4";
        let of_canary = of_load.replacen("load", "canary", 1);
        assert!(lifecycles(tracer).tells_an_end(of_load));
        assert!(!lifecycles(tracer).tells_an_end(&of_canary));
        let line = |kind, comm| format!(r#"{{"v":1,"type":"{kind}","comm":"{comm}"}}"#);
        assert!(json(tracer).tells_an_end(&line("exit", "tiny")));
        assert!(!json(tracer).tells_an_end(&line("zombie", "tiny")));
        assert!(!json(tracer).tells_an_end(&line("exit", "canary")));
    }
}
