//! tracer, the programs it traces and the live tests, built to need nothing of the machine they run
//! on.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

use crate::{
    bpf,
    build::{OBJECT_VARIABLE, STATIC, TARGET},
    setup::{self, Choice},
    workspace::Workspace,
};

pub(super) struct Programs {
    pub tracer: PathBuf,
    pub fixture: PathBuf,
    pub tests: PathBuf,
    /// Where tests write, `CARGO_TARGET_TMPDIR`.
    pub scratch: PathBuf,
}

pub(super) fn build(workspace: &Workspace, choice: Choice) -> Result<Programs> {
    let tools = setup::bpf_tools(workspace, choice)?;
    let object = bpf::build(workspace, &tools)?;
    let target = workspace.target.join("vm").join("build");
    let mut cargo = workspace.cargo("test");
    cargo
        .args(["--package=tracer", "--features=live", "--test=live", "--no-run"])
        .args(["--target", TARGET, "--message-format=json-render-diagnostics"])
        .env("CARGO_TARGET_DIR", &target)
        .env("CARGO_ENCODED_RUSTFLAGS", STATIC)
        // An emulated processor is slow, and debug information would fill the guest's memory.
        .env("CARGO_PROFILE_DEV_OPT_LEVEL", "3")
        .env("CARGO_PROFILE_DEV_DEBUG", "false")
        .env(OBJECT_VARIABLE, object);
    let messages = run(&mut cargo)?;
    let find = |name| {
        executable(&messages, name).map(PathBuf::from).with_context(|| format!("no {name} built"))
    };
    Ok(Programs {
        tracer: find("tracer")?,
        fixture: find("fixture")?,
        tests: find("live")?,
        scratch: target.join(TARGET).join("tmp"),
    })
}

fn run(cargo: &mut Command) -> Result<String> {
    eprintln!("$ cargo test --no-run, static, for the guests");
    let built = cargo.stderr(Stdio::inherit()).output().context("cannot start cargo")?;
    if !built.status.success() {
        bail!("the tests for the guests did not build ({})", built.status);
    }
    Ok(String::from_utf8(built.stdout)?)
}

/// The path of an executable, from cargo's messages, an object of JSON on each line.
fn executable<'a>(messages: &'a str, name: &str) -> Option<&'a str> {
    let name = format!("\"name\":\"{name}\"");
    let mut artifacts = messages.lines().filter(|line| line.contains(&name));
    artifacts.find_map(|line| line.split_once("\"executable\":\"")?.1.split('"').next())
}

#[cfg(test)]
mod tests {
    use super::executable;

    #[test]
    fn executables_are_found_by_name() {
        let messages = r#"{"reason":"compiler-artifact","target":{"kind":["lib"],"name":"live"},"executable":null}
{"reason":"compiler-artifact","target":{"kind":["bin"],"name":"tracer"},"executable":"/t/debug/tracer","fresh":true}
{"reason":"compiler-artifact","target":{"kind":["test"],"name":"live"},"executable":"/t/debug/deps/live-02","fresh":true}
"#;
        assert_eq!(executable(messages, "live"), Some("/t/debug/deps/live-02"));
        assert_eq!(executable(messages, "tracer"), Some("/t/debug/tracer"));
        assert_eq!(executable(messages, "fixture"), None);
    }
}
