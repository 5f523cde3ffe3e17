//! What is in a guest: an init, busybox, the tests with what they run, and nothing else.

use std::path::Path;

use anyhow::{Context as _, Result};

use super::{cpio::Tree, host, programs::Programs};
use crate::{process, workspace::Workspace};

const INIT: &str = include_str!("init.sh");
const USERS: &str = "root:x:0:0:root:/root:/bin/sh\n\
                     www-data:x:33:33:www-data:/var/www:/bin/false\n\
                     nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n";
const GROUPS: &str = "root:x:0:\nwww-data:x:33:\nnogroup:x:65534:\n";

/// Programs that busybox has not, or not with the options that tests use, and the tests that use
/// them. What in busybox starts others, such as its shell, starts its own applets, as `exe`.
const LENT: [(&str, &[&str]); 11] = [
    ("sh", &["session::run_names_descendants_that_still_live"]),
    (
        "unshare",
        &[
            "needs::tracefs_is_not_needed",
            "needs::without_btf_it_says_what_is_missing",
            "needs::a_process_table_of_ones_own_processes_is_told",
            "lockdown::pids_of_nested_namespaces_are_unknown_and_no_more",
        ],
    ),
    (
        "perl",
        &["readme::every_example_works", "recording::a_report_tells_the_story_of_the_worst_zombie"],
    ),
    ("make", &["readme::every_example_works"]),
    (
        "setpriv",
        &[
            "needs::root_without_its_capabilities_is_refused_with_the_remedy",
            "needs::two_capabilities_are_enough",
            "needs::one_capability_is_not_and_its_lack_is_told",
            "needs::what_two_capabilities_leave_unknown_is_told_with_the_third_and_fourth",
            "needs::a_process_table_of_ones_own_processes_is_told",
            "needs::a_namespace_that_may_not_be_seen_is_unknown",
        ],
    ),
    ("umount", &["needs::tracefs_is_not_needed"]),
    (
        "strace",
        &[
            "waits::b5_under_strace_everyone_is_reaped_once_by_its_parent",
            "cost::a_thousand_events_take_few_system_calls",
            "cost::a_busy_session_makes_few_system_calls_a_second",
        ],
    ),
    (
        "bash",
        &[
            "births::b11_a_child_that_the_shell_leaves_to_the_next_program_is_unknown_to_it",
            "top::a_shell_suspends_it_and_lets_it_go_on",
        ],
    ),
    ("dumb-init", &["namespaces::d7_inits_that_reap_are_seen_to"]),
    ("tini", &["namespaces::d7_inits_that_reap_are_seen_to"]),
    ("catatonit", &["namespaces::d7_inits_that_reap_are_seen_to"]),
];

/// What the gate leaves to the whole matrix: the same under every kernel, or minutes in a guest.
const LATER: [&str; 14] = [
    "fail_on::",
    "files::",
    "readme::",
    "recording::",
    "remedies::",
    "top::",
    "a15_a_user",
    "a15_a_namespace",
    "a15_a_fork",
    "a15_the_",
    "a15_what",
    "::d3_",
    "::e2_",
    "::e7_",
];

/// A test, or a group of them, that guests do not run, and why.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LeftOut {
    pub test: &'static str,
    pub why: String,
}

/// The initial file system, and the tests it has no means for.
pub(super) fn make(
    workspace: &Workspace,
    programs: &Programs,
    filters: &[String],
    core: bool,
) -> Result<(Vec<u8>, Vec<LeftOut>)> {
    let mut tree = Tree::default();
    for folder in ["bin", "dev", "proc", "sys", "root"] {
        tree.directory(Path::new(folder), 0o755);
    }
    tree.directory(Path::new("tmp"), 0o1777);
    tree.link(Path::new("sbin"), "bin");
    // The kernel opens it for init before anything is mounted.
    tree.device(Path::new("dev/console"), 5, 1);
    tree.file(Path::new("etc/passwd"), 0o644, USERS.into());
    tree.file(Path::new("etc/group"), 0o644, GROUPS.into());

    let busybox = process::find_in_path("busybox").context("busybox is missing")?;
    host::copy(&mut tree, &busybox, Path::new("bin/busybox"))?;
    let mut lacking = Vec::new();
    for (program, _) in LENT {
        if !host::lend(&mut tree, program)? {
            lacking.push(program);
        }
    }
    let mut left_out = left_out(&lacking);
    if core {
        let why = || "left to the whole matrix, and run under this machine's kernel".to_owned();
        left_out.extend(LATER.map(|test| LeftOut { test, why: why() }));
    }

    // Tests know these places from when they were compiled.
    for program in [&programs.tracer, &programs.fixture, &programs.tests] {
        host::copy(&mut tree, program, program)?;
    }
    tree.directory(&programs.scratch, 0o755);
    tree.directory(&workspace.root.join("tracer"), 0o755);
    let readme = workspace.root.join("README.md");
    host::copy(&mut tree, &readme, &readme)?;

    let tests = command(&programs.tests, &left_out, filters);
    let tracer = quote(&programs.tracer.display().to_string());
    let init = INIT
        .replace("TRACER doctor", &format!("{tracer} doctor"))
        // Of a kernel in lockdown the gate wants what is other there.
        .replace("LOCKDOWN_ONLY", if core { "lockdown::" } else { "" })
        .replace("TESTS", &tests);
    tree.file(Path::new("init"), 0o755, init.into());
    Ok((tree.archive(), left_out))
}

