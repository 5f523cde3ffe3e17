//! `tracer top` on a terminal: what is on the screen of a recording, and what is left of it.

use std::{fs, path::PathBuf, process::Command};

use nix::sys::signal::{Signal, kill};

use tracer::lifecycle::filter::Asked;

use super::program::unprivileged;
use crate::{common::terminal::Terminal, invented};

mod mouse;
pub(crate) mod story;

/// Writes the screens that these tests expect as they are now.
const WRITE: &str = "TRACER_WRITE_SCREENS";

/// A recording, removed when the test is over.
struct File(PathBuf);

impl File {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let file = std::env::temp_dir().join(format!("tracer-{}-top-{name}", std::process::id()));
        fs::write(&file, bytes).expect("a file");
        Self(file)
    }

    fn top(&self, options: &[&str]) -> Command {
        let mut arguments = vec!["top", "--from", self.0.to_str().expect("UTF-8")];
        arguments.extend(options);
        let mut command = unprivileged(&arguments);
        command.env_remove("NO_COLOR");
        command
    }

    /// At its end, at once.
    fn end(&self, columns: u16, rows: u16) -> Terminal {
        let terminal = Terminal::start(&mut self.top(&["--speed", "1000000"]), columns, rows);
        terminal.shows(" END ");
        terminal
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// The screen is the one that is kept under this name.
#[track_caller]
fn is(name: &str, terminal: &Terminal) {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/cli/top/{name}.txt"));
    if std::env::var_os(WRITE).is_some() {
        fs::write(&file, terminal.settled()).expect("the sources can be written");
    }
    let expected = fs::read_to_string(&file).expect("a screen");
    terminal.until(&format!("it is {name}:\n{expected}\nbut is"), |shown| shown == expected);
}

/// The colours that are set, in what was written.
fn colors(terminal: &Terminal) -> Vec<String> {
    let bytes = terminal.bytes();
    let text = String::from_utf8_lossy(&bytes);
    let codes = text.split("\x1b[").skip(1).filter_map(|rest| {
        let end = rest.find(|last: char| !last.is_ascii_digit() && last != ';')?;
        rest[end..].starts_with('m').then(|| rest[..end].to_owned())
    });
    // 39 and 49 are what the terminal has without any.
    let is_color = |code: &&str| {
        let number = code.parse::<u32>().unwrap_or(0);
        matches!(number, 30..=38 | 40..=48 | 90..=107)
    };
    codes.filter(|code| code.split(';').any(|one| is_color(&one))).collect()
}

#[test]
fn each_view_is_readable_on_a_small_terminal() {
    let file = File::new("views", &story::recording(0));
    let mut terminal = file.end(80, 24);
    is("parents", &terminal);
    for (key, name) in [("2", "tree"), ("\t", "zombies"), ("4", "adopters"), ("\x1b[Z1\r", "story")]
    {
        terminal.types(key);
        is(name, &terminal);
    }
    terminal.types("?");
    is("help", &terminal);
    terminal.quit();
}

#[test]
fn a_wide_terminal_has_the_causes_too() {
    let file = File::new("wide", &story::recording(0));
    let terminal = file.end(140, 40);
    is("parents_wide", &terminal);
    terminal.quit();
}

#[test]
fn a_zombie_has_a_story_of_its_own_with_what_to_do() {
    let file = File::new("zombie", &story::recording(0));
    let mut terminal = file.end(80, 24);
    terminal.types("2/35700\r");
    is("tree_of_one", &terminal);
    // It is what is chosen, not who is above it.
    terminal.types("\r");
    is("story_of_a_zombie", &terminal);
    // Back to the row, and to all rows.
    terminal.types("\x1b");
    terminal.shows("PROCESS");
    terminal.types("\x1b");
    terminal.shows("and 1997 more zombies");
    terminal.quit();
}

#[test]
fn a_story_has_the_types_of_events_that_are_asked_for() {
    let file = File::new("types", &story::recording(0));
    let options = ["--speed", "1000000", "--type", "fork,reap"];
    let mut terminal = Terminal::start(&mut file.top(&options), 80, 24);
    terminal.shows(" END 22:30:");
    terminal.types("/lazyd\r\r");
    is("story_of_types", &terminal);
    terminal.types("\x1b");
    terminal.shows("COMM");
    terminal.types("\x1b");
    terminal.shows("worker");
    terminal.types("2/30001\r\r");
    let shown = terminal.shows("STORY of job (30001)");
    // What to do about it is said all the same.
    assert!(shown.contains("it must call waitpid"), "{shown}");
    terminal.quit();
}

#[test]
fn who_has_ended_has_no_row_but_a_story() {
    let file = File::new("ended", &invented::leaker_that_ends(Asked::default()));
    let mut terminal = file.end(80, 24);
    terminal.types("/leak\r");
    let shown = terminal.shows("no parent matches");
    assert!(!shown.contains("Enter opens"), "{shown}");
    terminal.types("\r\x1b");
    terminal.shows("init (1): ");
    terminal.types("/300\r");
    terminal.shows("no parent matches\n Enter opens the story of leaker (300)\n");
    terminal.types("2");
    terminal.shows("no process matches\n Enter opens the story of leaker (300)\n");
    terminal.types("\r");
    let shown = terminal.shows("STORY of leaker (300), child of 1\n");
    assert!(
        shown.contains("exit 0 after 2.99s") && shown.contains("reaped by init (1)"),
        "{shown}"
    );
    terminal.types("\x1b");
    terminal.shows("no process matches");
    terminal.types("/\x7f1\r\r");
    let shown = terminal.shows("STORY of leaker (301), child of 1\n");
    assert!(shown.contains("orphan of leaker (300) adopted by init (1)"), "{shown}");
    terminal.quit();
}

#[test]
fn an_adopter_that_a_filter_leaves_out_has_the_story_of_its_children() {
    let asked = Asked { comms: vec!["leaker".to_owned()], ..Asked::default() };
    let file = File::new("stranger", &invented::leaker_that_ends(asked));
    let mut terminal = file.end(80, 24);
    terminal.types("4\r");
    let shown = terminal.shows("STORY of init (1)");
    assert!(shown.contains("reap        └ leaker (301): zombie for 2.97s"), "{shown}");
    terminal.quit();
}

#[test]
fn where_nobody_is_left_it_says_no_more_than_that() {
    let file = File::new("nobody", &invented::Invented::default().recorded(invented::MS));
    let mut terminal = file.end(80, 24);
    terminal.shows("no parent that is still there has had a zombie\n");
    terminal.types("2");
    terminal.shows("no process is there\n");
    terminal.types("4");
    terminal.shows("nobody who is still there has adopted an orphan\n");
    terminal.types("/1\r");
    terminal.shows("no adopter matches\n");
    terminal.quit();
    let options = ["--speed", "1000000", "--min-zombie", "10s"];
    let terminal = Terminal::start(&mut file.top(&options), 80, 24);
    terminal.shows("no parent has a zombie of 10.0s or more\n");
    terminal.quit();
}

#[test]
fn a_zombie_that_nothing_explains_has_an_unknown_cause() {
    let mut all = invented::Invented::default();
    all.found(1, 0, "init", None);
    all.fork(invented::MS, 200, 1);
    for child in [201, 202] {
        all.fork(2 * invented::MS, child, 200);
        all.die(3 * invented::MS, child, 200, 0, 1);
    }
    all.reap(4 * invented::MS, 201, 200);
    let file = File::new("unexplained", &all.recorded(5000 * invented::MS));
    let terminal = file.end(80, 24);
    let shown = terminal.shows("it reaps late; 1 zombie, the oldest init (202)");
    assert!(shown.contains("\ncause unknown: init does wait, but has not got to"), "{shown}");
    terminal.quit();
}

#[test]
fn rows_are_sorted_filtered_and_stay_chosen() {
    let file = File::new("rows", &story::recording(0));
    let mut terminal = file.end(80, 24);
    let first = |shown: &str| shown.lines().nth(4).unwrap_or_default().to_owned();
    terminal.types("r");
    let shown = terminal.shows("by zombies, least first");
    assert!(!first(&shown).contains("worker"), "{shown}");
    terminal.types("rs");
    terminal.shows("by oldest");
    terminal.types("sss");
    terminal.until("tini is first", |shown| first(shown).contains("tini"));
    // What is typed while a filter is typed is no key.
    terminal.types("/lq\x7fazy");
    let shown = terminal.shows("/lazy_");
    assert!(first(&shown).contains("lazyd") && !shown.contains("worker"), "{shown}");
    terminal.types("\r");
    terminal.shows("lazyd (512): it reaps late");
    terminal.types("\x1b");
    terminal.until("all are back", |shown| shown.contains("worker"));
    // The fourth row, by adopted, stays chosen when it is another one.
    terminal.types("\x1b[6~");
    let row = |terminal: &Terminal| {
        terminal.ask(|screen| {
            (4..17).find(|row| screen.cell(*row, 0).is_some_and(vt100::Cell::inverse))
        })
    };
    let last = terminal.settled();
    let before = row(&terminal).expect("a row is chosen");
    let name = last.lines().nth(usize::from(before)).expect("a row").to_owned();
    terminal.types("r");
    let turned = terminal.settled();
    let after = row(&terminal).expect("a row is chosen");
    assert!(before != after, "{turned}");
    assert_eq!(turned.lines().nth(usize::from(after)), Some(name.as_str()));
    terminal.quit();
}

#[test]
fn what_was_lost_is_in_red() {
    let file = File::new("lost", &story::recording(123));
    let terminal = file.end(80, 24);
    let shown = terminal.shows("LOST 123 records (ring buffer full: try a larger --ring-size)");
    let row = shown.lines().position(|line| line.starts_with("LOST")).expect("a row") as u16;
    terminal.ask(|screen| {
        let cell = screen.cell(row, 0).expect("a cell");
        assert!(cell.fgcolor() == vt100::Color::Idx(1) && cell.inverse(), "{cell:?}");
    });
    terminal.quit();
}

#[test]
fn without_colours_it_says_the_same() {
    let file = File::new("colors", &story::recording(123));
    let colored = file.end(80, 24);
    let shown = colored.settled();
    assert!(!colors(&colored).is_empty());
    colored.quit();
    let mut command = file.top(&["--speed", "1000000"]);
    let mut plain = Terminal::start(command.env("NO_COLOR", "1"), 80, 24);
    plain.until("it says the same", |now| now == shown);
    for key in ["2", "3", "4", "1\r", "?"] {
        plain.types(key);
        plain.settled();
    }
    assert_eq!(colors(&plain), [""; 0]);
    plain.quit();
}

#[test]
fn a_terminal_may_become_another_size_or_too_small() {
    let file = File::new("size", &story::recording(0));
    let mut terminal = file.end(80, 24);
    is("parents", &terminal);
    terminal.resize(140, 40);
    is("parents_wide", &terminal);
    for (columns, rows) in [(79, 24), (80, 23), (20, 5), (1, 1)] {
        terminal.resize(columns, rows);
        if columns > 1 {
            let told = format!(
                "tracer top needs 80 columns and 24 rows, has {columns} and {rows}; q quits"
            );
            terminal.until(&told, |shown| {
                shown.split_whitespace().collect::<Vec<_>>().join(" ") == told
            });
        }
        terminal.types("2134\r");
    }
    terminal.resize(80, 24);
    terminal.shows("tracer top  crowded");
    // Not before: keys that come with the signal of a new size are read with the next ones (crossterm 0.29,
    // event/source/unix/mio.rs, takes the signal and leaves the terminal's edge).
    terminal.types("\x1b1");
    is("parents", &terminal);
    terminal.quit();
}

#[test]
fn a_recording_goes_on_event_by_event_or_by_the_clock() {
    let file = File::new("speed", &story::recording(0));
    let mut terminal = Terminal::start(&mut file.top(&["--speed", "0"]), 80, 24);
    terminal.shows("PAUSED 22:30:00");
    terminal.types("2");
    terminal.shows("PROCESS");
    terminal.types("nnn");
    terminal.shows("└ task");
    assert!(terminal.settled().contains("PAUSED 22:30:00"), "its clock stands still");
    terminal.types("+++++p");
    terminal.shows("REPLAY x32");
    terminal.shows(" END 22:30:21");
    terminal.quit();
}

#[test]
fn a_damaged_recording_is_shown_as_far_as_it_goes_and_fails() {
    let whole = story::recording(0);
    let file = File::new(&"damaged".repeat(20), &whole[..whole.len() / 2]);
    let mut terminal = Terminal::start(&mut file.top(&["--speed", "1000000"]), 80, 24);
    let shown = terminal.shows(" DAMAGED 22:30:");
    assert!(shown.contains("\nit is cut off in the middle of a frame (byte "), "{shown}");
    assert!(shown.contains("worker"), "{shown}");
    terminal.types("q");
    assert_eq!(terminal.ends().code(), Some(1));
    terminal.is_given_back();
    // On the screen that stays.
    assert!(terminal.text().contains("is cut off in the middle"), "{}", terminal.text());
}

#[test]
fn however_it_ends_the_terminal_is_as_it_was() {
    let file = File::new("ends", &story::recording(0));
    let mut shown = File::end(&file, 80, 24);
    assert_ne!(shown.before, shown.settings());
    assert!(shown.ask(|screen| screen.alternate_screen() && screen.hide_cursor()));
    shown.types("\x03");
    assert_eq!(shown.ends().code(), Some(0));
    shown.is_given_back();
    assert_eq!(shown.text().trim(), "", "nothing is left on it");
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT] {
        let mut terminal = file.end(80, 24);
        kill(terminal.pid(), signal).expect("kill");
        assert_eq!(terminal.ends().code(), Some(0), "{signal}");
        terminal.is_given_back();
    }
}

