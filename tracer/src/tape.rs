//! The files of a recording: what the road tells the model is written to one, until it is full or old
//! and the next one begins.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use tokio::task::JoinHandle;

use crate::{
    lifecycle::Model,
    observation::{Fact, Observation},
    recording::{Counts, Header, Writer},
    settings::Record,
    sink::output::{Fate, Output, Target},
};

/// The least room that there has to be in a file for what comes: a frame and the next one's entries.
const ROOM: u64 = 128 * 1024;

/// A recording that is being written.
pub(crate) struct Tape {
    record: Record,
    header: Header,
    writer: Writer,
    output: Output,
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
    pub(crate) fn open(record: &Record) -> Result<Output> {
        Output::open(&Target::File(record.path.clone()))
    }

    pub(crate) fn new(record: Record, output: Output, header: Header) -> Result<Self> {
        anyhow::ensure!(header.fits(), "there are too many filters to be recorded: nothing is");
        let writer = Writer::new(&header);
        Ok(Self {
            record,
            header,
            writer,
            output,
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
        match self.next_file() {
            Ok(output) => {
                let full = std::mem::replace(&mut self.output, output);
                self.earlier.push(tokio::spawn(full.finish()));
            }
            Err(error) => self.error = Some(error),
        }
        self.earlier_bytes += self.writer.written();
        self.header.began = at;
        self.writer = Writer::new(&self.header);
        for found in model.snapshot() {
            self.writer.observed(&Observation { at, fact: Fact::Found(found) });
        }
        self.write();
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
        self.output.buffer().append(&mut self.writer.take());
        self.output.flush();
    }

    /// `FILE.1` becomes `FILE.2`, and so on, and `FILE` becomes `FILE.1`.
    fn next_file(&self) -> Result<Output> {
        let path = &self.record.path;
        for number in (0..self.record.keep).rev() {
            let (from, to) = (numbered(path, number), numbered(path, number + 1));
            match fs::rename(&from, &to) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                moved => moved.with_context(|| {
                    format!("cannot rename {} to {}", from.display(), to.display())
                })?,
            }
        }
        Self::open(&self.record)
    }
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    if number > 0 {
        name.push(format!(".{number}"));
    }
    name.into()
}
