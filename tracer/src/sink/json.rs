//! Events as the contract writes them: one object per line. `docs/events.schema.json` describes it.

use std::io;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json, ser::Formatter};

use super::{Sink, escape, forks, stamp::Stamp};
use crate::{
    lifecycle::{
        container,
        event::{By, Cause, Event, Life, Peer, Reap, Reaper, Via, What, Who, arguments},
        spread::Spread,
        summary::{Adopter, Living, Summary},
    },
    observation::{AdopterKind, Call, Comm, Fate, LostWhere, Program, Status},
};

/// The sink.
pub(super) struct Json {
    stamp: Stamp,
}

impl Json {
    pub(super) fn new(stamp: Stamp) -> Self {
        Self { stamp }
    }
}

impl Sink for Json {
    fn event(&mut self, event: &Event, to: &mut Vec<u8>) {
        let time = self.stamp.rfc3339(event.at);
        line(&Line { event, time }, to);
    }
}

/// An event as a value.
pub(super) fn value(event: &Event, time: &str) -> Value {
    serde_json::to_value(Line { event, time }).expect("keys are strings")
}

/// Appends a value as one line.
pub(super) fn line(value: &impl Serialize, to: &mut Vec<u8>) {
    write(value, to);
    to.push(b'\n');
}

pub(super) fn write(value: &impl Serialize, to: &mut Vec<u8>) {
    let mut serializer = serde_json::Serializer::with_formatter(to, Plain);
    value.serialize(&mut serializer).expect("writing to memory, keys are strings");
}

/// Escapes, beyond what JSON asks for, the controls that a terminal obeys: DEL and the C1 set.
struct Plain;

impl Formatter for Plain {
    fn write_string_fragment<W: io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        // Without a way out of the loop it is done in vectors; nearly all text is plain.
        if fragment.bytes().fold(true, |plain, byte| plain & (0x20..0x7f).contains(&byte)) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut buffer = [0; 4];
        for character in fragment.chars() {
            match u32::from(character) {
                code @ (0x7f..=0x9f
                | 0x200b..=0x200f
                | 0x2028..=0x202e
                | 0x2060..=0x206f
                | 0xfeff) => {
                    write!(writer, "\\u{code:04x}")?;
                }
                _ => writer.write_all(character.encode_utf8(&mut buffer).as_bytes())?,
            }
        }
        Ok(())
    }
}

struct Line<'a> {
    event: &'a Event,
    time: &'a str,
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let event = self.event;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("v", &1)?;
        map.serialize_entry("type", event.what.name())?;
        map.serialize_entry("time", self.time)?;
        map.serialize_entry("at_ns", &event.at)?;
        let mut escaped = Vec::new();
        if let Some(who) = event.who {
            who_fields(who, &mut map, &mut escaped)?;
        }
        what(&event.what, &mut map, &mut escaped)?;
        if !escaped.is_empty() {
            map.serialize_entry("escaped", &escaped)?;
        }
        map.end()
    }
}

/// The fields that every event of a process has.
pub(super) fn who_fields<M: SerializeMap>(
    who: Who,
    map: &mut M,
    escaped: &mut Vec<&'static str>,
) -> Result<(), M::Error> {
    map.serialize_entry("pid", &who.pid)?;
    map.serialize_entry("start_ns", &who.start)?;
    map.serialize_entry("ppid", &who.ppid)?;
    map.serialize_entry("comm", &who.comm.as_ref().map(|comm| escape::reversible(comm.bytes())))?;
    if !is_utf8(who.comm) {
        escaped.push("comm");
    }
    Ok(())
}

