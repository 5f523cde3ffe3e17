//! The last line: what a session comes to.

use serde_json::{Value, json};

use super::{Object, adopter, comm_field, forks, named};
use crate::{
    lifecycle::{
        spread::Spread,
        summary::{Adopter, Living, Summary},
    },
    observation::{Comm, LostWhere},
};

/// What there is beside the fields that every event has.
pub(super) fn summary_fields(summary: &Summary, object: &mut Object<'_>) {
    let totals = summary.totals;
    object.field(
        "totals",
        &json!({
            "existing": totals.existing, "forks": totals.forks, "execs": totals.execs,
            "exits": totals.exits, "reaps": totals.reaps, "autoreaps": totals.autoreaps,
            "unknown_reaps": totals.unknown_reaps, "reparents": totals.reparents,
            "zombies": totals.zombies, "living": summary.living.len(),
        }),
    );
    object.field("zombie_time_by_parent", &spreads(&summary.by_parent));
    object.field("zombie_time_by_reaper", &spreads(&summary.by_reaper));
    let leakers = summary.leakers.iter().map(|leaker| {
        let row = json!({
            "pid": leaker.parent.pid, "ended": leaker.ended, "zombies": leaker.zombies,
            "oldest_ns": leaker.oldest,
            "made": leaker.made, "made_per_s": per_second(leaker.made, leaker.watched),
            "reaped": leaker.reaped, "reaped_per_s": per_second(leaker.reaped, leaker.watched),
            "growth": leaker.made as i64 - leaker.reaped as i64,
            "verdict": leaker.verdict.name(),
        });
        named(row, leaker.parent.comm)
    });
    object.field("leakers", &leakers.collect::<Vec<_>>());
    let adopters = summary.adopters.iter().map(|one| {
        let mut row = adoptions(one);
        row["pid"] = one.peer.pid.into();
        row["verdict"] = one.verdict.name().into();
        named(row, one.peer.comm)
    });
    object.field("orphans_by_adopter", &adopters.collect::<Vec<_>>());
    forks::summary_fields(summary, object);
    let lost = |at| summary.lost.get(&at).copied().unwrap_or(0);
    object.field(
        "lost",
        &json!({
            "ring": lost(LostWhere::Ring), "decode": lost(LostWhere::Decode),
            "output": lost(LostWhere::Output),
        }),
    );
    object.field("received", &summary.received);
    object.field("left_out", &summary.left_out);
    object.field("late", &summary.late);
    object.list("living", summary.listed(), living_fields);
}

/// To the thousandth, unless it was watched for no time.
pub(in crate::sink) fn per_second(count: u64, ns: u64) -> Option<f64> {
    (ns > 0).then(|| (count as f64 * 1e12 / ns as f64).round() / 1e3)
}

fn living_fields(Living { who, zombie, .. }: &Living, object: &mut Object<'_>) {
    object.field("pid", &who.pid);
    object.field("start_ns", &who.start);
    object.field("ppid", &who.ppid);
    object.field("zombie_ns", zombie);
    comm_field(who.comm, object);
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
pub(in crate::sink) fn adoptions(one: &Adopter) -> Value {
    let time = |ns| (one.reaped.count > 0).then_some(ns);
    json!({
        "kind": adopter(one.kind), "orphans": one.orphans,
        "orphans_per_s": per_second(one.orphans, one.watched), "reaped": one.reaped.count,
        "reaped_per_s": per_second(one.reaped.count, one.watched), "p50_ns": time(one.reaped.p50),
        "p95_ns": time(one.reaped.p95), "p99_ns": time(one.reaped.p99),
        "max_ns": time(one.reaped.max),
    })
}
