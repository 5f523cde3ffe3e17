//! Processes that stand in the process table in ways that `tracer zombies` has to tell apart.

use std::{
    ffi::OsStr,
    io::{BufRead as _, BufReader},
    os::unix::ffi::OsStrExt as _,
    process::{Child, ChildStdin, Command, Stdio},
    time::Instant,
};

/// The parent of a zombie: it tells the zombie's pid when it is one, and lives until stdin ends.
/// The arguments: what it does with SIGCHLD, and the zombie's name.
const PARENT: &str = r#"
import os, signal, sys
how, name = sys.argv[1], os.fsencode(sys.argv[2])
if how == "handler":
    signal.signal(signal.SIGCHLD, lambda *_: None)
if how == "blocked":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
zombie = os.fork()
if zombie == 0:
    if name:
        with open("/proc/self/comm", "wb", 0) as comm:
            comm.write(name)
    os._exit(3)
os.waitid(os.P_PID, zombie, os.WEXITED | os.WNOWAIT)
if how == "ignored":
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
print(zombie, flush=True)
sys.stdin.read()
"#;

/// A process whose main thread ends, and another one tells when that is so.
const LEADERLESS: &str = r#"
import ctypes, os, sys, threading, time
def rest():
    while " Z " not in open("/proc/self/stat").read():
        time.sleep(0.001)
    print(os.getpid(), flush=True)
    sys.stdin.read()
    os._exit(7)
threading.Thread(target=rest).start()
ctypes.CDLL(None).pthread_exit(None)
"#;

/// What a parent does with SIGCHLD.
pub(crate) enum Sigchld {
    Default,
    Handler,
    /// Since after the death: before it, there would be no zombie.
    Ignored,
    /// With the default action, and pending therefore.
    Blocked,
}

/// It ends when this is dropped.
pub(crate) struct Family {
    parent: Child,
    stdin: Option<ChildStdin>,
    /// The pid that was told.
    pub(crate) dead: u32,
    /// When nobody of it was born yet.
    pub(crate) before: Instant,
    /// When the zombie was one.
    pub(crate) since: Instant,
}

impl Family {
    pub(crate) fn with_zombie(sigchld: &Sigchld) -> Self {
        Self::with_zombie_called(b"", sigchld)
    }

    pub(crate) fn with_zombie_called(name: &[u8], sigchld: &Sigchld) -> Self {
        let how = match sigchld {
            Sigchld::Default => "default",
            Sigchld::Handler => "handler",
            Sigchld::Ignored => "ignored",
            Sigchld::Blocked => "blocked",
        };
        Self::of(PARENT, &[OsStr::new(how), OsStr::from_bytes(name)])
    }

    /// One process: its own main thread is dead.
    pub(crate) fn without_leader() -> Self {
        Self::of(LEADERLESS, &[])
    }

    fn of(script: &str, arguments: &[&OsStr]) -> Self {
        let before = Instant::now();
        let mut parent = Command::new("python3")
            .args(["-c", script])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3");
        let stdin = parent.stdin.take();
        let mut told = String::new();
        let stdout = parent.stdout.as_mut().expect("a pipe");
        BufReader::new(stdout).read_line(&mut told).expect("a line");
        let dead = told.trim().parse().expect("a pid");
        Self { parent, stdin, dead, before, since: Instant::now() }
    }

    pub(crate) fn parent(&self) -> u32 {
        self.parent.id()
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        self.stdin = None;
        self.parent.wait().expect("it is ours");
    }
}
