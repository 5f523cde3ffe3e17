//! Where the lines go. A thread of its own writes them, so that a slow reader or disk stalls
//! neither the draining of the ring nor the handling of signals.

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    time::Duration,
};

use anyhow::{Context as _, Result};
use tokio::{
    io::{Interest, unix::AsyncFd},
    sync::oneshot,
};

/// Where events go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// A file, created or emptied.
    File(PathBuf),
}

/// Buffers on their way to the writer: with the one being filled, what a stalled reader costs.
const BUFFERS: usize = 4;
/// A buffer this full is passed on.
const FULL: usize = 256 * 1024;
/// How long the end of a session waits for a reader that has stalled.
const PATIENCE: Duration = Duration::from_secs(5);

/// The writer, as the session sees it.
pub struct Output {
    buffer: Vec<u8>,
    writer: Option<SyncSender<Vec<u8>>>,
    /// Buffers that have been written: new ones would be new pages every time.
    spare: Receiver<Vec<u8>>,
    ended: oneshot::Receiver<End>,
    end: Option<End>,
    reader: Option<AsyncFd<File>>,
    name: String,
}

/// How the writer ended, and how much it had written.
struct End {
    written: u64,
    error: Option<io::Error>,
}

impl End {
    fn early(error: io::Error) -> Self {
        Self { written: 0, error: Some(error) }
    }
}

/// What came of the output.
#[derive(Debug, PartialEq, Eq)]
pub enum Fate {
    /// All of it is written.
    Written,
    /// The reader closed its end: it has seen enough.
    Closed,
}

impl Output {
    /// Opens the target; a file that cannot be written is an error before anything is traced.
    pub fn open(target: &Target) -> Result<Self> {
        let (mut stream, name) = match target {
            Target::Stdout => (unbuffered(&io::stdout())?, "standard output".to_owned()),
            Target::Stderr => (unbuffered(&io::stderr())?, "standard error".to_owned()),
            Target::File(path) => (create(path)?, path.display().to_string()),
        };
        let reader = match target {
            Target::Stdout | Target::Stderr => watched(&stream),
            // Readers of a named pipe come and go.
            Target::File(_) => None,
        };
        let is_ours = matches!(target, Target::File(_));
        let (writer, buffers) = sync_channel::<Vec<u8>>(BUFFERS);
        let (give_back, spare) = sync_channel(BUFFERS);
        let (tell, ended) = oneshot::channel();
        std::thread::Builder::new().name("tracer-output".to_owned()).spawn(move || {
            let mut written = 0;
            let mut buffers = buffers.into_iter();
            // An earlier file is kept until there is something to put in its place: a session may
            // yet be refused.
            let first = buffers.next().map_or(Ok(()), |first| {
                if is_ours && stream.metadata()?.is_file() {
                    stream.set_len(0)?;
                }
                write(&mut stream, &first, &mut written)
            });
            let error = first
                .and_then(|()| {
                    buffers.try_for_each(|mut buffer| {
                        write(&mut stream, &buffer, &mut written)?;
                        buffer.clear();
                        // Where there are enough, it is one too many.
                        let _ = give_back.try_send(buffer);
                        Ok(())
                    })
                })
                .err();
            // Nobody listens when the session gave up waiting.
            let _ = tell.send(End { written, error });
        })?;
        let buffer = Vec::new();
        Ok(Self { buffer, writer: Some(writer), spare, ended, end: None, reader, name })
    }

    /// The buffer to append lines to.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Whether so much is waiting that nothing more should be made.
    pub fn is_stalled(&self) -> bool {
        self.buffer.len() >= FULL
    }

    /// Whether all of it has been passed on.
    pub fn is_flushed(&self) -> bool {
        self.buffer.is_empty()
    }

    /// Passes on a buffer that is full, unless the writer is behind.
    pub fn flush_full(&mut self) {
        if self.is_stalled() {
            self.flush();
        }
    }

