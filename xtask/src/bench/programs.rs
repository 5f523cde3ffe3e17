//! What the BPF programs cost, by the kernel's own count: for tracepoints `__bpf_prog_run`
//! (include/linux/filter.h), for trampolines `bpf_prog_start_time` and `__update_prog_stats`
//! (kernel/bpf/trampoline.c), both as of 6.18: the programs alone, without what leads to them. It is of the
//! whole machine: what other processes do meanwhile is put down to the load's lives.

use std::{collections::HashSet, fs, path::Path, process::Command};

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::{
    ends::Running,
    load::{self, Bench, Load, Started},
    result::{Program, Programs, Spread},
    tools,
};
use crate::process;

const SWITCH: &str = "/proc/sys/kernel/bpf_stats_enabled";

/// What bpftool shows of a program.
#[derive(Deserialize)]
struct Shown {
    id: u64,
    #[serde(default)]
    name: String,
    #[serde(default)]
    run_time_ns: u64,
    #[serde(default)]
    run_cnt: u64,
}

/// The pace of a machine changes, and what memory takes with it: many short looks, of which the one in the
/// middle is told, and how far from it the others are.
const LOOKS: usize = 15;
const SECONDS: f64 = 0.5;

pub(super) fn cost(bench: &Bench, tracer: &Path) -> Result<Vec<Programs>> {
    let before = fs::read_to_string(SWITCH).context(SWITCH)?;
    fs::write(SWITCH, "1").context(SWITCH)?;
    let loads = [&load::ALL[0], &load::ALL[1], &load::ALL[2], &load::VFORKS].into_iter();
    let programs = loads.map(|load| under_load(bench, tracer, load)).collect();
    fs::write(SWITCH, before).context(SWITCH)?;
    programs
}

fn under_load(bench: &Bench, tracer: &Path, load: &Load) -> Result<Programs> {
    let bench = bench.for_seconds(SECONDS);
    let tool = &tools::lifecycles(tracer);
    let (running, mut started) = Running::start(tool, &bench, load)?;
    let mut looks = Vec::new();
    for _ in 0..LOOKS {
        looks.push(look(&running, &mut started)?);
    }
    running.stop(started)?;
    looks.sort_by(|(one, _), (other, _)| ns_per_life(one).total_cmp(&ns_per_life(other)));
    let all = looks.iter().map(|(programs, _)| ns_per_life(programs)).collect();
    let (programs, per_second) = looks.swap_remove(LOOKS / 2);
    Ok(Programs { load: load.name.to_owned(), per_second, ns_per_life: Spread::of(all), programs })
}

fn ns_per_life(programs: &[Program]) -> f64 {
    programs.iter().map(|program| program.runs_per_life * program.ns_per_run).sum()
}

/// What the programs took, and how many lives a second there were.
fn look(running: &Running<'_>, load: &mut Started) -> Result<(Vec<Program>, f64)> {
    let before = shown(running.pid())?;
    let done = load.go()?;
    let after = shown(running.pid())?;
    let cost = before.into_iter().zip(after).map(|(before, after)| {
        let runs = (after.run_cnt - before.run_cnt) as f64;
        Program {
            name: after.name,
            runs_per_life: runs / done.lives as f64,
            ns_per_run: (after.run_time_ns - before.run_time_ns) as f64 / runs.max(1.0),
        }
    });
    Ok((cost.collect(), done.per_second))
}

/// The programs that a process holds, which its descriptors name.
fn shown(pid: u32) -> Result<Vec<Shown>> {
    let mut ids = HashSet::new();
    for descriptor in fs::read_dir(format!("/proc/{pid}/fdinfo"))? {
        let info = fs::read_to_string(descriptor?.path()).unwrap_or_default();
        let id = info.lines().find_map(|line| line.strip_prefix("prog_id:"));
        ids.extend(id.and_then(|id| id.trim().parse::<u64>().ok()));
    }
    let list = process::output(Command::new("bpftool").args(["--json", "prog", "show"]))
        .context("bpftool says nothing")?;
    let mut shown: Vec<Shown> = serde_json::from_str(&list).context("what bpftool says")?;
    shown.retain(|program| ids.contains(&program.id));
    Ok(shown)
}
