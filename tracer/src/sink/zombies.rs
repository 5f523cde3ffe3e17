//! `tracer zombies` as text and JSON.

use std::{collections::HashSet, fmt::Write as _};

use serde_json::{Value, json};

use super::{
    escape,
    json::{adoptions, named, per_second},
    stamp::{Stamp, duration},
    summary, text,
};
use crate::lifecycle::{
    brood::Verdict,
    event::Peer,
    parents::Watched,
    standing::{Action, Parent, Standing, judged},
    waits::Alike,
};

/// What `tracer zombies` has found.
pub struct Found {
    /// The zombies, those of a parent together.
    pub zombies: Vec<Standing>,
    /// Who adopted orphans, if it was watched.
    pub adopters: Vec<Watched>,
    /// As of when, ns of the boot clock.
    pub now: u64,
}

impl Found {
    fn by_parent(&self) -> impl Iterator<Item = &[Standing]> {
        self.zombies.chunk_by(|one, next| one.ppid == next.ppid)
    }

    /// Those that adopted and have no zombies.
    fn others(&self) -> impl Iterator<Item = &Watched> {
        let parents: HashSet<u32> = self.zombies.iter().map(|zombie| zombie.ppid).collect();
        self.adopters.iter().filter(move |one| !parents.contains(&one.who.pid))
    }
}

/// Zombies of one parent and one cause that are named.
const NAMED: usize = 3;

/// Parents, most zombies first, with the zombies of each cause, and what to do about them.
pub fn text(found: &Found) -> String {
    let mut out = String::new();
    if found.zombies.is_empty() {
        out.push_str("no zombies\n");
    }
    let mut parents: Vec<&[Standing]> = found.by_parent().collect();
    parents.sort_by_key(|zombies| std::cmp::Reverse(zombies.len()));
    for zombies in parents {
        family(&mut out, zombies, found.now);
        out.push('\n');
    }
    for one in found.others() {
        if let Some(adopter) = one.adopter {
            let verdict = verdict(judged(one, true));
            let _ = writeln!(out, "orphans: {}: {verdict}", summary::adoptions(&adopter));
        }
    }
    out
}

fn verdict(judged: Option<Verdict>) -> &'static str {
    judged.map_or("not judged", summary::verdict)
}

fn family(out: &mut String, zombies: &[Standing], now: u64) {
    let first = &zombies[0];
    let parent =
        text::peer(Peer { pid: first.ppid, comm: first.parent.as_ref().map(|parent| parent.comm) });
    let count = zombies.len();
    let plural = if count == 1 { "" } else { "s" };
    let _ = write!(out, "{count} zombie{plural} of {parent}");
    let oldest = zombies.iter().min_by_key(|zombie| zombie.death.latest.unwrap_or(now));
    if let Some(oldest) = oldest.filter(|_| count > 1) {
        let _ = write!(out, ", oldest {}", age(oldest, now));
    }
    let _ = writeln!(out, " ({})", first.sigchld());
    if let Some(parent) = &first.parent
        && let Some(watched) = &parent.watched
    {
        let Watched { time, made, reaped, adopter, .. } = *watched;
        let rate = per_second(made, time).unwrap_or(0.0);
        let verdict = verdict(judged(watched, parent.has_reaped));
        let time = duration(time);
        let _ = writeln!(
            out,
            "  verdict  {verdict}: in {time} {made} made ({rate:.1}/s), {reaped} reaped"
        );
        if let Some(adopter) = adopter {
            let _ = writeln!(out, "  orphans  {}", summary::adoptions(&adopter));
        }
    }
    let mut causes: Vec<([String; 2], Vec<&Standing>)> = Vec::new();
    for zombie in zombies {
        let why = [zombie.evidence(), zombie.remedy(2)];
        match causes.iter_mut().find(|(known, _)| *known == why) {
            Some((_, alike)) => alike.push(zombie),
            None => causes.push((why, vec![zombie])),
        }
    }
    for ([why, _], mut alike) in causes {
        alike.sort_by_key(|zombie| zombie.death.latest.unwrap_or(zombie.death.earliest));
        let _ = writeln!(out, "  why      {}", escape::text(why.as_bytes()));
        for (place, part) in alike[0].remedy(alike.len()).split("; ").enumerate() {
            let title = if place == 0 { "remedy" } else { "or" };
            let _ = writeln!(out, "  {title:<8} {}", escape::text(part.as_bytes()));
        }
        for zombie in alike.iter().take(NAMED) {
            let name = text::name(Some(zombie.comm));
            let _ = writeln!(out, "{:>9}  {name:<15} {:>9}", zombie.id.pid, age(zombie, now));
        }
        if let Some(rest @ 1..) = alike.len().checked_sub(NAMED) {
            let youngest = age(alike[alike.len() - 1], now);
            let _ = writeln!(
                out,
                "           and {rest} more, the youngest {youngest} (--format json names all)"
            );
        }
    }
}

