//! Events as the contract writes them: one object per line. `docs/events.schema.json` describes it.

mod summary;

use serde::ser::{Serialize, Serializer};
use serde_json::{Value, json};

pub(super) use self::summary::{adoptions, per_second};
use super::{
    Sink, escape, forks,
    object::{Object, value_to},
    stamp::Stamp,
};
use crate::{
    lifecycle::{
        container,
        event::{By, Cause, Event, Life, Peer, Reap, Reaper, Via, What, Who, arguments},
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
        object(event, time, to);
        to.push(b'\n');
    }
}

/// An event as a value.
pub(super) fn value(event: &Event, time: &str) -> Value {
    read(|to| object(event, time, to))
}

/// What was written, as a value.
pub(super) fn read(write: impl FnOnce(&mut Vec<u8>)) -> Value {
    let mut text = Vec::new();
    write(&mut text);
    serde_json::from_slice(&text).expect("it was just written")
}

fn object(event: &Event, time: &str, to: &mut Vec<u8>) {
    Object::write(to, |object| {
        object.field("v", &1);
        object.word("type", event.what.name());
        object.word("time", time);
        object.field("at_ns", &event.at);
        if let Some(who) = event.who {
            who_fields(who, object);
        }
        what(&event.what, object);
    });
}

/// Appends a value as one line.
pub(super) fn line(value: &impl Serialize, to: &mut Vec<u8>) {
    value_to(value, to);
    to.push(b'\n');
}

/// The fields that every event of a process has.
pub(super) fn who_fields(who: Who, object: &mut Object<'_>) {
    object.field("pid", &who.pid);
    object.field("start_ns", &who.start);
    object.field("ppid", &who.ppid);
    comm_field(who.comm, object);
}

fn what(what: &What, object: &mut Object<'_>) {
    match what {
        What::Session(session) => {
            object.field("host", &session.host);
            object.field("kernel", &session.kernel);
            object.field("tracer", &session.tracer);
            object.field("tier", &session.tier);
            object.field("tier_why", &session.tier_why);
            object.field("filters", &session.filters);
            object.field("existing", &session.existing);
        }
        What::Existing { zombie_at_least } => {
            let state = if zombie_at_least.is_some() { "zombie" } else { "running" };
            object.word("state", state);
            object.field("zombie_at_least_ns", zombie_at_least);
        }
        What::Fork { forker, home } => {
            object.field("forker", forker);
            object.field("uid", &home.uid);
            object.text("cgroup", home.cgroup.as_deref());
            let container = home.cgroup.as_ref().and_then(|path| container::of(path));
            object.object("container", container, |container, object| {
                object.field("id", container.id);
                object.field("pod_uid", &container.pod);
                object.word("runtime", container.runtime);
            });
            object.field("pidns", &home.pidns);
            object.field("ns_pid", &home.ns_pid);
        }
        What::Exec { program, thread } => {
            program_fields(program, object);
            object.field("thread", thread);
        }
        What::LeaderExit { threads } => object.field("threads", threads),
        What::Exit(exit) => {
            object.object("status", Some(exit.status), status_fields);
            object.field("lifetime_ns", &exit.lifetime);
            object.field("cpu_user_ns", &exit.cpu_user);
            object.field("cpu_system_ns", &exit.cpu_system);
            object.field("max_rss_bytes", &exit.max_rss);
        }
        What::Zombie { teardown, notified, parent } => {
            object.field("teardown_ns", teardown);
            object.word("notified", notified.map(fate));
            object.object("parent", *parent, peer_fields);
        }
        What::Reparent { from, to, kind, zombie, entered } => {
            object.object("from", Some(*from), peer_fields);
            object.object("to", Some(*to), peer_fields);
            object.word("kind", adopter(*kind));
            object.word("state", if zombie.is_some() { "zombie" } else { "running" });
            object.field("entered", entered);
        }
        What::Reap(reap) => reap_fields(reap, object),
        What::Unreaped { zombie, parent, why, waits, place, remedy } => {
            object.field("zombie_ns", zombie);
            object.object("parent", *parent, peer_fields);
            object.field("why", &causes(why));
            object.field("waited_for", &super::zombies::waits(waits));
            object.field("where", &place.as_deref());
            object.field("remedy", remedy);
        }
        What::ForkFailed(failure) => forks::failure_fields(failure, object),
        What::PidSpace(gauge) => forks::gauge_fields(gauge, object),
        What::Lost(lost) => {
            object.field("count", &lost.count);
            object.word("where", place(lost.place));
            object.field("since_ns", &lost.since);
        }
        What::Summary(summary) => summary::summary_fields(summary, object),
    }
}

fn program_fields(program: &Program, object: &mut Object<'_>) {
    object.text("exe", program.exe.as_deref());
    object.field("argv", &program.argv.as_ref().map(Arguments));
    object.field("argv_truncated", &program.truncated);
    if program.argv.as_ref().is_some_and(|argv| str::from_utf8(argv).is_err()) {
        object.is_escaped("argv");
    }
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
pub(super) fn reap_fields(reap: &Reap, object: &mut Object<'_>) {
    object.object("status", reap.status, status_fields);
    object.field("zombie_ns", &reap.zombie);
    object.field("teardown_ns", &reap.teardown);
    object.field("lifetime_ns", &reap.lifetime);
    object.object("reaper", reap.reaper, reaper_fields);
    object.word("by", reap.by.map(by));
    object.word("via", via(reap.via));
    object.field("orphaned", &(reap.reparents > 0));
    object.field("reparents", &reap.reparents);
    object.field("why", &causes(&reap.why));
    object.word("precision", precision(reap.exact));
}

/// The dates of a life.
pub(super) fn life_fields(life: &Life, object: &mut Object<'_>) {
    object.field("forked_at", &life.forked_at);
    object.list("execs", life.execs.iter(), |(at, program), object| {
        object.field("at_ns", at);
        program_fields(program, object);
    });
    object.field("exec_count", &life.exec_count);
    object.field("exited_at", &life.exited_at);
    object.field("zombie_at", &life.zombie_at);
    object.field("reaped_at", &life.reaped_at);
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

/// The name of a process.
fn comm_field(comm: Option<Comm>, object: &mut Object<'_>) {
    object.text("comm", comm.as_ref().map(Comm::bytes));
}

fn peer_fields(peer: Peer, object: &mut Object<'_>) {
    object.field("pid", &peer.pid);
    comm_field(peer.comm, object);
}

fn reaper_fields(reaper: Reaper, object: &mut Object<'_>) {
    object.field("pid", &reaper.pid);
    object.field("tid", &reaper.tid);
    comm_field(Some(reaper.comm), object);
}

fn status_fields(status: Status, object: &mut Object<'_>) {
    match status {
        Status::Code(code) => object.field("code", &code),
        Status::Signal { number, core } => {
            object.field("signal", &number);
            object.field("name", &super::text::signal_name(number));
            object.field("core", &core);
        }
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
