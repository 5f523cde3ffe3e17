//! One guest, from its start to its end.

use std::{
    io::Read,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};

use super::{
    log::Log,
    record,
    verdict::{self, Counts, Ending},
};

/// Boots of a kernel that does not come to its init.
const ATTEMPTS: u32 = 3;
/// A kernel says nothing on its way to init, which takes it seconds.
const BOOT_SILENCE: Duration = Duration::from_mins(2);
/// Tests wait two minutes for a process at most.
const TEST_SILENCE: Duration = Duration::from_mins(6);
const MEMORY: &str = "1024M";

/// What to boot.
pub(super) struct Guest {
    /// Its kernel's series.
    pub kernel_name: String,
    /// What it is beside its kernel: hooks, condition.
    pub variant: String,
    pub locked_down: bool,
    /// For the kernel's command line.
    pub parameters: String,
    pub kernel: PathBuf,
    pub initramfs: PathBuf,
    /// Without the extensions.
    pub log: PathBuf,
}

/// What came of it.
pub(super) struct Run {
    pub kernel: String,
    pub variant: String,
    pub locked_down: bool,
    pub release: String,
    pub ending: Ending,
    pub counts: Option<Counts>,
    pub failures: Vec<String>,
    /// All that tests and tracer said.
    pub said: String,
    pub console: String,
    pub took: Duration,
}

impl Guest {
    /// What its lines are marked with.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.kernel_name, self.variant)
    }

    /// Its clocks count its instructions, and skip what it sleeps: no load of this machine comes between
    /// two moments of a test. Kernels before 6.5 wait for their second processor without letting it run
    /// then.
    fn counts_instructions(&self) -> bool {
        let mut numbers = self.kernel_name.split('.').map(|number| number.parse().unwrap_or(0_u32));
        (numbers.next(), numbers.next()) >= (Some(6), Some(5))
    }

    pub(super) fn run(&self) -> Result<Run> {
        let mut run = self.boot()?;
        for _ in 1..ATTEMPTS {
            if run.ending != Ending::NeverUp {
                break;
            }
            eprintln!("{}: did not come to its init, once more", self.name());
            run = self.boot()?;
        }
        Ok(run)
    }

    fn boot(&self) -> Result<Run> {
        let start = Instant::now();
        let mut emulator = qemu(self).spawn().context("cannot start qemu")?;
        let mut console = Log::create(&self.log.with_extension("console"))?;
        let mut tests = Log::create(&self.log.with_extension("tests"))?;
        let silent = self.listen(start, &mut emulator, &mut console, &mut tests);
        // Killing what has ended by itself does nothing.
        emulator.kill().and_then(|()| emulator.wait()).context("cannot end qemu")?;
        let silent = silent?;
        self.show(start, &tests.finish());
        console.finish();
        let console = console.text;
        Ok(Run {
            kernel: self.kernel_name.clone(),
            variant: self.variant.clone(),
            locked_down: self.locked_down,
            release: verdict::release(&console).unwrap_or("-").to_owned(),
            ending: verdict::ending(&console, silent),
            counts: verdict::counts(&tests.text),
            failures: verdict::failures(&tests.text),
            said: tests.text,
            console,
            took: start.elapsed(),
        })
    }

    /// Until the emulator ends, or nothing is heard any more, which it says.
    fn listen(
        &self,
        start: Instant,
        emulator: &mut Child,
        console: &mut Log,
        tests: &mut Log,
    ) -> Result<bool> {
        let (sender, receiver) = mpsc::channel();
        forward(emulator.stdout.take().context("no console")?, sender.clone(), Line::Console);
        forward(emulator.stderr.take().context("no output")?, sender, Line::Tests);
        loop {
            let up = verdict::release(&console.text).is_some();
            match receiver.recv_timeout(if up { TEST_SILENCE } else { BOOT_SILENCE }) {
                Ok((Line::Console, bytes)) => drop(console.append(&bytes)?),
                Ok((Line::Tests, bytes)) => self.show(start, &tests.append(&bytes)?),
                Err(RecvTimeoutError::Disconnected) => return Ok(false),
                Err(RecvTimeoutError::Timeout) => return Ok(true),
            }
        }
    }

    fn show(&self, start: Instant, lines: &str) {
        let seconds = start.elapsed().as_secs();
        for line in lines.lines().filter(|line| !record::is_figure(line)) {
            println!("{} {seconds:4} s: {line}", self.name());
        }
    }
}

/// Its first serial line is our pipe for the console, its second the one for tests.
fn qemu(guest: &Guest) -> Command {
    let mut qemu = Command::new("qemu-system-x86_64");
    qemu.args(["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"])
        // With a thread for each processor, emulation loses a boot now and then.
        .args(["-machine", "pc", "-accel", "tcg,thread=single", "-cpu", "max", "-smp", "2"])
        .args(["-m", MEMORY, "-append"])
        .arg(format!("console=ttyS0 panic=-1 quiet {}", guest.parameters))
        .args(["-serial", "file:/dev/stdout", "-serial", "file:/dev/stderr"])
        .arg("-kernel")
        .arg(&guest.kernel)
        .arg("-initrd")
        .arg(&guest.initramfs)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if guest.counts_instructions() {
        qemu.args(["-icount", "shift=1,sleep=off"]);
    }
    qemu
}

#[derive(Clone, Copy)]
enum Line {
    Console,
    Tests,
}

/// Ends when the emulator has closed its end, or nobody listens.
fn forward(mut from: impl Read + Send + 'static, to: Sender<(Line, Vec<u8>)>, line: Line) {
    thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut bytes) {
            if to.send((line, bytes[..count].to_vec())).is_err() {
                break;
            }
        }
    });
}
