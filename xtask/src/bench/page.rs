//! The results as people read them.

use super::{
    load::LONG,
    result::{Idle, Pairs, Program, Programs, Replay, Results, Spread, Stage, Sustained},
    tools::OWN,
};

/// The whole page.
pub(super) fn page(results: &Results) -> String {
    let Results { date, machine, commit, hooks, number_of_pairs, seconds, .. } = results;
    let versions = results.versions.iter().map(|(name, told)| format!("- {name}: {told}\n"));
    let pairs = results.pairs.iter().map(row);
    let (long, times) = LONG;
    let head = format!(
        "<!-- made by `cargo xtask bench` from docs/bench.json -->\n\
         # What tracing costs\n\n\
         Measured on {date} at {commit}: {} processors ({}), Linux {}; tracer with its {hooks} hooks.\n\n\
         {}\n\
         `cargo xtask bench --peers --pairs {number_of_pairs}` repeats it, as root. A load times itself, with a tenth of its time to \
         warm up, and begins when the tool has told of a first process. Runs without and with the \
         tool take turns, {number_of_pairs} pairs of {seconds} s, and {OWN} times as many of tracer with all its \
         capabilities and of no tool at all, which is begun at once and tells what the machine does to the \
         figures; of {long}, whose lives are long, {times} times as many of each. *Ratio* is the throughput with it by that \
         without it, the median of the pairs; in brackets where that of any number of pairs lies, with a \
         certainty of 95 %; and *all* the least and the most. *CPU* is the \
         tool's own time per process that the load made. *Start-up* is until its first event could be \
         read, of a recording until it is begun. *Lost* are ends of processes that it did not tell of.\n\n\
         | load | tool | per second without | ratio | all | CPU | peak RSS | start-up | lost |\n\
         |---|---|---|---|---|---|---|---|---|\n\
         {}",
        machine.processors,
        machine.processor,
        machine.kernel,
        versions.collect::<String>(),
        pairs.collect::<String>(),
    );
    let commands = results.commands.iter().map(|(tool, typed)| format!("- {tool}: `{typed}`\n"));
    let commands = (!results.commands.is_empty())
        .then(|| format!("\nEach tool is started as\n\n{}", commands.collect::<String>()));
    let left_out =
        results.left_out.iter().map(|(tool, why)| format!("\n{tool} is not here: {why}.\n"));
    let left_out = Some(left_out.collect());
    let stages = (!results.stages.is_empty()).then(|| stages(&results.stages));
    let programs = Some(results.programs.iter().map(programs).collect());
    let attached = results.attached_ms.as_ref().map(attached);
    let idle = results.idle.as_ref().map(idle);
    let sustained = results.sustained.as_ref().map(sustained);
    let replay = results.replay.as_ref().map(replay);
    let failed = results.failed.iter().map(|(tool, said)| format!("\n{tool} failed: {said}\n"));
    let failed = Some(failed.collect());
    [Some(head), failed, left_out, commands, stages, programs, attached, idle, sustained, replay]
        .into_iter()
        .flatten()
        .collect()
}

fn attached(Spread { least, median, most, .. }: &Spread) -> String {
    format!(
        "\ntracer says that its hooks are attached {median:.0} ms ({least:.0} to {most:.0}) after its start.\n"
    )
}

fn idle(idle: &Idle) -> String {
    let Idle { seconds, cpu_share } = idle;
    let percent = cpu_share * 100.0;
    format!("\nOn an idle machine tracer takes {percent:.3} % of a processor ({seconds:.0} s).\n")
}

fn sustained(sustained: &Sustained) -> String {
    let Sustained { seconds, lives_per_second, rss_bytes, lost } = sustained;
    let rss: Vec<String> = rss_bytes.iter().map(|bytes| mib(*bytes)).collect();
    format!(
        "\nAt {lives_per_second:.0} lives per second (`two vforkers`: two processes make children by `vfork` that end at once) for {seconds:.0} s, all events to a file: RSS {} MiB at \
         the end of each sixth, {lost} of the lives lost.\n",
        rss.join(", "),
    )
}

fn replay(replay: &Replay) -> String {
    let Replay { records, seconds: Spread { least, median, most, .. } } = replay;
    let rate = *records as f64 / median / 1e6;
    format!(
        "\nA recording of {records} records went through the model, with no event but the summary to tell, at \
         {rate:.1} million a second, from the program's start to its end: {median:.2} s ({least:.2} to {most:.2}).\n",
    )
}

fn row(pairs: &Pairs) -> String {
    let Spread { least, low, median, high, most } = pairs.ratio;
    let cpu = pairs.cpu_ns_per_life.map_or("-".into(), |ns| format!("{:.1} µs", ns / 1e3));
    let lost = pairs.lost.map_or("-".into(), |lost| format!("{lost} of {}", pairs.lives));
    format!(
        "| {} | {} | {:.0} | {median:.3} ({low:.3} to {high:.3}) | {least:.2} to {most:.2} | {cpu} | {} MiB | {:.0} ms | {lost} |\n",
        pairs.load,
        pairs.tool,
        pairs.per_second,
        mib(pairs.peak_rss_bytes),
        pairs.start_up_ms.median,
    )
}

fn stages(stages: &[Stage]) -> String {
    let row = |one: &Stage| {
        let Stage { stage, hooks, ns_per_event } = one;
        format!("| {stage} | {hooks} | {ns_per_event:.0} |\n")
    };
    format!(
        "\nAn event's way in user space, stage by stage (`cargo bench -p tracer`, medians):\n\n\
         | stage | hooks | ns per event |\n|---|---|---|\n{}",
        stages.iter().map(row).collect::<String>(),
    )
}

fn programs(Programs { load, ns_per_life, per_second, programs }: &Programs) -> String {
    let row = |program: &Program| {
        let Program { name, runs_per_life, ns_per_run } = program;
        let per_life = runs_per_life * ns_per_run;
        format!("| `{name}` | {ns_per_run:.0} | {runs_per_life:.2} | {per_life:.0} |\n")
    };
    let rows: String = programs.iter().map(row).collect();
    let [least, median, most] =
        [ns_per_life.least, ns_per_life.median, ns_per_life.most].map(|ns| ns / 1e3);
    format!(
        "\nThe BPF programs under `{load}`, by the kernel's count (`bpf_stats_enabled`), take {median:.2} µs of a life \
         ({least:.2} to {most:.2}), with what the rest of the machine does meanwhile. The look in the middle, at \
         {per_second:.0} lives per second:\n\n\
         | program | ns per run | runs per life | ns per life |\n|---|---|---|---|\n{rows}",
    )
}

fn mib(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / f64::from(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::page;
    use crate::{bench::result, workspace::Workspace};

    #[test]
    fn the_page_is_that_of_what_is_kept() {
        let root = Workspace::locate().expect("the workspace").root;
        let kept = std::fs::read_to_string(root.join("BENCHMARKS.md")).expect("BENCHMARKS.md");
        assert_eq!(page(&result::kept(&root)), kept);
    }
}
