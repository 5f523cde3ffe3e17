//! The only way into the ring buffer. Every record that finds no room is counted by its reason.

use core::arch::asm;

use aya_ebpf::{
    bindings::{BPF_RB_AVAIL_DATA, BPF_RB_FORCE_WAKEUP, BPF_RB_NO_WAKEUP},
    helpers::bpf_ktime_get_boot_ns,
    macros::map,
    maps::{Array, PerCpuArray, RingBuf, ring_buf::RingBufEntry},
};
use tracer_common::{Head, Kind, Loss};
use zerocopy::IntoBytes;

use crate::{settings::read, task::Process};

/// The loader sets the size.
#[map]
static RING: RingBuf = RingBuf::with_byte_size(4096, 0);

/// Losses by reason, per CPU.
#[map]
static LOST: PerCpuArray<u64> = PerCpuArray::with_max_entries(Loss::ALL.len() as u32, 0);

/// Not 0: the reader sleeps and has asked for one wakeup.
#[map]
static ASLEEP: Array<u32> = Array::with_max_entries(1, 0);

/// Adds one loss. What RCU frees in an interrupt may count in the middle of this on the same CPU, and a
/// program that is preempted on another.
#[inline(always)]
pub(crate) fn count(reason: Loss) {
    if let Some(counter) = LOST.get_ptr_mut(reason as u32) {
        // SAFETY: the slot is aligned and outlives the program; it is only ever added to.
        unsafe { asm!("lock *(u64 *)({} + 0) += {}", in(reg) counter, in(reg) 1_u64) };
    }
}

/// A wakeup per record costs a context switch per record: wake only a reader that has fallen asleep, or
/// when much is waiting; its timer does the rest.
#[inline(always)]
fn wakeup(otherwise: u64) -> u64 {
    let is_much = RING.query(u64::from(BPF_RB_AVAIL_DATA)) >= read!(CONFIG.wake_bytes) as u64;
    if is_much || was_asleep() { u64::from(BPF_RB_FORCE_WAKEUP) } else { otherwise }
}

/// Whether the reader is to be woken, which is done once. The place of the record has been reserved by
/// then: a reader that falls asleep after this look sees it.
#[inline(always)]
fn was_asleep() -> bool {
    let Some(asleep) = ASLEEP.get_ptr_mut(0) else { return false };
    // SAFETY: the map outlives the program; another CPU at most wakes the reader, too.
    unsafe {
        let was = asleep.read_volatile() != 0;
        if was {
            asleep.write_volatile(0);
        }
        was
    }
}

/// Now, on the boot clock.
#[inline(always)]
pub(crate) fn now() -> u64 {
    // SAFETY: the helper has no precondition.
    unsafe { bpf_ktime_get_boot_ns() }
}

/// The head of a record about a process, without its user.
#[inline(always)]
pub(crate) fn head(time: u64, kind: Kind, process: Process) -> Head {
    Head {
        time,
        start: process.start(),
        tgid: process.tgid(),
        tid: process.task().tid(),
        uid: 0,
        kind: kind as u32,
    }
}

/// The head of a record that tells the user, too.
#[inline(always)]
pub(crate) fn head_with_user(time: u64, kind: Kind, process: Process) -> Head {
    Head { uid: process.uid(), ..head(time, kind, process) }
}

/// Room for one record.
#[inline(always)]
pub(crate) fn reserve<T: IntoBytes + 'static>() -> Option<RingBufEntry<T>> {
    let room = RING.reserve::<T>(0);
    if room.is_none() {
        count(Loss::RingFull);
    }
    room
}

/// What was reserved has been filled.
#[inline(always)]
pub(crate) fn submit<T: IntoBytes + 'static>(room: RingBufEntry<T>) {
    room.submit(wakeup(u64::from(BPF_RB_NO_WAKEUP)));
}

/// Writes one record, each field where it belongs as soon as it is known: one that is put together on the stack
/// first takes more of it than is at hand in the cache, and more instructions. Who takes a time for it does so when
/// its room is reserved, so that it is not older than its place in the ring says.
macro_rules! record {
    (@value $field:ident) => { $field };
    (@value $field:ident $value:expr) => { $value };
    ($record:ident { $($field:ident $(: $value:expr)?),+ $(,)? }) => {
        if let Some(mut room) = $crate::emit::reserve::<$record>() {
            let record = room.as_mut_ptr();
            $({
                let value = $crate::emit::record!(@value $field $($value)?);
                // SAFETY: the room is large enough.
                unsafe { (&raw mut (*record).$field).write(value) };
            })+
            // No field is left out.
            let _ = |$record { $($field: _),+ }: $record| ();
            $crate::emit::submit(room);
        }
    };
}
pub(crate) use record;

/// Writes one record of variable size. Its place is reserved after the look at the reader, so it is left to
/// the kernel to wake one that has read all that was before (`bpf_ringbuf_commit`, kernel/bpf/ringbuf.c).
#[inline(always)]
pub(crate) fn bytes(record: &[u8]) {
    if RING.output::<[u8]>(record, wakeup(0)).is_err() {
        count(Loss::RingFull);
    }
}
