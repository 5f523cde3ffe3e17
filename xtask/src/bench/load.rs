//! The loads, and the program that makes them: `load` of the fixture.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::workspace::Workspace;

/// What is measured, as the page calls it, and what the fixture is asked for.
pub(super) struct Load {
    pub name: &'static str,
    pub kind: &'static str,
    pub workers: u8,
    /// What the kind needs, of the names in the benchmark's folder when it is a path.
    pub argument: Argument,
}

pub(super) enum Argument {
    None,
    Tiny,
    Batch,
    Project,
}

const BATCH: &str = "200";
/// The load whose lives are long, so that a run has few, and so many times the pairs of the others.
pub(super) const LONG: (&str, u16) = ("posix_spawn", 2);

pub(super) const ALL: [Load; 6] = [
    Load { name: "fork, exit, wait", kind: "forks", workers: 1, argument: Argument::None },
    Load { name: "two forkers", kind: "forks", workers: 2, argument: Argument::None },
    Load { name: LONG.0, kind: "spawns", workers: 1, argument: Argument::Tiny },
    Load { name: "zombies by 200", kind: "zombies", workers: 1, argument: Argument::Batch },
    Load { name: "system calls", kind: "calls", workers: 1, argument: Argument::None },
    Load { name: "make", kind: "make", workers: 1, argument: Argument::Project },
];

/// The cheapest lives there are: they share their parent's memory, as those of `posix_spawn` do until they exec,
/// and end.
pub(super) const VFORKS: Load =
    Load { name: "two vforkers", kind: "vforks", workers: 2, argument: Argument::None };

/// Where everything is, and how long a run is.
pub(super) struct Bench {
    pub fixture: PathBuf,
    pub folder: PathBuf,
    pub seconds: f64,
}

/// What the load says of itself.
#[derive(Deserialize)]
pub(super) struct Done {
    pub per_second: f64,
    /// Processes that were made since it was told to go, by their names `load` and `tiny`.
    pub lives: u64,
}

/// A load that waits to be told to go.
pub(super) struct Started {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Load {
    /// So many times the pairs of the others.
    pub(super) fn times(&self) -> u16 {
        if self.name == LONG.0 { LONG.1 } else { 1 }
    }
}

impl Bench {
    /// The same with longer runs, or shorter ones.
    pub(super) fn for_seconds(&self, seconds: f64) -> Self {
        Self { fixture: self.fixture.clone(), folder: self.folder.clone(), seconds }
    }

    pub(super) fn start(&self, load: &Load) -> Result<Started> {
        self.start_by(load, None)
    }

    /// The same, started by a tool that follows what it starts, if it is one.
    pub(super) fn start_by(&self, load: &Load, tool: Option<Command>) -> Result<Started> {
        let argument = match load.argument {
            Argument::None => "-".into(),
            Argument::Tiny => self.folder.join("tiny").into_os_string(),
            Argument::Batch => BATCH.into(),
            Argument::Project => self.folder.join("project").into_os_string(),
        };
        let mut command = tool.unwrap_or_else(|| Command::new("env"));
        command.arg(&self.fixture).args(["load", load.kind, &self.seconds.to_string()]);
        command.arg(load.workers.to_string()).current_dir(&self.folder);
        command.arg(argument).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| self.fixture.display().to_string())?;
        let input = child.stdin.take().context("stdin")?;
        let output = BufReader::new(child.stdout.take().context("stdout")?);
        Ok(Started { child, input, output })
    }

    /// Two runs of nothing but the load.
    pub(super) fn alone(&self, load: &Load) -> Result<[Done; 2]> {
        let mut load = self.start(load)?;
        let done = [load.go()?, load.go()?];
        load.end()?;
        Ok(done)
    }
}

impl Started {
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn canary(&mut self) -> Result<()> {
        self.input.write_all(b"c").context("the load is gone")
    }

    pub(super) fn go(&mut self) -> Result<Done> {
        self.input.write_all(b"g").context("the load is gone")?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        serde_json::from_str(&line).with_context(|| format!("the load said {line:?}"))
    }

    /// It has waited, so that who reads about it in /proc finds it.
    pub(super) fn end(self) -> Result<()> {
        let Self { mut child, input, output } = self;
        drop(input);
        drop(output);
        child.wait()?;
        Ok(())
    }
}

/// Modules of the C project: enough for some dozens of processes at a time round.
const MODULES: u32 = 6;

/// Makes the folder with the programs that are run and the project that is built.
pub(super) fn prepare(workspace: &Workspace, fixture: &Path) -> Result<PathBuf> {
    let folder = workspace.target.join("bench");
    let project = folder.join("project");
    fs::create_dir_all(&project).with_context(|| project.display().to_string())?;
    fs::copy("/bin/true", folder.join("tiny")).context("/bin/true")?;
    fs::copy(fixture, folder.join("canary")).context("the fixture")?;
    let mut objects = vec!["main.o".to_owned()];
    for n in 0..MODULES {
        let source = format!("int f{n}(int x) {{ return x * {n} + 1; }}\n");
        fs::write(project.join(format!("f{n}.c")), source)?;
        objects.push(format!("f{n}.o"));
    }
    fs::write(project.join("main.c"), "int f0(int); int main(void) { return f0(1) - 1; }\n")?;
    let objects = objects.join(" ");
    let makefile = format!("program: {objects}\n\t$(CC) -o $@ {objects}\n");
    fs::write(project.join("Makefile"), makefile)?;
    Ok(folder)
}