fn what<M: SerializeMap>(
    what: &What,
    map: &mut M,
    escaped: &mut Vec<&'static str>,
) -> Result<(), M::Error> {
    match what {
        What::Session(session) => {
            map.serialize_entry("host", &session.host)?;
            map.serialize_entry("kernel", &session.kernel)?;
            map.serialize_entry("tracer", &session.tracer)?;
            map.serialize_entry("tier", &session.tier)?;
            map.serialize_entry("filters", &session.filters)?;
            map.serialize_entry("existing", &session.existing)
        }
        What::Existing { zombie_at_least } => {
            let state = if zombie_at_least.is_some() { "zombie" } else { "running" };
            map.serialize_entry("state", state)?;
            map.serialize_entry("zombie_at_least_ns", zombie_at_least)
        }
        What::Fork { forker, home } => {
            map.serialize_entry("forker", forker)?;
            map.serialize_entry("uid", &home.uid)?;
            map.serialize_entry(
                "cgroup",
                &home.cgroup.as_ref().map(|path| escape::reversible(path)),
            )?;
            let container = home.cgroup.as_ref().and_then(|path| container::of(path));
            let container = container.map(|container| {
                json!({
                    "runtime": container.runtime, "id": container.id, "pod_uid": container.pod,
                })
            });
            map.serialize_entry("container", &container)?;
            map.serialize_entry("pidns", &home.pidns)?;
            if home.cgroup.as_ref().is_some_and(|path| str::from_utf8(path).is_err()) {
                escaped.push("cgroup");
            }
            map.serialize_entry("ns_pid", &home.ns_pid)
        }
        What::Exec { program, thread } => {
            program_fields(program, map, escaped)?;
            map.serialize_entry("thread", thread)
        }
        What::LeaderExit { threads } => map.serialize_entry("threads", threads),
        What::Exit(exit) => {
            map.serialize_entry("status", &StatusJson(exit.status))?;
            map.serialize_entry("lifetime_ns", &exit.lifetime)?;
            map.serialize_entry("cpu_user_ns", &exit.cpu_user)?;
            map.serialize_entry("cpu_system_ns", &exit.cpu_system)?;
            map.serialize_entry("max_rss_bytes", &exit.max_rss)
        }
        What::Zombie { teardown, notified, parent } => {
            map.serialize_entry("teardown_ns", teardown)?;
            map.serialize_entry("notified", &notified.map(fate))?;
            map.serialize_entry("parent", &parent.map(PeerJson))
        }
        What::Reparent { from, to, kind, zombie, entered } => {
            map.serialize_entry("from", &PeerJson(*from))?;
            map.serialize_entry("to", &PeerJson(*to))?;
            map.serialize_entry("kind", adopter(*kind))?;
            map.serialize_entry("state", if *zombie { "zombie" } else { "running" })?;
            map.serialize_entry("entered", entered)
        }
        What::Reap(reap) => reap_fields(reap, map),
        What::Unreaped { zombie, parent, why, waits, place, remedy } => {
            map.serialize_entry("zombie_ns", zombie)?;
            map.serialize_entry("parent", &parent.map(PeerJson))?;
            map.serialize_entry("why", &causes(why))?;
            map.serialize_entry("waited_for", &super::zombies::waits(waits))?;
            map.serialize_entry("where", &place.as_deref())?;
            map.serialize_entry("remedy", remedy)
        }
        What::ForkFailed(failure) => forks::failure_fields(failure, map, escaped),
        What::PidSpace(gauge) => forks::gauge_fields(gauge, map, escaped),
        What::Lost(lost) => {
            map.serialize_entry("count", &lost.count)?;
            map.serialize_entry("where", place(lost.place))?;
            map.serialize_entry("since_ns", &lost.since)
        }
        What::Summary(summary) => summary_fields(summary, map),
    }
}

fn program_fields<M: SerializeMap>(
    program: &Program,
    map: &mut M,
    escaped: &mut Vec<&'static str>,
) -> Result<(), M::Error> {
    map.serialize_entry("exe", &program.exe.as_ref().map(|exe| escape::reversible(exe)))?;
    map.serialize_entry("argv", &program.argv.as_ref().map(Arguments))?;
    map.serialize_entry("argv_truncated", &program.truncated)?;
    if program.exe.as_ref().is_some_and(|exe| str::from_utf8(exe).is_err()) {
        escaped.push("exe");
    }
    if program.argv.as_ref().is_some_and(|argv| str::from_utf8(argv).is_err()) {
        escaped.push("argv");
    }
    Ok(())
}

/// All arguments in one form: escaped when one of them is not UTF-8.
struct Arguments<'a>(&'a crate::observation::Bytes);

impl Serialize for Arguments<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match str::from_utf8(self.0) {
            Ok(_) => serializer.collect_seq(arguments(self.0).map(escape::reversible)),
            Err(_) => serializer.collect_seq(arguments(self.0).map(escape::hex)),
        }
    }
}

