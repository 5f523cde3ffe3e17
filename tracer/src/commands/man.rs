//! `tracer man`: the pages for `man`, from the definitions of the command line.

use std::io;

use anyhow::Result;
use clap::CommandFactory as _;
use clap_mangen::{
    Man,
    roff::{Roff, bold, roman},
};

use super::print;
use crate::{
    cli::{self, Cli, STATUSES},
    settings,
};

/// What is typed, and what for.
const EXAMPLES: [(&str, &str); 8] = [
    ("sudo tracer run -- make", "Tell the story of a command and of all it starts."),
    ("sudo tracer trace --min-zombie 1s", "Wait for zombies that last, with causes and remedies."),
    ("tracer zombies", "What is defunct now, whose fault it is and what helps."),
    (
        "sudo tracer run --fail-on 'orphans>0' --fail-on 'zombies>0' -- ./suite",
        "Fail when a test suite leaves processes behind.",
    ),
    (
        "sudo tracer record -o night.trec --max-age 6h --keep 4",
        "Write down what happens, in bounded space.",
    ),
    ("tracer trace --from night.trec --comm 'nginx*'", "Tell what a recording has of some."),
    (
        "tracer export night.trec --to perfetto -o night.pftrace",
        "Look at a recording in ui.perfetto.dev.",
    ),
    ("tracer trace --from night.trec --format json | jq .type", "Ask with other tools."),
];

const FILES: [(&str, &str); 3] = [
    ("/sys/kernel/btf/vmlinux", "The types of the running kernel, which the hooks are fitted to."),
    ("/proc", "The process table: what was there before, and what zombies and their parents do."),
    ("FILE.1, FILE.2, …", "The files that a recording in FILE was continued from."),
];

const SEE_ALSO: &str =
    "ps(1), strace(1), perf(1), wait(2), prctl(2), pid_namespaces(7), capabilities(7)";

pub(super) fn run(args: &cli::Man) -> Result<u8> {
    let mut cli = Cli::command().disable_help_subcommand(true);
    cli.build();
    let page = match &args.command {
        None => main_page(cli)?,
        Some(name) => command_page(settings::command_named(&cli, name)?)?,
    };
    print(&page)
}

fn main_page(cli: clap::Command) -> io::Result<Vec<u8>> {
    let man = page(cli);
    let mut to = beginning(&man)?;
    man.render_subcommands_section(&mut to)?;
    let mut end = Roff::new();
    end.control("SH", ["EXAMPLES"]);
    for (typed, what) in EXAMPLES {
        end.control("TP", []).text([bold(typed)]).text([roman(what)]);
    }
    statuses(&mut end);
    end.control("SH", ["FILES"]);
    for (file, what) in FILES {
        end.control("TP", []).text([bold(file)]).text([roman(what)]);
    }
    let own = Cli::command();
    let own = own.get_subcommands().map(|command| format!("tracer-{}(1)", command.get_name()));
    see_also(&mut end, &own.collect::<Vec<_>>().join(", "));
    end.to_writer(&mut to)?;
    Ok(to)
}

fn command_page(command: clap::Command) -> io::Result<Vec<u8>> {
    let mut to = beginning(&page(command))?;
    let mut end = Roff::new();
    statuses(&mut end);
    see_also(&mut end, "tracer(1)");
    end.to_writer(&mut to)?;
    Ok(to)
}

fn page(command: clap::Command) -> Man {
    Man::new(command).source(concat!("tracer ", env!("CARGO_PKG_VERSION")))
}

fn beginning(man: &Man) -> io::Result<Vec<u8>> {
    let mut to = Vec::new();
    man.render_title(&mut to)?;
    man.render_name_section(&mut to)?;
    man.render_synopsis_section(&mut to)?;
    man.render_description_section(&mut to)?;
    man.render_options_section(&mut to)?;
    Ok(to)
}

fn statuses(to: &mut Roff) {
    to.control("SH", ["EXIT STATUS"]);
    for (status, what) in STATUSES {
        to.control("TP", []).text([bold(status)]).text([roman(what)]);
    }
}

fn see_also(to: &mut Roff, own: &str) {
    to.control("SH", ["SEE ALSO"]).text([roman(format!("{own}, {SEE_ALSO}"))]);
}
