//! A recording, told as the session was: the same model and the same sinks, and neither hooks nor a
//! clock.

use std::{
    fs::{File, Metadata},
    io::{self, BufReader, Read},
    os::{fd::AsFd as _, unix::fs::MetadataExt as _},
    path::Path,
};

use anyhow::{Context as _, Result};

use crate::{
    lifecycle::{
        Model,
        event::{Event, What},
        filter::Asked,
        summary::Summary,
    },
    observation::{Fact, Observation},
    progress::Progress,
    recording::{Counts, Damage, Header, Reader, Told},
    session::CONDITION_MET,
    settings,
    sink::{
        self,
        output::{Fate, Output, Target},
    },
    source::INITIAL_PIDNS,
};

/// Tells the recording, and returns the program's exit status.
pub(crate) fn run(settings: &settings::Replay) -> Result<u8> {
    // The output watches for readers that leave.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(replay(settings))
}

async fn replay(settings: &settings::Replay) -> Result<u8> {
    let file = file(&settings.from, &settings.target)?;
    let whole = file.metadata().ok().filter(Metadata::is_file).map(|about| about.len());
    let mut progress = settings.is_export.then(|| Progress::new(whole, &settings.target)).flatten();
    let mut replay = beginning(file, &settings.from, &settings.asked)?;
    let mut output = Output::open(&settings.target)?;
    let mut sink = sink::sink(settings.style, replay.header.boot_to_unix);
    let mut events = 0;
    let mut show = |replay: &mut Replay<_>, output: &mut Output| {
        for event in replay.drain() {
            if let What::PidSpace(gauge) = &event.what {
                sink::say(&sink::warning(gauge));
            }
            sink.event(&event, output.buffer());
            events += 1;
        }
        if let Some(progress) = &mut progress {
            progress.show(replay.place(), events);
        }
    };
    let told = replay.run(|replay| {
        show(replay, &mut output);
        !output.is_stalled() || output.flush_all()
    });
    let summary = replay.end(settings.style.summary);
    show(&mut replay, &mut output);
    drop(progress);
    let fate = output.finish_patiently().await?;
    let met = sink::conditions_met(&settings.fail_on, &summary);
    sink::say(&met);
    let has_summary = settings.is_export || settings.style.format.has_summary();
    if fate == Fate::Written && settings.style.summary && !has_summary {
        sink::say(&sink::summary_text(&summary));
    }
    match told {
        Err(damage) => Err(named(&settings.from, &replay, &damage)),
        Ok(()) => Ok(if met.is_empty() { 0 } else { CONDITION_MET }),
    }
}

/// Opens a recording, `-` for stdin, that is not what is written.
pub(crate) fn open(path: &Path, asked: &Asked, target: &Target) -> Result<Replay<BufReader<File>>> {
    beginning(file(path, target)?, path, asked)
}

fn file(path: &Path, target: &Target) -> Result<File> {
    let name = path.display();
    let file = if path.as_os_str() == "-" {
        // Not by its name, which small containers have not.
        io::stdin().as_fd().try_clone_to_owned().map(File::from)
    } else {
        File::open(path)
    };
    let file = file.with_context(|| format!("cannot read {name}"))?;
    if is_same(&file.metadata().with_context(|| format!("cannot read {name}"))?, target) {
        anyhow::bail!("{name} is the recording itself: it is left as it is");
    }
    Ok(file)
}

fn is_same(read: &Metadata, target: &Target) -> bool {
    let Target::File(path) = target else { return false };
    let written = std::fs::metadata(path);
    written.is_ok_and(|one| one.is_file() && (one.dev(), one.ino()) == (read.dev(), read.ino()))
}

fn beginning(file: File, path: &Path, asked: &Asked) -> Result<Replay<BufReader<File>>> {
    let opened = Replay::open(BufReader::new(file), asked);
    opened.map_err(|damage| anyhow::anyhow!("{} {damage}", path.display()))
}

/// What is wrong with the file, where, and what is told.
pub(crate) fn named<R: Read>(path: &Path, replay: &Replay<R>, damage: &Damage) -> anyhow::Error {
    let time = sink::time(replay.at, replay.header.boot_to_unix);
    anyhow::anyhow!(
        "{} {damage} (byte {}): what comes before is told, up to {time}",
        path.display(),
        replay.place(),
    )
}

