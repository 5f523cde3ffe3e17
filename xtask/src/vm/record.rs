//! What a matrix run has found, kept in the repository: `docs/kernels.json`, which a test holds the
//! programs against, and the README's table, which is made of it.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{boot::Run, offer, verdict};
use crate::workspace::Workspace;

const FILE: &str = "docs/kernels.json";
const BEGIN: &str = "<!-- made by `cargo xtask vm --record` -->\n";
const END: &str = "<!-- end -->\n";

/// What init prints of tracer's own report, and of what tests measured.
const DOCTOR: &str = "doctor ";
const FIGURE: &str = "figure ";

/// Nothing for a person who reads along.
pub(super) fn is_figure(line: &str) -> bool {
    line.starts_with(DOCTOR) || line.starts_with(FIGURE)
}

/// By series, such as `6.12`.
type Kernels = BTreeMap<String, Kernel>;

#[derive(Debug, Default, PartialEq, Deserialize, Serialize)]
struct Kernel {
    release: String,
    /// By set of hooks, or `on demand`, then by hook.
    programs: BTreeMap<String, BTreeMap<String, Program>>,
    /// By set of hooks and condition.
    runs: BTreeMap<String, Tests>,
}

#[derive(Debug, PartialEq, Deserialize, Serialize)]
struct Program {
    verified_instructions: Option<u64>,
    program_bytes: u64,
}

#[derive(Debug, PartialEq, Deserialize, Serialize)]
struct Tests {
    passed: u32,
    failed: u32,
    zombies_timed: usize,
    /// How far the told zombie time lies outside the bounds that the program took itself, ns.
    outside_median: u64,
    outside_max: u64,
    /// How far apart these bounds are, ns.
    bounds_median: u64,
    /// Time of system calls that the hooks have nothing to say about, per mille of that
    /// without.
    system_calls_permille: Option<u64>,
}

/// Adds what these runs found to what is recorded; how the tests went only when they were all of `--core`, of which
/// the README's table speaks.
pub(super) fn update(workspace: &Workspace, runs: &[Run], of_core: bool) -> Result<()> {
    let path = workspace.root.join(FILE);
    let mut kernels = if path.exists() { read(&path)? } else { Kernels::default() };
    for run in runs {
        let kernel = kernels.entry(run.kernel.clone()).or_default();
        kernel.release.clone_from(&run.release);
        // In lockdown programs are shorter.
        let report = run.said.lines().find_map(|line| line.strip_prefix(DOCTOR));
        if let Some(report) = report.filter(|_| !run.locked_down) {
            kernel.programs = programs(report)?;
        }
        if let Some(counts) = run.counts.filter(|_| of_core) {
            kernel.runs.insert(run.variant.clone(), tests(counts, &run.said));
        }
    }
    let text = format!("{}\n", serde_json::to_string_pretty(&kernels)?);
    fs::write(&path, text).with_context(|| path.display().to_string())?;
    let readme = workspace.root.join("README.md");
    let text = fs::read_to_string(&readme).context("README.md")?;
    fs::write(&readme, with_table(&text, &kernels)?).context("README.md")
}

fn read(path: &Path) -> Result<Kernels> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    serde_json::from_str(&text).with_context(|| path.display().to_string())
}

/// The hooks that tracer's doctor could load.
fn programs(report: &str) -> Result<BTreeMap<String, BTreeMap<String, Program>>> {
    let report: Value = serde_json::from_str(report).context("doctor's report")?;
    let mut programs = BTreeMap::<String, BTreeMap<String, Program>>::new();
    for check in report["checks"].as_array().into_iter().flatten() {
        // A hook that runs only when it is asked for is of no set.
        let tier = check["tier"].as_str().unwrap_or("on demand");
        if let (Some(name), Some(program_bytes)) =
            (check["name"].as_str(), check["program_bytes"].as_u64())
        {
            let verified_instructions = check["verified_instructions"].as_u64();
            let program = Program { verified_instructions, program_bytes };
            programs.entry(tier.to_owned()).or_default().insert(name.to_owned(), program);
        }
    }
    Ok(programs)
}

