//! The vocabulary of the live tests: run a program under the tracer, and ask what was told of it.

use std::{
    collections::HashMap,
    fs,
    io::Read as _,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};

use crate::{common, figures};

/// How often a story is told at most.
const TELLINGS: u32 = 4;
/// No program of these tests runs for so long.
const PATIENCE: Duration = Duration::from_mins(2);

pub(crate) fn tracer() -> Command {
    Command::new(env!("CARGO_BIN_EXE_tracer"))
}

/// The tier that `TRACER_HOOKS` asks for; without it, what the tracer chooses.
pub(crate) fn hooks() -> String {
    std::env::var("TRACER_HOOKS").unwrap_or_else(|_| "auto".to_owned())
}

pub(crate) fn fixture() -> &'static str {
    env!("CARGO_BIN_EXE_fixture")
}

/// A path of its own for each call.
pub(crate) fn scratch(name: &str) -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let unique = format!("{}-{}-{name}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(unique)
}

/// Looks until it is so.
#[expect(clippy::disallowed_methods, reason = "looks at another process, which sends no event")]
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} until {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Waits for the end of a process, which is killed when it takes too long.
pub(crate) fn finish(mut child: Child) -> Output {
    let pid = Pid::from_raw(child.id() as i32);
    let (done, told) = std::sync::mpsc::channel::<()>();
    let guard = std::thread::spawn(move || {
        if told.recv_timeout(PATIENCE) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            let _ = kill(pid, Signal::SIGKILL);
        }
    });
    let mut output =
        Output { status: ExitStatus::default(), stdout: Vec::new(), stderr: Vec::new() };
    let mut errors = child.stderr.take();
    let reader = std::thread::spawn(move || {
        let mut text = Vec::new();
        errors.as_mut().map(|stream| stream.read_to_end(&mut text));
        text
    });
    if let Some(stream) = &mut child.stdout {
        stream.read_to_end(&mut output.stdout).expect("stdout");
    }
    output.status = child.wait().expect("wait");
    output.stderr = reader.join().expect("the reader");
    drop(done);
    guard.join().expect("the guard");
    output
}

/// Runs a command that prints, to its end.
pub(crate) fn output(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    finish(command.spawn().expect("it starts"))
}

/// What a program of the fixture measures, without a tracer.
pub(crate) fn measured(what: &str) -> u64 {
    let told = output(Command::new(fixture()).arg(what)).stdout;
    let told = String::from_utf8(told).expect("UTF-8");
    let (name, value) = told.trim().split_once('=').expect("a fact");
    assert_eq!(name, what);
    value.parse().expect("a number")
}

/// What the tracer told, and what the program knows.
pub(crate) struct Story {
    pub(crate) events: Vec<Value>,
    facts: HashMap<String, String>,
}

impl Story {
    /// Runs a program of the fixture under `tracer run`.
    pub(crate) fn of(arguments: &[&str]) -> Self {
        let mut command = vec![fixture()];
        command.extend(arguments);
        Self::of_command(&command)
    }

    /// Runs a command under `tracer run`; nothing of it is lost. Where the kernel says that it left out
    /// a program, and that shows, the story is told again.
    pub(crate) fn of_command(command: &[&str]) -> Self {
        Self::with(&[], command)
    }

    /// The same, with options.
    pub(crate) fn with(options: &[&str], command: &[&str]) -> Self {
        let tell = || Self::told_with(options, command);
        let again = |_| Some(tell()).filter(|story| !story.is_marred());
        let story = (1..TELLINGS).find_map(again).unwrap_or_else(tell);
        has(story.summary(), &[("lost", json!({"ring": 0, "decode": 0, "output": 0}))]);
        story
    }

    /// Runs a command under `tracer run`.
    pub(crate) fn told_of(command: &[&str]) -> Self {
        Self::told_with(&[], command)
    }

    /// Runs a command under `tracer run` with these options.
    pub(crate) fn told_with(options: &[&str], command: &[&str]) -> Self {
        let file = scratch("run.json");
        let mut run = tracer();
        run.args(["run", "--hooks", &hooks(), "--format", "json", "--output"]).arg(&file);
        run.args(options).arg("--").args(command);
        let output = output(&mut run);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{:?}: {errors}", output.status);
        Self::read(&file, &output.stdout)
    }

