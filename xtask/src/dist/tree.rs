//! The files as they lie on the machine of whoever installs them.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

use super::{copy, notices};
use crate::{process, workspace::Workspace};

/// What each shell looks for.
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "usr/share/bash-completion/completions/tracer"),
    ("zsh", "usr/share/zsh/vendor-completions/_tracer"),
    ("fish", "usr/share/fish/vendor_completions.d/tracer.fish"),
];
const MANUAL: &str = "usr/share/man/man1";
const ABOUT: &str = "usr/share/doc/tracer";

/// Everything but what is the package's own.
pub(super) fn lay(workspace: &Workspace, tracer: &Path, root: &Path) -> Result<()> {
    let bin = root.join("usr/bin");
    fs::create_dir_all(&bin)?;
    copy(tracer, &bin.join("tracer"))?;
    fs::set_permissions(bin.join("tracer"), fs::Permissions::from_mode(0o755))?;

    let main = printed(tracer, &["man"])?;
    packed(root, &format!("{MANUAL}/tracer.1"), &main)?;
    for command in commands(&main) {
        let page = printed(tracer, &["man", command])?;
        packed(root, &format!("{MANUAL}/tracer-{command}.1"), &page)?;
    }
    for (shell, path) in COMPLETIONS {
        file(root, path, &printed(tracer, &["completions", shell])?)?;
    }

    let read = |name: &str| {
        fs::read_to_string(workspace.root.join(name)).with_context(|| format!("cannot read {name}"))
    };
    let copyright = format!(
        "tracer, MIT or Apache-2.0 at your choice; the BPF programs in it are Dual MIT/GPL.\n\
         It is linked with the GNU C Library (LGPL-2.1 or later), and with the crates that\n\
         third-party.gz names with their licences. On Debian systems the text of the Apache\n\
         License is in /usr/share/common-licenses/Apache-2.0.\n\n{}",
        read("LICENSE-MIT")?
    );
    file(root, &format!("{ABOUT}/copyright"), &copyright)?;
    packed(root, &format!("{ABOUT}/changelog"), &read("CHANGELOG.md")?)?;
    packed(root, &format!("{ABOUT}/third-party"), &notices::all(workspace)?)
}

/// What makes a package of it.
pub(super) fn control(root: &Path, version: &str, architecture: &str) -> Result<()> {
    let size =
        process::output(Command::new("du").args(["--summarize", "--block-size=1K"]).arg(root))
            .context("du failed")?;
    let size = size.split_whitespace().next().context("du said nothing")?;
    let control = format!(
        "Package: tracer\n\
         Version: {version}\n\
         Architecture: {architecture}\n\
         Maintainer: The tracer authors <tracer@localhost>\n\
         Installed-Size: {size}\n\
         Section: admin\n\
         Priority: optional\n\
         Description: who dies, how long it stays a zombie, who reaps it\n \
         Hooks fork, exec, exit and wait in the Linux kernel with eBPF and tells the\n \
         life of each process: who adopts its children, why nobody reaps it, what to do.\n"
    );
    file(root, "DEBIAN/control", &control)
}

/// The commands that the main page names.
fn commands(page: &str) -> Vec<&str> {
    let names = page.lines().map(|line| line.strip_prefix("tracer\\-")?.strip_suffix("(1)"));
    names.flatten().collect()
}

fn printed(tracer: &Path, arguments: &[&str]) -> Result<String> {
    let done = Command::new(tracer).args(arguments).stderr(Stdio::inherit()).output()?;
    if !done.status.success() {
        bail!("tracer {} failed ({})", arguments.join(" "), done.status);
    }
    Ok(String::from_utf8(done.stdout)?)
}

fn file(root: &Path, path: &str, text: &str) -> Result<()> {
    let path = root.join(path);
    let folder = path.parent().context("it is in a folder")?;
    fs::create_dir_all(folder)?;
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn packed(root: &Path, path: &str, text: &str) -> Result<()> {
    file(root, path, text)?;
    process::run(Command::new("gzip").args(["-9", "--no-name"]).arg(root.join(path)))
}

#[cfg(test)]
mod tests {
    use super::commands;

    #[test]
    fn commands_are_those_of_the_list_alone() {
        let page = ".SH SUBCOMMANDS\n.TP\ntracer\\-trace(1)\nStream\n.TP\ntracer\\-run(1)\nStart\n\
                    .SH \"SEE ALSO\"\ntracer\\-trace(1), tracer\\-run(1), ps(1), wait(2)\n";
        assert_eq!(commands(page), ["trace", "run"]);
    }
}
