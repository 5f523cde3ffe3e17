//! The live tests under other kernels: Debian's, each in an emulated machine that has nothing but
//! the tests in it. No root is needed, nor a processor that can virtualise.

mod archive;
mod boot;
mod cpio;
mod guest;
mod host;
mod job;
mod log;
mod mirror;
mod offer;
mod programs;
mod record;
mod table;
mod verdict;
mod version;

use std::{fs, path::Path, sync::Mutex, thread};

use anyhow::{Context as _, Result};
use clap::Args;

use self::{
    archive::Archive,
    boot::{Guest, Run},
    job::Job,
    offer::Offer,
    verdict::Ending,
};
use crate::{packages, setup::Choice, workspace::Workspace};

/// The oldest, two long-term ones; with the newest they are the gate's.
const GATE: [&str; 3] = ["5.10", "6.1", "6.12"];

#[derive(Args)]
pub(crate) struct Options {
    /// Only these, by version: 5.10,6.1; any that Debian's archive has
    #[arg(long, value_delimiter = ',', value_name = "LIST")]
    kernel: Vec<String>,
    /// Guests at a time; tests that look at times fail where there are more than processors
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..))]
    jobs: u8,
    /// As in the gate: without what is the same under every kernel or takes minutes
    #[arg(long)]
    core: bool,
    /// Keep what is found in docs/kernels.json, with --core in the README's table, too
    #[arg(long)]
    record: bool,
    /// Only tests whose name contains one of these
    #[arg(value_name = "TEST")]
    tests: Vec<String>,
}

pub(crate) fn all(workspace: &Workspace, choice: Choice, options: &Options) -> Result<()> {
    run(workspace, choice, options, |archive| {
        let (offers, absent) = offer::choose(&archive.offers()?, &options.kernel)?;
        for name in absent {
            eprintln!("left out: kernel {name}: no suite has it now");
        }
        Ok(offers)
    })
}

/// The kernels that every change must pass.
pub(crate) fn gate(workspace: &Workspace, choice: Choice) -> Result<()> {
    let options =
        Options { kernel: Vec::new(), jobs: 2, core: true, record: false, tests: Vec::new() };
    run(workspace, choice, &options, |archive| {
        let (offers, from_kept) = offer::gate(&archive.offers()?, &archive.kept()?, &GATE)?;
        for name in from_kept {
            eprintln!("kernel {name}: no suite has it now, the one downloaded before is booted");
        }
        Ok(offers)
    })
}

fn run(
    workspace: &Workspace,
    choice: Choice,
    options: &Options,
    choose: impl FnOnce(&Archive) -> Result<Vec<Offer>>,
) -> Result<()> {
    packages::require(&host::TOOLS)?;
    let archive = Archive::open(workspace)?;
    let offers = choose(&archive)?;
    let programs = programs::build(workspace, choice)?;
    let (initramfs, left_out) = guest::make(workspace, &programs, &options.tests, options.core)?;

    let runs = workspace.target.join("vm").join("runs");
    fs::create_dir_all(&runs).with_context(|| runs.display().to_string())?;
    let image = runs.join("initramfs.cpio");
    fs::write(&image, initramfs).with_context(|| image.display().to_string())?;
    let guests = job::jobs(&offers)
        .into_iter()
        .map(|job| guest(&archive, job, &image, &runs))
        .collect::<Result<Vec<Guest>>>()?;
    for left_out in &left_out {
        eprintln!("left out: {}: {}", left_out.test, left_out.why);
    }
    let (runs, verdict) = report(boot_all(guests, options.jobs)?);
    if options.record {
        let of_core = options.core && options.tests.is_empty();
        if !of_core {
            eprintln!(
                "only the programs are recorded: the table is of the tests of --core, all of them"
            );
        }
        record::update(workspace, &runs, of_core)?;
    }
    verdict
}

fn guest(archive: &Archive, job: Job, initramfs: &Path, runs: &Path) -> Result<Guest> {
    let (kernel_name, variant) = (job.offer.name(), job.variant());
    eprintln!("{kernel_name} {variant}: {} {}", job.offer.package, job.offer.version);
    let file = format!("linux-{kernel_name}-{variant}").replace(['.', ' '], "_");
    Ok(Guest {
        kernel: archive.fetch(job.offer)?,
        initramfs: initramfs.to_owned(),
        log: runs.join(file),
        parameters: job.parameters(),
        locked_down: job.locked_down,
        kernel_name,
        variant,
    })
}

/// The newest first, which take longest. A guest that could not be started hides no other's run.
fn boot_all(guests: Vec<Guest>, jobs: u8) -> Result<Vec<(String, Result<Run>)>> {
    let (left, done) = (Mutex::new(guests.into_iter().enumerate()), Mutex::new(Vec::new()));
    let next = || left.lock().ok().and_then(|mut left| left.next_back());
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while let Some((place, guest)) = next() {
                    let run = guest.run();
                    if let Ok(mut done) = done.lock() {
                        done.push((place, (guest.name(), run)));
                    }
                }
            });
        }
    });
    let mut runs = done.into_inner().ok().context("a thread panicked")?;
    runs.sort_by_key(|(place, _)| *place);
    Ok(runs.into_iter().map(|(_, run)| run).collect())
}

/// Shows what came of the guests; those that ran, and whether all is well.
fn report(results: Vec<(String, Result<Run>)>) -> (Vec<Run>, Result<()>) {
    let (mut runs, mut failed) = (Vec::new(), Vec::new());
    for (name, result) in results {
        match result {
            Ok(run) => {
                if !verdict::passed(run.ending, run.counts) {
                    failed.push(name);
                }
                runs.push(run);
            }
            Err(error) => {
                eprintln!("{name}: {error:#}");
                failed.push(name);
            }
        }
    }
    // What tests said has been shown while they ran.
    let broken = |run: &&Run| !matches!(run.ending, Ending::Exit(_));
    for run in runs.iter().filter(broken) {
        println!("---- the console of {} {} ----\n{}", run.kernel, run.variant, run.console);
    }
    print!("{}", table::table(&runs));
    let verdict = if failed.is_empty() {
        Ok(())
    } else {
        Err(anyhow::anyhow!("failed under {}", failed.join(", ")))
    };
    (runs, verdict)
}
