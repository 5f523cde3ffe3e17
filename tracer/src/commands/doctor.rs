//! `tracer doctor`: what this kernel and this user can do.

use std::fmt::Write as _;

use anyhow::Result;
use serde_json::json;

use super::print;
use crate::{
    cli, settings,
    source::{
        Refusal,
        probe::{self, Check, Report},
    },
};

pub(super) fn run(args: &cli::Doctor) -> Result<u8> {
    let report = probe::report();
    let text = if settings::is_json(args.format) { json(&report) } else { text(&report) };
    print(text.as_bytes())?;
    Ok(if report.best().is_some() { 0 } else { 4 })
}

fn text(report: &Report) -> String {
    let mut out = String::new();
    rows(&mut out, &report.needs);
    for (name, hooks) in &report.tiers {
        let _ = writeln!(out, "\n{name} hooks ({}):", costs(name));
        rows(&mut out, hooks);
    }
    out.push_str("\noptional:\n");
    rows(&mut out, &report.extras);
    rows(&mut out, std::slice::from_ref(&report.table));
    let zombies = if report.table.passed() { "; `tracer zombies` works" } else { "" };
    let _ = match report.best() {
        Some(tier) => writeln!(out, "\ntracer can trace here, with the {tier} hooks"),
        None => writeln!(
            out,
            "\ntracer cannot trace here until one set of hooks, and what is above both, is ok{zombies}"
        ),
    };
    out
}

/// What a set of hooks means for the user.
fn costs(tier: &str) -> &'static str {
    if tier == "fentry" {
        "exact, no cost for other system calls"
    } else {
        "a reap is seen when its wait returns; every system call takes the slow path"
    }
}

fn rows(out: &mut String, checks: &[Check]) {
    for check in checks {
        let verdict = if check.refusal.is_none() { "ok" } else { "NO" };
        let untried = check.refusal.as_ref().filter(|_| !check.tried);
        let says = untried.map_or(check.tells, Refusal::what);
        let _ = writeln!(out, "{verdict:<3} {:<28} {says}", check.name);
        if let Some(refusal) = check.refusal.as_ref().filter(|_| check.tried) {
            let _ = writeln!(out, "    {}", refusal.to_string().replace('\n', "\n    "));
            let _ = writeln!(out, "      without it: {}", check.without);
        }
    }
}

fn json(report: &Report) -> String {
    let row = |tier: Option<&str>, optional: bool, check: &Check| {
        json!({
            "name": check.name, "tier": tier, "optional": optional, "tells": check.tells,
            "available": check.refusal.is_none(),
            "why": check.refusal.as_ref().map(Refusal::what),
            "remedy": check.refusal.as_ref().map(Refusal::remedy),
            "without": check.refusal.as_ref().map(|_| check.without),
            "verified_instructions": check.size.and_then(|size| size.verified),
            "program_bytes": check.size.and_then(|size| size.bytes),
        })
    };
    let mut checks: Vec<_> = report.needs.iter().map(|check| row(None, false, check)).collect();
    for (name, hooks) in &report.tiers {
        checks.extend(hooks.iter().map(|check| row(Some(name), false, check)));
    }
    let extras = report.extras.iter().chain([&report.table]);
    checks.extend(extras.map(|check| row(None, true, check)));
    let (tier, works) = (report.best(), report.best().is_some());
    let report =
        json!({ "v": 1, "type": "doctor", "works": works, "tier": tier, "checks": checks });
    format!("{report}\n")
}
