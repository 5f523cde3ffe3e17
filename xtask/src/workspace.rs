//! Where things are.

use std::{
    env,
    path::{Path, PathBuf, absolute},
    process::Command,
};

use anyhow::{Context as _, Result};

pub(crate) struct Workspace {
    pub root: PathBuf,
    pub target: PathBuf,
}

impl Workspace {
    pub(crate) fn locate() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("xtask must be a folder of the workspace")?
            .to_owned();
        let target = match env::var_os("CARGO_TARGET_DIR") {
            Some(dir) => absolute(dir).context("CARGO_TARGET_DIR is empty")?,
            None => root.join("target"),
        };
        Ok(Self { root, target })
    }

    /// Installed tools, in the layout of `cargo install --root`.
    pub(crate) fn tools(&self) -> PathBuf {
        self.target.join("tools")
    }

    pub(crate) fn tool(&self, name: &str) -> PathBuf {
        self.tools().join("bin").join(name)
    }

    /// The BPF build has a folder of its own: `RUSTC_BOOTSTRAP` is part of cargo's fingerprints,
    /// so a shared one would rebuild the host's crates at every switch.
    pub(crate) fn bpf_target(&self) -> PathBuf {
        self.target.join("bpf")
    }

    /// A cargo command in the workspace, with the cargo that runs this task.
    pub(crate) fn cargo(&self, subcommand: &str) -> Command {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.arg(subcommand).current_dir(&self.root).env("CARGO_TARGET_DIR", &self.target);
        cargo
    }
}