    fn read(file: &PathBuf, facts: &[u8]) -> Self {
        let text = fs::read_to_string(file).expect("the events");
        fs::remove_file(file).expect("the events");
        let events: Vec<Value> = text.lines().map(common::check).collect();
        let facts = String::from_utf8_lossy(facts);
        let facts = facts.lines().filter_map(|line| line.split_once('='));
        let story = Self {
            events,
            facts: facts.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        };
        assert_eq!(story.summary()["late"], 0);
        for pair in story.events.windows(2) {
            let [before, after] = [&pair[0], &pair[1]];
            assert!(before["at_ns"].as_u64() <= after["at_ns"].as_u64(), "{before}\n{after}");
        }
        story
    }

    /// The version of the kernel it was told by.
    pub(crate) fn kernel(&self) -> (u32, u32) {
        let release = self.events[0]["kernel"].as_str().expect("a release");
        let mut numbers = release.split(['.', '-']).map(|part| part.parse().expect("a number"));
        (numbers.next().expect("a number"), numbers.next().expect("a number"))
    }

    /// The kernel left out programs, and it shows: in what was lost, in a reap that no wait explains,
    /// or in a zombie that was not seen to become one. With the tracepoint hooks there is no wait, either,
    /// where the parent was kept off its CPU at the end of one until RCU had freed the child.
    fn is_marred(&self) -> bool {
        let [lost, left_out] = [&self.summary()["lost"]["ring"], &self.summary()["left_out"]];
        let (lost, left_out) = (*lost != 0, *left_out != 0);
        let reaps = self.all("reap");
        let unseen = |reap: &&Value| reap["precision"] == "bound" && reap["via"] == "unknown";
        let unborn =
            |reap: &&Value| self.about("zombie", reap["pid"].as_u64().expect("a pid")).is_empty();
        lost || (left_out || self.tier() == "tracepoint") && reaps.iter().any(unseen)
            || left_out && reaps.iter().any(unborn)
    }

    /// Which hooks told it.
    pub(crate) fn tier(&self) -> &str {
        self.events[0]["tier"].as_str().expect("a name")
    }

    pub(crate) fn fact(&self, name: &str) -> &str {
        self.facts.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", self.facts))
    }

    pub(crate) fn number(&self, name: &str) -> u64 {
        self.fact(name).parse().expect("a number")
    }

    pub(crate) fn numbers(&self, name: &str) -> Vec<u64> {
        self.fact(name).split(',').map(|one| one.parse().expect("a number")).collect()
    }

    /// The events of a type.
    pub(crate) fn all(&self, kind: &str) -> Vec<&Value> {
        self.events.iter().filter(|event| event["type"] == kind).collect()
    }

    /// The events of a type about a process.
    pub(crate) fn about(&self, kind: &str, pid: u64) -> Vec<&Value> {
        self.all(kind).into_iter().filter(|event| event["pid"] == pid).collect()
    }

    /// The one event of a type about a process.
    #[track_caller]
    pub(crate) fn one(&self, kind: &str, pid: u64) -> &Value {
        match self.about(kind, pid).as_slice() {
            [one] => one,
            found => {
                let near: Vec<String> = self
                    .events
                    .iter()
                    .filter(|event| event["pid"] == pid)
                    .map(ToString::to_string)
                    .collect();
                panic!(
                    "{} {kind} events of {pid}; of it was told:\n{}",
                    found.len(),
                    near.join("\n")
                )
            }
        }
    }

    /// The types of the events about a process, in order.
    pub(crate) fn kinds(&self, pid: u64) -> Vec<&str> {
        let about = self.events.iter().filter(|event| event["pid"] == pid);
        about.map(|event| event["type"].as_str().expect("a name")).collect()
    }

    pub(crate) fn summary(&self) -> &Value {
        let last = self.events.last().expect("a last line");
        assert_eq!(last["type"], "summary");
        last
    }

    /// What a bound may be missed by: from the release of a child to the return of the wait, where
    /// that is what the tracer sees; and the time of the hooks themselves, which run between the
    /// program's two clocks. An emulated processor needs longer for both.
    pub(crate) fn tolerance(&self) -> u64 {
        static CYCLE: LazyLock<u64> = LazyLock::new(|| measured("cycle"));
        let tier = if self.tier() == "fentry" { 100_000 } else { 200_000 };
        tier.max(*CYCLE)
    }

