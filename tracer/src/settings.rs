//! What the command line means, checked: past here nothing is wrong usage any more.

mod filter;
mod record;
mod top;

use std::{ffi::OsString, io::IsTerminal as _, path::Path, time::Duration};

use nix::{
    sys::signal::Signal,
    unistd::{Gid, Uid, User},
};

pub use record::{Record, Replay, Report, export, record, replay, report};
pub use top::{Top, top};

use crate::{
    cli,
    lifecycle::{condition::Condition, filter::Asked},
    signals::is_ignored,
    sink::{Format, Style, output::Target},
};

/// What the user typed cannot be meant: exit status 2.
#[derive(Debug)]
pub struct Usage(String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

type Checked<T> = Result<T, Usage>;

fn wrong<T>(message: impl Into<String>) -> Checked<T> {
    Err(Usage(message.into()))
}

/// Size of the ring buffer unless told otherwise, bytes.
pub const RING_SIZE: u32 = 8_388_608;

/// A tracing session, whatever it traces.
pub struct Session {
    /// The trees to trace; none means every process.
    pub roots: Option<Vec<u32>>,
    /// Which processes and events.
    pub asked: Asked,
    /// Where to write it all down.
    pub record: Option<Record>,
    /// How events are shown.
    pub style: Style,
    /// Where events go.
    pub target: Target,
    /// When to stop.
    pub duration: Option<Duration>,
    /// Size of the ring buffer.
    pub ring_size: u32,
    /// How long an event may wait; zero: not at all.
    pub latency: Duration,
    /// Which hooks.
    pub hooks: Hooks,
    /// Report failed forks where they take a hook of their own, too.
    pub fork_failures: bool,
    /// What the session fails on, each as typed.
    pub fail_on: Vec<(String, Condition)>,
    /// The command to run.
    pub command: Option<Command>,
}

/// Which hooks to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hooks {
    /// The exact ones where the kernel allows them, else the others.
    Auto,
    /// BPF trampolines.
    Fentry,
    /// Tracepoints only.
    Tracepoint,
}

/// A command to run.
pub struct Command {
    /// The program and its arguments.
    pub argv: Vec<OsString>,
    /// As whom, when not as the caller.
    pub user: Option<RunAs>,
    /// Signals that the caller ignores, as `nohup` and scripts do: so does the command.
    pub ignored: Vec<Signal>,
}

/// A user to run a command as.
#[derive(Debug)]
pub struct RunAs {
    /// The user.
    pub user: User,
    /// Its group.
    pub gid: Gid,
}

/// `tracer trace`
pub fn trace(args: &cli::Trace) -> Checked<Session> {
    let filter = &args.filter;
    only_events(args)?;
    let target = target(args.output.output.as_deref(), Target::Stdout);
    let asked = filter::asked(filter, false)?;
    let session = session(&args.session, style(&args.output, &target), target)?;
    Ok(Session {
        roots: (!filter.pid.is_empty()).then(|| filter.pid.clone()),
        fork_failures: session.fork_failures || asks_for_failed_forks(&asked),
        asked,
        record: args.output.record.clone().map(record::plain).transpose()?,
        ..session
    })
}

/// To ask for what is not looked at would be never to be told.
fn asks_for_failed_forks(asked: &Asked) -> bool {
    asked.types.iter().any(|name| name == "fork_failed")
}

fn only_events(args: &cli::Trace) -> Checked<()> {
    if args.output.lifecycles && !args.filter.types.is_empty() {
        return wrong("--type chooses among events, and --lifecycles shows none");
    }
    Ok(())
}

/// `tracer run`
pub fn run(args: &cli::Run) -> Checked<Session> {
    let target = target(args.output.output.as_deref(), Target::Stderr);
    let command = Some(command(&args.command, args.user.as_deref())?);
    let record = args.output.record.clone().map(record::plain).transpose()?;
    Ok(Session { record, command, ..session(&args.session, style(&args.output, &target), target)? })
}