/// A recording on its way through the model.
pub struct Replay<R> {
    header: Header,
    reader: Reader<R>,
    /// The next entry, if it has been looked at.
    next: Option<Told>,
    model: Model,
    counts: Counts,
    /// How far it is told.
    at: u64,
    /// The first event, until those of the processes that were there are told.
    has_begun: bool,
    events: Vec<Event>,
}

impl<R: Read> Replay<R> {
    /// Reads the beginning. What is asked now goes before what was asked when it was recorded.
    pub fn open(from: R, asked: &Asked) -> Result<Self, Damage> {
        let (mut header, reader) = Reader::open(from)?;
        header.asked = asked.clone().over(header.asked);
        let filter = header.asked.filter().map_err(|_| Damage::Content)?;
        let model = Model::new(filter, Some(INITIAL_PIDNS));
        let at = header.began;
        let counts = Counts::default();
        let events = Vec::new();
        Ok(Self { header, reader, next: None, model, counts, at, has_begun: false, events })
    }

    /// Leaves out no type of event, whatever was asked for when it was recorded.
    #[must_use]
    pub(crate) fn with_all_events(mut self) -> Self {
        self.model.show_all();
        self
    }

    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    /// How far it is told.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    /// The byte that it is read to.
    pub(crate) fn place(&self) -> u64 {
        self.reader.place()
    }

    pub(crate) fn model(&self) -> &Model {
        &self.model
    }

    /// When the next entry was made; none at the end.
    pub(crate) fn next_at(&mut self) -> Result<Option<u64>, Damage> {
        if self.next.is_none() {
            self.next = self.reader.take()?;
        }
        Ok(self.next.as_ref().map(|told| match told {
            Told::Observed(observation) => observation.at,
            Told::Due(at) | Told::Ended(at) => *at,
            Told::Counted(_) => self.at,
        }))
    }

    /// Goes on to the next entry, or to the next that is due before it; false at the end.
    pub fn step(&mut self) -> Result<bool, Damage> {
        let told = self.next.take().map_or_else(|| self.reader.take(), |told| Ok(Some(told)));
        let due = match &told {
            Ok(Some(Told::Observed(Observation { at, .. }) | Told::Due(at) | Told::Ended(at))) => {
                self.model.advance_once(*at)
            }
            Ok(Some(Told::Counted(_)) | None) | Err(_) => None,
        };
        let was_there = |told: &Told| {
            let Told::Observed(Observation { fact, .. }) = told else { return false };
            matches!(fact, Fact::Found(_) | Fact::Remembered(_))
        };
        // Those that were there are of one moment: nothing is due before all are told.
        let is_begin = due.is_none() && matches!(&told, Ok(Some(told)) if was_there(told));
        if !self.has_begun && !is_begin {
            self.has_begun = true;
            self.events.push(self.header.session(&self.model));
        }
        match (due, told?) {
            (Some(due), told) => {
                self.at = self.at.max(due);
                self.next = told;
            }
            (None, Some(told)) => self.tell(told),
            (None, None) => return Ok(false),
        }
        if self.has_begun {
            self.events.extend(self.model.drain());
        }
        Ok(true)
    }

    /// Goes on to the end, or to what is wrong with the file. After each step `told` takes the events, and says
    /// whether to go on.
    pub(crate) fn run(&mut self, mut told: impl FnMut(&mut Self) -> bool) -> Result<(), Damage> {
        while self.step()? && told(self) {}
        Ok(())
    }

    fn tell(&mut self, told: Told) {
        match told {
            Told::Observed(observation) => {
                self.at = self.at.max(observation.at);
                self.model.observe(observation);
            }
            Told::Due(at) => {
                self.at = self.at.max(at);
                self.model.advance(at);
            }
            Told::Counted(counts) => self.counts = counts,
            Told::Ended(at) => {
                self.at = at;
                self.model.advance(at);
            }
        }
    }

    /// Tells the rest, and what it all comes to, as far as it was read.
    pub fn end(&mut self, with_summary: bool) -> Summary {
        self.model.close(self.at);
        self.events.extend(self.model.drain());
        let summary = self.header.summary(&self.model, self.counts, self.at);
        if with_summary {
            let what = What::Summary(Box::new(summary.clone()));
            self.events.push(Event { at: self.at, who: None, what });
        }
        summary
    }

    /// The events since the last call.
    pub fn drain(&mut self) -> impl Iterator<Item = Event> + '_ {
        self.events.drain(..)
    }
}
