//! Processes that stand in the process table in ways that `tracer zombies` has to tell apart.

use std::{
    ffi::OsStr,
    io::{BufRead as _, BufReader},
    os::unix::ffi::OsStrExt as _,
    process::{Child, Command, Stdio},
};

/// The parent of a zombie: it tells the zombie's pid when it is one, and when it was born and dead.
/// It lives until stdin ends, and has reaped a child before, as what starts python3 may have or not: that it never
/// waits is not proved. The arguments: what it does with SIGCHLD, and the name of both.
const PARENT: &str = r#"
import os, signal, sys, time
how, name = sys.argv[1], os.fsencode(sys.argv[2])
os.waitpid(os.fork() or os._exit(0), 0)
if how == "handler":
    signal.signal(signal.SIGCHLD, lambda *_: None)
if how == "blocked":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
if name:
    with open("/proc/self/comm", "wb", 0) as comm:
        comm.write(name)
before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
zombie = os.fork()
if zombie == 0:
    os._exit(3)
os.waitid(os.P_PID, zombie, os.WEXITED | os.WNOWAIT)
after = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
if how == "ignored":
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
print(zombie, before, after, flush=True)
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
    /// The pid that was told.
    pub(crate) dead: u32,
    /// Times of the boot clock, ns: before the zombie was born, and when it was one.
    pub(crate) times: Vec<u64>,
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
        let mut parent = Command::new("python3")
            .args(["-c", script])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3");
        let mut told = String::new();
        let stdout = parent.stdout.as_mut().expect("a pipe");
        BufReader::new(stdout).read_line(&mut told).expect("a line");
        let mut numbers = told.split_whitespace().map(|word| word.parse().expect("a number"));
        let dead = numbers.next().expect("a pid") as u32;
        Self { parent, dead, times: numbers.collect() }
    }

    pub(crate) fn parent(&self) -> u32 {
        self.parent.id()
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        // It may be stopped.
        self.parent.kill().expect("it is ours");
        self.parent.wait().expect("it is ours");
    }
}
