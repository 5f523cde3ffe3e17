//! A load without a tool, then with it, and again.

use anyhow::{Context as _, Result};

use super::{
    ends::Running,
    load::{Bench, Load},
    result::{Pairs, Spread},
    tools::{Tells, Tool},
};

/// One run with the tool.
struct With {
    per_second: f64,
    lives: u64,
    lost: u64,
    cpu_ns: u64,
    peak_rss_bytes: u64,
    start_up_ms: f64,
}

pub(super) fn run(bench: &Bench, load: &Load, tool: &Tool, pairs: u8) -> Result<Pairs> {
    let mut without = Vec::new();
    let mut with = Vec::new();
    for _ in 0..pairs {
        without.push(bench.alone(load)?.per_second);
        with.push(one(bench, load, tool).with_context(|| format!("{}: {}", load.name, tool.name))?);
    }
    let ratios: Vec<f64> =
        without.iter().zip(&with).map(|(without, with)| with.per_second / without).collect();
    eprintln!("{:20} {:20} {ratios:.3?}", load.name, tool.name);
    let lives: u64 = with.iter().map(|run| run.lives).sum();
    let cpu_ns: u64 = with.iter().map(|run| run.cpu_ns).sum();
    Ok(Pairs {
        load: load.name.to_owned(),
        tool: tool.name.to_owned(),
        per_second: Spread::of(without).median,
        ratio: Spread::of(ratios),
        cpu_ns_per_life: (lives > 0).then(|| cpu_ns as f64 / lives as f64),
        peak_rss_bytes: with.iter().map(|run| run.peak_rss_bytes).max().unwrap_or_default(),
        start_up_ms: Spread::of(with.iter().map(|run| run.start_up_ms).collect()),
        lost: (lives > 0 && !matches!(tool.tells, Tells::NoEnds))
            .then(|| with.iter().map(|run| run.lost).sum()),
        lives,
    })
}

fn one(bench: &Bench, load: &Load, tool: &Tool) -> Result<With> {
    let (mut running, mut load) = Running::start(tool, bench, load)?;
    let before = running.usage()?;
    let done = load.go()?;
    running.read_until(done.lives)?;
    let after = running.usage()?;
    let start_up_ms = running.start_up.as_secs_f64() * 1e3;
    let ends = running.stop(load)?;
    Ok(With {
        per_second: done.per_second,
        lives: done.lives,
        lost: done.lives.saturating_sub(ends),
        cpu_ns: after.cpu_ns - before.cpu_ns,
        peak_rss_bytes: after.peak_rss_bytes,
        start_up_ms,
    })
}
