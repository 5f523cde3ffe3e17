//! A tracing session: the wiring of source, order, model and sink, and its end.

use std::{io::IsTerminal as _, time::Duration};

use anyhow::Result;
use nix::sys::signal::Signal;
use tokio::time::{Instant, MissedTickBehavior};

use crate::{
    clock::{boot_now, boot_to_unix},
    command::Command,
    lifecycle::{
        condition::Condition,
        event::{Event, What},
        summary::Summary,
    },
    recording::Header,
    road::{REST, Road},
    settings,
    signals::Signals,
    sink::{
        self, Sink,
        output::{Fate, Output},
    },
    source::{Capture, Drained},
    tape::Tape,
};

/// The shortest time between two looks at the ring.
const SHORTEST_TICK: Duration = Duration::from_millis(5);
/// How long the end of a session waits for the kernel to release what was reaped: an RCU grace
/// period, 10 to 30 ms on an idle machine.
const GRACE: Duration = Duration::from_millis(500);
/// How long it waits for an init to reap what the end of its parents handed to it, where that decides
/// the exit status: some look for zombies only now and then.
const GRACE_OF_INIT: Duration = Duration::from_secs(3);

/// Exit status when a `--fail-on` condition came true.
pub(crate) const CONDITION_MET: u8 = 3;

/// Runs the session to its end and returns the program's exit status.
pub(crate) fn run(settings: &settings::Session) -> Result<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let status = runtime.block_on(session(settings));
    // A writer that has stalled must not hold up the end.
    runtime.shutdown_background();
    status
}

/// Why a session ends.
enum End {
    /// The time is up, or a signal came.
    Asked(Option<Signal>),
    /// The command has ended and been reaped, with this exit status.
    Command(u8),
    /// Nobody takes the output any more.
    Output,
}

async fn session(settings: &settings::Session) -> Result<u8> {
    let output = Output::open(&settings.target)?;
    let recorded = settings.record.as_ref().map(Tape::open).transpose()?;
    let capture = Capture {
        roots: settings.roots.clone(),
        own_children: settings.command.is_some(),
        ring_size: settings.ring_size,
        immediate: settings.latency.is_zero(),
        hooks: settings.hooks,
        fork_failures: settings.fork_failures,
    };
    let mut road = Road::start(&capture, settings.asked.filter()?, tick(settings))?;
    let header = header(settings, &road);
    let tape = settings.record.clone().zip(recorded);
    road.tape = tape.map(|(record, place)| Tape::new(record, place, header.clone())).transpose()?;
    road.seed();
    let mut signals = Signals::catch()?;
    let sink = sink::sink(settings.style, header.boot_to_unix);
    let awaited = settings.record.as_ref().and_then(|record| record.on.clone());
    let mut telling = Telling { road, header, reader: Reader { sink, output, events: 0 }, awaited };
    let mut command = settings.command.as_ref().map(Command::spawn).transpose()?;
    telling.begin();
    let end = telling.travel(settings, &mut signals, command.as_mut()).await?;
    telling.settle(settings).await;
    let summary = telling.end(settings).await;
    let Telling { road, reader: Reader { output, events, .. }, awaited, .. } = telling;
    // The hooks go before the waiting below: nothing is traced that nobody will read.
    let tape = road.into_tape();
    let fate = output.finish().await;
    let recorded = tape.as_ref().map_or(0, Tape::written);
    let written = match tape {
        Some(tape) => tape.finish().await,
        None => Ok(()),
    };
    let met = sink::conditions_met(&settings.fail_on, &summary);
    let status = match (end, command) {
        (End::Command(status), _) => status,
        (End::Output, Some(command)) => outlive(command, &mut signals).await?,
        // It was told to end and does not: it goes on without us.
        (End::Asked(Some(signal)), Some(_)) => 128 + signal as u8,
        (End::Asked(_) | End::Output, _) => 0,
    };
    sink::say(&met);
    if let Some((typed, condition, _)) = awaited {
        sink::say(&sink::untriggered(&typed, condition.met(&summary)));
    }
    written?;
    let is_read = fate? == Fate::Written && settings.style.summary;
    if is_read && !settings.style.format.has_summary() {
        sink::say(&sink::summary_text(&summary));
    }
    if is_read && settings.style.quiet {
        sink::say(&format!(
            "recorded: {}\n",
            sink::progress(events, summary.totals, summary.all_lost(), recorded)
        ));
    }
    // How a command failed says more than that it left something behind.
    Ok(if met.is_empty() || status != 0 { status } else { CONDITION_MET })
}