fn left_out(lacking: &[&str]) -> Vec<LeftOut> {
    let never = [
        LeftOut {
            test: "classic::a12_python_multiprocessing",
            why: "guests have no python3: its library is larger than all the rest".into(),
        },
        LeftOut {
            test: "export::a_trace_is_what_perfetto_reads",
            why: "guests have no python3, which has the official schema".into(),
        },
        LeftOut { test: "parquet::", why: "guests have no python3, which has DuckDB".into() },
        LeftOut {
            test: "containers::",
            why: "guests have no container runtimes: each is larger than all the rest".into(),
        },
        LeftOut {
            test: "scale::e2_a_storm_is_not_held_up",
            why: "its 200,000 processes take an emulated machine an hour".into(),
        },
    ];
    let without = LENT.iter().filter(|(program, _)| lacking.contains(program));
    let lent = without.flat_map(|(program, tests)| {
        tests.iter().map(move |test| LeftOut {
            test,
            why: format!("this machine has no {program} to lend to guests"),
        })
    });
    never.into_iter().chain(lent).collect()
}

/// The line of the shell that runs the tests, one at a time because they see each other's processes.
fn command(tests: &Path, left_out: &[LeftOut], filters: &[String]) -> String {
    let mut words = vec![tests.display().to_string()];
    // What the machine of a developer must be spared is done here.
    words.extend(["--include-ignored", "--test-threads=1"].map(str::to_owned));
    words.extend(left_out.iter().map(|left_out| format!("--skip={}", left_out.test)));
    words.extend_from_slice(filters);
    words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ")
}

fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{INIT, command, left_out};
    use crate::vm::verdict;

    #[test]
    fn init_says_what_the_verdict_is_read_from() {
        for words in [verdict::UP, verdict::EXIT] {
            assert_eq!(INIT.matches(&format!("echo \"{words}$")).count(), 1, "{words}");
        }
        for words in ["TESTS", "TRACER doctor", "LOCKDOWN_ONLY"] {
            assert_eq!(INIT.matches(words).count(), 1, "{words}");
        }
    }

    #[test]
    fn a_program_that_is_lacking_leaves_its_tests_out() {
        let tests =
            |lacking: &[&str]| left_out(lacking).iter().map(|one| one.test).collect::<Vec<_>>();
        assert_eq!(
            tests(&[]),
            [
                "classic::a12_python_multiprocessing",
                "export::a_trace_is_what_perfetto_reads",
                "parquet::",
                "containers::",
                "scale::e2_a_storm_is_not_held_up",
            ]
        );
        assert_eq!(tests(&["make"])[5..], ["readme::every_example_works"]);
        assert!(left_out(&["make"])[5].why.contains("no make"));
    }

    #[test]
    fn names_reach_the_tests_as_they_were_typed() {
        let line = command(Path::new("/a b/live"), &left_out(&[]), &["it's".into()]);
        assert_eq!(
            line,
            r"'/a b/live' '--include-ignored' '--test-threads=1' '--skip=classic::a12_python_multiprocessing' '--skip=export::a_trace_is_what_perfetto_reads' '--skip=parquet::' '--skip=containers::' '--skip=scale::e2_a_storm_is_not_held_up' 'it'\''s'"
        );
    }
}
