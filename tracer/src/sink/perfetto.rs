//! A trace for <https://ui.perfetto.dev>: for each process a track with what it was when (alive and in
//! which program, in teardown, a zombie), arrows from one to another, and how many there are.

mod packet;
mod writer;

use std::collections::HashMap;

use self::{
    packet::Kind,
    writer::{Mark, Value, Writer},
};
use super::{Sink, escape, forks, json, text};
use crate::{
    lifecycle::event::{Cause, Event, Exit, Peer, Reap, Reaper, What, Who, arguments},
    observation::{Comm, Program},
};

/// What a process was when it was last heard of: the slices that are open on its track.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// None: it is known by what others told of it.
    Named,
    /// That of its life, in the program it was born with.
    Alive,
    /// That of its life, and that of a program inside.
    InProgram,
    Teardown,
    Zombie,
}

impl Stage {
    fn is_alive(self) -> bool {
        matches!(self, Self::Alive | Self::InProgram)
    }
}

struct Shown {
    track: u64,
    /// With the pid its identity; unknown of one that is only named.
    start: Option<u64>,
    stage: Stage,
    /// The arrow to its reaper.
    flow: Option<u64>,
}

/// The sink. It holds those that have a track and are not reaped, nothing else.
pub(super) struct Perfetto {
    writer: Writer,
    shown: HashMap<u32, Shown>,
    alive: u64,
    zombies: u64,
}

impl Perfetto {
    pub(super) fn new(boot_to_unix: i64) -> Self {
        let writer = Writer::new(boot_to_unix);
        Self { writer, shown: HashMap::new(), alive: 0, zombies: 0 }
    }

    /// The track of the process an event is about. Where it was not heard of before, it is now.
    fn of(&mut self, at: u64, who: Who, to: &mut Vec<u8>) -> u64 {
        match self.shown.get(&who.pid) {
            Some(shown) if shown.start == Some(who.start) => return shown.track,
            // Its pid is another's now, and that it is gone was not told.
            Some(_) => self.turn(at, who.pid, Stage::Named, Vec::new(), None, to),
            None => {}
        }
        self.show(who.pid, Some(who.start), who.comm, to)
    }

    /// The track of one that an event names.
    fn peer(&mut self, pid: u32, comm: Option<Comm>, to: &mut Vec<u8>) -> u64 {
        match self.shown.get(&pid) {
            Some(shown) => shown.track,
            None => self.show(pid, None, comm, to),
        }
    }

    fn show(&mut self, pid: u32, start: Option<u64>, comm: Option<Comm>, to: &mut Vec<u8>) -> u64 {
        let track = self.writer.process(pid, start, comm, to);
        self.shown.insert(pid, Shown { track, start, stage: Stage::Named, flow: None });
        track
    }