#[test]
fn a_terminal_that_takes_nothing_is_not_waited_for() {
    let file = File::new("unread", &story::recording(0));
    let mut terminal = file.end(80, 24);
    terminal.is_left_unread("21");
    terminal.types("3");
    terminal.is_read_again();
    is("zombies", &terminal);
    terminal.types("2");
    terminal.is_left_unread("21");
    terminal.types("q");
    assert_eq!(terminal.exits().code(), Some(0));
    terminal.is_read_again();
    terminal.ends();
    terminal.is_given_back();
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        let options = ["--speed", "1000000", "--mouse"];
        let mut terminal = Terminal::start(&mut file.top(&options), 80, 24);
        terminal.shows(" END 22:30:");
        terminal.is_left_unread("21");
        kill(terminal.pid(), signal).expect("kill");
        assert_eq!(terminal.exits().code(), Some(0), "{signal}");
        // What it wrote last is there for whoever reads it later.
        terminal.is_read_again();
        terminal.ends();
        terminal.is_given_back();
    }
}

#[test]
fn keys_come_from_the_terminal_where_a_recording_does_not() {
    let file = File::new("stdin", &story::recording(0));
    let mut shell = Command::new("sh");
    let line = "exec \"$0\" top --speed 1e300 --from - <\"$1\"";
    shell.args(["-c", line, env!("CARGO_BIN_EXE_tracer")]).arg(&file.0);
    let mut terminal = Terminal::start(&mut shell, 80, 24);
    terminal.shows(" END 22:30:");
    terminal.types("2");
    terminal.shows("PROCESS");
    terminal.quit();
}

#[test]
fn who_may_not_trace_is_told_so_before_anything_is_drawn() {
    let mut terminal = Terminal::start(&mut unprivileged(&["top"]), 80, 24);
    assert_eq!(terminal.ends().code(), Some(4));
    terminal.is_given_back();
    let told = terminal.text();
    assert!(told.contains("needs root") && told.contains("remedy: "), "{told}");
    assert!(!String::from_utf8_lossy(&terminal.bytes()).contains('\x1b'), "nothing was drawn");
}

#[test]
fn what_is_no_recording_is_refused_before_anything_is_drawn() {
    let file = File::new("none", b"{}\n");
    let mut terminal = Terminal::start(&mut file.top(&[]), 80, 24);
    assert_eq!(terminal.ends().code(), Some(1));
    let told = String::from_utf8_lossy(&terminal.bytes()).into_owned();
    assert!(told.contains("is no recording") && !told.contains('\x1b'), "{told}");
}
