//! Events for people: a line each, in columns.

use std::{
    borrow::Cow,
    fmt::{self, Display, Formatter, Write},
    io::Write as _,
};

use super::{
    Sink,
    escape::{argument, text},
    forks,
    stamp::{Stamp, duration},
};
use crate::{
    lifecycle::event::{Cause, Event, Peer, Reap, Reaper, Via, What, Who, arguments},
    observation::{AdopterKind, Call, Comm, Fate, LostWhere, Program, Status},
};

/// The sink.
pub(super) struct Text {
    stamp: Stamp,
    color: bool,
}

/// What a line is about, for the eye.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Quiet,
    Good,
    Dead,
    Bad,
}

impl Tone {
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Quiet => "\x1b[2m",
            Self::Good => "\x1b[32m",
            Self::Dead => "\x1b[33m",
            Self::Bad => "\x1b[1;31m",
        }
    }
}

/// A zombie this old is no longer the ordinary moment between death and wait, ns.
const LONG: u64 = 100_000_000;

impl Text {
    pub(super) fn new(stamp: Stamp, color: bool) -> Self {
        Self { stamp, color }
    }

    fn line(
        &mut self,
        at: u64,
        who: Who,
        kind: &str,
        tone: Tone,
        details: impl Display,
        to: &mut Vec<u8>,
    ) {
        let (on, off) =
            if self.color && tone != Tone::Plain { (tone.code(), "\x1b[0m") } else { ("", "") };
        let time = self.stamp.time_of_day(at);
        let ppid = fmt::from_fn(|to| match who.ppid {
            Some(ppid) => ppid.fmt(to),
            None => to.pad("-"),
        });
        let (pid, name) = (who.pid, name(who.comm));
        put(to, format_args!("{time} {pid:>7} {ppid:>7} {name:<15} {on}{kind:<11}{off} {details}"));
        let end = to.trim_ascii_end().len();
        to.truncate(end);
        to.push(b'\n');
    }

    pub(super) fn lifecycle(&mut self, at: u64, who: Who, reap: &Reap, to: &mut Vec<u8>) {
        let (tone, end) = reaped(reap);
        let details = fmt::from_fn(|to| {
            write!(to, "{} after ", ended(reap.status))?;
            match reap.lifetime {
                Some(lifetime) => write!(to, "{}", duration(lifetime))?,
                None => to.write_char('?')?,
            }
            write!(to, ", {end}; ")?;
            match reap.life.execs.last() {
                Some((_, program)) => write!(to, "ran {}", command(program)),
                None => to.write_str("ran no program of its own"),
            }
        });
        self.line(at, who, "life", tone, details, to);
    }
}

/// Writes to memory.
fn put(to: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    to.write_fmt(text).expect("there is memory");
}

impl Sink for Text {
    fn event(&mut self, event: &Event, to: &mut Vec<u8>) {
        let (tone, details) = describe(&event.what);
        match (&event.what, event.who) {
            (What::Session(session), _) => put(
                to,
                format_args!(
                    "{:<15} {:>7} {:>7} {:<15} {:<11} DETAILS ({} hooks on {}, {} processes at the start)\n",
                    "TIME",
                    "PID",
                    "PPID",
                    "COMM",
                    "EVENT",
                    text(session.tier.as_bytes()),
                    text(session.kernel.as_bytes()),
                    session.existing,
                ),
            ),
            // Printed to stderr by the session, wherever the events go.
            (What::Summary(_) | What::PidSpace(_), _) => {}
            (What::Lost(_), _) => put(to, format_args!("{details}\n")),
            (_, Some(who)) => self.line(event.at, who, event.what.name(), tone, details, to),
            (_, None) => {}
        }
    }
}

/// An event for the eye, and in words, without its time and process.
pub(crate) fn describe(what: &What) -> (Tone, impl Display) {
    (tone(what), words(what))
}

fn tone(what: &What) -> Tone {
    match what {
        What::Session(_) | What::Summary(_) | What::PidSpace(_) | What::Exec { .. } => Tone::Plain,
        What::Existing { zombie_at_least: None } | What::Zombie { .. } => Tone::Quiet,
        What::Fork { .. } => Tone::Good,
        What::Exit(exit) if exit.status == Status::Code(0) => Tone::Plain,
        What::Existing { .. } | What::LeaderExit { .. } | What::Exit(_) | What::Reparent { .. } => {
            Tone::Dead
        }
        What::Reap(reap) => reaped(reap).0,
        What::Unreaped { .. } | What::ForkFailed(_) | What::Lost(_) => Tone::Bad,
    }
}

