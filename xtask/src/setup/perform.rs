//! The steps that change the machine or the target folder; each says what it does.

use std::{fs, process::Command};

use anyhow::{Context as _, Result};

use crate::{
    packages, process,
    setup::{decide::Step, facts::Llvm},
    workspace::Workspace,
};

pub(super) fn title(step: &Step) -> String {
    match step {
        Step::AddComponents { toolchain, components } => {
            format!("rustup component {} of toolchain {toolchain}", components.join(", "))
        }
        Step::InstallPackages(packages) => format!("package {}", packages.join(", ")),
        Step::BuildLinker(llvm) => format!("bpf-linker with LLVM {}", llvm.major),
        Step::BuildCargoDeny => "cargo-deny".into(),
    }
}

pub(super) fn step(workspace: &Workspace, step: &Step) -> Result<()> {
    eprintln!("installing {}", title(step));
    match step {
        Step::AddComponents { toolchain, components } => process::run(
            Command::new("rustup")
                .args(["component", "add", "--toolchain", toolchain])
                .args(components),
        ),
        Step::InstallPackages(packages) => packages::install(packages),
        Step::BuildLinker(llvm) => build_linker(workspace, llvm),
        // Optimizing it would double the minutes it takes to build and save no second of its use.
        Step::BuildCargoDeny => {
            install(workspace, workspace.cargo("install").args(["cargo-deny@0.20.2", "--debug"]))
        }
    }
    .with_context(|| format!("cannot install {} (this step needs the network)", title(step)))
}

fn build_linker(workspace: &Workspace, llvm: &Llvm) -> Result<()> {
    install(
        workspace,
        workspace
            .cargo("install")
            .args(["bpf-linker@0.13.0", "--no-default-features"])
            .arg(format!("--features=llvm-{}", llvm.major))
            .env("LLVM_PREFIX", &llvm.prefix),
    )
}

/// `--force` because a tool is also rebuilt when the one there does not run, or is too old.
fn install(workspace: &Workspace, cargo_install: &mut Command) -> Result<()> {
    let build = workspace.tools().join("build");
    cargo_install.args(["--locked", "--force"]);
    cargo_install.arg("--root").arg(workspace.tools()).env("CARGO_TARGET_DIR", &build);
    process::run(cargo_install)?;
    fs::remove_dir_all(&build).with_context(|| format!("cannot remove {}", build.display()))
}