/// A command, and as whom to run it.
fn command(argv: &[OsString], name: Option<&str>) -> Checked<Command> {
    let user = match name {
        Some(name) => Some(run_as(&user(name)?, None)),
        None => sudo_caller()?,
    };
    // Those that the session catches; what it leaves alone is handed on by the kernel.
    let ignored = [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM].into_iter();
    let ignored = ignored.filter(|signal| is_ignored(*signal)).collect();
    Ok(Command { argv: argv.to_vec(), user, ignored })
}

fn style(output: &cli::Output, target: &Target) -> Style {
    let is_terminal = match target {
        Target::Stdout => std::io::stdout().is_terminal(),
        Target::Stderr => std::io::stderr().is_terminal(),
        Target::File(_) => false,
    };
    Style {
        format: format(output.format),
        quiet: false,
        lifecycles: output.lifecycles,
        color: match output.color {
            cli::Color::Always => true,
            cli::Color::Never => false,
            cli::Color::Auto => is_terminal && colors(),
        },
        summary: !output.no_summary,
    }
}

fn fail_on(typed: &[String]) -> Checked<Vec<(String, Condition)>> {
    typed.iter().map(|text| Ok((text.clone(), condition("--fail-on", text)?))).collect()
}

fn session(args: &cli::Session, style: Style, target: Target) -> Checked<Session> {
    let fail_on = fail_on(&args.fail_on)?;
    let on_failed_forks = |(_, one): &(_, _)| matches!(one, Condition::ForkFailures(_));
    Ok(Session {
        roots: None,
        asked: Asked::default(),
        record: None,
        style,
        target,
        duration: args.duration.as_ref().map(|text| duration("--duration", text)).transpose()?,
        ring_size: ring_size(args.ring_size.as_deref())?,
        latency: duration("--latency", &args.latency)?,
        hooks: hooks(args.hooks),
        // To fail on what is not looked at would be never to fail.
        fork_failures: args.fork_failures || fail_on.iter().any(on_failed_forks),
        fail_on,
        command: None,
    })
}