fn words(what: &What) -> impl Display {
    fmt::from_fn(move |to| match what {
        What::Session(_) | What::Summary(_) | What::PidSpace(_) => Ok(()),
        What::Existing { zombie_at_least: None } => to.write_str("running"),
        What::Existing { zombie_at_least: Some(age) } => {
            to.write_str("zombie since before the start")?;
            if *age == 0 { Ok(()) } else { write!(to, ", for at least {}", duration(*age)) }
        }
        What::Fork { forker, .. } => write!(to, "by {forker}"),
        What::Exec { program, thread } => {
            write!(to, "{}", command(program))?;
            thread.map_or(Ok(()), |tid| write!(to, " (by thread {tid})"))
        }
        What::LeaderExit { threads } => {
            write!(to, "main thread gone, {threads} threads live on")
        }
        What::Exit(exit) => {
            write!(to, "{}", ended(Some(exit.status)))?;
            if let Some(lived) = exit.lifetime {
                write!(to, " after {}", duration(lived))?;
            }
            let (user, system) = (duration(exit.cpu_user), duration(exit.cpu_system));
            write!(to, ", user {user}, system {system}, {}", size(exit.max_rss))
        }
        What::Zombie { teardown, notified, parent } => {
            if let Some(parent) = parent {
                write!(to, "waits for {}", peer(*parent))?;
            }
            if let Some(fate) = notified {
                write!(to, ", SIGCHLD {}", fate_word(*fate))?;
            }
            teardown.map_or(Ok(()), |teardown| write!(to, ", teardown {}", duration(teardown)))
        }
        What::Reparent { from, to: new, kind, zombie, entered } => {
            let state = if zombie.is_some() { "zombie " } else { "" };
            let (from, new, role) = (peer(*from), peer(*new), adopter(*kind));
            let entered =
                if *entered == Some(true) { ", which it entered from outside" } else { "" };
            write!(to, "{state}orphan of {from} adopted by {new} ({role}{entered})")
        }
        What::Reap(reap) => write!(to, "{}", reaped(reap).1),
        What::Unreaped { zombie, parent, why, remedy, .. } => {
            let is_main_thread = why.first() == Some(&Cause::ThreadsAlive);
            let dead = if is_main_thread { "main thread dead" } else { "zombie" };
            write!(to, "{dead} for {}, parent ", duration(*zombie))?;
            match parent {
                Some(parent) => write!(to, "{}: ", peer(*parent))?,
                None => to.write_str("?: ")?,
            }
            for (index, cause) in why.iter().enumerate() {
                write!(to, "{}{}", if index > 0 { ", " } else { "" }, cause.name())?;
            }
            let unknown = if why.is_empty() { "cause unknown" } else { "" };
            write!(to, "{unknown}; {}", text(remedy.as_bytes()))
        }
        What::ForkFailed(failure) => to.write_str(&forks::details(failure)),
        What::Lost(lost) => write!(to, "LOST {} records ({})", lost.count, place(lost.place)),
    })
}

fn reaped(reap: &Reap) -> (Tone, impl Display) {
    let long = reap.zombie.is_some_and(|zombie| zombie >= LONG);
    let details = fmt::from_fn(move |to| {
        if (reap.via, reap.exact) == (Via::Autoreap, true) {
            to.write_str("released at once by the kernel, its parent ignores SIGCHLD")?;
        } else {
            to.write_str(if reap.exact { "zombie for " } else { "zombie for at most " })?;
            match reap.zombie {
                Some(zombie) => write!(to, "{}", duration(zombie))?,
                None => to.write_char('?')?,
            }
            let by = |nobody| {
                fmt::from_fn(move |to| match reap.reaper {
                    Some(one) => write!(to, "{}", reaper(one)),
                    None => to.write_str(nobody),
                })
            };
            let whom = by("nobody knows whom");
            match reap.via {
                Via::Autoreap => {
                    to.write_str(", released by the kernel, its adopter ignores SIGCHLD")?;
                }
                Via::PidnsDeath => {
                    write!(to, ", reaped by {} at the end of its pid namespace", by("the kernel"))?;
                }
                Via::Call(one) => write!(to, ", reaped by {whom} via {}", call(one))?,
                Via::Unknown => write!(to, ", reaped by {whom} by a call that was not seen")?,
            }
        }
        to.write_str(if reap.reparents > 0 { ", orphan" } else { "" })
    });
    (if long { Tone::Bad } else { Tone::Quiet }, details)
}

