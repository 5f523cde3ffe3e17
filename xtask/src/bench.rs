//! What tracing costs those who are traced, and the tracer itself: each load without and with a tool, in
//! turn, so that what the machine does beside it falls on both.

mod ends;
mod load;
mod page;
mod pairs;
mod programs;
mod result;
mod stages;
mod steady;
mod tools;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use clap::Args;

use self::{load::Bench, result::Results};
use crate::{
    bpf,
    build::OBJECT_VARIABLE,
    packages::{self, Tool as Package},
    process,
    setup::{self, Choice},
    workspace::Workspace,
};

const NEEDED: [Package; 3] = [("bpftool", "bpftool"), ("gcc", "gcc"), ("make", "make")];

#[derive(Args)]
pub(crate) struct Options {
    /// Pairs of a run without and a run with the tool, an even number; eight times as many of tracer itself
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = even)]
    pairs: u16,
    /// How long each run is measured
    #[arg(long, value_name = "SECONDS", default_value_t = 0.2)]
    seconds: f64,
    /// Beside tracer, other tools too, installing what apt and cargo have of them
    #[arg(long)]
    peers: bool,
    /// Keep nothing
    #[arg(long)]
    dry_run: bool,
    /// Only loads whose name contains this
    filter: Option<String>,
}

/// Pairs come by twos.
fn even(typed: &str) -> Result<u16, String> {
    let number = typed.parse::<u8>().ok().filter(|number| *number > 0 && number % 2 == 0);
    number.map(u16::from).ok_or_else(|| "not an even number from 2 to 254".to_owned())
}

pub(crate) fn all(workspace: &Workspace, choice: Choice, options: &Options) -> Result<()> {
    if !process::is_root() {
        bail!("hooks need root: type sudo -E cargo xtask bench");
    }
    packages::require(&NEEDED)?;
    let tracexec = options.peers.then(|| tools::install(workspace)).transpose()?;
    let object = bpf::build(workspace, &setup::bpf_tools(workspace, choice)?)?;
    let fixture = build(workspace, &object)?;
    let folder = load::prepare(workspace, &fixture)?;
    let bench = Bench { fixture, folder, seconds: options.seconds };
    let tracer = bench.fixture.with_file_name("tracer");
    let is_wanted =
        |name: &str| options.filter.as_ref().is_none_or(|filter| name.contains(filter.as_str()));
    let mut results =
        Results { hooks: steady::hooks(&tracer)?, ..Results::new(options.pairs, options.seconds) };
    if options.peers {
        let left_out = tools::LEFT_OUT.map(|(tool, why)| (tool.to_owned(), why.to_owned()));
        results.left_out = left_out.into();
    }
    for tool in tools::all(&tracer, tracexec.as_deref()) {
        results.versions.extend(tool.version());
        results.commands.insert(tool.name.to_owned(), tool.typed());
        for load in load::ALL.iter().filter(|load| is_wanted(load.name)) {
            match pairs::run(&bench, load, &tool, options.pairs * tool.times * load.times()) {
                Ok(pairs) => results.pairs.push(pairs),
                // Not every tool can do with every kernel; what it says is a result, too.
                Err(error) if tool.program != tracer => {
                    let said = format!("{error:#}");
                    let last = said.lines().last().unwrap_or_default().to_owned();
                    results.failed.insert(tool.name.to_owned(), last);
                    break;
                }
                Err(error) => return Err(error),
            }
        }
    }
    if is_wanted("stages") {
        results.stages = stages::times(workspace, &object)?;
    }
    if is_wanted("programs") {
        results.programs = programs::cost(&bench, &tracer)?;
    }
    if is_wanted("attached") {
        results.attached_ms = Some(steady::attached(&tracer)?);
    }
    if is_wanted("idle") {
        results.idle = Some(steady::idle(&bench, &tracer)?);
    }
    if is_wanted("sustained") {
        results.sustained = Some(steady::sustained(&bench, &tracer)?);
    }
    if is_wanted("replay") {
        results.replay = Some(steady::replay(&bench, &tracer)?);
    }
    print!("{}", page::page(&results));
    if !options.dry_run && options.filter.is_none() {
        results.keep(workspace)?;
        let page_file = workspace.root.join("BENCHMARKS.md");
        fs::write(&page_file, page::page(&results)).context("BENCHMARKS.md")?;
    }
    Ok(())
}

/// The tracer as it is released, and beside it the fixture, whose path is returned.
fn build(workspace: &Workspace, object: &Path) -> Result<PathBuf> {
    process::run(
        workspace
            .cargo("build")
            .args(["--package=tracer", "--release", "--features=live", "--bins"])
            .env(OBJECT_VARIABLE, object),
    )?;
    Ok(workspace.target.join("release").join("fixture"))
}

/// Waits for something that sends no event.
#[expect(clippy::disallowed_methods, reason = "looks at other processes; there is no ring here")]
fn pause(time: Duration) {
    std::thread::sleep(time);
}
