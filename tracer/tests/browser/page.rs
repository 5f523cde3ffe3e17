//! What the page shows, and what it answers to keys, wheel and mouse.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};

use crate::{chromium::Browser, invented};

/// A page of a recording, which is there as long as this is.
struct Page(PathBuf);

impl Page {
    fn of(name: &str, recording: &[u8]) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let page = folder.join(format!("{}-{name}.html", std::process::id()));
        let file = page.with_extension("trec");
        fs::write(&file, recording).expect("a recording");
        let mut report = Command::new(env!("CARGO_BIN_EXE_tracer"));
        let done = report.arg("report").arg(&file).arg("--html").arg(&page).output();
        let done = done.expect("it starts");
        fs::remove_file(&file).expect("a recording");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        assert!(done.stdout.is_empty());
        Self(page)
    }

    fn open(&self) -> Browser {
        let mut browser = Browser::start();
        browser.open(&self.0);
        browser
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Where in the window a moment of a lane is, by what the page says of itself: its range, its size and
/// the lanes it shows.
fn place(browser: &mut Browser, lane: u32, at: f64) -> (f64, f64) {
    let script = format!(
        "(() => {{ const box = document.getElementById('timeline').getBoundingClientRect();
         const inside = box.width - GUTTER;
         return [box.left + GUTTER + ({at} - view.from) / (view.to - view.from) * inside,
                 box.top + AXIS + ({lane} + 0.5 - view.top) * LANE]; }})()"
    );
    let found = browser.ask(&script);
    (found[0].as_f64().expect("x"), found[1].as_f64().expect("y"))
}

fn lane(browser: &mut Browser, pid: u32) -> u32 {
    let row = browser.ask(&format!("rowOf[report.lives.pid.indexOf({pid})]"));
    row.as_u64().unwrap_or_else(|| panic!("{pid} has no lane: {row}")) as u32
}

#[test]
fn a_zombie_is_found_by_typing_and_its_interval_told() {
    let page = Page::of("typing", &invented::family());
    let mut browser = page.open();
    assert_eq!(browser.ask("document.title.endsWith('tracer report')"), true);
    browser.screenshot("light.png");
    browser.press("/");
    browser.write("img src");
    assert_eq!(browser.text("matches"), "1 match");
    browser.press("Enter");
    let story = browser.text("story");
    for part in [
        "<img src=x oner (202)",
        "<img src=x onerror=window.hacked=1> '</script><script>window.hacked=2</script>'",
        "zombie\n5.00s",
        "+0.999900 s · 2026-01-01 00:00:00.999900 UTC\nexit 0 after 800ms",
        "+1.000000 s · 2026-01-01 00:00:01.000000 UTC\na zombie of make (200), teardown 100µs",
        "+6.000000 s · 2026-01-01 00:00:06.000000 UTC\nreaped by make (200) via wait4",
    ] {
        assert!(story.contains(part), "{part} in {story}");
    }
    browser.screenshot("story.png");
    browser.press("Escape");
    assert_eq!(browser.ask("document.getElementById('story').hidden"), true);
    browser.has_no_complaints();
}

#[test]
fn a_life_is_as_long_as_its_events_say() {
    let page = Page::of("brief", &invented::brief());
    let mut browser = page.open();
    assert!(browser.text("processes").contains("50.0µs"), "{}", browser.text("processes"));
    browser.press("/");
    browser.write("200");
    browser.press("Enter");
    let story = browser.text("story");
    assert!(story.contains("lifetime\n50.0µs") && story.contains("exit 0 after 50.0µs"), "{story}");
    browser.has_no_complaints();
}

#[test]
fn a_name_runs_nothing() {
    let page = Page::of("hostile", &invented::family());
    let mut browser = page.open();
    assert_eq!(browser.ask("typeof window.hacked"), "undefined");
    assert_eq!(browser.ask("document.images.length"), 0);
    assert_eq!(browser.ask("document.scripts.length"), 2, "the data and the program");
    let cells = browser.text("processes");
    assert!(cells.contains("<img src=x oner (202)"), "{cells}");
    // What got in as markup all the same would still not run: the policy has the last word.
    browser.has_no_complaints();
    browser.ask(
        "(() => { const made = document.createElement('script');
         made.textContent = 'window.hacked = 3'; document.body.append(made); })()",
    );
    assert_eq!(browser.ask("typeof window.hacked"), "undefined");
}

