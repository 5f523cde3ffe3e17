//! `tracer top` of the running machine, on a terminal.

use std::process::Command;

use nix::sys::signal::{Signal, kill};
use vt100::MouseProtocolMode;

use crate::{
    common::terminal::Terminal,
    story::{Partner, hooks, tracer},
};

fn top(options: &[&str]) -> Terminal {
    let mut command = tracer();
    command.args(["top", "--hooks", &hooks()]).args(options);
    Terminal::start(&mut command, 100, 30)
}

/// The row of a parent: its columns.
fn row(shown: &str, pid: u32) -> Option<Vec<String>> {
    let columns = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    shown.lines().map(columns).find(|row| row.first() == Some(&pid.to_string()))
}

#[test]
fn a_parent_that_leaks_is_named_with_its_figures_and_its_story() {
    let partner = Partner::start(&["crowd", "leaks"], 1);
    let pid = partner.pid();
    let mut terminal = top(&[]);
    terminal.shows(" LIVE ");
    terminal.types(&format!("/{pid}\r"));
    let number = |text: &str| text.parse::<f64>().expect("a number");
    let shown = terminal.until("it is known for what it is", |shown| {
        row(shown, pid).is_some_and(|row| {
            row[7..] == ["leaks", "parent_never_waits"] && number(&row[2]) > 50.0
        })
    });
    let row = row(&shown, pid).expect("a row");
    assert_eq!((row[1].as_str(), row[5].as_str(), row[6].as_str()), ("fixture", "0.0", "-"));
    // One every tenth of a second, and what a machine under load adds to it.
    assert!((3.0..=10.5).contains(&number(&row[4])), "{shown}");
    // Broken into lines as it fits.
    let words = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(&format!("kill {pid} ENDS THE PARENT")), "{shown}");
    terminal.types("\r");
    terminal.until("its story has that of its children", |shown| {
        let parts = [&*format!("STORY of fixture ({pid})"), "└ fixture (", "unreaped"];
        parts.iter().all(|part| shown.contains(part))
    });
    terminal.types("2");
    terminal.until("the tree has its zombies together", |shown| {
        shown.contains("fixture  ") && shown.contains(" more zombies")
    });
    terminal.quit();
}

#[test]
fn a_picture_that_is_paused_stays_and_nothing_is_missed_meanwhile() {
    let partner = Partner::start(&["crowd", "leaks"], 1);
    let pid = partner.pid();
    let mut terminal = top(&["--pid", &pid.to_string()]);
    let zombies = |shown: &str| row(shown, pid)?.get(2)?.parse::<u64>().ok();
    terminal.until("there are some", |shown| zombies(shown).is_some());
    terminal.types("p");
    terminal.shows(" PAUSED ");
    let paused = terminal.settled();
    let written = terminal.bytes().len();
    terminal.settled();
    assert_eq!(terminal.bytes().len(), written, "what is as it was is not drawn again");
    terminal.types("p");
    let before = zombies(&paused).expect("a row");
    let many = |shown: &str| zombies(shown).is_some_and(|now| now > before + 5);
    terminal.until("they are there at once", many);
    terminal.quit();
}

#[test]
fn losses_are_in_red() {
    let mut partner = Partner::start(&["storm"], 0);
    let terminal = top(&["--ring-size", "4096", "--pid", &partner.pid().to_string()]);
    terminal.shows(" LIVE ");
    // Its reader sleeps meanwhile, and takes the terminal again.
    kill(terminal.pid(), Signal::SIGSTOP).expect("kill");
    partner.go();
    partner.listen(1);
    kill(terminal.pid(), Signal::SIGCONT).expect("kill");
    let shown = terminal.shows("LOST ");
    assert!(shown.contains("(ring buffer full: try a larger --ring-size)"), "{shown}");
    let row = shown.lines().position(|line| line.starts_with("LOST")).expect("a row") as u16;
    let cell = |screen: &vt100::Screen| screen.cell(row, 0).expect("a cell").clone();
    assert_eq!(terminal.ask(cell).fgcolor(), vt100::Color::Idx(1));
    terminal.quit();
}

