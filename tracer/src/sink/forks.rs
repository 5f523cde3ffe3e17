//! Failed forks, and the room that is left for processes and threads, as text and JSON.

use std::fmt::Write as _;

use nix::errno::Errno;
use serde_json::{Value, json};

use super::{escape, json::named, object::Object, stamp::duration, text};
use crate::{
    lifecycle::{
        event::{ForkCause, ForkFailure, Held},
        gauge::Gauge,
        summary::Summary,
    },
    observation::{Bytes, ForkCall, Space},
};

/// The fields of a `fork_failed` event.
pub(super) fn failure_fields(failure: &ForkFailure, object: &mut Object<'_>) {
    object.field("errno", &errno(failure.errno));
    object.word("cause", failure.cause.map(ForkCause::name));
    object.field("limit", &failure.filled.map(|filled| filled.limit));
    object.field("used", &failure.filled.map(|filled| filled.used));
    object.word("call", failure.call.map(call));
    object.field("thread", &failure.thread);
    object.field("uid", &failure.uid);
    object.text("cgroup", failure.cgroup.as_deref());
    object.field("pidns", &failure.pidns);
    object.field("zombies", &failure.zombies.as_ref().map(|held| held.total));
    let holder = |(peer, count): &(crate::lifecycle::event::Peer, u64)| {
        named(json!({ "pid": peer.pid, "zombies": count }), peer.comm)
    };
    let of = failure.zombies.as_ref();
    let of: Option<Vec<Value>> = of.map(|held| held.of.iter().map(holder).collect());
    object.field("zombies_of", &of);
    object.field("count", &failure.count);
}

/// The fields of a `pid_space` event.
pub(super) fn gauge_fields(gauge: &Gauge, object: &mut Object<'_>) {
    let (cgroup, uid) = owner(&gauge.space);
    object.word("limited_by", limit(&gauge.space));
    object.text("cgroup", cgroup.map(|path| &**path));
    object.field("uid", &uid);
    object.field("limit", &gauge.filled.limit);
    object.field("used", &gauge.filled.used);
    object.field("left_ns", &gauge.left);
}

/// What the summary has of failed forks and of the room that is left.
pub(super) fn summary_fields(summary: &Summary, object: &mut Object<'_>) {
    let causes = || summary.fork_failures.iter();
    let total: u64 = causes().map(|(_, count)| count).sum();
    // Where they are not seen: unknown, not none.
    object.field("fork_failures", &summary.sees_fork_failures.then_some(total));
    let by_cause: Vec<Value> = causes()
        .map(|(cause, count)| json!({ "cause": cause.map(ForkCause::name), "count": count }))
        .collect();
    object.field("fork_failures_by_cause", &by_cause);
    let row = |gauge: &Gauge| {
        let (cgroup, uid) = owner(&gauge.space);
        let mut row = json!({
            "limited_by": limit(&gauge.space), "cgroup": cgroup.map(|path| escape::reversible(path)),
            "uid": uid, "limit": gauge.filled.limit, "used": gauge.filled.used,
            "left_ns": gauge.left,
        });
        if cgroup.is_some_and(|path| str::from_utf8(path).is_err()) {
            row["escaped"] = json!(["cgroup"]);
        }
        row
    };
    object.field("pid_space", &summary.pid_space.iter().map(row).collect::<Vec<_>>());
}

/// A failed fork in words.
pub(crate) fn details(failure: &ForkFailure) -> String {
    let call = failure.call.map_or("fork", call);
    let thread = if failure.thread == Some(true) { " of a thread" } else { "" };
    let error = errno(failure.errno);
    let owner = match (failure.uid, &failure.cgroup, failure.pidns) {
        (Some(uid), ..) => format!(" of user {uid}"),
        (_, Some(cgroup), _) => format!(" of cgroup {}", escape::text(cgroup)),
        (.., Some(pidns)) => format!(" in pid namespace {pidns}"),
        (None, None, None) => String::new(),
    };
    let cause = failure.cause.map_or("cause unknown", ForkCause::name);
    let mut line = format!("{call}{thread} failed with {error}: {cause}{owner}");
    if let Some(filled) = failure.filled {
        let _ = write!(line, ", {} of {} used", filled.used, filled.limit);
    }
    if let Some(Held { total, of }) = failure.zombies.as_ref().filter(|held| held.total > 0) {
        let holders: Vec<String> =
            of.iter().map(|(peer, count)| format!("{count} of {}", text::peer(*peer))).collect();
        let _ = write!(line, ", {total} by zombies: {}", holders.join(", "));
    }
    if failure.count > 1 {
        let _ = write!(line, " (the last of {} within a second)", failure.count);
    }
    line
}

/// What the summary says of both, in words.
pub(super) fn summary(out: &mut String, summary: &Summary) {
    for (cause, count) in &summary.fork_failures {
        let cause = cause.map_or("cause unknown", ForkCause::name);
        let _ = writeln!(out, "failed forks: {count} ({cause})");
    }
    for gauge in summary.pid_space.iter().filter(|gauge| gauge.left.is_some()) {
        let _ = writeln!(out, "room for processes: {}", room(gauge));
    }
}

/// The warning that there will be no room soon.
pub fn warning(gauge: &Gauge) -> String {
    format!("tracer: warning: {}\n", room(gauge))
}

/// What has room for so many processes, in words.
pub(crate) fn owner_words(space: &Space) -> String {
    match space {
        Space::Pids | Space::Threads => "the machine".to_owned(),
        Space::Cgroup(path) => format!("cgroup {}", escape::text(path)),
        Space::User(uid) => format!("user {uid}"),
    }
}

pub(crate) fn room(gauge: &Gauge) -> String {
    let owner = owner_words(&gauge.space);
    let filled = gauge.filled;
    let limit = limit(&gauge.space);
    let left = gauge.left.map_or_else(String::new, |left| {
        format!(", at the present rate full in {}", duration(left))
    });
    format!("{owner} has {} processes and threads of {} ({limit}){left}", filled.used, filled.limit)
}

fn owner(space: &Space) -> (Option<&Bytes>, Option<u32>) {
    match space {
        Space::Pids | Space::Threads => (None, None),
        Space::Cgroup(path) => (Some(path), None),
        Space::User(uid) => (None, Some(*uid)),
    }
}

/// What limits a space, by the name of the cause that it gives.
pub(crate) fn limit(space: &Space) -> &'static str {
    let cause = match space {
        Space::Pids => ForkCause::PidMax,
        Space::Threads => ForkCause::ThreadsMax,
        Space::Cgroup(_) => ForkCause::PidsMax,
        Space::User(_) => ForkCause::RlimitNproc,
    };
    cause.name()
}

fn call(call: ForkCall) -> &'static str {
    match call {
        ForkCall::Fork => "fork",
        ForkCall::Vfork => "vfork",
        ForkCall::Clone => "clone",
        ForkCall::Clone3 => "clone3",
    }
}

/// The name of an error, or its number when it has none.
fn errno(number: i32) -> String {
    match Errno::from_raw(number) {
        Errno::UnknownErrno => number.to_string(),
        known => format!("{known:?}"),
    }
}