/// Whoever the events are for.
struct Reader {
    sink: Box<dyn Sink>,
    output: Output,
    /// How many were told.
    events: u64,
}

impl Reader {
    fn tell(&mut self, event: &Event) {
        if let What::PidSpace(gauge) = &event.what {
            sink::say(&sink::warning(gauge));
        }
        self.sink.event(event, self.output.buffer());
        self.output.flush_full();
        self.events += 1;
    }
}

/// The road, and the reader at its end.
struct Telling {
    road: Road,
    header: Header,
    reader: Reader,
    /// What is waited for, as typed, until it comes true; and for how long to go on then, ns.
    awaited: Option<(String, Condition, u64)>,
}

impl Telling {
    fn begin(&mut self) {
        let Self { road, header, reader, .. } = self;
        reader.sink.event(&header.session(&road.model), reader.output.buffer());
        road.model.drain().for_each(|event| reader.tell(&event));
        reader.output.flush();
    }

    async fn travel(
        &mut self,
        settings: &settings::Session,
        signals: &mut Signals,
        mut command: Option<&mut Command>,
    ) -> Result<End> {
        let mut tick = tokio::time::interval(tick(settings));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut until = settings.duration.map(|duration| Instant::now() + duration);
        let mut second = tokio::time::interval(Duration::from_nanos(REST));
        let shows_progress =
            settings.style.quiet && settings.command.is_none() && std::io::stderr().is_terminal();
        let mut drained = Drained::Emptied;
        let mut rests = false;
        loop {
            let Self { road, reader: Reader { output, .. }, .. } = self;
            let Road { live, tape, .. } = road;
            let is_stalled = output.is_stalled() || tape.as_ref().is_some_and(Tape::is_stalled);
            tokio::select! {
                biased;
                status = ended(&mut command) => return Ok(End::Command(status?)),
                signal = signals.next() => {
                    if !command.as_mut().is_some_and(|command| command.take_signal(signal)) {
                        return Ok(End::Asked(Some(signal.signal)));
                    }
                }
                () = reached(until) => return Ok(End::Asked(None)),
                () = output.failed() => return Ok(End::Output),
                () = failed(tape) => return Ok(End::Output),
                _ = second.tick() => {
                    if shows_progress {
                        self.show_progress();
                    }
                    until = self.triggered(until);
                }
                _ = tick.tick(), if !rests => {}
                filled = live.filled(), if !is_stalled => {
                    filled?;
                    // The first record after a rest, whose like come in company: a tick takes them all.
                    if std::mem::take(&mut rests) {
                        tick.reset();
                        continue;
                    }
                }
                () = std::future::ready(()), if drained == Drained::Rest && !is_stalled => {}
            }
            drained = self.pump(false);
            self.road.attend(drained);
            rests = self.reader.output.is_flushed() && self.road.rest(drained);
        }
    }

    /// Passes on what the kernel has told.
    fn pump(&mut self, last: bool) -> Drained {
        let Self { road, reader, .. } = self;
        let is_stalled = reader.output.is_stalled();
        let drained = road.pump(last, is_stalled, &mut |event| reader.tell(&event));
        reader.output.flush();
        drained
    }

    fn show_progress(&self) {
        let Road { model, tape, .. } = &self.road;
        let recorded = tape.as_ref().map_or(0, Tape::written);
        let line = sink::progress(self.reader.events, model.totals(), model.lost(), recorded);
        sink::say(&format!("\r\x1b[Krecording: {line}"));
    }

