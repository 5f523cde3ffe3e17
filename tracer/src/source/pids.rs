//! How much room there is for processes and threads, from /proc and the cgroup file system. What is
//! read costs at most a fixed part of the time, however large the machine is.

use std::{
    collections::HashMap,
    fs, io,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use procfs::process::Process;

use super::{cgroups::Cgroups, seed};
use crate::{
    clock::boot_now,
    observation::{Bytes, Comm, Fact, Filled, ForkFailed, Measure, Observation, Space, Zombie},
};

/// Nothing is read more often, ns.
const EVERY: u64 = 1_000_000_000;
/// While no record comes, it is read as often as a rate needs it (`lifecycle::gauge`), ns: the machine can
/// still fill with threads.
const EVERY_QUIET: u64 = 5_000_000_000;
/// Measures take at most this part of the time.
const MEASURES: u64 = 1000;
/// Counting zombies, which is done only while forks fail, takes at most this part of the time.
const CENSUS: u64 = 20;
/// Cgroups looked at.
const CGROUPS: usize = 10_000;

/// What is read, and when again.
pub(super) struct Room {
    measured: Turn,
    /// How many records there had been then.
    received: u64,
    counted: Turn,
    count: Option<Count>,
}

/// What is read when a fork fails.
struct Count {
    threads_max: Option<u64>,
    pid_max: Option<u64>,
    zombies: Arc<[Zombie]>,
}

/// Something that costs time and is not done too often.
struct Turn {
    part: u64,
    begun: u64,
    cost: u64,
}

impl Turn {
    fn new(part: u64) -> Self {
        Self { part, begun: 0, cost: 0 }
    }

    /// Does it, if it is its turn: not before `every` is over.
    fn take<T>(&mut self, every: u64, what: impl FnOnce() -> T) -> Option<T> {
        let begun = boot_now();
        if begun < self.begun + every.max(self.cost.saturating_mul(self.part)) {
            return None;
        }
        let done = what();
        (self.begun, self.cost) = (begun, boot_now() - begun);
        Some(done)
    }
}

impl Room {
    pub(super) fn new() -> Self {
        let (measured, counted) = (Turn::new(MEASURES), Turn::new(CENSUS));
        Self { measured, received: 0, counted, count: None }
    }

    /// Adds to a failed fork what only /proc knows, as of now or, when many fail, of a moment ago.
    pub(super) fn complete(&mut self, failed: &mut ForkFailed) {
        let count = || Count {
            threads_max: number(Path::new(THREADS_MAX)),
            pid_max: number(Path::new(PID_MAX)),
            zombies: zombies().into(),
        };
        if let Some(count) = self.counted.take(EVERY, count) {
            self.count = Some(count);
        }
        if let Some(count) = &self.count {
            failed.limits.threads_max = count.threads_max;
            failed.limits.pid_max = count.pid_max;
            failed.zombies = Some(count.zombies.clone());
        }
    }

    /// How full the machine and its cgroups are, when it is time to look again. So many records have come.
    pub(super) fn measure(&mut self, cgroups: &Cgroups, received: u64) -> Option<Observation> {
        let every = if received == self.received { EVERY_QUIET } else { EVERY };
        let measures = self.measured.take(every, || {
            let mut measures = machine();
            if let Some(root) = cgroups.pids_root() {
                measures.extend(limited(root));
            }
            measures
        })?;
        self.received = received;
        Some(Observation { at: boot_now(), fact: Fact::Measured(measures) })
    }
}

const THREADS_MAX: &str = "/proc/sys/kernel/threads-max";
const PID_MAX: &str = "/proc/sys/kernel/pid_max";

fn number(path: &Path) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

fn machine() -> Vec<Measure> {
    // `loadavg_proc_show`, fs/proc/loadavg.c: the fourth field ends with `nr_threads`.
    let used = fs::read_to_string("/proc/loadavg")
        .ok()
        .and_then(|text| text.split_whitespace().nth(3)?.split_once('/')?.1.parse().ok());
    let spaces = [(Space::Pids, PID_MAX), (Space::Threads, THREADS_MAX)];
    let measure = |(space, limit)| {
        let filled = Filled { used: used?, limit: number(Path::new(limit))? };
        Some(Measure { space, filled })
    };
    spaces.into_iter().filter_map(measure).collect()
}

/// The cgroups that have a limit of their own.
fn limited(root: &Path) -> Vec<Measure> {
    let mut found = Vec::new();
    let mut todo = vec![root.to_owned()];
    let mut seen = 0;
    while let Some(directory) = todo.pop() {
        seen += 1;
        if seen > CGROUPS {
            break;
        }
        let filled = number(&directory.join("pids.max")).and_then(|limit| {
            Some(Filled { used: number(&directory.join("pids.current"))?, limit })
        });
        if let (Some(filled), Ok(inside)) = (filled, directory.strip_prefix(root)) {
            let path: Bytes = [b"/", inside.as_os_str().as_bytes()].concat().into();
            found.push(Measure { space: Space::Cgroup(path), filled });
        }
        todo.extend(below(&directory).unwrap_or_default());
    }
    found
}

/// The directories in a directory.
fn below(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(directory)?.filter_map(Result::ok);
    let directories = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    Ok(directories.map(|entry| entry.path()).collect())
}

/// Every zombie of the process table.
fn zombies() -> Vec<Zombie> {
    let rows: Vec<seed::Row> = seed::processes().map(|(_, row)| row).collect();
    let names: HashMap<i32, Comm> = rows.iter().map(|row| (row.stat.pid, row.comm)).collect();
    let zombies = rows.iter().filter(|row| row.stat.state == 'Z' && row.stat.num_threads <= 1);
    // One that is reaped while we look is no zombie now.
    zombies
        .filter_map(|row| {
            let process = seed::reopen(&row.stat)?;
            Some(Zombie {
                parent: row.stat.ppid as u32,
                parent_comm: names.get(&row.stat.ppid).copied(),
                uid: seed::status(&process)?.ruid,
                cgroup: cgroup(&process),
                pidns: match seed::pidns(row.stat.pid) {
                    Ok(pidns) => Some(pidns),
                    Err(error) if error.kind() == io::ErrorKind::PermissionDenied => None,
                    Err(_) => return None,
                },
            })
        })
        .collect()
}

/// Its cgroup v2 directory. In v1 the table says `/` of every process that has exited
/// (`proc_cgroup_show`, kernel/cgroup/cgroup.c): unknown.
fn cgroup(process: &Process) -> Option<Bytes> {
    let all = process.cgroups().ok()?.0;
    if all.iter().any(|group| group.controllers.iter().any(|name| name == "pids")) {
        return None;
    }
    let path = &all.into_iter().find(|group| group.hierarchy == 0)?.pathname;
    // What is removed meanwhile is told by a mark behind its path.
    Some(path.strip_suffix(" (deleted)").unwrap_or(path).as_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_has_room_for_more() {
        let measures = machine();
        assert_eq!(measures.len(), 2);
        for Measure { filled, .. } in measures {
            assert!(filled.used > 0 && filled.used < filled.limit, "{filled:?}");
        }
    }

    #[test]
    fn what_was_done_just_now_waits_for_its_turn() {
        let mut turn = Turn::new(1000);
        assert_eq!(turn.take(EVERY, || 1), Some(1));
        assert_eq!(turn.take(EVERY, || 2), None);
    }
}
