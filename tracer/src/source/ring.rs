//! The ring buffer as its reader sees it.

use std::{
    num::NonZeroUsize,
    os::fd::AsFd as _,
    ptr::NonNull,
    sync::atomic::{AtomicUsize, Ordering},
};

use anyhow::{Context as _, Result};
use aya::maps::{Map, MapData, RingBuf};
use nix::{
    sys::mman::{MapFlags, ProtFlags, mmap, munmap},
    unistd::{SysconfVar, sysconf},
};
use tokio::io::unix::AsyncFd;

/// How far a reading of the ring came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Drained {
    /// It is empty: whatever comes is newer than the reading.
    Emptied,
    /// A record is still being made, and hides those behind it. That lasts as long as its maker is kept
    /// off its CPU inside a program, or the CPU of a virtual machine off the real one.
    Busy,
    /// There is more, or it was not read.
    Rest,
}

/// The ring, and where its two ends are.
pub(super) struct Ring {
    records: AsyncFd<RingBuf<MapData>>,
    ends: Ends,
}

impl Ring {
    pub(super) fn new(map: Map) -> Result<Self> {
        let ring = RingBuf::try_from(map)?;
        let ends = Ends::map(&ring).context("cannot map the ring's positions")?;
        // SAFETY: the ring owns its descriptor and keeps the same one as long as it lives.
        let records = unsafe { AsyncFd::register(ring) }.map_err(std::io::Error::from)?;
        Ok(Self { records, ends })
    }

    /// Waits until the ring has filled to the mark.
    pub(super) async fn filled(&self) -> Result<()> {
        self.records.readable().await?.clear_ready();
        Ok(())
    }

    /// Whether there is no record, nor the place of one.
    pub(super) fn is_empty(&self) -> bool {
        self.ends.meet()
    }

    /// Hands over as many records as there are, `most` at most.
    pub(super) fn drain(&mut self, most: usize, mut take: impl FnMut(&[u8])) -> Drained {
        let records = self.records.get_mut();
        for _ in 0..most {
            match records.next() {
                Some(record) => take(&record),
                None if self.ends.meet() => return Drained::Emptied,
                None => return Drained::Busy,
            }
        }
        Drained::Rest
    }
}

/// The positions of reader and writers, each at the start of a page (`struct bpf_ringbuf`,
/// kernel/bpf/ringbuf.c): the library tells an empty ring and one whose next record is not ready alike.
struct Ends {
    pages: NonNull<u8>,
    page: NonZeroUsize,
}

impl Ends {
    fn map(ring: &RingBuf<MapData>) -> nix::Result<Self> {
        let size = sysconf(SysconfVar::PAGE_SIZE)?.unwrap_or(4096) as usize;
        let page = NonZeroUsize::new(size).ok_or(nix::Error::EINVAL)?;
        let both = page.saturating_add(size);
        // SAFETY: a new mapping that nothing else knows of.
        let pages = unsafe {
            mmap(None, both, ProtFlags::PROT_READ, MapFlags::MAP_SHARED, ring.as_fd(), 0)
        }?;
        Ok(Self { pages: pages.cast(), page })
    }

    fn meet(&self) -> bool {
        let at = |offset| {
            // SAFETY: both words are aligned, inside the mapping, and written atomically by others.
            unsafe { self.pages.add(offset).cast::<AtomicUsize>().as_ref() }.load(Ordering::Acquire)
        };
        at(0) == at(self.page.get())
    }
}

impl Drop for Ends {
    fn drop(&mut self) {
        // SAFETY: it is ours, and nothing borrows from it.
        let _ = unsafe { munmap(self.pages.cast(), 2 * self.page.get()) };
    }
}
