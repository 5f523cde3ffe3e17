//! tracer itself, with the BPF object inside.

use std::path::PathBuf;

use anyhow::Result;

use crate::{
    bpf, process,
    setup::{self, Choice},
    workspace::Workspace,
};

/// Where `tracer/build.rs` finds the object it embeds.
pub(crate) const OBJECT_VARIABLE: &str = "TRACER_BPF_OBJECT";

/// What is static is built for a target that is named, so that build scripts and macros, which cannot be
/// static, are not.
pub(crate) const TARGET: &str = "x86_64-unknown-linux-gnu";
pub(crate) const STATIC: &str = "-Ctarget-feature=+crt-static";

pub(crate) fn tracer(workspace: &Workspace, choice: Choice, release: bool) -> Result<PathBuf> {
    let tools = setup::bpf_tools(workspace, choice)?;
    let object = bpf::build(workspace, &tools)?;
    process::run(
        workspace
            .cargo("build")
            .args(["--package", "tracer"])
            .args(release.then_some("--release"))
            .env(OBJECT_VARIABLE, object),
    )?;
    let profile = if release { "release" } else { "debug" };
    Ok(workspace.target.join(profile).join("tracer"))
}
