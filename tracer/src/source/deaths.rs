//! When the dead died, as the scheduler remembers it. It keeps when a task last began to count its
//! time, `se.exec_start`, and a dead task stops counting in `do_task_dead`, kernel/sched/core.c, some
//! microseconds after its parent was told. `/proc/PID/sched` shows that to everybody (`proc_pid_sched_operations`,
//! fs/proc/base.c, `proc_sched_show_task`, kernel/sched/debug.c, 5.10 to 7.3 with CONFIG_SCHED_DEBUG).
//!
//! It is a time of that CPU's own clock (`update_rq_clock_task`, kernel/sched/core.c), which stands
//! still while the machine sleeps, a hypervisor takes the CPU away, or interrupts are accounted for: it
//! only ever falls back behind the boot clock, from which it started (`read_persistent_wall_and_boot_offset`,
//! kernel/time/timekeeping.c). So a death was no later than the lag of today says, and no earlier than
//! no lag at all; or, where it is ahead still, as it may be by a constant from a boot with a counter
//! that was measured badly (emulated machines: 20 ms), no earlier than by as much as today.

use std::{collections::HashMap, fs, thread, time::Duration};

use nix::{
    sched::{CpuSet, sched_setaffinity},
    unistd::Pid,
};
use procfs::process::{Process, Stat};

use super::seed::{self, Row};
use crate::{
    clock::{boot_now, corrected},
    observation::{Death, TICK_NS},
};

/// Looks at a CPU's clock; the closest counts.
const LOOKS: usize = 4;
/// Long enough to leave the CPU: coming back to it begins a new count.
const NAP: Duration = Duration::from_micros(20);
/// NTP may turn the boot clock against that of the scheduler by one in so many (`MAXFREQ`,
/// include/linux/timex.h).
const SLEW: i64 = 2_000;
/// From the last moment on a CPU back to the death, what the two clocks differed by at boot, and the
/// ticks that a clock without a stable counter is held to (`sched_clock_local`, kernel/sched/clock.c), ns.
const SLACK: i64 = 2 * TICK_NS as i64;

/// The deaths of those whose main threads are dead, by pid.
pub(crate) fn of<'a>(rows: impl Iterator<Item = &'a Row>) -> HashMap<i32, Death> {
    let mut lags = HashMap::new();
    let dead = rows.filter(|row| row.stat.state == 'Z');
    dead.map(|row| (row.stat.pid, death(&row.stat, &mut lags))).collect()
}

fn death(stat: &Stat, lags: &mut HashMap<usize, Option<i64>>) -> Death {
    let start = seed::identity(stat).start.ns();
    let process = seed::reopen(stat);
    let process = process.as_ref();
    let mut known = || {
        let cpu = usize::try_from(stat.processor?).ok()?;
        let last_ran = last_ran(&seed::read(process?, "sched")?)?;
        let lag = (*lags.entry(cpu).or_insert_with(|| lag(cpu)))?;
        let latest = last_ran + lag;
        let slewed = (boot_now() as i64 - latest) / SLEW + SLACK;
        let earliest = last_ran + lag.min(0) + corrected().min(0) - SLACK;
        Some((earliest.max(0) as u64, (latest + slewed).max(0) as u64))
    };
    let (earliest, latest) = known().unzip();
    Death {
        earliest: earliest.unwrap_or(start).max(start),
        latest: latest
            .map(|latest| latest.max(start))
            .filter(|_| process.is_some_and(|process| !had_threads(process, stat))),
    }
}

/// Whether it had more threads, which have used something of their own: then its main thread may have
/// died long before it (`do_task_stat`, fs/proc/array.c, adds up what those that are gone have used).
fn had_threads(process: &Process, all: &Stat) -> bool {
    let main = process.task_from_tid(process.pid()).and_then(|main| main.stat());
    !main.is_ok_and(|main| (main.minflt, main.majflt) == (all.minflt, all.majflt))
}

/// By how much the clock of this CPU is behind the boot clock, at most, ns.
fn lag(cpu: usize) -> Option<i64> {
    let look = move || {
        let mut set = CpuSet::new();
        set.set(cpu).ok()?;
        sched_setaffinity(Pid::from_raw(0), &set).ok()?;
        let look = || {
            thread::park_timeout(NAP);
            let after = boot_now() as i64;
            Some(after - last_ran(&fs::read("/proc/thread-self/sched").ok()?)?)
        };
        (0..LOOKS).filter_map(|_| look()).min()
    };
    // A thread of its own is bound to the CPU, and ends so.
    thread::Builder::new().spawn(look).ok()?.join().ok()?
}

/// `se.exec_start` of `/proc/PID/sched`: ms, and six digits of ns.
fn last_ran(text: &[u8]) -> Option<i64> {
    let text = String::from_utf8_lossy(text);
    let line = text.lines().find(|line| line.starts_with("se.exec_start"))?;
    let (ms, ns) = line.split_once(':')?.1.trim().split_once('.')?;
    // Of a task that has not run yet it is 0.
    let time = ms.parse::<i64>().ok()? * 1_000_000 + ns.parse::<i64>().ok()?;
    (time > 0).then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_read_from_its_line() {
        let text = b"x\n (se.exec_start)\xff\nse.exec_start      :      23998410.821795\nse.vruntime : 1.2\n";
        assert_eq!(last_ran(text), Some(23_998_410_821_795));
        assert_eq!(last_ran(b"se.exec_start : 0.000000\n"), None);
        assert_eq!(last_ran(b""), None);
    }

    #[test]
    fn a_cpu_that_is_not_there_has_no_clock() {
        assert_eq!(lag(100_000), None);
    }
}