    /// Passes on what is in the buffer, unless the writer is behind.
    pub fn flush(&mut self) {
        let Some(writer) = &self.writer else { return };
        if self.buffer.is_empty() {
            return;
        }
        match writer.try_send(std::mem::take(&mut self.buffer)) {
            Ok(()) => self.buffer = self.spare.try_recv().unwrap_or_default(),
            Err(TrySendError::Full(buffer) | TrySendError::Disconnected(buffer)) => {
                self.buffer = buffer;
            }
        }
    }

    /// The same, and waits for a writer that is behind. Returns whether it still takes something.
    pub fn flush_all(&mut self) -> bool {
        let buffer = std::mem::take(&mut self.buffer);
        self.writer.as_ref().is_some_and(|writer| writer.send(buffer).is_ok())
    }

    /// Resolves when the writer has failed, or its reader closed.
    pub async fn failed(&mut self) {
        let end = tokio::select! {
            biased;
            // Without an end the thread panicked, which the panic hook has told.
            end = &mut self.ended => end.unwrap_or_else(|_| End::early(io::Error::other("writer died"))),
            () = gone(self.reader.as_ref()) => End::early(io::ErrorKind::BrokenPipe.into()),
        };
        self.end = Some(end);
    }

    /// Writes the rest and says what came of it all.
    pub async fn finish(mut self) -> Result<Fate> {
        let rest = std::mem::take(&mut self.buffer);
        let writer = self.writer.take();
        if self.end.is_none() {
            // The channel may be full: the thread that waits for room is not ours to stop.
            std::thread::spawn(move || {
                if let Some(writer) = writer.filter(|_| !rest.is_empty()) {
                    let _ = writer.send(rest);
                }
            });
            if tokio::time::timeout(PATIENCE, self.failed()).await.is_err() {
                anyhow::bail!("{} takes no more: the last lines are not written", self.name);
            }
        }
        self.fate()
    }

    /// The same, and waits for as long as the reader takes.
    pub async fn finish_patiently(mut self) -> Result<Fate> {
        self.flush_all();
        self.writer = None;
        self.failed().await;
        self.fate()
    }

    fn fate(mut self) -> Result<Fate> {
        let End { written, error } = self.end.take().context("the writer said nothing")?;
        match error {
            None => Ok(Fate::Written),
            Some(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Fate::Closed),
            Some(error) => Err(error).with_context(|| {
                format!(
                    "cannot write to {}: the first {written} bytes are there, the rest is lost",
                    self.name
                )
            }),
        }
    }
}

/// Writes it all, counting what is there even when that fails.
fn write(stream: &mut impl Write, mut bytes: &[u8], written: &mut u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => {
                *written += count as u64;
                bytes = &bytes[count..];
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A pipe, whose reader may leave while there is nothing to write.
fn watched(stream: &File) -> Option<AsyncFd<File>> {
    let stream = stream.try_clone().ok()?;
    // Files on disk cannot be watched, and need not be.
    // SAFETY: the file owns its descriptor and keeps the same one as long as it lives.
    unsafe { AsyncFd::register_with_interest(stream, Interest::ERROR) }.ok()
}

/// Resolves when the reader of a pipe has closed its end.
async fn gone(reader: Option<&AsyncFd<File>>) {
    let gone = match reader {
        Some(reader) => reader.ready(Interest::ERROR).await.is_ok(),
        None => false,
    };
    if !gone {
        std::future::pending::<()>().await;
    }
}

fn unbuffered(stream: &impl std::os::fd::AsFd) -> io::Result<File> {
    Ok(File::from(stream.as_fd().try_clone_to_owned()?))
}

fn create(path: &Path) -> Result<File> {
    let file = File::options().write(true).create(true).truncate(false).open(path);
    file.with_context(|| format!("cannot write to {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_full_disk_took_is_counted_to_the_byte() {
        let mut disk = [0; 5];
        let mut written = 0;
        assert!(write(&mut disk.as_mut_slice(), b"abc", &mut written).is_ok());
        let mut rest = &mut disk[3..];
        let error = write(&mut rest, b"def", &mut written).unwrap_err();
        assert_eq!((error.kind(), written), (io::ErrorKind::WriteZero, 5));
        assert_eq!(&disk, b"abcde");
    }
}
