//! The terminal after a panic, in a process of its own.

use std::{
    fs::File,
    io::Read as _,
    os::fd::OwnedFd,
    process::{Command, Stdio},
};

use nix::{
    pty::{Winsize, openpty},
    sys::termios::{LocalFlags, tcgetattr},
};

use super::Screen;

/// Asks the test below to be the one that panics.
const PANICS: &str = "TRACER_TEST_PANICS";

#[test]
fn a_panic_is_told_on_a_terminal_that_is_as_it_was() {
    if std::env::var_os(PANICS).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let _inside = runtime.enter();
        let _screen = Screen::open(true).expect("a terminal");
        panic!("as if something were wrong");
    }
    let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    let pty = openpty(&size, None).expect("a terminal");
    let before = tcgetattr(&pty.slave).expect("its settings");
    let own = |fd: &OwnedFd| Stdio::from(fd.try_clone().expect("a copy"));
    let name = "top::screen::tests::a_panic_is_told_on_a_terminal_that_is_as_it_was";
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args([name, "--exact", "--nocapture", "--test-threads=1"]).env(PANICS, "1");
    command.stdin(own(&pty.slave)).stdout(own(&pty.slave)).stderr(own(&pty.slave));
    let status = command.status().expect("it runs");
    assert!(!status.success());
    let after = tcgetattr(&pty.slave).expect("its settings");
    assert!(after.local_flags.contains(LocalFlags::ECHO | LocalFlags::ICANON));
    assert_eq!(before, after);
    drop((command, pty.slave));
    let mut told = Vec::new();
    // A terminal whose other end is closed says so by an error.
    let _ = File::from(pty.master).read_to_end(&mut told);
    let told = String::from_utf8_lossy(&told);
    let place = |part: &str| told.find(part).unwrap_or_else(|| panic!("{part:?} in {told:?}"));
    assert!(place("\x1b[?1049h") < place("\x1b[?1049l"));
    assert!(place("\x1b[?1049l") < place("as if something were wrong"));
    assert!(place("\x1b[?25l") < place("\x1b[?25h"));
    assert!(place("\x1b[?1000h") < place("\x1b[?1000l"));
}
