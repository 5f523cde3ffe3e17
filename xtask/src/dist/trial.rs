//! Tries out what was packed, as somebody who installs it: in a root of its own, so that the machine
//! stays as it is.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail, ensure};

use crate::process;

/// It asks for no library, nor for what would load one.
pub(super) fn is_static(tracer: &Path) -> Result<()> {
    let told = Command::new("ldd").arg(tracer).env("LC_ALL", "C").output()?;
    let told = [told.stdout, told.stderr].concat();
    let told = String::from_utf8_lossy(&told);
    let is_static = ["statically linked", "not a dynamic executable"];
    ensure!(is_static.iter().any(|words| told.contains(words)), "it is not static: {told}");
    Ok(())
}

/// Installs, uses and removes it.
pub(super) fn package(package: &Path, root: &Path, version: &str) -> Result<()> {
    super::remove(root)?;
    let database = root.join("var/lib/dpkg");
    for folder in ["info", "updates"] {
        fs::create_dir_all(database.join(folder))?;
    }
    fs::write(database.join("status"), "")?;
    let dpkg = || {
        let mut dpkg = Command::new("dpkg");
        dpkg.arg("--root").arg(root).arg(format!("--log={}", database.join("log").display()));
        dpkg
    };
    process::run(dpkg().arg("--install").arg(package))?;
    let listed = process::output(dpkg().args(["--listfiles", "tracer"])).context("dpkg failed")?;
    let listed: Vec<PathBuf> =
        listed.lines().map(|line| root.join(line.trim_start_matches('/'))).collect();
    let missing = listed.iter().find(|path| !path.exists());
    ensure!(missing.is_none(), "{missing:?} is not installed");

    // Where there is nothing else, not even a C library.
    let told =
        output(Command::new("chroot").arg(root).args(["/usr/bin/tracer", "--version"]), &[0])?;
    ensure!(told.trim() == format!("tracer {version}"), "it says {told:?}");
    let tracer = root.join("usr/bin/tracer");
    // 4 is the answer of a kernel that refuses the programs, and an answer, too.
    let told = output(Command::new(&tracer).args(["doctor", "--format", "json"]), &[0, 4])?;
    ensure!(!told.contains("no BPF programs in it"), "the BPF programs are missing: {told}");
    output(Command::new(&tracer).args(["zombies", "--watch", "0s"]), &[0])?;
    pages(&listed, root)?;
    let completions = root.join("usr/share/bash-completion/completions/tracer");
    let script = format!("source {} && complete -p tracer", completions.display());
    output(Command::new("bash").args(["--norc", "-c", &script]), &[0])?;

    process::run(dpkg().args(["--purge", "tracer"]))?;
    // dpkg's own list of what it knows stays.
    let mut find = Command::new("find");
    find.args([".", "-path", "./var", "-prune", "-o", "-mindepth", "1", "-print"]);
    let rest = output(find.current_dir(root), &[0])?;
    ensure!(rest.is_empty(), "left behind:\n{rest}");
    super::remove(root)
}

/// `man` finds each page, and has nothing to say against it.
fn pages(listed: &[PathBuf], root: &Path) -> Result<()> {
    let manual = root.join("usr/share/man");
    let pages: Vec<&PathBuf> =
        listed.iter().filter(|path| path.starts_with(&manual) && path.is_file()).collect();
    ensure!(pages.len() > 1, "there are no pages");
    for page in pages {
        let name = page.file_name().unwrap_or_default().to_string_lossy();
        let name = name.trim_end_matches(".1.gz");
        let mut man = Command::new("man");
        man.arg("--manpath").arg(&manual).args(["--where", name]);
        let found = output(&mut man, &[0])?;
        ensure!(Path::new(found.trim()) == page, "man finds {found:?} for {name}");
        let mut man = Command::new("man");
        man.args(["--warnings", "--local-file"]).arg(page).env("MANWIDTH", "80");
        let told = man.stdin(Stdio::null()).output()?;
        let warnings = String::from_utf8_lossy(&told.stderr);
        ensure!(told.status.success() && warnings.is_empty(), "{name}: {warnings}");
    }
    Ok(())
}

/// What a program says that ends with one of these statuses.
fn output(command: &mut Command, statuses: &[i32]) -> Result<String> {
    let done = command.stdin(Stdio::null()).output()?;
    if !done.status.code().is_some_and(|code| statuses.contains(&code)) {
        let said = String::from_utf8_lossy(&done.stderr);
        bail!("{command:?} failed ({}): {said}", done.status);
    }
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}
