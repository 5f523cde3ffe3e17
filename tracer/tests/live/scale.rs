//! Rows E1, E5: many processes, and those that were there before.

use aya::{
    programs::{ProgramInfo, loaded_programs},
    sys::{Stats, enable_stats},
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};

use crate::story::{Partner, Story, Watch, fixture, has};

/// Reaps that were told as bound because the parent was off its CPU between the release and the end of its
/// call until RCU had freed the child: it does nothing else before that.
fn kept_off(story: &Story) -> usize {
    let at = |event: &Value| event["at_ns"].as_u64().expect("a time");
    let forks = story.all("fork");
    let waits_still = |reap: &&Value| {
        let mut others = forks.iter().filter(|fork| fork["ppid"] == reap["ppid"]);
        let next = others.find(|fork| fork["start_ns"].as_u64() > reap["start_ns"].as_u64());
        next.is_some_and(|fork| at(fork) > at(reap))
    };
    let bound = story.all("reap").into_iter().filter(|reap| reap["precision"] == "bound");
    bound.filter(waits_still).count()
}

/// A life is whole, or what was not seen of it is part of what the tracer says it lost: on
/// preemptible kernels a program is left out when its CPU was preempted inside it.
fn every_life_is_whole(forkers: &str, each: &str, lives: usize) {
    let story = Story::told_of(&[fixture(), "forks_in_a_row", forkers, each]);
    let lost = story.summary()["lost"]["ring"].as_u64().expect("a number") as usize;
    let told = ["fork", "exit", "zombie", "reap"].map(|kind| story.all(kind).len());
    assert!(told.iter().all(|count| *count <= lives), "of {lives} lives there are {told:?}");
    let untold: usize = told.iter().map(|count| lives - count).sum();
    // The process table shows afterwards who is gone or dead, without the moment.
    let gone = story.all("reap").into_iter().filter(|reap| reap["via"] == "unknown").count();
    let dead =
        story.all("zombie").into_iter().filter(|zombie| zombie["notified"].is_null()).count();
    let exactly = untold..=untold + gone + dead;
    assert!(
        exactly.contains(&lost),
        "{lost} lost, {exactly:?}; of {lives} lives there are {told:?}"
    );
    let by_parent = |precision: &str| {
        let reaps = story.all("reap").into_iter();
        reaps.filter(|reap| reap["precision"] == precision && reap["by"] == "parent").count()
    };
    // A system call's end that is left out in the same way need not have been a wait's: the tracepoint
    // hooks see then that the zombie is gone, and say `bound`.
    let left_out = story.summary()["left_out"].as_u64().expect("a number") as usize;
    let bound = by_parent("bound");
    let kept_off = if story.tier() == "tracepoint" { kept_off(&story) } else { 0 };
    let unexplained = bound.saturating_sub(lost + kept_off);
    assert!(
        unexplained <= left_out.min(lives / 100),
        "{bound} of {lives} are bound, {lost} lost, {left_out} left out"
    );
    let exact = by_parent("exact");
    assert!(exact + bound + lost >= lives, "{exact} of {lives} are exact, {lost} facts were lost");
    // As far as the kernel itself can leave something out.
    assert!(lost * 10 <= lives, "{lost} of {lives}");
}

#[test]
fn e1_five_thousand_in_a_row_are_five_thousand_lives() {
    every_life_is_whole("1", "5000", 5000 + 2);
}

#[test]
fn e1_eight_forkers_at_once_are_told_apart() {
    every_life_is_whole("8", "1000", 8000 + 8 + 1);
}

/// A storm, and what was told of it.
struct Storm {
    partner: Partner,
    story: Story,
    /// Records that the kernel side made for it, lost or not.
    made: u64,
    /// By how many it may have made less: programs that the kernel left out, and tasks that it freed without
    /// calling one.
    less: u64,
}

/// How often the kernel has called the programs at the end of a task, and at that of its memory. Both have the
/// same tasks. The second runs in whatever context RCU frees them: one 6.18 calls no program in an interrupt
/// over its init, of up to 68 tasks at once (tracefs has them), and does not count them as left out either.
fn ends() -> [u64; 2] {
    let programs: Vec<_> = loaded_programs().filter_map(Result::ok).collect();
    ["on_exit", "on_free"].map(|name| {
        let of_that_name = programs.iter().filter(|program| program.name_as_str() == Some(name));
        of_that_name.map(ProgramInfo::run_count).sum()
    })
}

impl Storm {
    /// So many lives with a ring of that size, whose reader sleeps meanwhile or not.
    fn of(lives: &str, ring: &[&str], is_read: bool) -> Self {
        let mut partner = Partner::start(&["storm", lives], 0);
        let pid = partner.pid().to_string();
        let watch = Watch::start(&[ring, &["--pid", &pid]].concat());
        let signal = |signal| kill(Pid::from_raw(watch.pid() as i32), signal).expect("kill");
        if !is_read {
            signal(Signal::SIGSTOP);
        }
        let stats = enable_stats(Stats::RunTime).expect("the kernel counts calls of programs");
        let before = ends();
        partner.go();
        partner.listen(2);
        signal(Signal::SIGCONT);
        partner.listen(1);
        partner.wait();
        let [exits, frees] = [0, 1].map(|program| ends()[program] - before[program]);
        drop(stats);
        let story = watch.stop();
        let number = |value: &Value| value.as_u64().expect("a number");
        let summary = story.summary();
        let made = number(&summary["received"]) + number(&summary["lost"]["ring"]);
        let unfreed = if story.tier() == "fentry" { 0 } else { exits.saturating_sub(frees) };
        assert!(exits > 500 && unfreed * 10 <= exits, "{unfreed} of {exits} were not freed");
        let less = number(&summary["left_out"]) + unfreed;
        Self { partner, story, made, less }
    }