/// A number of bytes, or of KiB, MiB or GiB.
fn bytes(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|last: char| !last.is_ascii_digit());
    let shift = match &text[digits.len()..] {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

fn ring_size(text: Option<&str>) -> Checked<u32> {
    let Some(text) = text else { return Ok(RING_SIZE) };
    match bytes(text) {
        Some(bytes @ 4096..=0x4000_0000) if bytes.is_power_of_two() => Ok(bytes as u32),
        _ => {
            wrong(format!("--ring-size {text}: takes a power of two from 4096 to 1G, such as 64M"))
        }
    }
}

fn hooks(hooks: cli::Hooks) -> Hooks {
    match hooks {
        cli::Hooks::Auto => Hooks::Auto,
        cli::Hooks::Fentry => Hooks::Fentry,
        cli::Hooks::Tracepoint => Hooks::Tracepoint,
    }
}

/// Whether the environment lets a terminal have colours.
fn colors() -> bool {
    std::env::var_os("NO_COLOR").is_none()
}

/// The format as sinks know it.
fn format(format: cli::EventFormat) -> Format {
    match format {
        cli::EventFormat::Text => Format::Text,
        cli::EventFormat::Json => Format::Json,
        cli::EventFormat::Csv => Format::Csv,
    }
}

/// The command that is called so.
pub fn command_named(cli: &clap::Command, name: &str) -> Checked<clap::Command> {
    match cli.find_subcommand(name) {
        Some(command) => Ok(command.clone()),
        None => wrong(format!("{name}: tracer has no such command")),
    }
}

/// Whether an answer is for programs.
pub fn is_json(format: cli::Format) -> bool {
    matches!(format, cli::Format::Json)
}

fn target(path: Option<&Path>, default: Target) -> Target {
    match path {
        None => default,
        Some(path) if path == Path::new("-") => Target::Stdout,
        Some(path) => Target::File(path.to_owned()),
    }
}

fn duration(option: &str, text: &str) -> Checked<Duration> {
    let parsed = text.parse::<jiff::SignedDuration>().ok();
    match parsed.and_then(|time| Duration::try_from(time).ok()) {
        Some(time) if time <= Duration::from_hours(365 * 24) => Ok(time),
        Some(_) => wrong(format!("{option} {text}: takes a year at most")),
        None => {
            wrong(format!("{option} {text}: takes a number and a unit, such as 250ms, 10s or 2m"))
        }
    }
}

/// For how long `tracer zombies` watches.
pub fn watch(args: &cli::Zombies) -> Checked<Duration> {
    duration("--watch", &args.watch)
}

/// What to fail on: a name, `>`, and a number or a duration.
fn condition(option: &str, text: &str) -> Checked<Condition> {
    let typed = format!("{option} {text}");
    let Some((name, most)) = text.split_once('>').map(|(name, most)| (name.trim(), most.trim()))
    else {
        return wrong(format!("{typed}: takes a condition such as 'zombies>0', in quotes"));
    };
    let number = || match most.parse() {
        Ok(number) => Ok(number),
        Err(_) => wrong(format!("{typed}: takes a number after the >")),
    };
    match name {
        "zombie" => {
            let most = duration(&format!("{option} {name}>"), most)?;
            Ok(Condition::Zombie(most.as_nanos() as u64))
        }
        "zombies" => number().map(Condition::Zombies),
        "orphans" => number().map(Condition::Orphans),
        "fork-failures" => number().map(Condition::ForkFailures),
        "lost" => number().map(Condition::Lost),
        _ => wrong(format!(
            "{typed}: takes zombie>DURATION, zombies>N, orphans>N, fork-failures>N or lost>N"
        )),
    }
}

fn user(name: &str) -> Checked<User> {
    let by_number = name.parse().ok().and_then(|uid| User::from_uid(Uid::from_raw(uid)).ok()?);
    match by_number.or_else(|| User::from_name(name).ok()?) {
        Some(user) => Ok(user),
        None => wrong(format!("--user {name}: there is no such user")),
    }
}

fn run_as(user: &User, gid: Option<Gid>) -> RunAs {
    RunAs { gid: gid.unwrap_or(user.gid), user: user.clone() }
}

/// Who called sudo, when root did not log in as such.
fn sudo_caller() -> Checked<Option<RunAs>> {
    let id = |name| std::env::var(name).ok().and_then(|text| text.parse::<u32>().ok());
    if !Uid::effective().is_root() {
        return Ok(None);
    }
    match id("SUDO_UID") {
        None | Some(0) => Ok(None),
        Some(uid) => match User::from_uid(Uid::from_raw(uid)).ok().flatten() {
            Some(user) => Ok(Some(run_as(&user, id("SUDO_GID").map(Gid::from_raw)))),
            None => wrong(format!("SUDO_UID {uid}: there is no such user, choose one with --user")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_write_them() {
        let ok = |text| duration("--x", text).unwrap();
        assert_eq!(ok("250ms"), Duration::from_millis(250));
        assert_eq!(ok("10s"), Duration::from_secs(10));
        assert_eq!(ok("2m"), Duration::from_mins(2));
        assert_eq!(ok("0s"), Duration::ZERO);
        for bad in ["", "10", "fast", "-5s", "10 parsecs", "99999999999999999999s"] {
            assert!(duration("--x", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn conditions_read_as_they_are_documented() {
        let ok = |text| condition("--x", text).unwrap();
        assert_eq!(ok("zombie>10s"), Condition::Zombie(10_000_000_000));
        assert_eq!(ok("zombies > 0"), Condition::Zombies(0));
        assert_eq!(ok("orphans>3"), Condition::Orphans(3));
        assert_eq!(ok("fork-failures>0"), Condition::ForkFailures(0));
        assert_eq!(ok("lost>1000"), Condition::Lost(1000));
        for bad in ["", "zombies", "zombies>", "zombies>-1", "zombies>10s", "zombie>10", "x>1"] {
            assert!(condition("--x", bad).is_err(), "{bad}");
        }
    }
}
