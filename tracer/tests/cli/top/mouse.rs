//! The mouse, as terminals tell of it (SGR), and a terminal that no longer does afterwards.

use nix::sys::signal::{Signal, kill};
use vt100::{Cell, MouseProtocolEncoding, MouseProtocolMode};

use super::{File, is, story};
use crate::common::terminal::Terminal;

fn start(file: &File) -> Terminal {
    let options = ["--speed", "1000000", "--mouse"];
    let terminal = Terminal::start(&mut file.top(&options), 80, 24);
    terminal.shows(" END 22:30:");
    terminal
}

fn mode(terminal: &Terminal) -> MouseProtocolMode {
    terminal.ask(vt100::Screen::mouse_protocol_mode)
}

/// A button goes down on this, and up again.
#[track_caller]
fn click(terminal: &mut Terminal, part: &str) {
    let shown = terminal.shows(part);
    let (row, line) = shown
        .lines()
        .zip(1..)
        .map(|(line, row)| (row, line))
        .find(|(_, line)| line.contains(part))
        .expect("a row");
    let column = line[..line.find(part).expect("a column")].chars().count() + 1;
    terminal.types(&format!("\x1b[<0;{column};{row}M\x1b[<0;{column};{row}m"));
}

#[test]
fn a_click_chooses_a_row_a_column_to_sort_by_and_a_view() {
    let file = File::new("mouse", &story::recording(0));
    let mut terminal = start(&file);
    let told = |screen: &vt100::Screen| screen.mouse_protocol_encoding();
    assert_eq!(terminal.ask(told), MouseProtocolEncoding::Sgr);
    click(&mut terminal, "lazyd");
    terminal.shows("lazyd (512): it reaps late");
    click(&mut terminal, "REAPED/s");
    terminal.shows("by reaped/s  mouse");
    click(&mut terminal, "REAPED/s");
    terminal.shows("by reaped/s, least first  mouse");
    is("mouse", &terminal);
    click(&mut terminal, "4 adopters");
    // It has no such column.
    terminal.shows("by adopted, least first  mouse");
    click(&mut terminal, "ZOMBIES");
    terminal.shows("by zombies  mouse");
    click(&mut terminal, "2 tree");
    click(&mut terminal, "30001 zombie");
    terminal.types("\r");
    terminal.shows("STORY of job (30001)");
    terminal.types("?");
    click(&mut terminal, "3 zombies");
    terminal.shows("STANDING NOW");
    terminal.quit();
}

#[test]
fn the_wheel_goes_through_rows_and_a_story() {
    let file = File::new("wheel", &story::recording(0));
    let mut terminal = start(&file);
    let chosen = |terminal: &Terminal| {
        terminal.settled();
        terminal.ask(|screen| (4..17).find(|row| screen.cell(*row, 0).is_some_and(Cell::inverse)))
    };
    let (up, down) = ("\x1b[<64;9;9M", "\x1b[<65;9;9M");
    assert_eq!(chosen(&terminal), Some(4));
    terminal.types(down);
    assert_eq!(chosen(&terminal), Some(7));
    terminal.types(&[down, up, up].concat());
    assert_eq!(chosen(&terminal), Some(4), "no further than there are rows");
    terminal.types("\r");
    let end = terminal.settled();
    assert!(end.contains("STORY of worker"), "{end}");
    terminal.types(up);
    let up_three = terminal.settled();
    let last = |shown: &str, from_end: usize| shown.lines().rev().nth(from_end).map(str::to_owned);
    assert_eq!(last(&up_three, 1), last(&end, 4), "{up_three}\n{end}");
    terminal.types(down);
    terminal.until("it is at its end again", |shown| shown == end);
    terminal.quit();
}

#[test]
fn it_is_left_to_select_text_unless_asked_for_and_afterwards() {
    let file = File::new("select", &story::recording(0));
    let mut plain = file.end(80, 24);
    assert_eq!(mode(&plain), MouseProtocolMode::None);
    plain.types("m");
    plain.shows("by zombies  mouse");
    assert_eq!(mode(&plain), MouseProtocolMode::PressRelease);
    plain.types("m");
    plain.until("it is off", |shown| !shown.contains("mouse"));
    assert_eq!(mode(&plain), MouseProtocolMode::None);
    plain.quit();
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT] {
        let mut terminal = start(&file);
        assert_eq!(mode(&terminal), MouseProtocolMode::PressRelease);
        kill(terminal.pid(), signal).expect("kill");
        assert_eq!(terminal.ends().code(), Some(0), "{signal}");
        terminal.is_given_back();
    }
}
