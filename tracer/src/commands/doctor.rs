//! `tracer doctor`: what this kernel and this user can do.

use std::fmt::Write as _;

use anyhow::Result;
use serde_json::json;

use super::print;
use crate::{
    cli, settings,
    sink::Format,
    source::{
        Refusal,
        probe::{self, Check},
    },
};

pub(super) fn run(args: &cli::Doctor) -> Result<u8> {
    let checks = probe::checks();
    let text = match settings::format(args.format) {
        Format::Text => text(&checks),
        Format::Json => json(&checks),
    };
    print(&text)?;
    Ok(if works(&checks) { 0 } else { 4 })
}

fn works(checks: &[Check]) -> bool {
    checks.iter().all(|check| check.refusal.is_none())
}

fn text(checks: &[Check]) -> String {
    let mut out = String::new();
    for check in checks {
        let verdict = if check.refusal.is_none() { "ok" } else { "NO" };
        let _ = writeln!(out, "{verdict:<3} {:<28} {}", check.name, check.tells);
        if let Some(refusal) = &check.refusal {
            let _ = writeln!(out, "    {}", refusal.to_string().replace('\n', "\n    "));
        }
    }
    out.push_str("ok  process table                `tracer zombies`, for every user\n");
    out.push_str(if works(checks) {
        "\ntracer can trace here, with the tracepoint hooks\n"
    } else {
        "\ntracer cannot trace here until each NO above is a yes; `tracer zombies` works\n"
    });
    out
}

fn json(checks: &[Check]) -> String {
    let rows: Vec<_> = checks
        .iter()
        .map(|check| {
            json!({
                "name": check.name, "tells": check.tells, "available": check.refusal.is_none(),
                "why": check.refusal.as_ref().map(Refusal::what),
                "remedy": check.refusal.as_ref().map(Refusal::remedy),
            })
        })
        .collect();
    let report = json!({ "v": 1, "type": "doctor", "works": works(checks), "checks": rows });
    format!("{report}\n")
}
