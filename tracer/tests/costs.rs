//! What an event costs, counted in what does not depend on the machine's mood, and held against
//! `docs/costs.json`. Where a figure must change by more than a tenth, this records it, and the commit
//! says why: `TRACER_WRITE_COSTS=1 cargo test --release -p tracer --test costs -- --test-threads=1`.

#[path = "../benches/road.rs"]
mod road;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    collections::BTreeMap,
    fs,
    path::Path,
    process::Command,
};

use road::{BATCH, EVENTS, Hooks, Road, lives};
use tracer::sink::Format;
use tracer_common::{Death, Exec, Exit, Fork, ForkFailed, Free, LeaderExit, Release, Wait};

/// Counts what a thread asks for: tests run beside each other.
struct Counting;

thread_local! {
    static ASKED: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: all is passed on to the system's allocator; the count is a plain number of the thread, whose
// access allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ASKED.set(ASKED.get() + 1);
        // SAFETY: the caller's duties are the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's duties are the same.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ASKED.set(ASKED.get() + 1);
        // SAFETY: the caller's duties are the same.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Holds a figure against the one that is recorded under this name, or records it. What can be 0 is a whole
/// number: nothing is more than none, by a tenth or by less.
fn held(name: &str, now: f64) {
    let now = (now * 100.0).round() / 100.0;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/costs.json");
    let text = fs::read_to_string(&path).expect("docs/costs.json");
    let mut recorded: BTreeMap<String, f64> = serde_json::from_str(&text).expect("JSON");
    if std::env::var_os("TRACER_WRITE_COSTS").is_some() {
        recorded.insert(name.to_owned(), now);
        let text = serde_json::to_string_pretty(&recorded).expect("JSON");
        return fs::write(&path, format!("{text}\n")).expect("docs/costs.json");
    }
    let before = *recorded.get(name).unwrap_or_else(|| panic!("{name} is not recorded"));
    assert!(now <= before * 1.1, "{name}: {before} became {now}");
    // A record that nothing comes near would let the next change give the gain away.
    assert!(now * 1.1 >= before, "{name}: {before} became only {now}, record it");
}

#[test]
fn bytes_per_record() {
    for (name, size) in [
        ("bytes of a fork", size_of::<Fork>()),
        ("bytes of an exec without its text", size_of::<Exec>()),
        ("bytes of a leader_exit", size_of::<LeaderExit>()),
        ("bytes of an exit", size_of::<Exit>()),
        ("bytes of a death", size_of::<Death>()),
        ("bytes of a wait", size_of::<Wait>()),
        ("bytes of a free", size_of::<Free>()),
        ("bytes of a release", size_of::<Release>()),
        ("bytes of a fork_failed", size_of::<ForkFailed>()),
    ] {
        held(name, size as f64);
    }
}

/// In steady state: what grows with the first lives has grown.
fn allocations(hooks: Hooks, mut road: Road) -> u64 {
    let batches: Vec<_> = (0..200).map(|batch| lives(hooks, batch * BATCH, BATCH)).collect();
    let (first, rest) = batches.split_at(100);
    for batch in first {
        road.take(batch);
    }
    let before = ASKED.get();
    let events: u64 = rest.iter().map(|batch| road.take(batch)).sum();
    let asked = ASKED.get() - before;
    assert_eq!((events, EVENTS), (40_000, events / (rest.len() as u64 * BATCH)));
    asked
}

#[test]
fn allocations_of_many_events() {
    let text = |lifecycles| Road::to(Format::Text, lifecycles);
    for (name, hooks, road) in [
        ("allocations of 40,000 events, fentry hooks", Hooks::Fentry, Road::new()),
        ("allocations of 40,000 events, tracepoint hooks", Hooks::Tracepoint, Road::new()),
        ("allocations of 40,000 events as text", Hooks::Fentry, text(false)),
        ("allocations of 40,000 events as lifecycles", Hooks::Fentry, text(true)),
    ] {
        held(name, allocations(hooks, road) as f64);
    }
}

/// What is counted below: a process of its own goes the road with as many batches as it is told.
#[test]
#[ignore = "the instructions test runs it"]
fn replayed() {
    let told = |name| std::env::var(name).expect("told by the instructions test");
    let hooks = if told("REPLAY_HOOKS") == "Fentry" { Hooks::Fentry } else { Hooks::Tracepoint };
    let count: usize = told("REPLAY_BATCHES").parse().expect("a number");
    // Made before, so that more batches differ only in those that are taken.
    let batches: Vec<_> = (0..30).map(|batch| lives(hooks, batch * BATCH, BATCH)).collect();
    let mut road = Road::new();
    for batch in &batches[..count] {
        road.take(batch);
    }
    assert!(!road.lines.is_empty());
}

/// Instructions of the whole program, by callgrind.
fn instructions(hooks: Hooks, batches: u64) -> u64 {
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe().expect("our path"))
        .args(["--exact", "replayed", "--ignored", "--test-threads=1"])
        .env("REPLAY_HOOKS", format!("{hooks:?}"))
        .env("REPLAY_BATCHES", batches.to_string())
        .output()
        .expect("valgrind");
    let told = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{told}");
    let collected = told.lines().find_map(|line| line.split_once("Collected : ")).expect("a count");
    collected.1.trim().parse().expect("a number")
}

#[test]
#[cfg_attr(debug_assertions, ignore = "of an optimised build: cargo test --release --test costs")]
fn instructions_per_event() {
    for (name, hooks) in [
        ("instructions per event, fentry hooks", Hooks::Fentry),
        ("instructions per event, tracepoint hooks", Hooks::Tracepoint),
    ] {
        let more = instructions(hooks, 30) - instructions(hooks, 10);
        held(name, more as f64 / (20 * BATCH * EVENTS) as f64);
    }
}
