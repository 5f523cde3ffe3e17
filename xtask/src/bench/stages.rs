//! The stages of an event's way in user space, timed by `tracer/benches/stages.rs`.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use super::result::Stage;
use crate::{build::OBJECT_VARIABLE, process, workspace::Workspace};

/// Lives of a batch times events of a life, in `tracer/benches/road.rs`.
const EVENTS: f64 = 400.0;

pub(super) fn times(workspace: &Workspace, object: &Path) -> Result<Vec<Stage>> {
    let mut bench = workspace.cargo("bench");
    // It builds the tracer, too, in the place of the one that is measured.
    bench.args(["--quiet", "--package=tracer", "--features=live", "--bench=stages"]);
    bench.env(OBJECT_VARIABLE, object);
    let table = process::output(&mut bench).context("cargo bench says nothing")?;
    let stages = read(&table);
    ensure!(!stages.is_empty(), "no times in what cargo bench says:\n{table}");
    Ok(stages)
}

/// Reads divan's tree: a branch for each stage, with one for each set of hooks.
fn read(table: &str) -> Vec<Stage> {
    let mut stage = String::new();
    let mut stages = Vec::new();
    for line in table.lines() {
        let columns: Vec<&str> = line.split('│').map(str::trim).collect();
        if let Some(name) = line.strip_prefix("├─ ").or_else(|| line.strip_prefix("╰─ ")) {
            name.split_whitespace().next().unwrap_or_default().clone_into(&mut stage);
        }
        // Below the last stage there is no line down.
        let below = if line.starts_with('│') { &columns[1..] } else { &columns[..] };
        let branch =
            |name: &str| Some(name.strip_prefix("├─ ").or(name.strip_prefix("╰─ "))?.to_owned());
        let (Some(hooks), Some(median)) =
            (below.first().and_then(|name| branch(name)), below.get(2))
        else {
            continue;
        };
        let hooks = hooks.split_whitespace().next().unwrap_or_default().to_owned();
        if let Some(ns) = time(median).filter(|_| hooks != stage) {
            stages.push(Stage { stage: stage.clone(), hooks, ns_per_event: ns / EVENTS });
        }
    }
    stages
}

/// `12.3 µs` in ns.
fn time(text: &str) -> Option<f64> {
    let (number, unit) = text.split_once(' ')?;
    let scale = match unit {
        "ns" => 1.0,
        "µs" => 1e3,
        "ms" => 1e6,
        _ => return None,
    };
    Some(number.parse::<f64>().ok()? * scale)
}

#[cfg(test)]
mod tests {
    use super::{Stage, read};

    #[test]
    fn the_median_of_each_stage_and_set_of_hooks_is_read() {
        let table = "\
stages            fastest       │ slowest       │ median        │ mean          │ samples │ iters
├─ decode                       │               │               │               │         │
│  ├─ Fentry      9.1 µs        │ 12 µs         │ 10 µs         │ 10.2 µs       │ 100     │ 100
│  │              43 Mitem/s    │ 33 Mitem/s    │ 40 Mitem/s    │ 39 Mitem/s    │         │
│  ╰─ Tracepoint  9.1 µs        │ 12 µs         │ 20 µs         │ 10.2 µs       │ 100     │ 100
╰─ json                         │               │               │               │         │
   ╰─ Fentry      0.9 ms        │ 2 ms          │ 1.2 ms        │ 1.3 ms        │ 100     │ 100
";
        let stage = |stage: &str, hooks: &str, ns_per_event| Stage {
            stage: stage.to_owned(),
            hooks: hooks.to_owned(),
            ns_per_event,
        };
        let expected = [
            stage("decode", "Fentry", 25.0),
            stage("decode", "Tracepoint", 50.0),
            stage("json", "Fentry", 3000.0),
        ];
        assert_eq!(read(table), expected);
    }
}
