//! What `tracer report` says of a recording.

use std::{
    fs,
    io::Write as _,
    process::{Command, Stdio},
};

use tracer::lifecycle::filter::Asked;

use super::{
    program::{Done, run, tracer, unprivileged},
    recordings::file,
};
use crate::invented;

/// A report of these bytes, from standard input.
fn report(recording: &[u8], options: &[&str]) -> Done {
    let mut command = unprivileged(&["report", "-"]);
    command.args(options).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    // It may refuse before it has read all.
    let _ = child.stdin.take().expect("a pipe").write_all(recording);
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Done { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// The lines under a title, without what sets them apart.
#[track_caller]
fn section<'a>(text: &'a str, title: &str) -> Vec<Vec<&'a str>> {
    let all = text.split("\n\n").find(|section| section.trim().starts_with(title));
    let all = all.unwrap_or_else(|| panic!("{title} in {text}"));
    let fields = |line: &'a str| line.split("  ").map(str::trim).filter(|one| !one.is_empty());
    all.trim().lines().map(|line| fields(line).collect()).collect()
}

#[test]
fn a_report_says_what_a_recording_comes_to() {
    let done = report(&invented::family(), &[]);
    assert_eq!((done.status, done.stderr.as_str()), (Some(0), ""));
    let text = done.stdout;
    assert!(
        text.starts_with(
            "standard input: 10.0s from 2026-01-01T00:00:00.000000000Z on, on testhost\n"
        ),
        "{text}"
    );
    assert!(text.contains("\n14 processes: 3 at the start, 11 forked; 5 programs run, 10 exits, 5 reaped; at the end 9 are there, 6 of them zombies\n"), "{text}");
    let ran = section(&text, "WHAT RAN");
    assert!(ran.contains(&vec!["cc", "1", "0", "1", "50.0ms", "50.0ms", "2.00ms"]), "{ran:?}");
    assert!(ran.contains(&vec!["leaker", "6", "1", "0", "50.0ms", "50.0ms", "10.0ms"]), "{ran:?}");
    let zombies = section(&text, "ZOMBIE TIME");
    assert!(zombies[0][0].starts_with("ZOMBIE TIME: 5 reaped zombies: p50 "), "{zombies:?}");
    assert_eq!(zombies.last().expect("a bar")[..2], ["1.00s to 10.0s", "1 █████████████"]);
    let leakers = section(&text, "LEAKERS");
    assert!(
        leakers.contains(&vec![
            "leaker (300)",
            "5",
            "5",
            "9.45s",
            "parent_never_waits",
            "it leaks them"
        ]),
        "{leakers:?}"
    );
    assert!(
        leakers.contains(&vec![
            "daemon (100)",
            "1",
            "1",
            "13.0s",
            "parent_never_waits",
            "it reaps late"
        ]),
        "{leakers:?}"
    );
    let inits = section(&text, "INITS");
    assert!(inits.iter().any(|row| row.starts_with(&["init (1)", "init", "1", "1"])), "{inits:?}");
    let orphans = section(&text, "ORPHANS: 1 orphan");
    assert!(orphans.contains(&vec!["make", "init (1)", "init", "1", "0"]), "{orphans:?}");
    assert_eq!(section(&text, "FORK FAILURES"), [["FORK FAILURES: none"]]);
    assert_eq!(section(&text, "LOSSES"), [["LOSSES: no record was lost"]]);
    assert!(text.lines().all(|line| line == line.trim_end()), "{text}");
}

#[test]
fn the_worst_are_told_with_their_story() {
    let text = report(&invented::family(), &[]).stdout;
    let (_, worst) = text.split_once("THE 10 WORST").expect("they are there");
    assert!(worst.contains("\n  1. old (90), a zombie at the end, for 13.0s\n"), "{worst}");
    assert!(worst.contains("\n     remedy  that of number 2\n  4. leaker (303)"), "{worst}");
    let hostile =
        worst.find("<img src=x oner (202), zombie for 5.00s").unwrap_or_else(|| panic!("{worst}"));
    for line in [
        "+200ms  forked by make (200), user 1000",
        "+201ms  ran <img src=x onerror=window.hacked=1> '</script><script>window.hacked=2</script>'",
        "+1000ms  exit 0 after 800ms",
        "+1.00s  a zombie of make (200), teardown 100µs",
        "+6.00s  reaped by make (200) via wait4",
        "remedy  make does wait, but has not got to this one yet; kill 200 ENDS THE PARENT",
    ] {
        assert!(worst[hostile..].contains(line), "{line} in {}", &worst[hostile..]);
    }
}

#[test]
fn a_story_has_the_lifetime_that_the_events_have() {
    let text = report(&invented::brief(), &[]).stdout;
    assert!(text.contains("LIFETIME: 1 exit: p50 50.0µs"), "{text}");
    assert!(text.contains("+10.0ms  exit 0 after 50.0µs\n"), "{text}");
}

