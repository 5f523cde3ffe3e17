//! Programs that tests run, and the Debian packages that have them.

use std::{ffi::OsStr, process::Command};

use anyhow::{Result, bail};

use crate::{process, workspace::Workspace};

/// A program, as it is found in PATH, and its package.
pub(crate) type Tool = (&'static str, &'static str);

/// From the Python package index, pinned, by the folder that they go to: the schema of Perfetto's traces
/// and what decodes them, and a reader of Parquet that shares nothing with our writer.
const READERS: [(&str, &[&str]); 2] =
    [("perfetto", &["perfetto==0.59.1", "protobuf==7.36.2"]), ("duckdb", &["duckdb==2.0.0"])];

/// Installs what is missing, as far as we may.
pub(crate) fn require(tools: &[Tool]) -> Result<()> {
    let missing = || -> Vec<&str> {
        let missing = tools.iter().filter(|(program, _)| process::find_in_path(program).is_none());
        missing.map(|(_, package)| *package).collect()
    };
    let packages = missing();
    if packages.is_empty() {
        return Ok(());
    }
    let apt = process::find_in_path("apt-get").is_some();
    if !apt || !process::is_root() {
        bail!(
            "needed: {0}; type: sudo apt-get update && sudo apt-get install {0}",
            packages.join(" ")
        );
    }
    install(&packages)?;
    let still = missing();
    if !still.is_empty() {
        bail!("after they were installed, these are still needed: {}", still.join(" "));
    }
    Ok(())
}

/// What reads exports in tests, in folders of its own: the distribution's Python is left as it is.
pub(crate) fn require_readers(workspace: &Workspace) -> Result<()> {
    for (folder, packages) in READERS {
        let folder = workspace.tools().join(folder);
        let is_there = |package: &&str| {
            let (name, version) = package.split_once("==").expect("pinned");
            folder.join(format!("{name}-{version}.dist-info")).is_dir()
        };
        if packages.iter().all(is_there) {
            continue;
        }
        process::run(
            Command::new("pip3")
                .args(["install", "--quiet", "--no-deps", "--only-binary=:all:", "--upgrade"])
                .arg("--target")
                .arg(&folder)
                .args(packages),
        )?;
    }
    Ok(())
}

pub(crate) fn install<P: AsRef<OsStr>>(packages: &[P]) -> Result<()> {
    let known =
        |name: &P| process::output(Command::new("apt-cache").arg("show").arg(name)).is_some();
    if !packages.iter().all(known) {
        process::run(Command::new("apt-get").args(["--quiet", "update"]))?;
    }
    process::run(
        Command::new("apt-get")
            .args(["--quiet", "--yes", "--no-install-recommends", "install"])
            .args(packages)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )
}
