//! The boot clock, which the kernel side stamps records with, and its distance to the time of day.

use nix::time::{ClockId, clock_gettime};

fn read(clock: ClockId) -> u64 {
    let time = clock_gettime(clock).expect("Linux has this clock");
    time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64
}

/// Now on the boot clock, ns.
pub(crate) fn boot_now() -> u64 {
    read(ClockId::CLOCK_BOOTTIME)
}

/// How far time keeping has moved the boot clock ahead of the counter that it and the scheduler read, ns.
pub(crate) fn corrected() -> i64 {
    let raw = read(ClockId::CLOCK_MONOTONIC_RAW);
    read(ClockId::CLOCK_MONOTONIC) as i64 - raw as i64
}

/// What to add to a time of the boot clock for ns since 1970, as of now.
pub(crate) fn boot_to_unix() -> i64 {
    // The shortest of a few pairs of readings is the one nothing came between.
    (0..5)
        .map(|_| {
            let before = boot_now();
            let unix = read(ClockId::CLOCK_REALTIME);
            let after = boot_now();
            (after - before, unix as i64 - before.midpoint(after) as i64)
        })
        .min_by_key(|(width, _)| *width)
        .map_or(0, |(_, offset)| offset)
}