#[test]
fn filters_on_events_hide_nothing_from_a_report_and_those_on_processes_do() {
    let asked = |comms: &[&str], types: &[&str]| Asked {
        comms: comms.iter().map(ToString::to_string).collect(),
        types: types.iter().map(ToString::to_string).collect(),
        typed: comms
            .iter()
            .map(|comm| format!("--comm {comm}"))
            .chain(["--type exec".to_owned()])
            .collect(),
        min_zombie: Some(3_600_000_000_000),
        ..Asked::default()
    };
    let all = report(&invented::family(), &[]).stdout;
    let of_execs = invented::family_recorded_with(asked(&[], &["exec"]));
    assert_eq!(report(&of_execs, &[]).stdout, all);
    let of_leakers = invented::family_recorded_with(asked(&["leaker"], &["exec"]));
    let text = report(&of_leakers, &[]).stdout;
    assert!(text.contains("\nonly --comm leaker\n"), "{text}");
    let leakers = section(&text, "LEAKERS");
    assert!(leakers.iter().any(|row| row.starts_with(&["leaker (300)", "5"])), "{text}");
    assert!(!text.contains("daemon") && !text.contains("orphan ("), "{text}");
}

#[test]
fn what_is_left_of_a_damaged_recording_is_reported_and_the_damage_named() {
    let whole = invented::build(20_000);
    let done = report(&whole[..whole.len() / 2], &[]);
    assert_eq!(done.status, Some(1));
    assert!(
        done.stderr.contains("- is cut off in the middle of a frame (byte "),
        "{}",
        done.stderr
    );
    let losses = section(&done.stdout, "LOSSES");
    assert!(
        losses[0][0].contains("the recording is cut off in the middle of a frame: this is"),
        "{losses:?}"
    );
    assert!(section(&done.stdout, "WHAT RAN").iter().any(|row| row[0] == "cc"));
    let page = report(&whole[..whole.len() / 2], &["--html", "-"]);
    assert_eq!((page.status, page.stderr), (Some(1), done.stderr));
    assert!(page.stdout.contains("The recording is cut off in the middle of a frame: this is"));
    let none = report(b"no recording", &[]);
    assert_eq!((none.status, none.stdout.as_str()), (Some(1), ""));
    assert_eq!(none.stderr, "tracer: - is no recording\n");
}

#[test]
fn a_page_is_one_file_in_which_names_are_text() {
    let done = report(&invented::family(), &["--html", "-"]);
    assert_eq!((done.status, done.stderr.as_str()), (Some(0), ""));
    let page = done.stdout;
    assert!(page.starts_with("<!doctype html>\n") && page.ends_with("</html>\n"));
    for outside in ["http:", "https:", "//cdn", "@import", "url(", "<img", "<link", " src="] {
        let at =
            page.find(outside).map(|at| &page[at.saturating_sub(40)..(at + 40).min(page.len())]);
        // A name may say so, as text: what would begin an element is escaped.
        assert!(at.is_none_or(|at| at.contains("\\u003cimg src=x")), "{outside} in {at:?}");
    }
    assert!(page.contains("\\u003c/script>\\u003cscript>window.hacked=2"), "the argument is there");
    assert_eq!(page.matches("</script>").count(), 2, "of the data and of the program");
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn the_recording_is_not_overwritten_by_its_page() {
    let file = file("same", &invented::family());
    let path = file.to_str().expect("UTF-8");
    let done = run(&mut tracer(&["report", path, "--html", path]));
    assert_eq!(done.status, Some(1), "{}", done.stderr);
    assert!(done.stderr.contains("is the recording itself"), "{}", done.stderr);
    assert_eq!(fs::read(&file).expect("it is there"), invented::family());
    fs::remove_file(&file).expect("it is there");
    let done = report(&invented::family(), &["--html", "/no/such/folder/page.html"]);
    assert_eq!(done.status, Some(1));
    assert!(done.stderr.contains("cannot write to /no/such/folder/page.html"), "{}", done.stderr);
}

#[test]
fn memory_does_not_grow_with_the_processes_that_lived() {
    let file = file("many", &invented::build(50_000));
    // KiB of what is private and can be written: each life that was kept would take hundreds of bytes.
    let limited = "ulimit -d 12288 && exec \"$0\" report \"$1\"";
    let program = env!("CARGO_BIN_EXE_tracer");
    let done = run(Command::new("sh").args(["-c", limited, program]).arg(&file));
    fs::remove_file(&file).expect("it is there");
    assert_eq!(done.status, Some(0), "{}", done.stderr);
    assert!(done.stdout.contains("\n50002 processes: "), "{}", done.stdout);
}
