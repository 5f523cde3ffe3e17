//! Which process: a pid and a start, and its name, which says nothing for certain.

use serde::{Deserialize, Serialize};

/// A thread's name, at most 15 bytes, untrusted.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
pub struct Comm([u8; 16]);

impl Comm {
    /// From a kernel buffer, ended by NUL or full.
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The name without what follows its NUL.
    pub fn bytes(&self) -> &[u8] {
        self.0.split(|byte| *byte == 0).next().unwrap_or_default()
    }
}

impl From<&[u8]> for Comm {
    fn from(bytes: &[u8]) -> Self {
        let mut comm = [0; 16];
        let len = bytes.len().min(15);
        comm[..len].copy_from_slice(&bytes[..len]);
        Self(comm)
    }
}

/// When a process started, as precisely as the source knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Start {
    /// To the nanosecond, from the kernel's own field.
    Exact(u64),
    /// To a clock tick (10 ms), from `/proc/PID/stat`: the beginning of the tick.
    Tick(u64),
}

/// Length of a tick of `/proc/PID/stat` (`USER_HZ` is 100 on x86-64).
pub const TICK_NS: u64 = 10_000_000;

impl Start {
    /// In ns; of a tick, its beginning.
    pub fn ns(self) -> u64 {
        match self {
            Self::Exact(ns) | Self::Tick(ns) => ns,
        }
    }

    /// Whether both can be the start of one process: the finer is truncated to the coarser.
    pub fn same(self, other: Self) -> bool {
        match (self, other) {
            (Self::Exact(a), Self::Exact(b)) => a == b,
            (a, b) => a.ns() / TICK_NS == b.ns() / TICK_NS,
        }
    }
}

/// A process: a pid alone may be another life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Thread group id.
    pub pid: u32,
    /// Its start.
    pub start: Start,
}

impl Identity {
    /// The one place where two lives are compared.
    pub fn same(self, other: Self) -> bool {
        self.pid == other.pid && self.start.same(other.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_compared_by_truncating_the_finer() {
        let exact = Start::Exact(123_456_789);
        assert!(exact.same(Start::Tick(120_000_000)));
        assert!(!exact.same(Start::Tick(110_000_000)));
        assert!(!exact.same(Start::Exact(123_456_788)));
        assert!(Start::Tick(120_000_000).same(Start::Tick(120_000_000)));
    }

    #[test]
    fn a_comm_ends_at_its_nul() {
        assert_eq!(Comm::new(*b"bash\0garbage\0\0\0\0").bytes(), b"bash");
        assert_eq!(Comm::new([b'x'; 16]).bytes(), [b'x'; 16]);
        assert_eq!(
            Comm::from(&b"a-name-longer-than-the-kernel-keeps"[..]).bytes(),
            b"a-name-longer-t"
        );
    }
}