fn tests(counts: verdict::Counts, said: &str) -> Tests {
    let (mut outside, mut bounds, mut system_calls) = (Vec::new(), Vec::new(), None);
    for line in said.lines().filter_map(|line| line.strip_prefix(FIGURE)) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let numbers: Vec<u64> = words.iter().filter_map(|word| word.parse().ok()).collect();
        match (words[0], &numbers[..]) {
            ("zombie_time", [least, told, most]) => {
                outside.push(least.saturating_sub(*told).max(told.saturating_sub(*most)));
                bounds.push(most.saturating_sub(*least));
            }
            ("system_calls", [permille]) => system_calls = Some(*permille),
            _ => {}
        }
    }
    outside.sort_unstable();
    bounds.sort_unstable();
    let median = |sorted: &[u64]| sorted.get(sorted.len() / 2).copied().unwrap_or_default();
    Tests {
        passed: counts.passed,
        failed: counts.failed,
        zombies_timed: outside.len(),
        outside_median: median(&outside),
        outside_max: outside.last().copied().unwrap_or_default(),
        bounds_median: median(&bounds),
        system_calls_permille: system_calls,
    }
}

/// The README with its table made anew.
fn with_table(readme: &str, kernels: &Kernels) -> Result<String> {
    let (before, rest) = readme.split_once(BEGIN).context("the README has no place for a table")?;
    let (_, after) = rest.split_once(END).context("the README's table has no end")?;
    Ok(format!("{before}{BEGIN}{}{END}{after}", table(kernels)))
}

fn table(kernels: &Kernels) -> String {
    let mut rows: Vec<(&String, &Kernel)> = kernels.iter().collect();
    rows.sort_by_key(|(name, _)| offer::series(name));
    let row = |(name, kernel): (&String, &Kernel)| {
        let cell = |variant: &str| kernel.runs.get(variant).map_or("-".to_owned(), cell);
        let cells = ["fentry", "tracepoint", "fentry lockdown"].map(cell);
        format!("| {name} ({}) | {} |\n", kernel.release, cells.join(" | "))
    };
    let rows: Vec<String> = rows.into_iter().map(row).collect();
    format!(
        "| Linux | `fentry` hooks | `tracepoint` hooks | in lockdown |\n|---|---|---|---|\n{}",
        rows.concat()
    )
}

/// A set of hooks under one kernel.
fn cell(tests: &Tests) -> String {
    let all = tests.passed + tests.failed;
    format!("{} of {all}; zombie times within {}", tests.passed, span(tests.outside_max))
}

fn span(ns: u64) -> String {
    if ns == 0 { "bounds".to_owned() } else { format!("{} µs of bounds", ns.div_ceil(1000)) }
}

#[cfg(test)]
mod tests {
    use super::{Kernels, is_figure, programs, read, tests, with_table};
    use crate::{vm::verdict::Counts, workspace::Workspace};

    #[test]
    fn programs_are_those_that_loaded() {
        let report = r#"{"checks":[
            {"name":"privileges","tier":null,"program_bytes":null},
            {"name":"fexit/z","tier":null,"verified_instructions":9,"program_bytes":64},
            {"name":"fentry/x","tier":"fentry","verified_instructions":7,"program_bytes":56},
            {"name":"fexit/y","tier":"fentry","verified_instructions":null,"program_bytes":null}]}"#;
        let found = programs(report).expect("a report");
        let names: Vec<&String> = found["fentry"].keys().collect();
        assert_eq!(names, ["fentry/x"]);
        assert_eq!(found["fentry"]["fentry/x"].verified_instructions, Some(7));
        let sets: Vec<&String> = found.keys().collect();
        assert_eq!(sets, ["fentry", "on demand"]);
        assert_eq!(found["on demand"]["fexit/z"].program_bytes, 64);
    }

    #[test]
    fn a_time_is_outside_its_bounds_by_what_is_beyond_them() {
        let said = "test x ... ok\nfigure zombie_time 100 150 200\nfigure zombie_time 100 90 300\n\
                    figure zombie_time 100 230 200\nfigure system_calls 1003\n";
        let found = tests(Counts { passed: 3, failed: 0 }, said);
        let figures = (found.zombies_timed, found.outside_median, found.outside_max);
        assert_eq!(figures, (3, 10, 30));
        assert_eq!(found.bounds_median, 100);
        assert_eq!(found.system_calls_permille, Some(1003));
        assert_eq!(said.lines().filter(|line| is_figure(line)).count(), 4);
    }

    #[test]
    fn the_readme_has_the_table_of_what_is_recorded() {
        let root = Workspace::locate().expect("the workspace").root;
        let kernels: Kernels = read(&root.join(super::FILE)).expect("the record");
        let readme = std::fs::read_to_string(root.join("README.md")).expect("the README");
        assert_eq!(with_table(&readme, &kernels).expect("a place"), readme);
    }
}