    /// From now on it is something else: what is open ends, with what there is to say of it, and the
    /// next begins.
    fn turn(
        &mut self,
        at: u64,
        pid: u32,
        next: Stage,
        of_end: Vec<(&'static str, Value)>,
        begun: Option<Mark>,
        to: &mut Vec<u8>,
    ) {
        let Some(shown) = self.shown.get_mut(&pid) else { return };
        let (track, before) = (shown.track, std::mem::replace(&mut shown.stage, next));
        let lives_on = before.is_alive() && next.is_alive();
        if before == Stage::InProgram {
            self.writer.mark(at, track, Mark::new(Kind::End, ""), to);
        }
        if before != Stage::Named && !lives_on {
            self.writer.mark(at, track, Mark { values: of_end, ..Mark::new(Kind::End, "") }, to);
        }
        if next == Stage::InProgram && !lives_on {
            self.writer.mark(at, track, Mark::new(Kind::Begin, "alive"), to);
        }
        if let Some(begun) = begun {
            self.writer.mark(at, track, begun, to);
        }
        if before.is_alive() != next.is_alive() {
            self.alive = self.alive + u64::from(next.is_alive()) - u64::from(before.is_alive());
            self.writer.alive(at, self.alive, to);
        }
        let [was, is] = [before, next].map(|stage| u64::from(stage == Stage::Zombie));
        if was != is {
            self.zombies = self.zombies + is - was;
            self.writer.zombies(at, self.zombies, to);
        }
    }

    fn fork(&mut self, at: u64, child: Who, forker: u32, to: &mut Vec<u8>) {
        let flow = Some(self.writer.flow());
        let values = vec![("child", Value::Number(child.pid.into()))];
        let track = self.peer(forker, None, to);
        let mark = Mark { values, flow, ..Mark::new(Kind::Instant, "fork") };
        self.writer.mark(at, track, mark, to);
        self.of(at, child, to);
        let life = Mark { ends: flow, ..Mark::new(Kind::Begin, "alive") };
        self.turn(at, child.pid, Stage::Alive, Vec::new(), Some(life), to);
    }

    fn exec(&mut self, at: u64, who: Who, program: &Program, to: &mut Vec<u8>) {
        let track = self.of(at, who, to);
        writer::process(track, who.pid, Some(who.start), who.comm, to);
        let text = |bytes: &[u8]| escape::text(bytes).into_owned();
        let exe = program.exe.as_ref().map(|exe| ("exe", Value::Text(text(exe))));
        let argv = program.argv.as_ref();
        let argv = argv.map(|argv| ("argv", Value::List(arguments(argv).map(text).collect())));
        let begun = Mark {
            title: text::name(who.comm).to_string(),
            values: exe.into_iter().chain(argv).collect(),
            ..Mark::new(Kind::Begin, "")
        };
        self.turn(at, who.pid, Stage::InProgram, Vec::new(), Some(begun), to);
    }

    fn exit(&mut self, at: u64, who: Who, exit: Exit, to: &mut Vec<u8>) {
        self.of(at, who, to);
        let values = vec![
            ("status", Value::Text(text::ended(Some(exit.status)).to_string())),
            ("cpu_user_ns", Value::Number(exit.cpu_user)),
            ("cpu_system_ns", Value::Number(exit.cpu_system)),
            ("max_rss_bytes", Value::Number(exit.max_rss)),
        ];
        let begun = Mark::new(Kind::Begin, "teardown");
        self.turn(at, who.pid, Stage::Teardown, values, Some(begun), to);
    }

    fn zombie(&mut self, at: u64, who: Who, values: Vec<(&'static str, Value)>, to: &mut Vec<u8>) {
        self.of(at, who, to);
        let flow = Some(self.writer.flow());
        let begun = Mark { values, flow, ..Mark::new(Kind::Begin, "zombie") };
        self.turn(at, who.pid, Stage::Zombie, Vec::new(), Some(begun), to);
        if let Some(shown) = self.shown.get_mut(&who.pid) {
            shown.flow = flow;
        }
    }

    fn reparent(&mut self, at: u64, orphan: Who, [from, adopter]: [Peer; 2], to: &mut Vec<u8>) {
        let flow = Some(self.writer.flow());
        for (track, name, flow, ends) in [
            (self.peer(from.pid, from.comm, to), "leaves an orphan", flow, None),
            (self.of(at, orphan, to), "reparent", flow, None),
            (self.peer(adopter.pid, adopter.comm, to), "adopts", None, flow),
        ] {
            let values = vec![("orphan", Value::Number(orphan.pid.into()))];
            let mark = Mark { values, flow, ends, ..Mark::new(Kind::Instant, name) };
            self.writer.mark(at, track, mark, to);
        }
    }

    fn reap(&mut self, at: u64, who: Who, reap: &Reap, to: &mut Vec<u8>) {
        self.of(at, who, to);
        self.turn(at, who.pid, Stage::Named, of_reap(reap), None, to);
        let ends = self.shown.remove(&who.pid).and_then(|shown| shown.flow);
        if let Some(Reaper { pid, comm, .. }) = reap.reaper {
            let track = self.peer(pid, Some(comm), to);
            let values = vec![("child", Value::Number(who.pid.into()))];
            let mark = Mark { values, ends, ..Mark::new(Kind::Instant, "reap") };
            self.writer.mark(at, track, mark, to);
        }
    }

    /// What is a moment only.
    fn note(&mut self, event: &Event, values: Vec<(&'static str, Value)>, to: &mut Vec<u8>) {
        let track = event.who.map_or(writer::TRACER, |who| self.of(event.at, who, to));
        let mark = Mark { values, ..Mark::new(Kind::Instant, event.what.name()) };
        self.writer.mark(event.at, track, mark, to);
    }
}

impl Sink for Perfetto {
    fn event(&mut self, event: &Event, to: &mut Vec<u8>) {
        let at = event.at;
        match (&event.what, event.who) {
            (What::Session(_), _) => self.writer.begin(at, to),
            (What::Existing { zombie_at_least: Some(age) }, Some(who)) => {
                self.zombie(at, who, vec![("zombie_at_least_ns", Value::Number(*age))], to);
            }
            (What::Existing { zombie_at_least: None }, Some(who)) => {
                self.of(at, who, to);
                let life = Mark::new(Kind::Begin, "alive");
                self.turn(at, who.pid, Stage::Alive, Vec::new(), Some(life), to);
            }
            (What::Fork { forker, .. }, Some(who)) => self.fork(at, who, *forker, to),
            (What::Exec { program, .. }, Some(who)) => self.exec(at, who, program, to),
            (What::Exit(exit), Some(who)) => self.exit(at, who, *exit, to),
            (What::Zombie { notified, parent, .. }, Some(who)) => {
                let parent =
                    parent.map(|parent| ("parent", Value::Text(text::peer(parent).to_string())));
                let fate = notified.map(|fate| ("notified", Value::Text(json::fate(fate).into())));
                self.zombie(at, who, parent.into_iter().chain(fate).collect(), to);
            }
            (What::Reparent { from, to: adopter, .. }, Some(who)) => {
                self.reparent(at, who, [*from, *adopter], to);
            }
            (What::Reap(reap), Some(who)) => self.reap(at, who, reap, to),
            (What::LeaderExit { threads }, _) => {
                self.note(event, vec![("threads", Value::Number((*threads).into()))], to);
            }
            (What::Unreaped { zombie, why, remedy, .. }, _) => {
                let values = vec![
                    ("zombie_ns", Value::Number(*zombie)),
                    ("why", causes(why)),
                    ("remedy", Value::Text(remedy.clone())),
                ];
                self.note(event, values, to);
            }
            (What::ForkFailed(failure), _) => {
                self.note(event, vec![("details", Value::Text(forks::details(failure)))], to);
            }
            (What::PidSpace(gauge), _) => {
                self.note(event, vec![("room", Value::Text(forks::room(gauge)))], to);
            }
            (What::Lost(lost), _) => {
                let values = vec![
                    ("count", Value::Number(lost.count)),
                    ("where", Value::Text(text::place(lost.place).into())),
                ];
                self.note(event, values, to);
            }
            // What is open lasts until here.
            (What::Summary(_), _) => {
                self.writer.alive(at, self.alive, to);
                self.writer.zombies(at, self.zombies, to);
            }
            // Each of these is of a process.
            (_, None) => {}
        }
    }
}

fn of_reap(reap: &Reap) -> Vec<(&'static str, Value)> {
    let mut values = vec![
        ("status", Value::Text(text::ended(reap.status).to_string())),
        ("via", Value::Text(json::via(reap.via).into())),
        ("precision", Value::Text(json::precision(reap.exact).into())),
    ];
    let reaper =
        reap.reaper.map(|reaper| ("reaper", Value::Text(text::reaper(reaper).to_string())));
    let by = reap.by.map(|by| ("by", Value::Text(json::by(by).into())));
    let why = (!reap.why.is_empty()).then(|| ("why", causes(&reap.why)));
    values.extend(reaper.into_iter().chain(by).chain(why));
    values
}

fn causes(why: &[Cause]) -> Value {
    Value::List(why.iter().map(|cause| cause.name().to_owned()).collect())
}