    fn lost(&self) -> u64 {
        self.story.summary()["lost"]["ring"].as_u64().expect("a number")
    }

    /// What was lost was told as it happened, and what is there afterwards is known for what it is.
    fn is_told_and_healed(&self) {
        let Self { partner, story, .. } = self;
        let told: u64 = story.all("lost").iter().map(|lost| lost["count"].as_u64().unwrap()).sum();
        assert_eq!(told, self.lost(), "as it happened");
        for pid in partner.facts["standing"].split(',') {
            let pid = pid.parse().expect("a pid");
            let unreaped = story.about("unreaped", pid);
            assert!(!unreaped.is_empty(), "{pid} is known for a zombie after the storm");
            // A storm may come round to the pids of its beginning.
            assert_eq!(story.kinds(pid).last(), Some(&"reap"), "{pid}");
        }
        let after = partner.facts["after"].parse().expect("a pid");
        assert!(story.kinds(after).ends_with(&["fork", "exit", "zombie", "reap"]), "{after}");
        let reap = story.about("reap", after).pop().expect("a reap");
        has(reap, &[("precision", json!("exact")), ("status", json!({"code": 9}))]);
        let totals = &story.summary()["totals"];
        has(totals, &[("zombies", json!(0)), ("living", json!(0))]);
    }

    /// The time of 500 lives in its second half, ns, the median.
    fn pace(&self) -> u64 {
        self.partner.facts["median"].parse().expect("a number")
    }
}

/// fork, exit, death, and with the fentry hooks the wait that begins and the release, with the others the wait
/// that returns and, where that is `waitid`, the end of the process's memory.
const RECORDS: u64 = 5;

/// Lives of whom a wait tells for certain are not told of once more.
#[test]
fn e2_a_life_makes_no_more_records_than_it_needs() {
    let of = |lives| Story::told_of(&[fixture(), "forks_in_a_row", "1", lives]);
    let stories = ["100", "1100"].map(of);
    let number = |story: &Story, name: &str| story.summary()[name].as_u64().expect("a number");
    let [few, many] = [0, 1].map(|story| number(&stories[story], "received"));
    let less: u64 = stories.iter().map(|story| number(story, "left_out")).sum();
    let each = if stories[0].tier() == "fentry" { RECORDS } else { RECORDS - 1 };
    let more = many - few;
    // Where the parent is kept off its CPU until the child's memory is given back, that comes first.
    assert!(
        more.abs_diff(1_000 * each) <= 20 + less,
        "{more} records of 1000 lives, {each} of each"
    );
}

#[test]
fn e2_losses_are_counted_to_the_record_and_the_picture_heals() {
    let whole = Storm::of("3000", &["--ring-size", "8M"], false);
    let storm = Storm::of("3000", &["--ring-size", "4096"], false);
    let lost = storm.lost();
    assert!(lost > 10_000, "a ring of a page has no room for a storm: {lost}");
    // The fixture itself may be freed before or after the end.
    let (less, all) = (2 + whole.less + storm.less, whole.made);
    assert!(storm.made.abs_diff(all) <= less, "{} of {all}, less {less}", storm.made);
    storm.is_told_and_healed();
}

#[test]
fn e2_a_storm_is_not_held_up_by_a_reader_that_sleeps() {
    let few = Storm::of("20000", &[], true);
    let many = Storm::of("200000", &[], false);
    let lost = many.lost();
    assert!(lost > 500_000, "the ring has no room for a storm of that size: {lost}");
    let more = (200_000 - 20_000) * RECORDS;
    let less = 2 + few.less + many.less;
    let made = many.made - few.made;
    assert!(made.abs_diff(more) <= less, "{made} more of {more}, less {less}");
    many.is_told_and_healed();
    // Who finds no room does less than who writes, and has the reader's time; the rest is the machine's.
    let (slept, read) = (many.pace(), few.pace());
    assert!(slept * 2 <= read * 3, "500 lives took {slept} ns, and {read} ns with a reader");
}

#[test]
fn e5_zombies_from_before_the_start_are_reported_and_their_reap_seen() {
    let mut partner = Partner::start(&["leaves_zombies"], 1);
    let children: Vec<u64> =
        partner.facts["children"].split(',').map(|pid| pid.parse().unwrap()).collect();
    let watch = Watch::start(&["--pid", &partner.pid().to_string()]);
    watch.wait_for("existing", 51);
    partner.go();
    watch.wait_for("reap", 51 - 1);
    let parent = partner.pid();
    partner.end();
    let story = watch.stop();
    assert_eq!(story.events[0]["existing"], 51, "the zombies and their parent");
    has(story.one("existing", u64::from(parent)), &[("state", json!("running"))]);
    for child in children {
        let existing = story.one("existing", child);
        has(existing, &[("state", json!("zombie"))]);
        assert!(existing["zombie_at_least_ns"].is_u64(), "{existing}");
        let reap = story.one("reap", child);
        has(reap, &[("by", json!("parent")), ("precision", json!("bound"))]);
        // Unless the kernel left out the program at the end of that very call.
        let unseen = story.summary()["left_out"] != 0 && reap["via"] == "unknown";
        assert!(reap["via"] == "wait4" || unseen, "{reap}");
        assert_eq!(reap["start_ns"], existing["start_ns"], "one identity from first to last");
    }
}
