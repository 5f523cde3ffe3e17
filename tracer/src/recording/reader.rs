//! From a file to what the model is to be told. The file is hostile: no length is believed before it
//! is checked, and what is read is the beginning of the recording as it was written, or nothing.

use std::{
    io::{self, Read},
    sync::Arc,
};

use super::{Counts, ENTRY, Entry, HEADER, Header, frame};
use crate::observation::{Doing, Fact, Observation, Zombie};

/// The longest name of a kernel function (`KSYM_NAME_LEN`, include/linux/kallsyms.h, 6.1 and newer). Every
/// zombie of a parent that sits in one repeats it.
const PLACE: usize = 512;

/// What is wrong with a recording.
#[derive(Debug)]
pub enum Damage {
    /// The file does not begin as a recording does.
    NoRecording,
    /// It is of this version of the format, which this program does not know.
    Version(u32),
    /// It ends in the middle of a frame.
    CutOff,
    /// It ends without the entry that ends a recording.
    Unended,
    /// Something else stands where a frame is to begin.
    NoFrame,
    /// A frame says that it is longer than frames are.
    TooLong,
    /// A frame is not what was written.
    Checksum,
    /// It is another frame's turn.
    Missing,
    /// A frame cannot be unpacked.
    Packing,
    /// A frame does not hold what frames hold.
    Content,
    /// Something follows the end.
    AfterEnd,
    /// The file cannot be read.
    Io(io::Error),
}

impl From<io::Error> for Damage {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let what = match self {
            Self::NoRecording => "is no recording",
            Self::Version(version) => {
                let known = frame::VERSION;
                return write!(
                    f,
                    "is a recording of format {version}, of which this tracer knows nothing: it reads \
                     those to format {known}"
                );
            }
            Self::CutOff => "is cut off in the middle of a frame",
            Self::Unended => "has no end: it is still being written, or the recorder was killed",
            Self::NoFrame => "is damaged: no frame begins here",
            Self::TooLong => "is damaged: a frame of impossible length",
            Self::Checksum => "is damaged: a checksum does not match",
            Self::Missing => "is damaged: a frame is missing, or in a wrong place",
            Self::Packing => "is damaged: a frame cannot be unpacked",
            Self::Content => "is damaged: a frame does not hold what frames hold",
            Self::AfterEnd => "is damaged: something follows its end",
            Self::Io(error) => return write!(f, "cannot be read: {error}"),
        };
        f.write_str(what)
    }
}

impl std::error::Error for Damage {}

/// What the model is to be told.
#[derive(Debug, PartialEq, Eq)]
pub enum Told {
    /// A fact.
    Observed(Observation),
    /// The time.
    Due(u64),
    /// What is known outside of the model.
    Counted(Counts),
    /// The session ended then.
    Ended(u64),
}

/// A recording that is read, frame by frame.
pub struct Reader<R> {
    from: R,
    frame: Vec<u8>,
    /// How much of the frame is taken.
    taken: usize,
    /// The time of the last entry in this frame.
    at: u64,
    zombies: Option<Arc<[Zombie]>>,
    /// The number of the next frame, and where in the file it begins.
    number: u32,
    place: u64,
    ended: bool,
}

impl<R: Read> Reader<R> {
    /// Reads the header.
    pub fn open(mut from: R) -> Result<(Header, Self), Damage> {
        let version = frame::open(&mut from)?;
        let mut first = Vec::new();
        let len = frame::unpack(&mut from, 0, &mut first)?.ok_or(Damage::CutOff)?;
        if first.len() > HEADER {
            return Err(Damage::TooLong);
        }
        if version == 1 {
            // It ended before `tier_why`: nothing known.
            first.push(0);
        }
        let header = postcard::take_from_bytes(&first);
        let (header, []) = header.map_err(|_| Damage::Content)? else {
            return Err(Damage::Content);
        };
        let place = (frame::PREAMBLE + len) as u64;
        let reader = Self {
            from,
            frame: Vec::new(),
            taken: 0,
            at: 0,
            zombies: None,
            number: 1,
            place,
            ended: false,
        };
        Ok((header, reader))
    }

    /// What comes next; nothing at the end of a whole recording.
    pub fn take(&mut self) -> Result<Option<Told>, Damage> {
        loop {
            if self.taken == self.frame.len() {
                if !self.turn()? {
                    return if self.ended { Ok(None) } else { Err(Damage::Unended) };
                }
                continue;
            }
            if self.ended {
                return Err(Damage::AfterEnd);
            }
            let left = &self.frame[self.taken..];
            let left = &left[..left.len().min(ENTRY)];
            let (entry, rest) = postcard::take_from_bytes(left).map_err(|_| Damage::Content)?;
            self.taken += left.len() - rest.len();
            if !is_possible(&entry) {
                return Err(Damage::Content);
            }
            if let Some(told) = self.told(entry) {
                return Ok(Some(told));
            }
        }
    }

    /// Reads the next frame. False at the end of the file.
    fn turn(&mut self) -> Result<bool, Damage> {
        let Some(len) = frame::unpack(&mut self.from, self.number, &mut self.frame)? else {
            return Ok(false);
        };
        (self.taken, self.at, self.zombies) = (0, 0, None);
        self.number = self.number.wrapping_add(1);
        self.place += len as u64;
        Ok(true)
    }

    fn told(&mut self, entry: Entry<Fact>) -> Option<Told> {
        let mut at = |after| {
            self.at = self.at.wrapping_add_signed(after);
            self.at
        };
        Some(match entry {
            Entry::Observed { after, mut fact } => {
                let at = at(after);
                if let Fact::ForkFailed(failed) = &mut fact {
                    failed.zombies.clone_from(&self.zombies);
                }
                Told::Observed(Observation { at, fact })
            }
            Entry::Due { after } => Told::Due(at(after)),
            Entry::Zombies(zombies) => {
                self.zombies = zombies;
                return None;
            }
            Entry::Counted(counts) => Told::Counted(counts),
            Entry::Ended { after } => {
                self.ended = true;
                Told::Ended(at(after))
            }
        })
    }

    /// Where in the file the frame begins that comes next: what is before it has been read.
    pub fn place(&self) -> u64 {
        self.place
    }
}

/// Whether it may have been seen, as far as that bounds what the model makes of it.
fn is_possible(entry: &Entry<Fact>) -> bool {
    let Entry::Observed { fact: Fact::Looked { look, .. }, .. } = entry else { return true };
    !matches!(&look.doing, Doing::Blocked { place, .. } if place.len() > PLACE)
}