/// The fields of a reap, which a lifecycle has too.
pub(super) fn reap_fields<M: SerializeMap>(reap: &Reap, map: &mut M) -> Result<(), M::Error> {
    map.serialize_entry("status", &reap.status.map(StatusJson))?;
    map.serialize_entry("zombie_ns", &reap.zombie)?;
    map.serialize_entry("teardown_ns", &reap.teardown)?;
    map.serialize_entry("lifetime_ns", &reap.lifetime)?;
    map.serialize_entry("reaper", &reap.reaper.map(ReaperJson))?;
    map.serialize_entry("by", &reap.by.map(by))?;
    map.serialize_entry("via", via(reap.via))?;
    map.serialize_entry("orphaned", &(reap.reparents > 0))?;
    map.serialize_entry("reparents", &reap.reparents)?;
    map.serialize_entry("why", &causes(&reap.why))?;
    map.serialize_entry("precision", precision(reap.exact))
}

/// The dates of a life.
pub(super) struct LifeJson<'a>(pub(super) &'a Life);

impl LifeJson<'_> {
    pub(super) fn fields<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let life = self.0;
        map.serialize_entry("forked_at", &life.forked_at)?;
        map.serialize_entry("execs", &life.execs.iter().map(ExecJson).collect::<Vec<_>>())?;
        map.serialize_entry("exec_count", &life.exec_count)?;
        map.serialize_entry("exited_at", &life.exited_at)?;
        map.serialize_entry("zombie_at", &life.zombie_at)?;
        map.serialize_entry("reaped_at", &life.reaped_at)
    }
}

struct ExecJson<'a>(&'a (u64, Program));

impl Serialize for ExecJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (at, program) = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("at_ns", at)?;
        let mut escaped = Vec::new();
        program_fields(program, &mut map, &mut escaped)?;
        if !escaped.is_empty() {
            map.serialize_entry("escaped", &escaped)?;
        }
        map.end()
    }
}

fn summary_fields<M: SerializeMap>(summary: &Summary, map: &mut M) -> Result<(), M::Error> {
    let totals = summary.totals;
    map.serialize_entry(
        "totals",
        &json!({
            "existing": totals.existing, "forks": totals.forks, "execs": totals.execs,
            "exits": totals.exits, "reaps": totals.reaps, "autoreaps": totals.autoreaps,
            "unknown_reaps": totals.unknown_reaps, "reparents": totals.reparents,
            "zombies": totals.zombies, "living": summary.living.len(),
        }),
    )?;
    map.serialize_entry("zombie_time_by_parent", &spreads(&summary.by_parent))?;
    map.serialize_entry("zombie_time_by_reaper", &spreads(&summary.by_reaper))?;
    let leakers = summary.leakers.iter().map(|leaker| {
        let row = json!({
            "pid": leaker.parent.pid, "zombies": leaker.zombies, "oldest_ns": leaker.oldest,
            "made": leaker.made, "made_per_s": per_second(leaker.made, leaker.watched),
            "reaped": leaker.reaped, "reaped_per_s": per_second(leaker.reaped, leaker.watched),
            "growth": leaker.made as i64 - leaker.reaped as i64,
            "verdict": leaker.verdict.name(),
        });
        named(row, leaker.parent.comm)
    });
    map.serialize_entry("leakers", &leakers.collect::<Vec<_>>())?;
    let adopters = summary.adopters.iter().map(|one| {
        let mut row = adoptions(one);
        row["pid"] = one.peer.pid.into();
        row["verdict"] = one.verdict.name().into();
        named(row, one.peer.comm)
    });
    map.serialize_entry("orphans_by_adopter", &adopters.collect::<Vec<_>>())?;
    forks::summary_fields(summary, map)?;
    let lost = |at| summary.lost.get(&at).copied().unwrap_or(0);
    map.serialize_entry(
        "lost",
        &json!({
            "ring": lost(LostWhere::Ring), "decode": lost(LostWhere::Decode),
            "output": lost(LostWhere::Output),
        }),
    )?;
    map.serialize_entry("received", &summary.received)?;
    map.serialize_entry("left_out", &summary.left_out)?;
    map.serialize_entry("late", &summary.late)?;
    map.serialize_entry("living", &summary.listed().map(LivingJson).collect::<Vec<_>>())
}

/// To the thousandth, unless it was watched for no time.
pub(super) fn per_second(count: u64, ns: u64) -> Option<f64> {
    (ns > 0).then(|| (count as f64 * 1e12 / ns as f64).round() / 1e3)
}

struct LivingJson<'a>(&'a Living);

