//! What the program says of itself.

use clap::CommandFactory as _;
use tracer::cli::Cli;

use super::program::{run, tracer};

#[test]
fn help_names_every_command() {
    let done = run(&mut tracer(&["--help"]));
    assert_eq!((done.status, done.stderr.as_str()), (Some(0), ""));
    let cli = Cli::command();
    assert!(cli.get_subcommands().count() >= 4);
    for command in cli.get_subcommands() {
        let row = format!("\n  {} ", command.get_name());
        assert!(done.stdout.contains(&row), "{row} in {}", done.stdout);
    }
}

#[test]
fn help_of_a_command_explains_each_of_its_options() {
    for command in Cli::command().get_subcommands() {
        let name = command.get_name();
        let done = run(&mut tracer(&[name, "--help"]));
        assert_eq!((done.status, done.stderr.as_str()), (Some(0), ""), "{name}");
        assert!(done.stdout.contains(&format!("Usage: tracer {name}")), "{}", done.stdout);
        for option in command.get_arguments() {
            assert!(option.get_help().is_some(), "{name}: {} has no help", option.get_id());
            if let Some(long) = option.get_long() {
                assert!(done.stdout.contains(&format!("--{long}")), "--{long}: {}", done.stdout);
            }
        }
    }
}

#[test]
fn the_version_is_that_of_the_package() {
    let done = run(&mut tracer(&["--version"]));
    assert_eq!(done.status, Some(0));
    assert_eq!(done.stdout, concat!("tracer ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn without_arguments_help_comes_as_an_error() {
    let done = run(&mut tracer(&[]));
    assert_eq!((done.status, done.stdout.as_str()), (Some(2), ""));
    assert!(done.stderr.contains("Usage: tracer"), "{}", done.stderr);
}
