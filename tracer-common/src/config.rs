//! What the loader tells the programs before they are loaded, and what they count for it.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Written by the loader into the instructions of the programs, so that the verifier sees constants and
/// drops the branches that are off.
#[derive(Clone, Copy, Debug, FromBytes, Immutable, IntoBytes, KnownLayout)]
#[repr(C)]
pub struct Config {
    /// Thread group id of the tracer, whose own life is never reported.
    pub tracer_tgid: u32,
    /// 1: only processes in the map of tracked ones, and their descendants; 0: all.
    pub tree_only: u32,
    /// 1: children of the tracer itself are tracked (`tracer run`).
    pub track_own_children: u32,
    /// Bytes waiting in the ring buffer from which on a record wakes the reader.
    pub wake_bytes: u32,
    /// 1: the kernel has `bpf_task_pt_regs` (since 5.15).
    pub has_task_regs: u32,
    /// 1: the helpers that read memory may be called, which kernel lockdown `confidentiality`
    /// takes away.
    pub may_read_memory: u32,
}

impl Config {
    /// Everything, woken at every record.
    pub const ZERO: Self = Self {
        tracer_tgid: 0,
        tree_only: 0,
        track_own_children: 0,
        wake_bytes: 0,
        has_task_regs: 0,
        may_read_memory: 0,
    };
}

/// Why the kernel side lost a record or a fact: the index of its counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Loss {
    /// The ring buffer had no room.
    RingFull = 0,
    /// The map of tracked processes had no room: a descendant is not followed.
    TrackedFull = 1,
    /// What must never happen; the program also logs it.
    Internal = 2,
}

impl Loss {
    /// Every reason, in the order of the counters.
    pub const ALL: [Self; 3] = [Self::RingFull, Self::TrackedFull, Self::Internal];
}