#[test]
fn keys_wheel_and_mouse_zoom_and_the_pointer_tells_what_is_there() {
    let page = Page::of("zoom", &invented::family());
    let mut browser = page.open();
    let second = 1e9;
    assert!(browser.text("range").contains("10.0s of 10.0s; lanes 1 to 14 of 14"));
    let row = lane(&mut browser, 202);
    for (at, told) in [
        (0.5, "alive at +0.5"),
        (3.0, "zombie at +3.0"),
        (3.0, "zombie from +1.000000 s to +6.000000 s"),
        (7.0, "gone at +7.0"),
    ] {
        let place = place(&mut browser, row, at * second);
        browser.point(place);
        let tip = browser.text("tooltip");
        assert!(tip.contains(told), "{told} in {tip}");
    }
    // The moment under the pointer stays under it.
    let before = place(&mut browser, row, 3.0 * second);
    browser.zoom(before, -400.0);
    let after = place(&mut browser, row, 3.0 * second);
    assert!((before.0 - after.0).abs() < 1.0, "{before:?} {after:?}");
    let span = browser.ask("view.to - view.from").as_f64().expect("a time");
    assert!(span < 0.9 * 10.0 * second, "{span}");
    assert!((before.1 - after.1).abs() < 20.0, "a lane that is gone is no reason to jump");
    browser.screenshot("zoomed.png");
    let row = lane(&mut browser, 202);
    let zombie = place(&mut browser, row, 3.0 * second);
    browser.click(zombie);
    assert!(browser.text("story").contains("<img src=x oner (202)"));
    browser.press("Escape");
    browser.press("+");
    assert_eq!(browser.ask("view.to - view.from").as_f64(), Some(span / 2.0));
    browser.press("ArrowRight");
    let range = browser.text("range");
    browser.press("0");
    assert!(browser.text("range").contains("10.0s of 10.0s") && !range.contains("10.0s of"));
    browser.press("ArrowDown");
    browser.press("Enter");
    assert!(!browser.text("story").is_empty());
    browser.has_no_complaints();
}

#[test]
fn everything_that_can_be_used_has_a_name_for_those_who_do_not_see_it() {
    let page = Page::of("names", &invented::family());
    let mut browser = page.open();
    let tree = browser.call("Accessibility.getFullAXTree", &json!({}));
    let nodes = tree["nodes"].as_array().expect("nodes");
    let of = |role: &str| -> Vec<&Value> {
        nodes
            .iter()
            .filter(|node| node["role"]["value"] == role)
            .map(|node| &node["name"])
            .collect()
    };
    for role in ["button", "searchbox", "combobox", "checkbox", "application", "image", "table"] {
        let names = of(role);
        assert!(!names.is_empty(), "{role}");
        assert!(names.iter().all(|name| name["value"] != ""), "{role}: {names:?}");
    }
    browser.has_no_complaints();
}

#[test]
fn paper_shows_the_picture_without_what_can_be_pressed() {
    let page = Page::of("paper", &invented::family());
    let mut browser = page.open();
    browser.prefers("dark");
    browser.call("Emulation.setEmulatedMedia", &json!({ "media": "print" }));
    browser.ask("dispatchEvent(new Event('beforeprint'))");
    browser.whole_screenshot("paper.png");
    let is_shown = |id: &str| format!("document.getElementById('{id}').checkVisibility()");
    for (id, shown) in [
        ("timeline", true),
        ("legend", true),
        ("processes", true),
        ("search", false),
        ("fit", false),
    ] {
        assert_eq!(browser.ask(&is_shown(id)), shown, "{id}");
    }
    let ink = "getComputedStyle(document.documentElement).getPropertyValue('--paper')";
    assert_eq!(browser.ask(ink), "#fff");
    browser.has_no_complaints();
}

#[test]
fn a_recording_in_which_nothing_happened_is_a_page_too() {
    let page = Page::of("nothing", &invented::Invented::default().recorded(10 * invented::MS));
    let mut browser = page.open();
    browser.press("/");
    browser.write("x");
    browser.press("Enter");
    assert!(browser.text("range").contains("no lanes"));
    browser.has_no_complaints();
}

/// A fact of each kind, with times, names and numbers that cannot be.
const ODD: &[u8] = include_bytes!("../../src/recording/tests/version1.trec");

#[test]
fn what_cannot_be_is_shown_without_a_complaint() {
    let page = Page::of("odd", ODD);
    let mut browser = page.open();
    for key in ["ArrowDown", "Enter", "Escape", "+", "+", "ArrowRight", "-", "0"] {
        browser.ask("document.getElementById('timeline').focus()");
        browser.press(key);
    }
    assert!(!browser.text("processes").is_empty());
    browser.has_no_complaints();
}

#[test]
fn fifty_thousand_processes_are_drawn_and_searched() {
    let recording = invented::build(50_000);
    let page = Page::of("many", &recording);
    let mut browser = page.open();
    let drawn = browser.ask("performance.getEntriesByName('drawn')[0].startTime");
    let drawn = drawn.as_f64().expect("a time");
    let size = fs::metadata(&page.0).expect("the page").len();
    println!("50,000 processes: {size} bytes, drawn after {drawn:.0} ms");
    assert!(size < 8_000_000 && drawn < 10_000.0, "{size} {drawn}");
    browser.screenshot("many.png");
    browser.whole_screenshot("many-whole.png");
    assert!(browser.text("range").contains("of 50002"), "{}", browser.text("range"));
    browser.press("/");
    browser.write("26000");
    browser.press("Enter");
    assert!(browser.text("story").contains("sh (26000)"), "{}", browser.text("story"));
    let row = lane(&mut browser, 26_000);
    let place = place(&mut browser, row, 15.02e9);
    browser.zoom(place, -1500.0);
    browser.screenshot("many-zoomed.png");
    browser.prefers("dark");
    browser.screenshot("many-dark.png");
    browser.has_no_complaints();
}
