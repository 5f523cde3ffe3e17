//! What is still missing: pure functions from the facts to the tools or to what is in the way.

use std::path::PathBuf;

use clap::ValueEnum;

use crate::setup::facts::{Compiler, Facts, LINKER_LLVMS, Llvm, Rustup};

/// Where the compiler of the BPF object comes from.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum Choice {
    /// rustup's where cargo was started by rustup, else the distribution's
    #[default]
    Auto,
    /// The pinned toolchain and its component rust-src
    Rustup,
    /// The distribution's packages of the compiler and of its source
    Distro,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BpfTools {
    pub rustc: PathBuf,
    pub linker: PathBuf,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CheckTools {
    pub rustc: PathBuf,
    pub cargo_deny: PathBuf,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// This step brings us nearer.
    Fixable(Step),
    /// Only the user can help, and this tells how.
    Fatal(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    AddComponents { toolchain: String, components: Vec<&'static str> },
    InstallPackages(Vec<String>),
    BuildLinker(Llvm),
    BuildCargoDeny,
}

pub(super) fn bpf_tools(facts: &Facts, choice: Choice) -> Result<BpfTools, Obstacle> {
    let compiler = compiler(facts, choice)?;
    let linker = facts.linkers.iter().find(|linker| linker.llvm >= compiler.llvm);
    if let Some(linker) = linker {
        return Ok(BpfTools { rustc: compiler.rustc.clone(), linker: linker.path.clone() });
    }
    let llvm = facts.llvms.iter().find(|llvm| llvm.major >= compiler.llvm);
    Err(match llvm {
        Some(llvm) => Obstacle::Fixable(Step::BuildLinker(llvm.clone())),
        None => no_llvm(facts, compiler.llvm),
    })
}

pub(super) fn check_tools(facts: &Facts) -> Result<CheckTools, Obstacle> {
    let Some(rustup) = &facts.rustup else {
        return Err(Obstacle::Fatal(
            "rustfmt and clippy of the pinned compiler come with rustup (https://rustup.rs); \
             `cargo xtask test --no-check` does without"
                .into(),
        ));
    };
    require_components(
        rustup,
        &[
            ("rust-src", rustup.compiler.source),
            ("rustfmt", rustup.rustfmt),
            ("clippy", rustup.clippy),
        ],
    )?;
    match &facts.cargo_deny {
        Some(cargo_deny) => {
            Ok(CheckTools { rustc: rustup.compiler.rustc.clone(), cargo_deny: cargo_deny.clone() })
        }
        None => Err(Obstacle::Fixable(Step::BuildCargoDeny)),
    }
}

fn compiler(facts: &Facts, choice: Choice) -> Result<&Compiler, Obstacle> {
    match (choice, &facts.rustup) {
        (Choice::Auto | Choice::Rustup, Some(rustup)) => {
            require_components(rustup, &[("rust-src", rustup.compiler.source)])?;
            Ok(&rustup.compiler)
        }
        (Choice::Rustup, None) => Err(Obstacle::Fatal(
            "cargo was not started by rustup: install it from https://rustup.rs, or put \
             ~/.cargo/bin first in PATH, or choose `--compiler distro`"
                .into(),
        )),
        (Choice::Auto, None) | (Choice::Distro, _) => distro_compiler(facts),
    }
}

fn distro_compiler(facts: &Facts) -> Result<&Compiler, Obstacle> {
    let usable = |compiler: &&Compiler| compiler.source && compiler.release >= oldest_rustc();
    facts.distro.as_ref().filter(usable).ok_or_else(|| {
        let packages = ["rustc-web", "rust-web-src"].map(String::from).to_vec();
        let (major, minor) = oldest_rustc();
        install(facts, packages, &format!("rustc {major}.{minor} or later, with its source"))
    })
}

fn no_llvm(facts: &Facts, major: u32) -> Obstacle {
    if LINKER_LLVMS.iter().all(|&known| known < major) {
        return Obstacle::Fatal(format!(
            "the compiler has LLVM {major}, too new to build bpf-linker with; \
             put a bpf-linker for it into PATH, or choose another `--compiler`"
        ));
    }
    let need = format!(
        "a bpf-linker with LLVM {major} or later in PATH, or, to build one, the development files \
         of that LLVM (LLVM_PREFIX tells where, if not in /usr/lib/llvm-{major})"
    );
    install(facts, vec![format!("llvm-{major}-dev")], &need)
}

fn install(facts: &Facts, packages: Vec<String>, need: &str) -> Obstacle {
    match (facts.apt, facts.root) {
        (true, true) => Obstacle::Fixable(Step::InstallPackages(packages)),
        (true, false) => Obstacle::Fatal(format!(
            "needed: {need}; type: sudo apt-get update && sudo apt-get install {}",
            packages.join(" ")
        )),
        (false, _) => {
            Obstacle::Fatal(format!("needed: {need}; Debian calls it {}", packages.join(" ")))
        }
    }
}

fn require_components(rustup: &Rustup, wanted: &[(&'static str, bool)]) -> Result<(), Obstacle> {
    let components: Vec<_> =
        wanted.iter().filter(|(_, present)| !present).map(|&(name, _)| name).collect();
    if components.is_empty() {
        return Ok(());
    }
    let toolchain = rustup.toolchain.clone();
    Err(Obstacle::Fixable(Step::AddComponents { toolchain, components }))
}

/// The workspace's `rust-version`.
fn oldest_rustc() -> (u32, u32) {
    super::parse::release(env!("CARGO_PKG_RUST_VERSION")).expect("rust-version is two numbers")
}

#[cfg(test)]
mod tests;
