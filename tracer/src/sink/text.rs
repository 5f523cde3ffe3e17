//! Events for people: a line each, in columns.

use std::fmt::Write as _;

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

    fn line(&mut self, at: u64, who: Who, kind: &str, tone: Tone, details: &str, to: &mut Vec<u8>) {
        let (on, off) =
            if self.color && tone != Tone::Plain { (tone.code(), "\x1b[0m") } else { ("", "") };
        let time = self.stamp.time_of_day(at);
        let ppid = who.ppid.map_or_else(|| "-".to_owned(), |ppid| ppid.to_string());
        let line = format!(
            "{time} {:>7} {ppid:>7} {:<15} {on}{kind:<11}{off} {details}",
            who.pid,
            name(who.comm),
        );
        to.extend_from_slice(line.trim_end().as_bytes());
        to.push(b'\n');
    }

    pub(super) fn lifecycle(&mut self, at: u64, who: Who, reap: &Reap, to: &mut Vec<u8>) {
        let program = reap.life.execs.last().map(|(_, program)| command(program));
        let ran = program.map_or_else(
            || "ran no program of its own".to_owned(),
            |program| format!("ran {program}"),
        );
        let (tone, end) = reaped(reap);
        let ended = ended(reap.status);
        let lived = reap.lifetime.map_or_else(|| "?".to_owned(), duration);
        self.line(at, who, "life", tone, &format!("{ended} after {lived}, {end}; {ran}"), to);
    }
}

impl Sink for Text {
    fn event(&mut self, event: &Event, to: &mut Vec<u8>) {
        let (tone, details) = describe(&event.what);
        match (&event.what, event.who) {
            (What::Session(session), _) => {
                let header = format!(
                    "{:<15} {:>7} {:>7} {:<15} {:<11} DETAILS ({} hooks on {}, {} processes at the start)\n",
                    "TIME",
                    "PID",
                    "PPID",
                    "COMM",
                    "EVENT",
                    text(session.tier.as_bytes()),
                    text(session.kernel.as_bytes()),
                    session.existing,
                );
                to.extend_from_slice(header.as_bytes());
            }
            // Printed to stderr by the session, wherever the events go.
            (What::Summary(_) | What::PidSpace(_), _) => {}
            (What::Lost(_), _) => to.extend_from_slice(format!("{details}\n").as_bytes()),
            (_, Some(who)) => {
                self.line(event.at, who, event.what.name(), tone, &details, to);
            }
            (_, None) => {}
        }
    }
}

/// An event in words, without its time and process.
pub(crate) fn describe(what: &What) -> (Tone, String) {
    match what {
        What::Session(_) | What::Summary(_) | What::PidSpace(_) => (Tone::Plain, String::new()),
        What::Existing { zombie_at_least: None } => (Tone::Quiet, "running".to_owned()),
        What::Existing { zombie_at_least: Some(age) } => {
            let age = match age {
                0 => String::new(),
                _ => format!(", for at least {}", duration(*age)),
            };
            (Tone::Dead, format!("zombie since before the start{age}"))
        }
        What::Fork { forker, .. } => (Tone::Good, format!("by {forker}")),
        What::Exec { program, thread } => {
            let by = thread.map_or_else(String::new, |tid| format!(" (by thread {tid})"));
            (Tone::Plain, format!("{}{by}", command(program)))
        }
        What::LeaderExit { threads } => {
            (Tone::Dead, format!("main thread gone, {threads} threads live on"))
        }
        What::Exit(exit) => {
            let lived =
                exit.lifetime.map_or_else(String::new, |ns| format!(" after {}", duration(ns)));
            let tone = if exit.status == Status::Code(0) { Tone::Plain } else { Tone::Dead };
            let details = format!(
                "{}{lived}, user {}, system {}, {}",
                ended(Some(exit.status)),
                duration(exit.cpu_user),
                duration(exit.cpu_system),
                size(exit.max_rss),
            );
            (tone, details)
        }
        What::Zombie { teardown, notified, parent } => {
            let mut details =
                parent.map_or_else(String::new, |parent| format!("waits for {}", peer(parent)));
            if let Some(fate) = notified {
                let _ = write!(details, ", SIGCHLD {}", fate_word(*fate));
            }
            if let Some(teardown) = teardown {
                let _ = write!(details, ", teardown {}", duration(*teardown));
            }
            (Tone::Quiet, details)
        }
        What::Reparent { from, to, kind, zombie, entered } => {
            let state = if zombie.is_some() { "zombie " } else { "" };
            let role = adopter(*kind);
            let entered =
                if *entered == Some(true) { ", which it entered from outside" } else { "" };
            (
                Tone::Dead,
                format!(
                    "{state}orphan of {} adopted by {} ({role}{entered})",
                    peer(*from),
                    peer(*to)
                ),
            )
        }
        What::Reap(reap) => {
            let (tone, details) = reaped(reap);
            (tone, details)
        }
        What::Unreaped { zombie, parent, why, remedy, .. } => {
            let parent = parent.map_or_else(|| "?".to_owned(), peer);
            let dead = if why.first() == Some(&Cause::ThreadsAlive) {
                "main thread dead"
            } else {
                "zombie"
            };
            let causes: Vec<&str> = why.iter().map(|cause| cause.name()).collect();
            let causes =
                if causes.is_empty() { "cause unknown".to_owned() } else { causes.join(", ") };
            let details = format!(
                "{dead} for {}, parent {parent}: {causes}; {}",
                duration(*zombie),
                text(remedy.as_bytes())
            );
            (Tone::Bad, details)
        }
        What::ForkFailed(failure) => (Tone::Bad, forks::details(failure)),
        What::Lost(lost) => {
            (Tone::Bad, format!("LOST {} records ({})", lost.count, place(lost.place)))
        }
    }
}

