//! The zombies of the process table and what the table says of their parents. Needs no privileges,
//! no hooks.

use std::collections::{BTreeMap, HashMap};

use procfs::process::{Process, Stat, Status};

use super::{
    deaths, look,
    seed::{self, Row},
};
use crate::lifecycle::standing::{Action, Others, Parent, Standing};

/// SIGCHLD's bit in the signal sets of `/proc/PID/status`.
pub(super) const SIGCHLD: u64 = 1 << 16;
/// The same of SIGTERM.
const SIGTERM: u64 = 1 << 14;

/// Every zombie, and every process whose main thread is dead while others live.
pub(crate) fn zombies() -> Vec<Standing> {
    let all: HashMap<i32, Row> = seed::processes().map(|row| (row.stat.pid, row)).collect();
    let deaths = deaths::of(all.values());
    let own = std::process::id() as i32;
    let mut children: HashMap<i32, u32> = HashMap::new();
    for Row { stat, .. } in all.values().filter(|row| row.stat.state != 'Z' && row.stat.pid != own)
    {
        *children.entry(stat.ppid).or_default() += 1;
    }
    let mut found: Vec<Standing> = all
        .values()
        .filter(|row| row.stat.state == 'Z')
        .filter_map(|Row { process, stat, comm }| {
            // One that is reaped while we look is no zombie now.
            let status = seed::status(process)?;
            Some(Standing {
                id: seed::identity(stat),
                death: *deaths.get(&stat.pid)?,
                comm: *comm,
                parent: all.get(&stat.ppid).and_then(|row| {
                    let living = children.get(&stat.ppid).copied().unwrap_or(0);
                    parent(row, living)
                }),
                ppid: stat.ppid as u32,
                tracer: tracer(&status),
                others: Others { threads: living(process, stat), is_deaf: is_deaf(&status) },
                // A main thread shows -1 while other threads stand in the way of its report.
                exit_signal: stat.exit_signal.and_then(|signal| u32::try_from(signal).ok()),
            })
        })
        .collect();
    found.sort_by_key(|zombie| (zombie.ppid, zombie.id.pid));
    found
}

/// The threads of a process whose main thread is dead, by their states.
fn living(process: &Process, stat: &Stat) -> BTreeMap<char, u32> {
    let mut living = BTreeMap::new();
    let tasks = if stat.num_threads > 1 { process.tasks().ok() } else { None };
    for thread in tasks.into_iter().flatten().flatten().flat_map(|task| task.stat()) {
        if !matches!(thread.state, 'Z' | 'X') {
            *living.entry(thread.state).or_default() += 1;
        }
    }
    living
}

/// The process that traces it.
pub(super) fn tracer(status: &Status) -> Option<u32> {
    u32::try_from(status.tracerpid).ok().filter(|pid| *pid != 0)
}

/// SIGTERM does not end it.
pub(super) fn is_deaf(status: &Status) -> bool {
    (status.sigign | status.sigblk) & SIGTERM != 0
}

fn parent(row: &Row, living_children: u32) -> Option<Parent> {
    let Row { process, stat, comm } = row;
    let status = seed::status(process)?;
    Some(Parent {
        pid: stat.pid as u32,
        comm: *comm,
        state: stat.state,
        debugger: tracer(&status).filter(|_| stat.state == 't'),
        is_deaf: is_deaf(&status),
        threads: stat.num_threads as u32,
        sleeps_in: look::place(process),
        is_init: status.nspid.as_ref().and_then(|all| all.last().copied()) == Some(1),
        sigchld: action(&status),
        blocked: status.sigblk & SIGCHLD != 0,
        pending: (status.sigpnd | status.shdpnd) & SIGCHLD != 0,
        living_children,
        // What a child has used is added to its parent's count when that waits for it, and every
        // process has page faults (`wait_task_zombie`, kernel/exit.c).
        has_reaped: stat.cminflt > 0 || stat.cmajflt > 0 || stat.cutime > 0 || stat.cstime > 0,
    })
}

fn action(status: &Status) -> Action {
    match (status.sigign & SIGCHLD != 0, status.sigcgt & SIGCHLD != 0) {
        (true, _) => Action::Ignored,
        (false, true) => Action::Handler,
        (false, false) => Action::Default,
    }
}
