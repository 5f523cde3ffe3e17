//! Removing what was built.

use std::fs;

use anyhow::{Context as _, Result, bail};

use crate::workspace::Workspace;

/// The tools took minutes to install and depend on nothing in the tree, so they stay.
pub(crate) fn target(workspace: &Workspace, all: bool) -> Result<()> {
    let target = &workspace.target;
    // CARGO_TARGET_DIR may name any folder; cargo puts this mark into those it fills.
    if !target.join("CACHEDIR.TAG").exists() {
        bail!("{} is not a target folder of cargo: nothing removed", target.display());
    }
    for entry in fs::read_dir(target).with_context(|| target.display().to_string())? {
        let path = entry?.path();
        let kept = path.ends_with("CACHEDIR.TAG") || (path == workspace.tools() && !all);
        let removed = match path.is_dir() {
            _ if kept => Ok(()),
            true => fs::remove_dir_all(&path),
            false => fs::remove_file(&path),
        };
        removed.with_context(|| format!("cannot remove {}", path.display()))?;
    }
    Ok(())
}
