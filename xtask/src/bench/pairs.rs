//! A load twice without a tool and twice with it, and the other way round the next time, so that what drifts falls on
//! both sides: two pairs, of the first runs and of the second ones, for which the load is warmer. The machine's own
//! pace changes within seconds, so many short pairs tell more than a few long ones.

use anyhow::{Context as _, Result};

use super::{
    ends::Running,
    load::{Bench, Load},
    result::{Pairs, Spread},
    tools::Tool,
};

/// Two runs with the tool.
struct With {
    per_second: [f64; 2],
    lives: u64,
    lost: u64,
    cpu_ns: u64,
    peak_rss_bytes: u64,
    start_up_ms: f64,
}

pub(super) fn run(bench: &Bench, load: &Load, tool: &Tool, pairs: u16) -> Result<Pairs> {
    let mut without = Vec::new();
    let mut with = Vec::new();
    let mut alone = || -> Result<()> {
        without.extend(bench.alone(load)?.map(|done| done.per_second));
        Ok(())
    };
    for turn in 0..pairs / 2 {
        if turn % 2 == 0 {
            alone()?;
        }
        with.push(two(bench, load, tool).with_context(|| format!("{}: {}", load.name, tool.name))?);
        if turn % 2 == 1 {
            alone()?;
        }
    }
    let traced = with.iter().flat_map(|run| run.per_second);
    let ratios: Vec<f64> =
        without.iter().zip(traced).map(|(without, with)| with / without).collect();
    eprintln!("{:20} {:20} {:.3?}", load.name, tool.name, Spread::of(ratios.clone()));
    let lives: u64 = with.iter().map(|run| run.lives).sum();
    let cpu_ns: u64 = with.iter().map(|run| run.cpu_ns).sum();
    Ok(Pairs {
        load: load.name.to_owned(),
        tool: tool.name.to_owned(),
        per_second: Spread::of(without).median,
        ratio: Spread::of(ratios),
        cpu_ns_per_life: (lives > 0 && tool.tells.is_any()).then(|| cpu_ns as f64 / lives as f64),
        peak_rss_bytes: with.iter().map(|run| run.peak_rss_bytes).max().unwrap_or_default(),
        start_up_ms: Spread::of(with.iter().map(|run| run.start_up_ms).collect()),
        lost: (lives > 0 && tool.tells.are_ends()).then(|| with.iter().map(|run| run.lost).sum()),
        lives,
    })
}

fn two(bench: &Bench, load: &Load, tool: &Tool) -> Result<With> {
    let (mut running, mut load) = Running::start(tool, bench, load)?;
    let before = running.usage()?;
    let done = [load.go()?, load.go()?];
    let lives = done.iter().map(|done| done.lives).sum();
    running.read_until(lives)?;
    let after = running.usage()?;
    let start_up_ms = running.start_up.as_secs_f64() * 1e3;
    let ends = running.stop(load)?;
    Ok(With {
        per_second: done.map(|done| done.per_second),
        lives,
        lost: lives.saturating_sub(ends),
        cpu_ns: after.cpu_ns - before.cpu_ns,
        peak_rss_bytes: after.peak_rss_bytes,
        start_up_ms,
    })
}
