//! The BPF object: `core` is built for the BPF target with the compiler's own source.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use crate::{process, setup::BpfTools, workspace::Workspace};

const TARGET: &str = "bpfel-unknown-none";
const PROFILE: &str = "bpf";
const PACKAGE: &str = "tracer-ebpf";

pub(crate) fn build(workspace: &Workspace, tools: &BpfTools) -> Result<PathBuf> {
    // Debug information is what the linker makes BTF of.
    let flags = ["-Cdebuginfo=2", "-Clink-arg=--btf", &linker_stamp(&tools.linker)?];
    process::run(
        cargo(workspace, "build", &tools.rustc)
            .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"))
            .env("CARGO_TARGET_BPFEL_UNKNOWN_NONE_LINKER", &tools.linker),
    )?;
    let built = workspace.bpf_target().join(TARGET).join(PROFILE).join(PACKAGE);
    let object = workspace.bpf_target().join("tracer.bpf.o");
    copy_if_different(&built, &object)
        .with_context(|| format!("cannot copy {} to {}", built.display(), object.display()))?;
    Ok(object)
}

/// A switch back to another compiler or linker brings back its earlier object with its old time
/// stamp, at which cargo would not embed it again.
fn copy_if_different(from: &Path, to: &Path) -> io::Result<()> {
    let bytes = fs::read(from)?;
    if fs::read(to).is_ok_and(|present| present == bytes) {
        return Ok(());
    }
    fs::write(to, bytes)
}

pub(crate) fn clippy(workspace: &Workspace, rustc: &Path) -> Result<()> {
    process::run(cargo(workspace, "clippy", rustc).args(["--", "--deny=warnings"]))
}

fn cargo(workspace: &Workspace, subcommand: &str, rustc: &Path) -> Command {
    let mut cargo = workspace.cargo(subcommand);
    cargo
        .args(["--package", PACKAGE, "--target", TARGET, "--profile", PROFILE])
        .args(["-Z", "build-std=core"])
        .env("CARGO_TARGET_DIR", workspace.bpf_target())
        .env("RUSTC", rustc)
        .env("RUSTC_BOOTSTRAP", "1");
    cargo
}

/// cargo does not look at the linker, but it does at the flags: this one changes with the linker.
fn linker_stamp(linker: &Path) -> Result<String> {
    let file = fs::metadata(linker).with_context(|| linker.display().to_string())?;
    Ok(format!("--cfg=linker=\"{}-{}\"", file.size(), file.mtime()))
}
