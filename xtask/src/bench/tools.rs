//! How each tool is started, and how its output tells that a process has ended.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{packages::Tool as Package, process};

/// The tools beside tracer that Debian has.
pub(super) const PACKAGES: [Package; 5] = [
    ("bpftrace", "bpftrace"),
    ("exitsnoop", "libbpf-tools"),
    ("forkstat", "forkstat"),
    ("perf", "linux-perf"),
    ("strace", "strace"),
];

/// Tools that a comparison like this one cannot have, and why.
pub(super) const LEFT_OUT: [(&str, &str); 3] = [
    ("execsnoop", "it tells of programs, and so of no life that runs none, nor of any end"),
    (
        "perf record",
        "what it writes can be read when it has ended: neither its start-up nor its losses show",
    ),
    ("tracexec", "it tells of programs, too, and Debian has no package of it"),
];

/// What the script of bpftrace is to tell is what tracer tells by default, as far as a script can.
const SCRIPT: &str = include_str!("lifecycle.bt");
/// Tools that read tracepoints look for tracefs in either place. A private mount leaves the machine's as
/// they are.
const WITH_TRACEFS: &str = "mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null; \
    mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null; exec \"$@\"";

pub(super) struct Tool {
    pub name: &'static str,
    pub program: PathBuf,
    arguments: Vec<OsString>,
    /// Where its lines go: an option of it that names a file, or its standard output.
    file_option: Option<&'static str>,
    /// It follows one process, given by this option.
    pid_option: Option<&'static str>,
    needs_tracefs: bool,
    /// It would keep its lines back where they do not go to a terminal.
    is_buffered: bool,
    /// What a line that tells an end has.
    end: &'static str,
    /// It shows names of processes, so that only the load's need be counted.
    pub shows_names: bool,
}

impl Tool {
    fn new(name: &'static str, program: impl Into<PathBuf>, arguments: &[&str]) -> Self {
        Self {
            name,
            program: program.into(),
            arguments: arguments.iter().map(OsString::from).collect(),
            file_option: None,
            pid_option: None,
            needs_tracefs: false,
            is_buffered: false,
            end: "",
            shows_names: true,
        }
    }

    /// The command that writes to this file; `None` where that is standard output.
    pub(super) fn command(&self, file: &Path, load: u32) -> (Command, bool) {
        let mut command = Command::new(if self.needs_tracefs { "unshare" } else { "env" });
        if self.needs_tracefs {
            command.args(["--mount", "sh", "-c", WITH_TRACEFS, "sh"]);
        }
        if self.is_buffered {
            command.args(["stdbuf", "-oL"]);
        }
        command.arg(&self.program).args(&self.arguments).env("PYTHONUNBUFFERED", "1");
        if let Some(option) = self.file_option {
            command.arg(option).arg(file);
        }
        if let Some(option) = self.pid_option {
            command.arg(option).arg(load.to_string());
        }
        (command, self.file_option.is_none())
    }

    /// What one would type.
    pub(super) fn typed(&self) -> String {
        let program = self.program.file_name().unwrap_or(self.program.as_os_str());
        let options = [self.file_option, self.pid_option].into_iter().flatten();
        let options = options.flat_map(|option| {
            [option, if Some(option) == self.pid_option { "PID" } else { "FILE" }]
        });
        let arguments = self.arguments.iter().map(|argument| argument.to_string_lossy());
        let arguments = arguments.map(|one| {
            if one == SCRIPT { "\"$(cat xtask/src/bench/lifecycle.bt)\"".into() } else { one }
        });
        let by_line = self.is_buffered.then_some("stdbuf -oL".into());
        let words = by_line.into_iter().chain([program.to_string_lossy()]).chain(arguments);
        words.chain(options.map(Into::into)).collect::<Vec<_>>().join(" ")
    }

    /// Whether the line tells the end of a process of the load.
    pub(super) fn tells_an_end(&self, line: &str) -> bool {
        let names = ["load", "tiny"];
        let mut words = line.split(|letter: char| !letter.is_ascii_alphanumeric());
        line.contains(self.end)
            && !self.tells_a_canary(line)
            && (!self.shows_names || words.any(|word| names.contains(&word)))
    }

    /// Whether the line tells of a canary.
    pub(super) fn tells_a_canary(&self, line: &str) -> bool {
        line.contains(if self.shows_names { "canary" } else { "exited with 77" })
    }

    /// Its name and version, as it says.
    pub(super) fn version(&self) -> Option<(String, String)> {
        let told = process::output(Command::new(&self.program).arg("--version"))?;
        let program = self.program.file_name()?.to_string_lossy().into_owned();
        Some((program, told.lines().next()?.to_owned()))
    }
}

/// tracer in both of its ways, and where it is wanted what else is installed.
pub(super) fn all(tracer: &Path, peers: bool) -> Vec<Tool> {
    let file_option = Some("--output");
    let mut tools = vec![
        Tool {
            file_option,
            ..Tool::new("tracer --lifecycles", tracer, &["trace", "--lifecycles"])
        },
        Tool {
            file_option,
            end: r#""type":"exit""#,
            ..Tool::new("tracer --format json", tracer, &["trace", "--format", "json"])
        },
    ];
    if peers {
        tools.extend([
            Tool {
                needs_tracefs: true,
                end: "exit",
                ..Tool::new("bpftrace", "bpftrace", &["-B", "line", "-e", SCRIPT])
            },
            Tool {
                needs_tracefs: true,
                is_buffered: true,
                ..Tool::new("exitsnoop (libbpf)", "exitsnoop", &[])
            },
            Tool { end: "exit", ..Tool::new("forkstat", "forkstat", &["-l", "-e", "fork,exec,exit"]) },
            Tool {
                file_option,
                needs_tracefs: true,
                end: "sched_process_exit",
                ..Tool::new("perf trace", "perf", &["trace", "--all-cpus", "--no-syscalls",
                    "--event", "sched:sched_process_fork,sched:sched_process_exec,sched:sched_process_exit"])
            },
            Tool {
                file_option,
                pid_option: Some("--attach"),
                end: "exited with",
                shows_names: false,
                ..Tool::new("strace -f", "strace", &["-f"])
            },
        ]);
    }
    tools
}
