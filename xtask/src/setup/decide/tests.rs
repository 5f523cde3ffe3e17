use std::path::{Path, PathBuf};

use super::{Choice, Obstacle, Step, bpf_tools, check_tools};
use crate::setup::facts::{Compiler, Facts, Linker, Llvm, Rustup};

fn compiler(rustc: &str, source: bool) -> Compiler {
    Compiler { rustc: rustc.into(), release: (1, 96), llvm: 22, source }
}

fn linker(path: &str, llvm: u32) -> Linker {
    Linker { path: path.into(), llvm }
}

fn llvm(major: u32) -> Llvm {
    Llvm { prefix: format!("/usr/lib/llvm-{major}").into(), major }
}

/// A machine where nothing is missing.
fn complete() -> Facts {
    let rustup = Rustup {
        toolchain: "1.95.0".into(),
        compiler: compiler("/rustup/rustc", true),
        rustfmt: true,
        clippy: true,
    };
    Facts {
        rustup: Some(rustup),
        distro: Some(compiler("/usr/bin/rustc", true)),
        linkers: vec![linker("/tools/bpf-linker", 22)],
        llvms: vec![llvm(22)],
        cargo_deny: Some("/tools/cargo-deny".into()),
        apt: true,
        root: true,
    }
}

fn packages(names: &[&str]) -> Obstacle {
    Obstacle::Fixable(Step::InstallPackages(names.iter().map(ToString::to_string).collect()))
}

fn components(components: Vec<&'static str>) -> Obstacle {
    Obstacle::Fixable(Step::AddComponents { toolchain: "1.95.0".into(), components })
}

fn fatal(obstacle: Obstacle) -> String {
    match obstacle {
        Obstacle::Fatal(message) => message,
        Obstacle::Fixable(step) => panic!("fixable by {step:?}"),
    }
}

#[test]
fn the_choice_names_the_compiler() {
    let rustc = |choice| bpf_tools(&complete(), choice).unwrap().rustc;
    assert_eq!(rustc(Choice::Auto), Path::new("/rustup/rustc"));
    assert_eq!(rustc(Choice::Rustup), Path::new("/rustup/rustc"));
    assert_eq!(rustc(Choice::Distro), Path::new("/usr/bin/rustc"));
}

#[test]
fn without_rustup_auto_is_the_distribution() {
    let facts = Facts { rustup: None, ..complete() };
    assert_eq!(bpf_tools(&facts, Choice::Auto).unwrap().rustc, Path::new("/usr/bin/rustc"));
    assert!(fatal(bpf_tools(&facts, Choice::Rustup).unwrap_err()).contains("rustup.rs"));
}

#[test]
fn a_missing_source_is_a_component_or_a_package() {
    let mut facts = complete();
    facts.rustup.as_mut().unwrap().compiler.source = false;
    facts.distro.as_mut().unwrap().source = false;
    assert_eq!(bpf_tools(&facts, Choice::Auto), Err(components(vec!["rust-src"])));
    let wanted = packages(&["rustc-web", "rust-web-src"]);
    assert_eq!(bpf_tools(&facts, Choice::Distro), Err(wanted));
}

#[test]
fn an_old_distribution_compiler_is_replaced() {
    let mut facts = complete();
    facts.distro.as_mut().unwrap().release = (1, 63);
    let wanted = packages(&["rustc-web", "rust-web-src"]);
    assert_eq!(bpf_tools(&facts, Choice::Distro), Err(wanted));
}

#[test]
fn the_first_linker_with_a_new_enough_llvm_is_taken() {
    let linkers = vec![linker("/old", 21), linker("/own", 22), linker("/newest", 23)];
    let facts = Facts { linkers, ..complete() };
    assert_eq!(bpf_tools(&facts, Choice::Auto).unwrap().linker, Path::new("/own"));
}

#[test]
fn without_such_a_linker_one_is_built_with_a_new_enough_llvm() {
    let facts =
        Facts { linkers: vec![linker("/old", 21)], llvms: vec![llvm(21), llvm(23)], ..complete() };
    let step = Step::BuildLinker(llvm(23));
    assert_eq!(bpf_tools(&facts, Choice::Auto), Err(Obstacle::Fixable(step)));
}

#[test]
fn without_such_an_llvm_its_package_is_installed_or_named() {
    let bare = Facts { linkers: vec![], llvms: vec![llvm(21)], ..complete() };
    assert_eq!(bpf_tools(&bare, Choice::Auto), Err(packages(&["llvm-22-dev"])));

    let user = Facts { root: false, ..bare.clone() };
    let message = fatal(bpf_tools(&user, Choice::Auto).unwrap_err());
    assert!(message.contains("sudo apt-get install llvm-22-dev"), "{message}");

    let other = Facts { apt: false, ..bare };
    let message = fatal(bpf_tools(&other, Choice::Auto).unwrap_err());
    assert!(message.contains("LLVM_PREFIX") && !message.contains("apt-get"), "{message}");
}

#[test]
fn an_llvm_newer_than_any_linker_is_not_installed_in_vain() {
    let mut facts = Facts { linkers: vec![], ..complete() };
    facts.rustup.as_mut().unwrap().compiler.llvm = 24;
    assert!(fatal(bpf_tools(&facts, Choice::Auto).unwrap_err()).contains("LLVM 24"));
}

#[test]
fn checks_need_components_then_cargo_deny() {
    let mut facts = Facts { cargo_deny: None, ..complete() };
    assert_eq!(check_tools(&facts), Err(Obstacle::Fixable(Step::BuildCargoDeny)));
    facts.rustup.as_mut().unwrap().clippy = false;
    facts.rustup.as_mut().unwrap().rustfmt = false;
    assert_eq!(check_tools(&facts), Err(components(vec!["rustfmt", "clippy"])));
    assert_eq!(check_tools(&complete()).unwrap().cargo_deny, PathBuf::from("/tools/cargo-deny"));
}

#[test]
fn checks_without_rustup_name_the_way_out() {
    let facts = Facts { rustup: None, ..complete() };
    assert!(fatal(check_tools(&facts).unwrap_err()).contains("--no-check"));
}
