//! What the command line means, checked: past here nothing is wrong usage any more.

use std::{
    ffi::OsString, io::IsTerminal as _, os::unix::ffi::OsStrExt as _, path::Path, time::Duration,
};

use globset::{Glob, GlobSet, GlobSetBuilder};
use nix::{
    sys::signal::Signal,
    unistd::{Gid, Uid, User},
};
use procfs::process::Process;

use crate::{
    cli,
    lifecycle::{condition::Condition, event::What, filter::Filter},
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
    pub filter: Filter,
    /// The filters as typed.
    pub typed: Vec<String>,
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
    for pid in &filter.pid {
        root(*pid)?;
    }
    if args.output.lifecycles && !filter.types.is_empty() {
        return wrong("--type chooses among events, and --lifecycles shows none");
    }
    let target = target(args.output.output.as_deref(), Target::Stdout);
    Ok(Session {
        roots: (!filter.pid.is_empty()).then(|| filter.pid.clone()),
        typed: typed(filter),
        filter: Filter {
            comms: globs(&filter.comm)?,
            uids: filter.uid.iter().map(|name| uid(name)).collect::<Checked<_>>()?,
            cgroups: filter.cgroup.iter().map(|path| cgroup(path)).collect::<Checked<_>>()?,
            pidns: filter.pidns.iter().map(|number| pidns(*number)).collect::<Checked<_>>()?,
            min_zombie: filter
                .min_zombie
                .as_ref()
                .map(|text| duration("--min-zombie", text).map(|time| time.as_nanos() as u64))
                .transpose()?,
            types: types(&filter.types)?,
        },
        command: None,
        ..session(&args.output, target)?
    })
}

/// `tracer run`
pub fn run(args: &cli::Run) -> Checked<Session> {
    let user = match &args.user {
        Some(name) => Some(run_as(&user(name)?, None)),
        None => sudo_caller()?,
    };
    let target = target(args.output.output.as_deref(), Target::Stderr);
    // Those that the session catches; what it leaves alone is handed on by the kernel.
    let ignored = [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM].into_iter();
    let ignored = ignored.filter(|signal| is_ignored(*signal)).collect();
    let command = Some(Command { argv: args.command.clone(), user, ignored });
    Ok(Session { command, ..session(&args.output, target)? })
}

fn session(output: &cli::Output, target: Target) -> Checked<Session> {
    let ring = output.ring_size;
    if !ring.is_power_of_two() || !(4096..=1 << 30).contains(&ring) {
        return wrong(format!("--ring-size {ring}: takes a power of two from 4096 to 1073741824"));
    }
    let is_terminal = match &target {
        Target::Stdout => std::io::stdout().is_terminal(),
        Target::Stderr => std::io::stderr().is_terminal(),
        Target::File(_) => false,
    };
    let fail_on = output.fail_on.iter().map(|text| Ok((text.clone(), condition(text)?)));
    let fail_on = fail_on.collect::<Checked<Vec<_>>>()?;
    let on_failed_forks = |(_, one): &(_, _)| matches!(one, Condition::ForkFailures(_));
    Ok(Session {
        roots: None,
        filter: Filter::default(),
        typed: Vec::new(),
        style: Style {
            format: format(output.format),
            lifecycles: output.lifecycles,
            color: match output.color {
                cli::Color::Always => true,
                cli::Color::Never => false,
                cli::Color::Auto => is_terminal && std::env::var_os("NO_COLOR").is_none(),
            },
            summary: !output.no_summary,
        },
        target,
        duration: output.duration.as_ref().map(|text| duration("--duration", text)).transpose()?,
        ring_size: ring,
        latency: duration("--latency", &output.latency)?,
        hooks: match output.hooks {
            cli::Hooks::Auto => Hooks::Auto,
            cli::Hooks::Fentry => Hooks::Fentry,
            cli::Hooks::Tracepoint => Hooks::Tracepoint,
        },
        // To fail on what is not looked at would be never to fail.
        fork_failures: output.fork_failures || fail_on.iter().any(on_failed_forks),
        fail_on,
        command: None,
    })
}

/// The format as sinks know it.
pub fn format(format: cli::Format) -> Format {
    match format {
        cli::Format::Text => Format::Text,
        cli::Format::Json => Format::Json,
    }
}