/// A call that waits.
pub(crate) fn call(call: Call) -> &'static str {
    match call {
        Call::Wait4 => "wait4",
        Call::Waitid => "waitid",
    }
}

pub(super) fn reaper(reaper: Reaper) -> impl Display {
    fmt::from_fn(move |to| {
        write!(to, "{} ({}", name(Some(reaper.comm)), reaper.pid)?;
        match reaper.tid.filter(|tid| *tid != reaper.pid) {
            Some(tid) => write!(to, " thread {tid})"),
            None => to.write_char(')'),
        }
    })
}

/// A process by name and pid.
pub(crate) fn peer(peer: Peer) -> impl Display {
    fmt::from_fn(move |to| write!(to, "{} ({})", name(peer.comm), peer.pid))
}

/// A name, escaped.
pub(crate) fn name(comm: Option<Comm>) -> impl Display {
    fmt::from_fn(move |to| match &comm {
        Some(comm) => to.pad(&text(comm.bytes())),
        None => to.pad("?"),
    })
}

/// Most characters of a command shown in a line.
const COMMAND: usize = 200;

/// Lets so many characters through.
struct Cut<'a, 'b> {
    to: &'a mut Formatter<'b>,
    left: usize,
    is_cut: bool,
}

impl Write for Cut<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = text.char_indices().nth(self.left).map(|(end, _)| end);
        let part = &text[..end.unwrap_or(text.len())];
        self.is_cut |= end.is_some();
        self.left -= part.chars().count();
        self.to.write_str(part)
    }
}

/// A program and its arguments on a line.
pub(crate) fn command(program: &Program) -> impl Display {
    fmt::from_fn(move |to| {
        let mut line = Cut { to, left: COMMAND, is_cut: false };
        line.write_str(&program.exe.as_ref().map_or("?".into(), |exe| text(exe)))?;
        match &program.argv {
            None => line.write_str(" (arguments not readable)")?,
            Some(argv) => {
                for one in arguments(argv).skip(1) {
                    line.write_char(' ')?;
                    line.write_str(&argument(one))?;
                }
            }
        }
        let is_cut = line.is_cut || (program.truncated && program.argv.is_some());
        to.write_str(if is_cut { "…" } else { "" })
    })
}

/// How a process ended.
pub(crate) fn ended(status: Option<Status>) -> impl Display {
    fmt::from_fn(move |to| match status {
        None => to.write_str("ended"),
        Some(Status::Code(code)) => write!(to, "exit {code}"),
        Some(Status::Signal { number, core }) => {
            match signal_name(number) {
                Some(name) => write!(to, "killed by {name}")?,
                None => write!(to, "killed by signal {number}")?,
            }
            to.write_str(if core { " (core dumped)" } else { "" })
        }
    })
}

/// The name of a signal; real-time ones count from SIGRTMIN.
pub(super) fn signal_name(number: u8) -> Option<Cow<'static, str>> {
    match number {
        34..=64 => Some(format!("SIGRTMIN+{}", number - 34).into()),
        other => nix::sys::signal::Signal::try_from(i32::from(other))
            .ok()
            .map(|signal| signal.as_str().into()),
    }
}

pub(super) fn size(bytes: u64) -> impl Display {
    fmt::from_fn(move |to| match bytes {
        0..1_048_576 => write!(to, "{} KiB", bytes / 1024),
        _ => write!(to, "{:.1} MiB", bytes as f64 / 1_048_576.0),
    })
}

fn fate_word(fate: Fate) -> &'static str {
    match fate {
        Fate::Delivered => "delivered",
        Fate::Pending => "already pending",
        Fate::Ignored => "ignored",
        Fate::None => "not sent",
    }
}

/// In what role a process adopts.
pub(crate) fn adopter(kind: AdopterKind) -> &'static str {
    match kind {
        AdopterKind::Init => "init",
        AdopterKind::Subreaper => "subreaper",
        AdopterKind::PidnsInit => "init of its pid namespace",
    }
}

/// Where records were lost.
pub(crate) fn place(place: LostWhere) -> &'static str {
    match place {
        LostWhere::Ring => "ring buffer full: try a larger --ring-size",
        LostWhere::Decode => "not understood",
        LostWhere::Output => "output failed",
    }
}