/// Lives for which the default ring has no room, were it not read.
const STORM: u64 = 40_000;

#[test]
fn a_terminal_that_takes_nothing_loses_nothing_and_holds_up_no_signal() {
    let mut partner = Partner::start(&["storm", &STORM.to_string()], 0);
    let pid = partner.pid().to_string();
    let mut terminal = top(&["--pid", &pid]);
    terminal.shows(" LIVE ");
    terminal.is_left_unread("21");
    partner.go();
    partner.listen(2);
    assert!(!terminal.has_room());
    terminal.is_read_again();
    terminal.types("1");
    // Of the chosen row: how many were made, how many reaped.
    let counted = |shown: &str| -> Option<[u64; 2]> {
        let words: Vec<&str> = shown.split_whitespace().collect();
        let at = words.iter().position(|word| *word == "made,")?;
        Some([words[at - 1].parse().ok()?, words[at + 1].parse().ok()?])
    };
    // What the kernel itself may leave out is no tenth.
    let is_all = |count: u64| count * 10 >= STORM * 9;
    let shown = terminal.until("all are made and reaped", |shown| {
        counted(shown).is_some_and(|counts| counts.into_iter().all(is_all))
    });
    let lost = shown.split_once("LOST ").map_or(0, |(_, lost)| {
        lost.split_whitespace().next().expect("a count").parse().expect("a number")
    });
    assert!(lost * 10 <= STORM, "{shown}");
    terminal.is_left_unread("21");
    kill(terminal.pid(), Signal::SIGTERM).expect("kill");
    assert_eq!(terminal.exits().code(), Some(0));
    terminal.is_read_again();
    terminal.ends();
    terminal.is_given_back();
    partner.kill();
}

#[test]
fn a_signal_ends_it_and_leaves_the_terminal_as_it_was() {
    for signal in [Signal::SIGTERM, Signal::SIGHUP] {
        let mut terminal = top(&[]);
        terminal.shows(" LIVE ");
        terminal.resize(140, 40);
        terminal.until("it is wider", |shown| shown.contains(&"─".repeat(140)));
        kill(terminal.pid(), signal).expect("kill");
        assert_eq!(terminal.ends().code(), Some(0));
        terminal.is_given_back();
        assert_eq!(terminal.text().trim(), "", "nothing is left on it");
    }
}

#[test]
fn a_shell_suspends_it_and_lets_it_go_on() {
    let mut shell = Command::new("bash");
    shell.args(["--norc", "--noprofile", "-i"]).env("PS1", "ready>").env("HISTFILE", "");
    let mut terminal = Terminal::start(&mut shell, 100, 30);
    terminal.shows("ready>");
    let line = format!("{} top --mouse --hooks {}\r", env!("CARGO_BIN_EXE_tracer"), hooks());
    terminal.types(&line);
    terminal.shows(" LIVE ");
    terminal.types("\x1a");
    terminal.shows("Stopped");
    assert!(terminal.ask(|screen| !screen.alternate_screen() && !screen.hide_cursor()));
    let mouse = |terminal: &Terminal| terminal.ask(vt100::Screen::mouse_protocol_mode);
    assert_eq!(mouse(&terminal), MouseProtocolMode::None);
    terminal.types("stty -a | tr ';' '\\n' | grep -c -e '-icanon' -e '-echo '; echo s$?s\r");
    terminal.shows("s1s");
    terminal.types("fg\r");
    terminal.shows(" LIVE ");
    assert_eq!(mouse(&terminal), MouseProtocolMode::PressRelease);
    terminal.types("q");
    terminal.until("its fourth prompt", |shown| shown.matches("ready>").count() == 4);
    terminal.types("exit\r");
    assert!(terminal.ends().success());
    terminal.is_given_back();
}
