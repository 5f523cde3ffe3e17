//! The files of a recording: what the road tells the model is written to one, until it is full or old
//! and the next one begins.

use std::{
    collections::VecDeque,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use tokio::task::JoinHandle;

use crate::{
    lifecycle::Model,
    observation::Observation,
    recording::{Counts, Header, Writer},
    settings::Record,
    sink::output::{Fate, Output},
};

/// The least room that there has to be in a file for what comes: a frame and the next one's entries.
const ROOM: u64 = 128 * 1024;
/// What is waited for is looked for once a second, in what was read a second before at most, and held back
/// a tenth of one: so much later it may be noticed, ns.
const NOTICED: u64 = 2_200_000_000;

/// A file that was made for a recording of which nothing is in it yet: it goes where that cannot begin.
struct Blank(Option<PathBuf>);

impl Drop for Blank {
    fn drop(&mut self) {
        if let Some(path) = self.0.take() {
            let _ = fs::remove_file(path);
        }
    }
}

/// Where a recording goes that has not begun.
pub(crate) struct Place {
    output: Output,
    blank: Blank,
}

/// A recording that is being written.
pub(crate) struct Tape {
    record: Record,
    header: Header,
    writer: Writer,
    output: Output,
    blank: Blank,
    /// When those before it ended, the last first.
    ends: VecDeque<u64>,
    /// What was waited for has come true: nothing is to be dropped any more.
    keeps_all: bool,
    /// Files that are full, and written to their end.
    earlier: Vec<JoinHandle<Result<Fate>>>,
    /// Bytes in those.
    earlier_bytes: u64,
    /// What had been counted when this file was begun.
    before: Counts,
    /// Why the next file could not be begun.
    error: Option<anyhow::Error>,
}

impl Tape {
    /// A file that cannot be written is an error before anything is traced.
    pub(crate) fn open(record: &Record) -> Result<Place> {
        let path = Some(&record.path).filter(|_| !record.is_stdout());
        let is_new = |path: &&PathBuf| fs::File::create_new(path).is_ok();
        let blank = Blank(path.filter(is_new).cloned());
        Ok(Place { output: Output::open(&record.target())?, blank })
    }

    pub(crate) fn new(record: Record, place: Place, header: Header) -> Result<Self> {
        anyhow::ensure!(header.fits(), "there are too many filters to be recorded: nothing is");
        let writer = Writer::new(&header);
        let Place { output, blank } = place;
        Ok(Self {
            record,
            header,
            writer,
            output,
            blank,
            ends: VecDeque::new(),
            keeps_all: false,
            earlier: Vec::new(),
            earlier_bytes: 0,
            before: Counts::default(),
            error: None,
        })
    }

    /// Hands the model a fact.
    pub(crate) fn observe(&mut self, observation: &Observation) {
        self.writer.observed(observation);
    }

    /// Tells the model the time, when that makes a difference.
    pub(crate) fn advance(&mut self, until: u64) {
        self.writer.due(until);
    }

    /// Passes on what is due, as of `now`.
    pub(crate) fn flush(&mut self, now: u64, counts: impl FnOnce() -> Counts) {
        let before = self.before;
        self.writer.close(now, || counts().since(before));
        self.write();
    }

    /// The next file begins, with those that the model knows, if it is time at `at`.
    pub(crate) fn turn(&mut self, at: u64, model: &Model, counts: impl FnOnce() -> Counts) {
        let is_full = self.record.max_size.is_some_and(|most| self.writer.at_most() + ROOM > most);
        let age = at.saturating_sub(self.header.began);
        let is_old = self.record.max_age.is_some_and(|most| age >= most);
        if !is_full && !is_old || self.error.is_some() {
            return;
        }
        let counts = counts();
        self.end(at, counts);
        self.before = counts;
        match self.next_file(at) {
            Ok(output) => {
                let full = std::mem::replace(&mut self.output, output);
                self.earlier.push(tokio::spawn(full.finish()));
            }
            Err(error) => self.error = Some(error),
        }
        self.earlier_bytes += self.writer.written();
        self.header.began = at;
        self.writer = Writer::new(&self.header);
        for fact in model.snapshot() {
            self.writer.observed(&Observation { at, fact });
        }
        self.write();
    }

    /// What was waited for has come true: what there is from before, and what follows, is kept.
    pub(crate) fn keep_all(&mut self) {
        self.keeps_all = true;
    }

    /// Whether all that it was told is on its way to the file.
    pub(crate) fn is_written(&self) -> bool {
        self.writer.is_empty() && self.output.is_flushed()
    }

    /// So much is waiting that nothing more should be made.
    pub(crate) fn is_stalled(&self) -> bool {
        self.output.is_stalled()
    }

    /// Resolves when nothing more can be written.
    pub(crate) async fn failed(&mut self) {
        if self.error.is_none() {
            self.output.failed().await;
        }
    }

    /// Bytes in all files.
    pub(crate) fn written(&self) -> u64 {
        self.earlier_bytes + self.writer.written()
    }

    /// The session is over.
    pub(crate) fn end(&mut self, now: u64, counts: Counts) {
        self.writer.ended(now, counts.since(self.before));
        self.write();
    }

    /// Waits until all is written, and says what came of it.
    pub(crate) async fn finish(self) -> Result<()> {
        self.error.map_or(Ok(()), Err)?;
        for earlier in self.earlier {
            earlier.await??;
        }
        self.output.finish().await?;
        Ok(())
    }

    fn write(&mut self) {
        let mut written = self.writer.take();
        if !written.is_empty() {
            self.blank.0 = None;
        }
        self.output.buffer().append(&mut written);
        self.output.flush();
    }

    /// Whether what is waited for may come true, and a file that ended then have what was before.
    fn is_needed(&self, ended: u64, at: u64) -> bool {
        let around = self.record.on.as_ref().map(|(.., around)| around.saturating_add(NOTICED));
        around.is_some_and(|around| self.keeps_all || ended.saturating_add(around) >= at)
    }

    /// `FILE.1` becomes `FILE.2`, and so on, and `FILE` becomes `FILE.1`. Of those that are more than are to
    /// be kept the ones that are not needed go.
    fn next_file(&mut self, at: u64) -> Result<Output> {
        let keep = self.record.keep as usize;
        let path = &self.record.path;
        while self.ends.len() >= keep
            && self.ends.back().is_some_and(|end| !self.is_needed(*end, at))
        {
            let gone = numbered(path, self.ends.len());
            match fs::remove_file(&gone) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("cannot remove {}", gone.display()));
                }
                _ => self.ends.pop_back(),
            };
        }
        self.ends.push_front(at);
        for number in (0..keep.max(self.ends.len())).rev() {
            let (from, to) = (numbered(path, number), numbered(path, number + 1));
            match fs::rename(&from, &to) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                moved => moved.with_context(|| {
                    format!("cannot rename {} to {}", from.display(), to.display())
                })?,
            }
        }
        Output::open(&self.record.target())
    }
}

fn numbered(path: &Path, number: usize) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    if number > 0 {
        name.push(format!(".{number}"));
    }
    name.into()
}
