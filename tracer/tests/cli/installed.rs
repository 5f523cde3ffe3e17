//! What is installed beside the program and made by it: manual pages and completions.

use std::process::Command;

use clap::CommandFactory as _;
use tracer::cli::Cli;

use super::{
    program::{run, tracer},
    recordings::file,
    usage::wrong,
};

fn printed(arguments: &[&str]) -> String {
    let done = run(&mut tracer(arguments));
    assert_eq!((done.status, done.stderr.as_str()), (Some(0), ""), "{arguments:?}");
    done.stdout
}

/// Text as a manual page has it.
fn roff(text: &str) -> String {
    text.replace('-', "\\-")
}

#[test]
fn every_command_has_a_page_with_all_its_options() {
    let main = printed(&["man"]);
    for section in ["NAME", "SYNOPSIS", "EXAMPLES", "EXIT STATUS", "FILES", "SEE ALSO"] {
        let heads = [format!(".SH {section}"), format!(".SH \"{section}\"")];
        assert!(
            main.lines().any(|line| heads.iter().any(|head| head == line)),
            "{section}: {main}"
        );
    }
    for command in Cli::command().get_subcommands() {
        let name = command.get_name();
        assert!(main.contains(&roff(&format!("tracer-{name}(1)"))), "{name}: {main}");
        let page = printed(&["man", name]);
        assert!(page.contains(&format!(".TH tracer-{name} 1")), "{page}");
        for option in command.get_arguments().filter_map(|option| option.get_long()) {
            assert!(page.contains(&roff(&format!("--{option}"))), "--{option}: {page}");
        }
    }
    wrong(&["man", "trase"], "trase: tracer has no such command");
}

#[test]
fn bash_completes_commands_options_and_values() {
    let script = file("completions", printed(&["completions", "bash"]).as_bytes());
    let complete = |words: &str| {
        let typed = format!(
            "source '{}'; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             $(complete -p tracer | sed 's/.*-F \\([^ ]*\\).*/\\1/') tracer \"${{COMP_WORDS[-1]}}\" \
             \"${{COMP_WORDS[-2]}}\"; echo \"${{COMPREPLY[*]}}\"",
            script.display(),
        );
        let done = run(Command::new("bash").args(["--norc", "-c", &typed]));
        assert_eq!((done.status, done.stderr.as_str()), (Some(0), ""), "{words}");
        done.stdout.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(complete("tracer zom"), ["zombies"]);
    assert_eq!(complete("tracer trace --min"), ["--min-zombie"]);
    assert_eq!(complete("tracer export --to pe"), ["perfetto"]);
    std::fs::remove_file(script).expect("it is there");
}

#[test]
fn every_shell_is_told_every_command() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = printed(&["completions", shell]);
        for command in Cli::command().get_subcommands() {
            assert!(script.contains(command.get_name()), "{}: {shell}", command.get_name());
        }
    }
}
