//! The runs side by side.

use super::{boot::Run, verdict::Ending};

pub(super) fn table(runs: &[Run]) -> String {
    let mut rows =
        vec![["kernel", "hooks", "release", "passed", "failed", "seconds", ""].map(String::from)];
    rows.extend(runs.iter().map(row));
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..7).map(width).collect();
    let line = |row: &[String; 7]| {
        let [kernel, hooks, release, passed, failed, seconds, note] = row;
        let line = format!(
            "{kernel:0$}  {hooks:1$}  {release:2$}  {passed:>3$}  {failed:>4$}  {seconds:>5$}  {note}",
            widths[0], widths[1], widths[2], widths[3], widths[4], widths[5],
        );
        format!("{}\n", line.trim_end())
    };
    let failures = runs.iter().flat_map(|run| {
        run.failures.iter().map(|test| format!("{} {} failed: {test}\n", run.kernel, run.variant))
    });
    rows.iter().map(line).chain(failures).collect()
}

fn row(run: &Run) -> [String; 7] {
    let count = |number: Option<u32>| number.map_or("-".to_owned(), |number| number.to_string());
    [
        run.kernel.clone(),
        run.variant.clone(),
        run.release.clone(),
        count(run.counts.map(|counts| counts.passed)),
        count(run.counts.map(|counts| counts.failed)),
        run.took.as_secs().to_string(),
        note(run),
    ]
}

fn note(run: &Run) -> String {
    match run.ending {
        Ending::Exit(0) if run.counts.is_none_or(|counts| counts.passed == 0) => {
            "no test ran".into()
        }
        Ending::Exit(0) => String::new(),
        // That of tests that failed, which are counted.
        Ending::Exit(_) if run.counts.is_some_and(|counts| counts.failed > 0) => String::new(),
        Ending::Exit(status) => format!("exit status {status}"),
        Ending::NeverUp => "did not come to its init".into(),
        Ending::Panic => "the kernel panicked".into(),
        Ending::Hang => "nothing was heard for minutes".into(),
        Ending::Lost => "ended before the tests did".into(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::table;
    use crate::vm::{
        boot::Run,
        verdict::{Counts, Ending},
    };

    fn run(name: &str, ending: Ending, counts: Option<(u32, u32)>, failures: &[&str]) -> Run {
        Run {
            kernel: name.into(),
            variant: "fentry".into(),
            locked_down: false,
            said: String::new(),
            release: format!("{name}.9-cloud"),
            ending,
            counts: counts.map(|(passed, failed)| Counts { passed, failed }),
            failures: failures.iter().map(ToString::to_string).collect(),
            console: String::new(),
            took: Duration::from_millis(221_900),
        }
    }

    #[test]
    fn a_row_for_each_kernel_with_what_went_wrong() {
        let runs = [
            run("5.10", Ending::Exit(101), Some((42, 1)), &["scale::e1"]),
            run("6.12", Ending::Exit(0), Some((43, 0)), &[]),
            run("7.0", Ending::Exit(0), Some((0, 0)), &[]),
            run("7.2", Ending::Exit(1), None, &[]),
            run("7.3", Ending::Panic, None, &["hostile::e6"]),
        ];
        let expected = "\
kernel  hooks   release       passed  failed  seconds
5.10    fentry  5.10.9-cloud      42       1      221
6.12    fentry  6.12.9-cloud      43       0      221
7.0     fentry  7.0.9-cloud        0       0      221  no test ran
7.2     fentry  7.2.9-cloud        -       -      221  exit status 1
7.3     fentry  7.3.9-cloud        -       -      221  the kernel panicked
5.10 fentry failed: scale::e1
7.3 fentry failed: hostile::e6
";
        assert_eq!(table(&runs), expected);
    }
}
