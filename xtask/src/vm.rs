//! The live tests under other kernels: Debian's, each in an emulated machine that has nothing but
//! the tests in it. No root is needed, nor a processor that can virtualise.

mod archive;
mod boot;
mod cpio;
mod guest;
mod host;
mod log;
mod mirror;
mod offer;
mod programs;
mod table;
mod verdict;
mod version;

use std::{fs, path::Path, sync::Mutex, thread};

use anyhow::{Context as _, Result, bail};
use clap::Args;

use self::{
    archive::Archive,
    boot::{Guest, Run},
    offer::Offer,
    verdict::Ending,
};
use crate::{setup::Choice, workspace::Workspace};

#[derive(Args)]
pub(crate) struct Options {
    /// Only these, by version: 5.10,6.1; any that Debian's archive has
    #[arg(long, value_delimiter = ',', value_name = "LIST")]
    kernel: Vec<String>,
    /// Guests at a time; tests that look at times fail where there are more than processors
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..))]
    jobs: u8,
    /// Only tests whose name contains one of these
    #[arg(value_name = "TEST")]
    tests: Vec<String>,
}

pub(crate) fn all(workspace: &Workspace, choice: Choice, options: &Options) -> Result<()> {
    host::require()?;
    let archive = Archive::open(workspace)?;
    let (offers, absent) = offer::choose(&archive.offers()?, &options.kernel)?;
    let programs = programs::build(workspace, choice)?;
    let (initramfs, left_out) = guest::make(workspace, &programs, &options.tests)?;

    let runs = workspace.target.join("vm").join("runs");
    fs::create_dir_all(&runs).with_context(|| runs.display().to_string())?;
    let image = runs.join("initramfs.cpio");
    fs::write(&image, initramfs).with_context(|| image.display().to_string())?;
    let guests = offers
        .iter()
        .map(|offer| guest(&archive, offer, &image, &runs))
        .collect::<Result<Vec<Guest>>>()?;
    for left_out in &left_out {
        eprintln!("left out: {}: {}", left_out.test, left_out.why);
    }
    for name in absent {
        eprintln!("left out: kernel {name}: no suite has it now");
    }
    report(boot_all(guests, options.jobs)?)
}

fn guest(archive: &Archive, offer: &Offer, initramfs: &Path, runs: &Path) -> Result<Guest> {
    let name = offer.name();
    eprintln!("{name}: {} {}", offer.package, offer.version);
    Ok(Guest {
        kernel: archive.fetch(offer)?,
        initramfs: initramfs.to_owned(),
        log: runs.join(format!("linux-{}", name.replace('.', "_"))),
        name,
    })
}

/// The newest first, which take longest. A guest that could not be started hides no other's run.
fn boot_all(guests: Vec<Guest>, jobs: u8) -> Result<Vec<(String, Result<Run>)>> {
    let (left, done) = (Mutex::new(guests), Mutex::new(Vec::new()));
    let next = || left.lock().ok().and_then(|mut left| left.pop());
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while let Some(guest) = next() {
                    let run = guest.run();
                    if let Ok(mut done) = done.lock() {
                        done.push((guest.name, run));
                    }
                }
            });
        }
    });
    let mut runs = done.into_inner().ok().context("a thread panicked")?;
    runs.sort_by_key(|(name, _)| offer::series(name));
    Ok(runs)
}

fn report(results: Vec<(String, Result<Run>)>) -> Result<()> {
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
        println!("---- the console of {} ----\n{}", run.name, run.console);
    }
    print!("{}", table::table(&runs));
    if !failed.is_empty() {
        bail!("failed under {}", failed.join(", "));
    }
    Ok(())
}