    /// Until when to go on: not for longer than was asked for after what was waited for is so.
    fn triggered(&mut self, until: Option<Instant>) -> Option<Instant> {
        let Some((typed, condition, rest)) = self.awaited.clone() else { return until };
        let Some(met) = condition.met(&self.road.model.summary(boot_now())) else { return until };
        self.awaited = None;
        if let Some(tape) = &mut self.road.tape {
            tape.keep_all();
        }
        let now = Instant::now();
        let rest = Duration::from_nanos(rest);
        let rest = until.map_or(rest, |until| rest.min(until.saturating_duration_since(now)));
        sink::say(&sink::triggered(&typed, met, rest.as_nanos() as u64));
        Some(now + rest)
    }

    /// Where a reap is proved only by the kernel's release of the process, that comes a grace
    /// period later: waits for it while something that is gone has not been told of. Who fails on
    /// zombies that are left does not mean those that an init is about to reap: waits for these, too.
    async fn settle(&mut self, settings: &settings::Session) {
        let asks = |(_, one): &(_, Condition)| matches!(one, Condition::Zombies(_));
        let by_init = settings.fail_on.iter().any(asks);
        let begun = Instant::now();
        loop {
            tokio::time::sleep(SHORTEST_TICK).await;
            self.pump(false);
            let untold = self.road.model.dead().any(|(id, _)| !crate::source::is_listed(id));
            let adopted = by_init && self.road.model.dead().any(|(_, orphaned)| orphaned);
            let waited = begun.elapsed();
            if (!untold || waited >= GRACE) && (!adopted || waited >= GRACE_OF_INIT) {
                return;
            }
        }
    }

    /// Takes the rest, and says what it all comes to.
    async fn end(&mut self, settings: &settings::Session) -> Summary {
        let Self { road, header, reader, .. } = self;
        road.end(&mut |event| reader.tell(&event)).await;
        let now = boot_now();
        // As a replay does when it is told of the end.
        road.model.advance(now);
        road.model.close(now);
        road.model.drain().for_each(|event| reader.tell(&event));
        let counts = road.counts();
        if let Some(tape) = &mut road.tape {
            tape.end(now, counts);
        }
        let summary = header.summary(&road.model, counts, now);
        if settings.style.summary {
            let what = What::Summary(Box::new(summary.clone()));
            reader.sink.event(&Event { at: now, who: None, what }, reader.output.buffer());
        }
        summary
    }
}

/// What the session says of itself.
fn header(settings: &settings::Session, road: &Road) -> Header {
    let machine = nix::sys::utsname::uname().ok();
    let text = |part: &std::ffi::OsStr| part.to_string_lossy().into_owned();
    Header {
        tracer: env!("CARGO_PKG_VERSION").to_owned(),
        host: machine.as_ref().map_or_else(String::new, |machine| text(machine.nodename())),
        kernel: machine.as_ref().map_or_else(String::new, |machine| text(machine.release())),
        tier: road.live.tier().to_owned(),
        tier_why: road.live.tier_why().map(str::to_owned),
        began: road.live.attached(),
        boot_to_unix: boot_to_unix(),
        asked: settings.asked.clone(),
        sees_fork_failures: road.live.sees_fork_failures(),
        of_command: settings.command.is_some(),
    }
}

/// Nobody reads on, but the command is neither killed nor abandoned, and still gets its signals.
async fn outlive(mut command: Command, signals: &mut Signals) -> Result<u8> {
    loop {
        tokio::select! {
            status = command.wait() => return status,
            caught = signals.next() => {
                if !command.take_signal(caught) {
                    return Ok(128 + Signal::SIGTERM as u8);
                }
            }
        }
    }
}

/// The time between two looks at the ring.
fn tick(settings: &settings::Session) -> Duration {
    settings.latency.max(SHORTEST_TICK)
}

async fn ended(command: &mut Option<&mut Command>) -> Result<u8> {
    match command {
        Some(command) => command.wait().await,
        None => std::future::pending().await,
    }
}

async fn failed(tape: &mut Option<Tape>) {
    match tape {
        Some(tape) => tape.failed().await,
        None => std::future::pending().await,
    }
}

async fn reached(until: Option<Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until).await,
        None => std::future::pending().await,
    }
}
