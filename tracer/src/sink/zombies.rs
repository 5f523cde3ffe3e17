//! `tracer zombies` as text and JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{
    escape,
    json::named,
    stamp::{Stamp, duration},
    text,
};
use crate::lifecycle::standing::{Action, Standing};

/// A table and what to do about each row.
pub fn text(zombies: &[Standing], now: u64) -> String {
    let mut out = String::new();
    if zombies.is_empty() {
        return "no zombies\n".to_owned();
    }
    let _ = writeln!(
        out,
        "{:>7} {:<15} {:>9} {:>7} {:<15} WHY",
        "PID", "COMM", "AGE", "PPID", "PARENT"
    );
    for zombie in zombies {
        let parent = zombie.parent.as_ref().map(|parent| parent.comm);
        let why = zombie.why();
        let why: Vec<&str> = why.iter().map(|(_, evidence)| evidence.as_str()).collect();
        let why = if why.is_empty() {
            format!("its parent has not waited for it ({})", zombie.sigchld())
        } else {
            format!("{} ({})", why.join("; "), zombie.sigchld())
        };
        let _ = writeln!(
            out,
            "{:>7} {:<15} {:>9} {:>7} {:<15} {why}",
            zombie.id.pid,
            text::name(Some(zombie.comm)),
            age(zombie, now),
            zombie.ppid,
            text::name(parent),
        );
        let _ = writeln!(out, "{:>7} remedy: {}", "", escape::text(zombie.remedy().as_bytes()));
    }
    out
}

/// An object per line.
pub fn json(zombies: &[Standing], now: u64, boot_to_unix: i128) -> String {
    let mut stamp = Stamp::new(boot_to_unix);
    let time = stamp.rfc3339(now);
    let mut out = Vec::new();
    for zombie in zombies {
        super::json::line(&object(zombie, now, &time), &mut out);
    }
    String::from_utf8(out).expect("JSON is UTF-8")
}

fn object(zombie: &Standing, now: u64, time: &str) -> Value {
    let why = zombie.why();
    let parent = zombie.parent.as_ref().map(|parent| {
        let action = match parent.sigchld {
            Action::Default => "default",
            Action::Ignored => "ignored",
            Action::Handler => "handler",
        };
        let facts = json!({
            "pid": parent.pid, "state": parent.state.to_string(), "sigchld": action,
            "sigchld_blocked": parent.blocked, "sigchld_pending": parent.pending,
            "is_init": parent.is_init, "living_children": parent.living_children,
            "has_reaped": parent.has_reaped,
        });
        named(facts, Some(parent.comm))
    });
    // A parent outside our pid namespace has no number here.
    let ppid = Some(zombie.ppid).filter(|pid| *pid != 0);
    let facts = json!({
        "v": 1, "type": "zombie_found", "time": time, "at_ns": now, "pid": zombie.id.pid,
        "start_ns": zombie.id.start.ns(), "ppid": ppid,
        "state": if zombie.others.count() > 0 { "leader_dead" } else { "zombie" },
        "zombie_at_least_ns": zombie.death.latest.map(|latest| now.saturating_sub(latest)),
        "zombie_at_most_ns": now.saturating_sub(zombie.death.earliest),
        "precision": if zombie.death.latest.is_some() { "last_run" } else { "start" },
        "threads": zombie.others.count(),
        "tracer": zombie.tracer, "parent": parent,
        "why": why.iter().map(|(name, _)| name).collect::<Vec<_>>(),
        "evidence": why.iter().map(|(_, evidence)| evidence).collect::<Vec<_>>(),
        "remedy": zombie.remedy(),
    });
    named(facts, Some(zombie.comm))
}

/// Its age: marked as a bound where the other one is further off than a twentieth.
fn age(zombie: &Standing, now: u64) -> String {
    let most = now.saturating_sub(zombie.death.earliest);
    match zombie.death.latest.map(|latest| now.saturating_sub(latest)) {
        None => format!("≤{}", duration(most)),
        Some(least) if most - least <= most / 20 => duration(least),
        Some(least) => format!("≥{}", duration(least)),
    }
}
