//! Of whom a wait has told already that it is gone, so that the end of its memory need not tell it again.

use aya_ebpf::{macros::map, maps::Array};

use crate::{emit::now, task::Process};

/// Bits of a pid that choose its place.
const PLACE_BITS: u32 = 12;
/// The others: `PID_MAX_LIMIT` (include/linux/threads.h) is 2^22.
const REST: u64 = (1 << (22 - PLACE_BITS)) - 1;

/// The last wait that told of a pid with these low bits: its time, in whose last bits are the high ones of the
/// pid. One word, so that who reads it never has half of each of two.
#[map]
static TOLD: Array<u64> = Array::with_max_entries(1 << PLACE_BITS, 0);

/// When the last process died that was traced: its tracer has waited for it first (`EXIT_TRACE`, `wait_task_zombie`,
/// kernel/exit.c), and its parent may reap it later without a word. Those that began before are told of as if no
/// wait had.
#[map]
static TRACED: Array<u64> = Array::with_max_entries(1, 0);

/// A wait in the initial pid namespace told then that this child is gone, and the record is in the ring.
#[inline(always)]
pub(crate) fn add(child: u32, time: u64) {
    if let Some(told) = TOLD.get_ptr_mut(place(child)) {
        // SAFETY: the map outlives the program; a word is written at once.
        unsafe { told.write_volatile(time & !REST | rest(child)) };
    }
}

/// This one is traced, and dies.
#[inline(always)]
pub(crate) fn dies_traced() {
    let (now, traced) = (now(), TRACED.get_ptr_mut(0));
    // SAFETY: as above.
    if let Some(traced) = traced.filter(|traced| unsafe { traced.read_volatile() } < now) {
        // SAFETY: as above; it does not go back where another CPU was faster.
        unsafe { traced.write_volatile(now) };
    }
}

/// Whether a wait told of this very life: one since its start. A wait for the life before returns before the pid
/// is given away again, which the kernel does after all others, unless somebody asks for that very number
/// (`set_tid` of `clone3`) or the caller is kept off its CPU for so long.
#[inline(always)]
pub(crate) fn of(process: Process) -> bool {
    let tgid = process.tgid();
    let Some(told) = TOLD.get(place(tgid)).copied().filter(|told| told & REST == rest(tgid)) else {
        return false;
    };
    let start = process.start();
    told & !REST > start && TRACED.get(0).is_some_and(|traced| *traced < start)
}

#[inline(always)]
fn place(pid: u32) -> u32 {
    pid & ((1 << PLACE_BITS) - 1)
}

#[inline(always)]
fn rest(pid: u32) -> u64 {
    u64::from(pid >> PLACE_BITS)
}
