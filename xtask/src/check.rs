//! What must hold before a test is worth running.

use std::process::Command;

use anyhow::Result;

use crate::{bpf, process, setup, workspace::Workspace};

/// The BPF crate builds for no host.
pub(crate) const HOST_PACKAGES: [&str; 3] = ["--workspace", "--exclude", "tracer-ebpf"];

pub(crate) fn all(workspace: &Workspace) -> Result<()> {
    let tools = setup::check_tools(workspace)?;
    process::run(workspace.cargo("fmt").args(["--all", "--check"]))?;
    process::run(workspace.cargo("clippy").args(HOST_PACKAGES).args([
        "--all-targets",
        "--all-features",
        "--",
        "--deny=warnings",
    ]))?;
    bpf::clippy(workspace, &tools.rustc)?;
    process::run(
        workspace
            .cargo("doc")
            .args(HOST_PACKAGES)
            .args(["--no-deps", "--document-private-items"])
            .env("RUSTDOCFLAGS", "--deny=warnings"),
    )?;
    // Advisories need a clone of their database, and change without a change of ours.
    process::run(
        Command::new(&tools.cargo_deny)
            .args(["check", "--hide-inclusion-graph", "licenses", "bans", "sources"])
            .current_dir(&workspace.root),
    )
}
