//! A terminal of its own for a program, and what is on its screen.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    num::NonZeroU16,
    os::{
        fd::{AsRawFd as _, OwnedFd},
        unix::process::CommandExt as _,
    },
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use nix::{
    libc,
    pty::{Winsize, openpty},
    sys::{
        signal::{Signal, kill},
        termios::{Termios, tcgetattr},
    },
    unistd::{Pid, setsid},
};
use vt100::{MouseProtocolMode, Parser, Screen};

/// No screen of these tests takes so long.
const PATIENCE: Duration = Duration::from_mins(1);

/// What the program has written.
struct Written {
    bytes: Vec<u8>,
    parser: Parser,
    is_closed: bool,
    /// Nobody reads what is written next.
    is_unread: bool,
}

/// A program on its terminal.
pub(crate) struct Terminal {
    child: Child,
    keys: File,
    /// The program's end, kept to look at its settings.
    line: OwnedFd,
    written: Arc<(Mutex<Written>, Condvar)>,
    /// Its settings before.
    pub(crate) before: Termios,
}

fn size(columns: u16, rows: u16) -> Winsize {
    Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

fn cells(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).expect("a size")
}

impl Terminal {
    pub(crate) fn start(command: &mut Command, columns: u16, rows: u16) -> Self {
        let pty = openpty(&size(columns, rows), None).expect("a terminal");
        let before = tcgetattr(&pty.slave).expect("its settings");
        let end = || Stdio::from(pty.slave.try_clone().expect("a copy"));
        command.stdin(end()).stdout(end()).stderr(end()).env("TERM", "xterm").env("TZ", "UTC");
        // SAFETY: between fork and exec, system calls.
        unsafe {
            command.pre_exec(|| {
                setsid()?;
                // Whoever runs the tests may ignore them, as nohup and the background of a shell do.
                for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT] {
                    libc::signal(signal, libc::SIG_DFL);
                }
                // The terminal that its standard input is becomes the one that controls it.
                if libc::ioctl(0, libc::TIOCSCTTY, 0) == 0 {
                    Ok(())
                } else {
                    Err(std::io::Error::last_os_error())
                }
            });
        }
        let child = command.spawn().expect("it starts");
        let parser = Parser::new(cells(rows), cells(columns), 0);
        let written = Written { bytes: Vec::new(), parser, is_closed: false, is_unread: false };
        let written = Arc::new((Mutex::new(written), Condvar::new()));
        let screen = File::from(pty.master);
        let keys = screen.try_clone().expect("a copy");
        read(screen, Arc::clone(&written));
        Self { child, keys, line: pty.slave, written, before }
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.0.lock().expect("the reader has not panicked")
    }

    /// Every byte that was written.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.written().bytes.clone()
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id() as i32)
    }

    /// The rows of the screen, without the blanks at their ends.
    pub(crate) fn text(&self) -> String {
        text(self.written().parser.screen())
    }

    /// Asks for something of the screen.
    pub(crate) fn ask<T>(&self, what: impl FnOnce(&Screen) -> T) -> T {
        what(self.written().parser.screen())
    }

    /// Looks at the screen until it is so.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut written = self.written();
        loop {
            let shown = text(written.parser.screen());
            if is_so(&shown) {
                return shown;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || written.is_closed {
                drop(written);
                panic!("waited until {what}:\n{shown}");
            }
            written = self.written.1.wait_timeout(written, left).expect("the reader").0;
        }
    }

    /// The screen once nothing more is written to it.
    pub(crate) fn settled(&self) -> String {
        let mut written = self.written();
        loop {
            let length = written.bytes.len();
            let pause = Duration::from_secs(1);
            let told =
                self.written.1.wait_timeout_while(written, pause, |now| now.bytes.len() == length);
            let waited;
            (written, waited) = told.expect("the reader");
            if waited.timed_out() {
                return text(written.parser.screen());
            }
        }
    }

    /// Until this is on it.
    #[track_caller]
    pub(crate) fn shows(&self, part: &str) -> String {
        self.until(part, |shown| shown.contains(part))
    }

    pub(crate) fn types(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("it takes keys");
    }

    /// Leaves what it writes unread until the terminal takes no more, which keys make it write.
    #[track_caller]
    pub(crate) fn is_left_unread(&mut self, keys: &str) {
        self.written().is_unread = true;
        let deadline = Instant::now() + PATIENCE;
        while self.has_room() {
            assert!(Instant::now() < deadline, "it writes nothing");
            self.types(keys);
            let a_moment = Duration::from_millis(50);
            drop(self.written.1.wait_timeout(self.written(), a_moment));
        }
    }

    /// Reads on.
    pub(crate) fn is_read_again(&self) {
        self.written().is_unread = false;
        self.written.1.notify_all();
    }

    /// Whether the terminal takes something.
    pub(crate) fn has_room(&self) -> bool {
        let mut asked =
            libc::pollfd { fd: self.line.as_raw_fd(), events: libc::POLLOUT, revents: 0 };
        // SAFETY: the descriptor is open, and what is asked outlives the call.
        let answers = unsafe { libc::poll(&raw mut asked, 1, 0) };
        assert!(answers >= 0, "{}", std::io::Error::last_os_error());
        answers > 0
    }

    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        self.written().parser.screen_mut().set_size(cells(rows), cells(columns));
        let size = size(columns, rows);
        // SAFETY: the descriptor is open, and the size outlives the call.
        let done = unsafe { libc::ioctl(self.line.as_raw_fd(), libc::TIOCSWINSZ, &size) };
        assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
    }

    pub(crate) fn settings(&self) -> Termios {
        tcgetattr(&self.line).expect("its settings")
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn exits(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("it is ours") {
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end");
            let look_again = Duration::from_millis(20);
            drop(self.written.1.wait_timeout(self.written(), look_again));
        }
    }

    /// Waits for its end, and for all that it wrote.
    #[track_caller]
    pub(crate) fn ends(&mut self) -> ExitStatus {
        let status = self.exits();
        let deadline = Instant::now() + PATIENCE;
        // Not shown, and what it wrote last comes before.
        let mark = b"\x1b[4711z";
        File::from(self.line.try_clone().expect("a copy")).write_all(mark).expect("a mark");
        let mut written = self.written();
        while !written.bytes.ends_with(mark) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "what it wrote last");
            written = self.written.1.wait_timeout(written, left).expect("the reader").0;
        }
        let rest = written.bytes.len() - mark.len();
        written.bytes.truncate(rest);
        status
    }

    /// Ends it by the key for that; the terminal is as it was.
    #[track_caller]
    pub(crate) fn quit(mut self) {
        self.types("q");
        assert!(self.ends().success());
        self.is_given_back();
    }

    /// The terminal is as it was before.
    #[track_caller]
    pub(crate) fn is_given_back(&self) {
        assert_eq!(self.before, self.settings());
        self.ask(|screen| {
            assert!(!screen.alternate_screen() && !screen.hide_cursor());
            assert!(!screen.bold() && !screen.inverse());
            assert_eq!(screen.mouse_protocol_mode(), MouseProtocolMode::None);
        });
    }
}

/// A test that fails leaves no program behind.
impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = kill(self.pid(), Signal::SIGKILL);
        let _ = self.child.wait();
    }
}

fn text(screen: &Screen) -> String {
    let (_, columns) = screen.size();
    let rows: Vec<String> = screen.rows(0, columns.get()).collect();
    rows.iter().flat_map(|row| [row.trim_end(), "\n"]).collect()
}

fn read(mut screen: File, written: Arc<(Mutex<Written>, Condvar)>) {
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        loop {
            let read = screen.read(&mut buffer).unwrap_or(0);
            let now = written.0.lock().expect("nobody panics with it");
            let mut now = written.1.wait_while(now, |now| now.is_unread).expect("as above");
            now.is_closed = read == 0;
            now.bytes.extend_from_slice(&buffer[..read]);
            now.parser.process(&buffer[..read]);
            written.1.notify_all();
            if read == 0 {
                return;
            }
        }
    });
}
