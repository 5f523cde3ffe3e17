//! What the machine that runs the guests must have, and what it lends them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use super::cpio::Tree;
use crate::{packages::Tool, process};

/// What boots guests, and what is in them.
pub(super) const TOOLS: [Tool; 2] =
    [("qemu-system-x86_64", "qemu-system-x86"), ("busybox", "busybox-static")];

/// Puts a program of this machine and the libraries it is linked with into a guest, where its loader
/// looks for them; says whether there is such a program.
pub(super) fn lend(tree: &mut Tree, name: &str) -> Result<bool> {
    let Some(program) = process::find_in_path(name) else {
        return Ok(false);
    };
    // It fails on what is linked statically, which needs none.
    let linked = process::output(Command::new("ldd").arg(&program)).unwrap_or_default();
    copy(tree, &program, &Path::new("/usr/bin").join(name))?;
    for library in libraries(&linked) {
        copy(tree, &library, &library)?;
    }
    Ok(true)
}

pub(super) fn copy(tree: &mut Tree, from: &Path, to: &Path) -> Result<()> {
    let bytes = fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
    tree.file(to, 0o755, bytes);
    Ok(())
}

/// The paths in what ldd prints: `name => path (address)`, or the path alone for the loader.
fn libraries(linked: &str) -> Vec<PathBuf> {
    let path = |line: &str| {
        let path = line.split_once("=> ").map_or(line, |(_, path)| path).trim();
        path.split_once(" (").map(|(path, _)| PathBuf::from(path))
    };
    linked.lines().filter_map(path).filter(|path| path.is_absolute()).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::libraries;

    #[test]
    fn libraries_are_those_that_are_files() {
        let linked = "\tlinux-vdso.so.1 (0x00007ffd7a5f2000)\n\
                      \tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f1c0a000000)\n\
                      \t/lib64/ld-linux-x86-64.so.2 (0x00007f1c0a3f1000)\n";
        assert_eq!(
            libraries(linked),
            [
                Path::new("/lib/x86_64-linux-gnu/libc.so.6"),
                Path::new("/lib64/ld-linux-x86-64.so.2")
            ]
        );
        assert!(libraries("\tnot a dynamic executable\n").is_empty());
    }
}