fn reaped(reap: &Reap) -> (Tone, String) {
    let zombie = reap.zombie.map_or_else(|| "?".to_owned(), duration);
    let most = if reap.exact { "" } else { "at most " };
    let mut details = match (reap.via, reap.exact) {
        (Via::Autoreap, true) => {
            "released at once by the kernel, its parent ignores SIGCHLD".to_owned()
        }
        (Via::Autoreap, false) => {
            format!(
                "zombie for {most}{zombie}, released by the kernel, its adopter ignores SIGCHLD"
            )
        }
        (Via::PidnsDeath, _) => {
            let by = reap.reaper.map_or_else(|| "the kernel".to_owned(), reaper);
            format!("zombie for {most}{zombie}, reaped by {by} at the end of its pid namespace")
        }
        (Via::Call(_) | Via::Unknown, _) => {
            let by = reap.reaper.map_or_else(|| "nobody knows whom".to_owned(), reaper);
            let call = match reap.via {
                Via::Call(by) => format!("via {}", call(by)),
                Via::Autoreap | Via::PidnsDeath | Via::Unknown => {
                    "by a call that was not seen".to_owned()
                }
            };
            format!("zombie for {most}{zombie}, reaped by {by} {call}")
        }
    };
    if reap.reparents > 0 {
        details.push_str(", orphan");
    }
    let long = reap.zombie.is_some_and(|zombie| zombie >= LONG);
    (if long { Tone::Bad } else { Tone::Quiet }, details)
}

/// A call that waits.
pub(crate) fn call(call: Call) -> &'static str {
    match call {
        Call::Wait4 => "wait4",
        Call::Waitid => "waitid",
    }
}

pub(super) fn reaper(reaper: Reaper) -> String {
    let thread = reaper.tid.filter(|tid| *tid != reaper.pid);
    let thread = thread.map_or_else(String::new, |tid| format!(" thread {tid}"));
    format!("{} ({}{thread})", name(Some(reaper.comm)), reaper.pid)
}

/// A process by name and pid.
pub(crate) fn peer(peer: Peer) -> String {
    format!("{} ({})", name(peer.comm), peer.pid)
}

/// A name, escaped.
pub(crate) fn name(comm: Option<Comm>) -> String {
    comm.map_or_else(|| "?".to_owned(), |comm| text(comm.bytes()).into_owned())
}

/// Most characters of a command shown in a line.
const COMMAND: usize = 200;

/// A program and its arguments on a line.
pub(crate) fn command(program: &Program) -> String {
    let exe = program.exe.as_ref().map_or("?".into(), |exe| text(exe));
    let mut line = exe.into_owned();
    match &program.argv {
        None => line.push_str(" (arguments not readable)"),
        Some(argv) => {
            for one in arguments(argv).skip(1) {
                let _ = write!(line, " {}", argument(one));
            }
        }
    }
    if line.chars().count() > COMMAND {
        line = line.chars().take(COMMAND).chain(['…']).collect();
    } else if program.truncated && program.argv.is_some() {
        line.push('…');
    }
    line
}

/// How a process ended.
pub(crate) fn ended(status: Option<Status>) -> String {
    match status {
        None => "ended".to_owned(),
        Some(Status::Code(code)) => format!("exit {code}"),
        Some(Status::Signal { number, core }) => {
            let name = signal_name(number).unwrap_or_else(|| format!("signal {number}"));
            format!("killed by {name}{}", if core { " (core dumped)" } else { "" })
        }
    }
}

/// The name of a signal; real-time ones count from SIGRTMIN.
pub(super) fn signal_name(number: u8) -> Option<String> {
    match number {
        34..=64 => Some(format!("SIGRTMIN+{}", number - 34)),
        other => nix::sys::signal::Signal::try_from(i32::from(other))
            .ok()
            .map(|signal| signal.as_str().to_owned()),
    }
}

pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..1_048_576 => format!("{} KiB", bytes / 1024),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
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