impl Serialize for LivingJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Living { who, zombie, .. } = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("pid", &who.pid)?;
        map.serialize_entry("start_ns", &who.start)?;
        map.serialize_entry("ppid", &who.ppid)?;
        map.serialize_entry("zombie_ns", zombie)?;
        comm_field(who.comm, &mut map)?;
        map.end()
    }
}

fn spreads(rows: &[(Option<Comm>, Spread)]) -> Vec<Value> {
    rows.iter()
        .map(|(name, spread)| {
            let row = json!({
                "count": spread.count, "p50_ns": spread.p50, "p95_ns": spread.p95,
                "p99_ns": spread.p99, "max_ns": spread.max,
            });
            named(row, *name)
        })
        .collect()
}

/// What one adopted, and how long those were zombies that were reaped.
pub(super) fn adoptions(one: &Adopter) -> Value {
    let time = |ns| (one.reaped.count > 0).then_some(ns);
    json!({
        "kind": adopter(one.kind), "orphans": one.orphans,
        "orphans_per_s": per_second(one.orphans, one.watched), "reaped": one.reaped.count,
        "reaped_per_s": per_second(one.reaped.count, one.watched), "p50_ns": time(one.reaped.p50),
        "p95_ns": time(one.reaped.p95), "p99_ns": time(one.reaped.p99),
        "max_ns": time(one.reaped.max),
    })
}

/// A row of the summary with the name it is about.
pub(super) fn named(mut row: Value, name: Option<Comm>) -> Value {
    row["comm"] = name.map_or(Value::Null, |name| escape::reversible(name.bytes()).into());
    if !is_utf8(name) {
        row["escaped"] = json!(["comm"]);
    }
    row
}

fn is_utf8(comm: Option<Comm>) -> bool {
    comm.is_none_or(|comm| str::from_utf8(comm.bytes()).is_ok())
}

/// The name of a process as the last field of an object of its own.
fn comm_field<M: SerializeMap>(comm: Option<Comm>, map: &mut M) -> Result<(), M::Error> {
    map.serialize_entry("comm", &comm.as_ref().map(|comm| escape::reversible(comm.bytes())))?;
    if is_utf8(comm) { Ok(()) } else { map.serialize_entry("escaped", &["comm"]) }
}

struct PeerJson(Peer);

impl Serialize for PeerJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("pid", &self.0.pid)?;
        comm_field(self.0.comm, &mut map)?;
        map.end()
    }
}

struct ReaperJson(Reaper);

impl Serialize for ReaperJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("pid", &self.0.pid)?;
        map.serialize_entry("tid", &self.0.tid)?;
        comm_field(Some(self.0.comm), &mut map)?;
        map.end()
    }
}

struct StatusJson(Status);

impl Serialize for StatusJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self.0 {
            Status::Code(code) => map.serialize_entry("code", &code)?,
            Status::Signal { number, core } => {
                map.serialize_entry("signal", &number)?;
                map.serialize_entry("name", &super::text::signal_name(number))?;
                map.serialize_entry("core", &core)?;
            }
        }
        map.end()
    }
}

pub(super) fn fate(fate: Fate) -> &'static str {
    match fate {
        Fate::Delivered => "delivered",
        Fate::Pending => "pending",
        Fate::Ignored => "ignored",
        Fate::None => "none",
    }
}

fn adopter(kind: AdopterKind) -> &'static str {
    match kind {
        AdopterKind::Init => "init",
        AdopterKind::Subreaper => "subreaper",
        AdopterKind::PidnsInit => "pidns_init",
    }
}

pub(super) fn by(by: By) -> &'static str {
    match by {
        By::Parent => "parent",
        By::Adopter => "adopter",
        By::Tracer => "tracer",
        By::Kernel => "kernel",
    }
}

pub(super) fn via(via: Via) -> &'static str {
    match via {
        Via::Call(Call::Wait4) => "wait4",
        Via::Call(Call::Waitid) => "waitid",
        Via::Autoreap => "autoreap",
        Via::PidnsDeath => "pidns_death",
        Via::Unknown => "unknown",
    }
}

pub(super) fn precision(is_exact: bool) -> &'static str {
    if is_exact { "exact" } else { "bound" }
}

fn causes(causes: &[Cause]) -> Vec<&'static str> {
    causes.iter().map(|cause| cause.name()).collect()
}

fn place(place: LostWhere) -> &'static str {
    match place {
        LostWhere::Ring => "ring",
        LostWhere::Decode => "decode",
        LostWhere::Output => "output",
    }
}