/// An object per line: the zombies, then their parents and who else adopted.
pub fn json(found: &Found, boot_to_unix: i64) -> String {
    let mut stamp = Stamp::new(boot_to_unix);
    let time = stamp.rfc3339(found.now);
    let mut out = Vec::new();
    for zombie in &found.zombies {
        super::json::line(&object(zombie, found.now, time), &mut out);
    }
    for zombies in found.by_parent() {
        if let Some(parent) = &zombies[0].parent {
            let watched = parent.watched.as_ref().map(|one| (one, parent.has_reaped));
            let mut row = parent_object(zombies, watched, found.now, time);
            row["pid"] = parent.id.pid.into();
            row["start_ns"] = parent.id.start.ns().into();
            row["ppid"] = Some(parent.ppid).filter(|pid| *pid != 0).into();
            super::json::line(&named(row, Some(parent.comm)), &mut out);
        }
    }
    for one in found.others() {
        let mut row = parent_object(&[], Some((one, true)), found.now, time);
        row["pid"] = one.who.pid.into();
        row["start_ns"] = one.who.start.into();
        row["ppid"] = one.who.ppid.filter(|pid| *pid != 0).into();
        super::json::line(&named(row, one.who.comm), &mut out);
    }
    String::from_utf8(out).expect("JSON is UTF-8")
}

/// With what was watched comes whether it has ever reaped, or has none left to be judged by.
fn parent_object(
    zombies: &[Standing],
    watched: Option<(&Watched, bool)>,
    now: u64,
    time: &str,
) -> Value {
    let least = zombies.iter().filter_map(|zombie| zombie.death.latest).min();
    let most = zombies.iter().map(|zombie| zombie.death.earliest).min();
    let watched = watched.map(|(one, has_reaped)| {
        let verdict = judged(one, has_reaped).map(Verdict::name);
        json!({
            "ns": one.time, "made": one.made, "made_per_s": per_second(one.made, one.time),
            "reaped": one.reaped, "reaped_per_s": per_second(one.reaped, one.time),
            "growth": one.made as i64 - one.reaped as i64, "waits": one.waits,
            "waits_for_any": one.waits_for_any, "waited_for": waits(&one.waited_for),
            "adopted": one.adopter.as_ref().map(adoptions), "verdict": verdict,
        })
    });
    json!({
        "v": 1, "type": "zombie_parent", "time": time, "at_ns": now, "zombies": zombies.len(),
        "oldest_at_least_ns": least.map(|latest| now.saturating_sub(latest)),
        "oldest_at_most_ns": most.map(|earliest| now.saturating_sub(earliest)),
        "watched": watched,
    })
}

/// For whom the last waits of a process were.
pub(super) fn waits(kinds: &[Alike]) -> Value {
    let one = |kind: &Alike| {
        json!({
            "kind": kind.awaited.kind(), "id": kind.awaited.id(), "reaps": kind.reaps,
            "count": kind.count, "last_at_ns": kind.last,
        })
    };
    kinds.iter().map(one).collect()
}

fn object(zombie: &Standing, now: u64, time: &str) -> Value {
    let why = zombie.why();
    let parent = zombie.parent.as_ref().map(parent_facts);
    // A parent outside our pid namespace has no number here.
    let ppid = Some(zombie.ppid).filter(|pid| *pid != 0);
    let facts = json!({
        "v": 1, "type": "zombie_found", "time": time, "at_ns": now, "pid": zombie.id.pid,
        "start_ns": zombie.id.start.ns(), "ppid": ppid,
        "state": if zombie.others.count() > 0 { "leader_dead" } else { "zombie" },
        "zombie_at_least_ns": zombie.death.latest.map(|latest| now.saturating_sub(latest)),
        "zombie_at_most_ns": now.saturating_sub(zombie.death.earliest),
        "precision": if zombie.death.latest.is_some() { "last_run" } else { "start" },
        "threads": zombie.others.count(), "tracer": zombie.tracer, "parent": parent,
        "why": why.iter().map(|(name, _)| name).collect::<Vec<_>>(),
        "evidence": why.iter().map(|(_, evidence)| evidence).collect::<Vec<_>>(),
        "remedy": zombie.remedy(1),
    });
    named(facts, Some(zombie.comm))
}

fn parent_facts(parent: &Parent) -> Value {
    let action = match parent.sigchld {
        Action::Default => "default",
        Action::Ignored => "ignored",
        Action::Handler => "handler",
    };
    let facts = json!({
        "pid": parent.id.pid, "state": parent.state.to_string(), "sigchld": action,
        "sigchld_blocked": parent.blocked, "sigchld_pending": parent.pending,
        "is_init": parent.is_init, "living_children": parent.living_children,
        "has_reaped": parent.has_reaped,
    });
    named(facts, Some(parent.comm))
}

/// Its age: marked as a bound where the other one is further off than a twentieth.
fn age(zombie: &Standing, now: u64) -> String {
    let most = now.saturating_sub(zombie.death.earliest);
    match zombie.death.latest.map(|latest| now.saturating_sub(latest)) {
        None => format!("≤{}", duration(most)),
        Some(least) if most - least <= most / 20 => duration(least).to_string(),
        Some(least) => format!("≥{}", duration(least)),
    }
}
