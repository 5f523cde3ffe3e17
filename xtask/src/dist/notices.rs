//! The licences of what is inside the binary, which their owners want to be told with it.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::{build, process, workspace::Workspace};

/// Each text once, under the crates it is of.
pub(super) fn all(workspace: &Workspace) -> Result<String> {
    let tree = process::output(workspace.cargo("tree").args([
        "--package=tracer",
        "--edges=normal",
        "--prefix=none",
        "--format={p}",
        "--target",
        build::TARGET,
    ]))
    .context("cargo tree failed")?;
    let metadata = process::output(workspace.cargo("metadata").args(["--format-version=1"]))
        .context("cargo metadata failed")?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in metadata["packages"].as_array().context("packages")? {
        let text = |name: &str| package[name].as_str().unwrap_or_default();
        let id = format!("{} v{}", text("name"), text("version"));
        // Those of the workspace are under the licence of the whole.
        if package["source"].is_null() || !tree.lines().any(|line| is_of(line, &id)) {
            continue;
        }
        let folder = Path::new(text("manifest_path")).parent().context("a folder")?;
        let named = format!("{id} ({})", text("license"));
        let found = licences(folder)?;
        if found.is_empty() {
            texts.entry(String::new()).or_default().push(named.clone());
        }
        for text in found {
            texts.entry(text).or_default().push(named.clone());
        }
    }
    let blocks = texts.into_iter().map(|(text, mut crates)| {
        crates.sort();
        crates.dedup();
        format!("{}\n\n{text}\n{}\n", crates.join("\n"), "-".repeat(80))
    });
    Ok(blocks.collect())
}

fn is_of(line: &str, id: &str) -> bool {
    line.strip_prefix(id).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

/// The texts in a crate's folder.
fn licences(folder: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
        let is_one = ["LICEN", "COPYING", "NOTICE", "COPYRIGHT"];
        if path.is_file() && is_one.iter().any(|begin| name.starts_with(begin)) {
            found.push(String::from_utf8_lossy(&fs::read(&path)?).trim().to_owned());
        }
    }
    Ok(found)
}
