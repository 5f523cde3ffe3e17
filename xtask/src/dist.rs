//! What people install: one static binary, and with its pages and completions a Debian package and a
//! tarball.

mod notices;
mod tree;
mod trial;

use std::{fs, path::Path, process::Command};

use anyhow::{Context as _, Result};

use crate::{
    bpf,
    build::{self, OBJECT_VARIABLE},
    packages::{self, Tool},
    process,
    setup::{self, Choice},
    workspace::Workspace,
};

/// What packs, and what tries out what is packed.
const TOOLS: [Tool; 5] = [
    ("dpkg-deb", "dpkg"),
    ("gzip", "gzip"),
    ("ldd", "libc-bin"),
    ("man", "man-db"),
    ("tar", "tar"),
];

/// Debian's name of the processor, and everybody else's.
const ARCHITECTURE: &str = "amd64";
const PROCESSOR: &str = "x86_64";

pub(crate) fn all(workspace: &Workspace, choice: Choice) -> Result<()> {
    packages::require(&TOOLS)?;
    let folder = workspace.target.join("dist");
    let version = env!("CARGO_PKG_VERSION");
    let built = binary(workspace, choice, &folder.join("build"))?;
    let tracer = folder.join("tracer");
    copy(&built, &tracer)?;
    trial::is_static(&tracer)?;

    let stage = folder.join("stage");
    remove(&stage)?;
    tree::lay(workspace, &tracer, &stage)?;
    let tarball = folder.join(format!("tracer-{version}-{PROCESSOR}-linux.tar.gz"));
    process::run(
        Command::new("tar")
            .args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner"])
            .arg(format!("--transform=s,^\\.,tracer-{version},"))
            .arg("--create")
            .args(["--gzip", "--file"])
            .arg(&tarball)
            .arg("--directory")
            .arg(&stage)
            .arg("."),
    )?;
    tree::control(&stage, version, ARCHITECTURE)?;
    let package = folder.join(format!("tracer_{version}_{ARCHITECTURE}.deb"));
    process::run(
        Command::new("dpkg-deb").args(["--build", "--root-owner-group"]).arg(&stage).arg(&package),
    )?;
    if process::is_root() {
        trial::package(&package, &folder.join("root"), version)?;
    } else {
        eprintln!("the package was not tried out: that takes root");
    }
    for path in [&tracer, &tarball, &package] {
        println!("{}", path.display());
    }
    Ok(())
}

/// Optimized, with nothing to link at run time.
fn binary(workspace: &Workspace, choice: Choice, target: &Path) -> Result<std::path::PathBuf> {
    let tools = setup::bpf_tools(workspace, choice)?;
    let object = bpf::build(workspace, &tools)?;
    process::run(
        workspace
            .cargo("build")
            .args(["--package=tracer", "--bin=tracer", "--release", "--target", build::TARGET])
            .env("CARGO_TARGET_DIR", target)
            .env("CARGO_ENCODED_RUSTFLAGS", build::STATIC)
            .env(OBJECT_VARIABLE, object),
    )?;
    Ok(target.join(build::TARGET).join("release").join("tracer"))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to)
        .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}

fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    Ok(())
}
