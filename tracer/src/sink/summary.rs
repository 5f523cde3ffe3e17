//! The end of a session for people.

use std::fmt::Write as _;

use super::{
    forks,
    json::per_second,
    stamp::duration,
    text::{adopter, name, peer, place},
};
use crate::{
    lifecycle::{
        brood::Verdict,
        event::Peer,
        spread::Spread,
        summary::{Adopter, Summary},
    },
    observation::Comm,
};

/// The closing summary as text, wherever the events went.
pub fn summary_text(summary: &Summary) -> String {
    let mut out = String::new();
    let totals = summary.totals;
    let _ = writeln!(
        out,
        "\n{} forks, {} execs, {} exits, {} reaped ({} by the kernel itself, {} unseen), {} adoptions; \
         {} zombies left",
        totals.forks,
        totals.execs,
        totals.exits,
        totals.reaps,
        totals.autoreaps,
        totals.unknown_reaps,
        totals.reparents,
        totals.zombies,
    );
    spreads(&mut out, "zombie time by parent", &summary.by_parent);
    spreads(&mut out, "zombie time by reaper", &summary.by_reaper);
    for leaker in &summary.leakers {
        let oldest = leaker.oldest.map(|age| format!(", oldest {}", duration(age)));
        let zombies = match (leaker.zombies, leaker.ended) {
            (0, _) => "zombies of".to_owned(),
            (count, true) => format!("zombies left at its end: {count} of"),
            (count, false) => format!("zombies left: {count} of"),
        };
        let _ = writeln!(
            out,
            "{zombies} {}{}, {} in {} and {} reaped: {}",
            peer(leaker.parent),
            oldest.unwrap_or_default(),
            leaker.made,
            duration(leaker.watched),
            leaker.reaped,
            verdict(leaker.verdict),
        );
    }
    for one in &summary.adopters {
        let _ = writeln!(out, "orphans: {}: {}", adoptions(one), verdict(one.verdict));
    }
    if summary.name_living {
        for one in summary.listed() {
            let state = if one.zombie.is_some() { "a zombie" } else { "alive" };
            let process = Peer { pid: one.who.pid, comm: one.who.comm };
            let parent = one.parent.map_or_else(|| "?".to_owned(), |one| peer(one).to_string());
            let _ = writeln!(out, "still {state}: {}, parent {parent}", peer(process));
        }
    }
    forks::summary(&mut out, summary);
    for (at, count) in &summary.lost {
        let _ = writeln!(out, "LOST: {count} records ({})", place(*at));
    }
    if summary.left_out > 0 {
        let _ = writeln!(
            out,
            "left out by the kernel: {} runs of programs, of which some may show as a `bound` reap",
            summary.left_out,
        );
    }
    if summary.lost.is_empty() {
        out.push_str("lost: nothing\n");
    }
    out
}

/// A count by the second, unless it was watched for no time.
fn rate(count: u64, watched: u64) -> String {
    per_second(count, watched).map_or_else(String::new, |rate| format!(" ({rate}/s)"))
}

/// Who adopted how many, and how soon they were reaped.
pub(crate) fn adoptions(one: &Adopter) -> String {
    let rate = |count| rate(count, one.watched);
    let reaped = one.reaped;
    let times = if reaped.count == 0 {
        "none reaped".to_owned()
    } else {
        let [p50, p95, p99, max] = [reaped.p50, reaped.p95, reaped.p99, reaped.max].map(duration);
        format!(
            "{}{} reaped after {p50} (p50), {p95} (p95), {p99} (p99) to {max}",
            reaped.count,
            rate(reaped.count),
        )
    };
    format!(
        "{}{} adopted by {} ({}), {times}",
        one.orphans,
        rate(one.orphans),
        peer(one.peer),
        adopter(one.kind),
    )
}

/// A verdict in words.
pub(crate) fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Leaks => "it leaks them",
        Verdict::Lazy => "it reaps late",
        Verdict::Fine => "fine so far",
    }
}

fn spreads(out: &mut String, title: &str, rows: &[(Option<Comm>, Spread)]) {
    if rows.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "{title:<23} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "count", "p50", "p95", "p99", "max"
    );
    for (comm, spread) in rows {
        let _ = writeln!(
            out,
            "  {:<21} {:>8} {:>8} {:>8} {:>8} {:>8}",
            name(*comm),
            spread.count,
            duration(spread.p50),
            duration(spread.p95),
            duration(spread.p99),
            duration(spread.max),
        );
    }
}
