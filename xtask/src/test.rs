//! All tests: those that need no kernel, then the live ones as root, here and under other kernels.

use std::process::Command;

use anyhow::{Result, bail};
use clap::Args;

use crate::{
    bpf,
    build::OBJECT_VARIABLE,
    check::{self, HOST_PACKAGES},
    packages::{self, Tool},
    process,
    setup::{self, Choice},
    vm,
    workspace::Workspace,
};

/// What live tests trace: the real inits and container runtimes, and what starts or looks at them;
/// what counts the instructions of `costs`; and the browser that opens reports.
const TOOLS: [Tool; 18] = [
    ("bash", "bash"),
    ("busybox", "busybox-static"),
    ("bwrap", "bubblewrap"),
    ("catatonit", "catatonit"),
    ("chromium", "chromium"),
    ("containerd", "containerd"),
    ("dumb-init", "dumb-init"),
    ("make", "make"),
    ("perl", "perl"),
    ("pip3", "python3-pip"),
    ("ps", "procps"),
    ("python3", "python3"),
    ("runc", "runc"),
    ("strace", "strace"),
    ("systemd-nspawn", "systemd-container"),
    ("tini", "tini"),
    ("unshare", "util-linux"),
    ("valgrind", "valgrind"),
];

#[derive(Args)]
pub(crate) struct Options {
    /// Test optimized builds
    #[arg(long)]
    release: bool,
    /// Leave out formatting, lints, documentation and dependencies
    #[arg(long)]
    no_check: bool,
    /// Leave out the tests that load BPF programs, or look at pages in a browser: needs no root, no BPF
    /// object and no browser
    #[arg(long)]
    no_live: bool,
    /// Leave out the live tests under other kernels, in emulated machines: the longest part
    #[arg(long)]
    no_vm: bool,
    /// Only tests whose name contains this
    filter: Option<String>,
}

pub(crate) fn all(workspace: &Workspace, choice: Choice, options: &Options) -> Result<()> {
    // First of all: what is missing should not show after minutes of other tests.
    let live = if options.no_live {
        None
    } else {
        let as_root = as_root()?;
        packages::require(&TOOLS)?;
        packages::require_readers(workspace)?;
        Some((as_root, setup::bpf_tools(workspace, choice)?))
    };
    if !options.no_check {
        check::all(workspace)?;
    }
    let Some((as_root, tools)) = live else {
        return process::run(&mut cargo_test(workspace, options));
    };
    let object = bpf::build(workspace, &tools)?;
    let plain = process::run(cargo_test(workspace, options).env(OBJECT_VARIABLE, &object));
    // Instructions are counted in what users run.
    let costs = process::run(
        workspace
            .cargo("test")
            .args(["--package=tracer", "--release", "--test=costs"])
            .args(&options.filter)
            .env(OBJECT_VARIABLE, &object),
    );
    // It runs as root, too, but has no sandbox then.
    let browser = process::run(
        cargo_test(workspace, options)
            .args(["--features=tracer/browser", "--test=browser"])
            .env(OBJECT_VARIABLE, &object),
    );
    // Live tests see each other's processes.
    let live = process::run(
        cargo_test(workspace, options)
            .args(["--features=tracer/live", "--test=live"])
            .args(as_root)
            .args(["--", "--test-threads=1"])
            .env(OBJECT_VARIABLE, &object),
    );
    // A filter names what somebody works on, here.
    let other_kernels = if options.no_vm || options.filter.is_some() {
        Ok(())
    } else {
        vm::gate(workspace, choice)
    };
    plain.and(costs).and(browser).and(live).and(other_kernels)
}

fn cargo_test(workspace: &Workspace, options: &Options) -> Command {
    let mut cargo = workspace.cargo("test");
    cargo
        .args(HOST_PACKAGES)
        .arg("--no-fail-fast")
        .args(options.release.then_some("--release"))
        .args(&options.filter);
    cargo
}

/// The option that has cargo start test programs as root, where we are not.
fn as_root() -> Result<Option<&'static str>> {
    if process::is_root() {
        return Ok(None);
    }
    if process::find_in_path("sudo").is_none() {
        bail!("live tests need root and sudo is not installed: use `--no-live` or become root");
    }
    Ok(Some("--config=target.'cfg(all())'.runner=['sudo','--preserve-env']"))
}
