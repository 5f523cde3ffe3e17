//! What this machine has, gathered without changing anything.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    process,
    setup::{decide::Choice, parse},
    workspace::Workspace,
};

/// LLVM releases that `bpf-linker` 0.13 can be built with.
pub(super) const LINKER_LLVMS: [u32; 3] = [21, 22, 23];

#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    pub rustup: Option<Rustup>,
    pub distro: Option<Compiler>,
    /// In the order of preference.
    pub linkers: Vec<Linker>,
    /// With their development files.
    pub llvms: Vec<Llvm>,
    pub cargo_deny: Option<PathBuf>,
    pub apt: bool,
    pub root: bool,
}

/// rustup, when it is what started cargo.
#[derive(Clone, Debug)]
pub(super) struct Rustup {
    pub toolchain: String,
    pub compiler: Compiler,
    pub rustfmt: bool,
    pub clippy: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Compiler {
    pub rustc: PathBuf,
    pub release: (u32, u32),
    pub llvm: u32,
    /// The source of its standard library is there, and of the same release.
    pub source: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Linker {
    pub path: PathBuf,
    pub llvm: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Llvm {
    pub prefix: PathBuf,
    pub major: u32,
}

impl Facts {
    /// Looks at the distribution's compiler only where `choice` can fall on it: each question to a
    /// compiler takes its time, and this runs before every build.
    pub(super) fn gather(workspace: &Workspace, choice: Choice) -> Self {
        let rustup = env::var("RUSTUP_TOOLCHAIN").ok().and_then(rustup);
        let distro = match (&rustup, choice) {
            (None, _) => process::find_in_path("rustc"),
            (Some(_), Choice::Distro) => Some("/usr/bin/rustc".into()),
            (Some(_), Choice::Auto | Choice::Rustup) => None,
        };
        let own = |tool| Some(workspace.tool(tool)).filter(|path| path.exists());
        let linkers = [process::find_in_path("bpf-linker"), own("bpf-linker")];
        Self {
            rustup,
            distro: distro.and_then(compiler),
            linkers: linkers.into_iter().flatten().filter_map(linker).collect(),
            llvms: llvms(),
            cargo_deny: process::find_in_path("cargo-deny").or_else(|| own("cargo-deny")),
            apt: process::find_in_path("apt-get").is_some(),
            root: process::is_root(),
        }
    }
}

/// cargo tells its own path, which is not that of rustup's proxy.
fn rustup(toolchain: String) -> Option<Rustup> {
    let bin = PathBuf::from(env::var_os("CARGO")?).parent()?.to_owned();
    Some(Rustup {
        toolchain,
        compiler: compiler(bin.join("rustc"))?,
        rustfmt: bin.join("rustfmt").exists(),
        clippy: bin.join("clippy-driver").exists(),
    })
}

fn compiler(rustc: PathBuf) -> Option<Compiler> {
    let version = process::output(Command::new(&rustc).arg("-vV"))?;
    let release = parse::field(&version, "release: ")?;
    let sysroot = process::output(Command::new(&rustc).args(["--print", "sysroot"]))?;
    let source = Path::new(sysroot.trim_end()).join("lib/rustlib/src/rust");
    Some(Compiler {
        release: parse::release(release)?,
        llvm: parse::llvm(&version)?,
        source: source.join("library/Cargo.lock").exists() && is_of(&source, release),
        rustc,
    })
}

/// Distributions ship the whole source tree, which names its release and can lag behind the
/// compiler; rustup ships the library alone, always the compiler's own.
fn is_of(source: &Path, release: &str) -> bool {
    fs::read_to_string(source.join("src/version")).map_or(true, |of| of.trim() == release)
}

/// `bpf-linker --version` does not tell the LLVM it is linked with, but LLVM's own option does.
fn linker(path: PathBuf) -> Option<Linker> {
    let mut ask = Command::new(&path);
    ask.args(["--llvm-args=--version", "--output=/dev/null", "/dev/null"]);
    let llvm = parse::llvm(&process::output(&mut ask)?)?;
    Some(Linker { path, llvm })
}

fn llvms() -> Vec<Llvm> {
    let named = env::var_os("LLVM_PREFIX").and_then(|prefix| llvm(prefix.into()));
    let debian = LINKER_LLVMS
        .map(|major| Llvm { prefix: format!("/usr/lib/llvm-{major}").into(), major })
        .into_iter()
        .filter(|llvm| llvm.prefix.join("lib/libLLVM.so").exists());
    named.into_iter().chain(debian).collect()
}

fn llvm(prefix: PathBuf) -> Option<Llvm> {
    let config = prefix.join("bin/llvm-config");
    let version = process::output(Command::new(config).arg("--version"))?;
    let major = parse::release(version.trim_end())?.0;
    LINKER_LLVMS.contains(&major).then_some(Llvm { prefix, major })
}