fn target(path: Option<&Path>, default: Target) -> Target {
    match path {
        None => default,
        Some(path) if path == Path::new("-") => Target::Stdout,
        Some(path) => Target::File(path.to_owned()),
    }
}

fn typed(filter: &cli::Filter) -> Vec<String> {
    let mut typed = Vec::new();
    typed.extend(filter.pid.iter().map(|pid| format!("--pid {pid}")));
    typed.extend(filter.comm.iter().map(|glob| format!("--comm {glob}")));
    typed.extend(filter.uid.iter().map(|uid| format!("--uid {uid}")));
    typed.extend(filter.cgroup.iter().map(|path| format!("--cgroup {}", path.display())));
    typed.extend(filter.pidns.iter().map(|ns| format!("--pidns {ns}")));
    typed.extend(filter.min_zombie.iter().map(|time| format!("--min-zombie {time}")));
    if !filter.types.is_empty() {
        typed.push(format!("--type {}", filter.types.join(",")));
    }
    typed
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
fn condition(text: &str) -> Checked<Condition> {
    let option = format!("--fail-on {text}");
    let Some((name, most)) = text.split_once('>').map(|(name, most)| (name.trim(), most.trim()))
    else {
        return wrong(format!("{option}: takes a condition such as 'zombies>0', in quotes"));
    };
    let number = || match most.parse() {
        Ok(number) => Ok(number),
        Err(_) => wrong(format!("{option}: takes a number after the >")),
    };
    match name {
        "zombie" => {
            let most = duration(&format!("--fail-on {name}>"), most)?;
            Ok(Condition::Zombie(most.as_nanos() as u64))
        }
        "zombies" => number().map(Condition::Zombies),
        "orphans" => number().map(Condition::Orphans),
        "fork-failures" => number().map(Condition::ForkFailures),
        "lost" => number().map(Condition::Lost),
        _ => wrong(format!(
            "{option}: takes zombie>DURATION, zombies>N, orphans>N, fork-failures>N or lost>N"
        )),
    }
}

/// A process whose tree can be traced.
fn root(pid: u32) -> Checked<()> {
    let process = match Process::new(pid as i32) {
        Ok(process) if pid != 0 => process,
        _ => return wrong(format!("--pid {pid}: there is no such process")),
    };
    // Threads have a directory in /proc, which a listing of /proc does not show.
    match process.status() {
        Ok(status) if status.tgid != process.pid() => {
            wrong(format!("--pid {pid}: is a thread of process {}", status.tgid))
        }
        _ => Ok(()),
    }
}

fn globs(globs: &[String]) -> Checked<Option<GlobSet>> {
    if globs.is_empty() {
        return Ok(None);
    }
    let mut set = GlobSetBuilder::new();
    for text in globs {
        set.add(
            Glob::new(text).map_err(|error| Usage(format!("--comm {text}: {}", error.kind())))?,
        );
    }
    set.build().map(Some).map_err(|error| Usage(format!("--comm: {error}")))
}

fn types(names: &[String]) -> Checked<Vec<String>> {
    match names.iter().find(|name| !What::NAMES.contains(&name.as_str())) {
        Some(name) => wrong(format!("--type {name}: takes {}", What::NAMES.join(", "))),
        None => Ok(names.to_vec()),
    }
}

fn user(name: &str) -> Checked<User> {
    let by_number = name.parse().ok().and_then(|uid| User::from_uid(Uid::from_raw(uid)).ok()?);
    match by_number.or_else(|| User::from_name(name).ok()?) {
        Some(user) => Ok(user),
        None => wrong(format!("--user {name}: there is no such user")),
    }
}

/// A user id need not have a name.
fn uid(name: &str) -> Checked<u32> {
    match name.parse() {
        Ok(uid) => Ok(uid),
        Err(_) => match User::from_name(name).ok().flatten() {
            Some(user) => Ok(user.uid.as_raw()),
            None => wrong(format!("--uid {name}: there is no such user")),
        },
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

/// The path from the root of the cgroup v2 hierarchy, given so or as a directory in the file system.
fn cgroup(path: &Path) -> Checked<Vec<u8>> {
    let mount = Process::myself()
        .and_then(|process| process.mountinfo())
        .ok()
        .and_then(|mounts| mounts.into_iter().find(|mount| mount.fs_type == "cgroup2"))
        .map(|mount| mount.mount_point);
    let Some(mount) = mount else {
        return wrong(format!("--cgroup {}: no cgroup v2 hierarchy is mounted", path.display()));
    };
    let within = mount.join(path.strip_prefix("/").unwrap_or(path));
    for given in [path, &within] {
        // Resolved, because events have the path as the kernel says it: without links, `.` and `..`.
        let full = given.canonicalize().ok().filter(|full| full.is_dir());
        if let Some(inside) = full.as_ref().and_then(|full| full.strip_prefix(&mount).ok()) {
            return Ok([b"/", inside.as_os_str().as_bytes()].concat());
        }
    }
    let (path, mount) = (path.display(), mount.display());
    wrong(format!("--cgroup {path}: is no directory of the cgroup v2 hierarchy at {mount}"))
}

/// Inodes of namespaces count from this (`PROC_DYNAMIC_FIRST` and the fixed ones below it,
/// include/linux/proc_ns.h), far above every pid.
const FIRST_NAMESPACE: u32 = 0xEFFF_FFF0;

fn pidns(number: u32) -> Checked<u32> {
    if number >= FIRST_NAMESPACE {
        return Ok(number);
    }
    let namespace = Process::new(number as i32).and_then(|process| process.namespaces());
    match namespace
        .ok()
        .and_then(|all| all.0.get(std::ffi::OsStr::new("pid")).map(|ns| ns.identifier))
    {
        Some(inode) => Ok(inode as u32),
        None => wrong(format!(
            "--pidns {number}: neither a process whose namespaces can be seen nor a namespace inode"
        )),
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
        let ok = |text| condition(text).unwrap();
        assert_eq!(ok("zombie>10s"), Condition::Zombie(10_000_000_000));
        assert_eq!(ok("zombies > 0"), Condition::Zombies(0));
        assert_eq!(ok("orphans>3"), Condition::Orphans(3));
        assert_eq!(ok("fork-failures>0"), Condition::ForkFailures(0));
        assert_eq!(ok("lost>1000"), Condition::Lost(1000));
        for bad in ["", "zombies", "zombies>", "zombies>-1", "zombies>10s", "zombie>10", "x>1"] {
            assert!(condition(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_named() {
        assert!(globs(&["[".to_owned()]).unwrap_err().to_string().contains("--comm ["));
        assert!(types(&["exot".to_owned()]).unwrap_err().to_string().contains("exit"));
        assert!(uid("nobody-like-this").is_err());
        assert_eq!(uid("12345").unwrap(), 12345, "an id without a name");
        assert_eq!(uid("root").unwrap(), 0);
        assert!(pidns(0).is_err());
        assert_eq!(pidns(4_026_531_836).unwrap(), 4_026_531_836);
        assert!(pidns(std::process::id()).unwrap() >= FIRST_NAMESPACE);
    }

    #[test]
    fn a_thread_is_no_root_of_a_tree() {
        let own = std::process::id();
        assert!(root(own).is_ok());
        let thread = nix::unistd::gettid().as_raw() as u32;
        assert_ne!(thread, own, "tests run in threads of their own");
        let refused = root(thread).unwrap_err().to_string();
        assert!(refused.ends_with(&format!("is a thread of process {own}")), "{refused}");
        assert!(root(0).is_err());
    }

    #[test]
    fn every_way_to_write_a_cgroup_means_the_same() {
        // Without a cgroup v2 hierarchy there is nothing to name.
        let Ok(root) = cgroup(Path::new("/")) else { return };
        assert_eq!(root, b"/");
        for path in [".", "/.", "./", "", "/sys/fs/cgroup/../cgroup"] {
            match cgroup(Path::new(path)) {
                Ok(same) => assert_eq!(same, root, "{path}"),
                // Where the hierarchy is mounted elsewhere.
                Err(_) => assert!(path.starts_with("/sys"), "{path}"),
            }
        }
        assert!(cgroup(Path::new("..")).is_err(), "above the hierarchy");
    }
}