    /// Its zombie time is exact and within the bounds that the program took.
    #[track_caller]
    pub(crate) fn lasted(&self, pid: u64, least: u64, most: u64) {
        let reap = self.one("reap", pid);
        let zombie = reap["zombie_ns"].as_u64().expect("known");
        let tolerance = self.tolerance();
        assert!(zombie + tolerance >= least, "{zombie} is less than {least}: {reap}");
        if reap["via"] == "unknown" && reap["by"] == "adopter" {
            // An init that reaps by other means than a system call, such as io_uring's.
            assert_eq!(reap["precision"], "bound", "{reap}");
        } else {
            assert_eq!(reap["precision"], "exact", "{reap}");
            assert!(zombie <= most + tolerance, "{zombie} is more than {most}: {reap}");
            figures::zombie_time(least, zombie, most);
        }
    }
}

/// Some fields of an event.
#[track_caller]
pub(crate) fn has(event: &Value, fields: &[(&str, Value)]) {
    for (name, value) in fields {
        assert_eq!(&event[*name], value, "{name} of {event}");
    }
}

/// A tracer that watches from outside, and the file it writes.
pub(crate) struct Watch {
    /// Until it is waited for.
    child: Option<Child>,
    file: PathBuf,
}

impl Watch {
    /// Starts `tracer trace` and waits until it has begun.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let file = scratch("trace.json");
        let mut trace = tracer();
        trace.args(["trace", "--hooks", &hooks(), "--format", "json", "--output"]).arg(&file);
        trace.args(arguments);
        let child = trace.stderr(Stdio::piped()).spawn().expect("it starts");
        let watch = Self { child: Some(child), file };
        watch.begun()
    }

    /// Waits for the first event, or shows why there is none.
    fn begun(mut self) -> Self {
        let ended = until("the tracer has begun", || {
            if self.text().contains("\"session\"") {
                return Some(None);
            }
            self.child().try_wait().expect("wait").map(Some)
        });
        if let Some(status) = ended {
            let mut errors = String::new();
            let stderr = self.child().stderr.as_mut().expect("stderr");
            stderr.read_to_string(&mut errors).expect("UTF-8");
            panic!("{status}: {errors}");
        }
        self
    }

    fn child(&mut self) -> &mut Child {
        self.child.as_mut().expect("it runs")
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.file).unwrap_or_default()
    }

    /// Waits until so many events of a type are written.
    pub(crate) fn wait_for(&self, kind: &str, count: usize) {
        let wanted = format!("\"type\":\"{kind}\"");
        until(&format!("{count} {kind}"), || {
            (self.text().matches(&wanted).count() >= count).then_some(())
        });
    }

    /// The first event of a type about a process, if it is written.
    pub(crate) fn told(&self, kind: &str, pid: u64) -> Option<Value> {
        let text = self.text();
        // The last line may not be written to its end.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let mut events = whole.lines().map(common::check);
        events.find(|event| event["type"] == kind && event["pid"] == pid)
    }

    /// After it was killed.
    pub(crate) fn lost(mut self) {
        self.child().wait().expect("wait");
        fs::remove_file(&self.file).expect("the events");
    }

    /// Ends it as Ctrl-C does.
    pub(crate) fn stop(mut self) -> Story {
        kill(Pid::from_raw(self.pid() as i32), Signal::SIGINT).expect("kill");
        let output = finish(self.child.take().expect("it runs"));
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{:?}: {errors}", output.status);
        Story::read(&self.file, b"")
    }
}

/// A test that fails leaves no session behind.
impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A fixture that waits for us: its facts so far, and its standard input.
pub(crate) struct Partner {
    child: Child,
    lines: std::io::Lines<std::io::BufReader<std::process::ChildStdout>>,
    pub(crate) facts: HashMap<String, String>,
}

impl Partner {
    /// Starts it and reads `facts` lines.
    pub(crate) fn start(arguments: &[&str], facts: usize) -> Self {
        use std::io::BufRead as _;
        let mut command = Command::new(fixture());
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let lines = std::io::BufReader::new(child.stdout.take().expect("stdout")).lines();
        let mut partner = Self { child, lines, facts: HashMap::new() };
        partner.listen(facts);
        partner
    }

    /// Reads `facts` lines more.
    pub(crate) fn listen(&mut self, facts: usize) {
        for _ in 0..facts {
            let line = self.lines.next().expect("a line").expect("text");
            let (name, value) = line.split_once('=').expect("a fact");
            self.facts.insert(name.to_owned(), value.to_owned());
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Lets it go on.
    pub(crate) fn go(&mut self) {
        drop(self.child.stdin.take());
    }

    pub(crate) fn end(mut self) {
        self.go();
        self.wait();
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) {
        self.child.wait().expect("wait");
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().expect("kill");
        self.child.wait().expect("wait");
    }
}

/// A test that fails leaves no program behind that goes on forever.
impl Drop for Partner {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
