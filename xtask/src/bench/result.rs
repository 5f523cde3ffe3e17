//! What a benchmark has found, as it is kept in `docs/bench.json`.

use std::{collections::BTreeMap, fs, process::Command};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::{process, workspace::Workspace};

pub(super) const FILE: &str = "docs/bench.json";

#[derive(Debug, Default, PartialEq, Deserialize, Serialize)]
pub(super) struct Results {
    pub date: String,
    pub machine: Machine,
    /// What was measured: the state of the repository.
    pub commit: String,
    /// Those that tracer has here.
    pub hooks: String,
    pub number_of_pairs: u16,
    pub seconds: f64,
    /// What each program says that it is.
    pub versions: BTreeMap<String, String>,
    /// How each tool was started.
    #[serde(default)]
    pub commands: BTreeMap<String, String>,
    pub pairs: Vec<Pairs>,
    /// Tools that could not do it here, and what they said.
    pub failed: BTreeMap<String, String>,
    /// Tools that were not tried, and why.
    #[serde(default)]
    pub left_out: BTreeMap<String, String>,
    #[serde(default)]
    pub stages: Vec<Stage>,
    pub programs: Vec<Programs>,
    /// From the start of tracer until it says that its hooks are attached.
    pub attached_ms: Option<Spread>,
    pub idle: Option<Idle>,
    pub sustained: Option<Sustained>,
    pub replay: Option<Replay>,
}

#[derive(Debug, Default, PartialEq, Deserialize, Serialize)]
pub(super) struct Machine {
    pub processor: String,
    pub processors: usize,
    pub kernel: String,
}

/// One load with one tool.
#[derive(Debug, PartialEq, Deserialize, Serialize)]
pub(super) struct Pairs {
    pub load: String,
    pub tool: String,
    /// Operations per second without it, the median.
    pub per_second: f64,
    /// Throughput with it by that without it, of each pair.
    pub ratio: Spread,
    /// Its CPU time per process that the load made.
    pub cpu_ns_per_life: Option<f64>,
    pub peak_rss_bytes: u64,
    pub start_up_ms: Spread,
    /// Ends of processes that it did not tell of, of all in all pairs.
    pub lost: Option<u64>,
    pub lives: u64,
}

/// What the runs lay between, and their middle.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub(super) struct Spread {
    pub least: f64,
    /// Where the median of any number of runs lies, with a certainty of 95 %.
    pub low: f64,
    pub median: f64,
    pub high: f64,
    pub most: f64,
}

/// The 0.975 quantile of the normal distribution.
const SURE: f64 = 1.96;

impl Spread {
    /// Of at least one value.
    pub(super) fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        let median = if values.len() % 2 == 1 {
            values[middle]
        } else {
            f64::midpoint(values[middle - 1], values[middle])
        };
        // How many of the values lie below the true median is binomial (W. J. Conover, Practical
        // Nonparametric Statistics, 3.2).
        let count = values.len() as f64;
        let rank = ((count - SURE * count.sqrt()) / 2.0).round();
        let (low, last) = ((rank - 1.0).max(0.0) as usize, values.len() - 1);
        let (low, high) = (values[low], values[last - low]);
        Self { least: values[0], low, median, high, most: values[last] }
    }
}

/// A stage of an event's way in user space, with the records of one set of hooks.
#[derive(Debug, PartialEq, Deserialize, Serialize)]
pub(super) struct Stage {
    pub stage: String,
    pub hooks: String,
    pub ns_per_event: f64,
}

/// The BPF programs under a load.
#[derive(Debug, PartialEq, Deserialize, Serialize)]
pub(super) struct Programs {
    pub load: String,
    /// All of them together, of several looks.
    pub ns_per_life: Spread,
    /// Lives, in the look in the middle.
    pub per_second: f64,
    /// In that look.
    pub programs: Vec<Program>,
}

/// A BPF program under a load.
#[derive(Debug, PartialEq, Deserialize, Serialize)]
pub(super) struct Program {
    pub name: String,
    pub runs_per_life: f64,
    pub ns_per_run: f64,
}

/// The tracer on a machine where nothing is asked of it.
#[derive(Debug, PartialEq, Deserialize, Serialize)]
pub(super) struct Idle {
    pub seconds: f64,
    pub cpu_share: f64,
}

/// The tracer under a load that lasts.
#[derive(Debug, PartialEq, Deserialize, Serialize)]
pub(super) struct Sustained {
    pub seconds: f64,
    pub lives_per_second: f64,
    /// At the end of each sixth.
    pub rss_bytes: Vec<u64>,
    pub lost: u64,
}

/// A recording, read through the model.
#[derive(Debug, PartialEq, Deserialize, Serialize)]
pub(super) struct Replay {
    /// Records of the kernel that are in it.
    pub records: u64,
    /// From the start of the program to its end.
    pub seconds: Spread,
}

impl Results {
    pub(super) fn new(number_of_pairs: u16, seconds: f64) -> Self {
        let told = |program: &str, arguments: &[&str]| {
            let told = process::output(Command::new(program).args(arguments)).unwrap_or_default();
            told.trim().to_owned()
        };
        let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let named =
            |line: &str| Some(line.strip_prefix("model name")?.split_once(": ")?.1.to_owned());
        Self {
            date: told("date", &["--utc", "+%Y-%m-%d"]),
            machine: Machine {
                processor: processors.lines().find_map(named).unwrap_or_default(),
                processors: std::thread::available_parallelism().map_or(0, usize::from),
                kernel: told("uname", &["--kernel-release"]),
            },
            commit: told("git", &["describe", "--always", "--dirty", "--exclude=*"]),
            number_of_pairs,
            seconds,
            ..Self::default()
        }
    }

    pub(super) fn keep(&self, workspace: &Workspace) -> Result<()> {
        let text = format!("{}\n", serde_json::to_string_pretty(self)?);
        fs::write(workspace.root.join(FILE), text).context(FILE)
    }
}

/// What is kept.
#[cfg(test)]
pub(super) fn kept(root: &std::path::Path) -> Results {
    let text = fs::read_to_string(root.join(FILE)).expect(FILE);
    serde_json::from_str(&text).expect("results")
}

#[cfg(test)]
mod tests {
    use super::Spread;

    #[test]
    fn the_middle_of_an_even_number_is_between_two() {
        assert_eq!(Spread::of(vec![0.9, 0.7, 0.8]), spread([0.7, 0.7, 0.8, 0.9, 0.9]));
        assert_eq!(Spread::of(vec![4.0, 1.0, 2.0, 3.0]), spread([1.0, 1.0, 2.5, 4.0, 4.0]));
    }

    #[test]
    fn the_true_median_is_surely_among_those_in_the_middle() {
        let many = Spread::of((1..=100).map(f64::from).collect());
        assert_eq!(many, spread([1.0, 40.0, 50.5, 61.0, 100.0]));
    }

    fn spread([least, low, median, high, most]: [f64; 5]) -> Spread {
        Spread { least, low, median, high, most }
    }
}
