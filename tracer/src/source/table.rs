//! The zombies of the process table and what the table says of their parents. Needs no privileges,
//! no hooks.

use std::collections::HashMap;

use procfs::process::{Process, Stat, Status};

use super::seed;
use crate::{
    lifecycle::standing::{Action, Parent, Standing},
    observation::Comm,
};

/// SIGCHLD's bit in the signal sets of `/proc/PID/status`.
const SIGCHLD: u64 = 1 << 16;

/// Every zombie, and every process whose main thread is dead while others live.
pub(crate) fn zombies() -> Vec<Standing> {
    let all: HashMap<i32, (Process, Stat)> =
        seed::processes().map(|(process, stat)| (stat.pid, (process, stat))).collect();
    let mut children: HashMap<i32, u32> = HashMap::new();
    for (_, stat) in all.values().filter(|(_, stat)| stat.state != 'Z') {
        *children.entry(stat.ppid).or_default() += 1;
    }
    let mut found: Vec<Standing> = all
        .values()
        .filter(|(_, stat)| stat.state == 'Z')
        .filter_map(|(process, stat)| {
            // One that is reaped while we look is no zombie now.
            let status = process.status().ok()?;
            Some(Standing {
                id: seed::identity(stat),
                comm: Comm::from(stat.comm.as_bytes()),
                parent: all.get(&stat.ppid).and_then(|(process, stat)| {
                    let living = children.get(&stat.pid).copied().unwrap_or(0);
                    parent(process, stat, living)
                }),
                ppid: stat.ppid as u32,
                tracer: u32::try_from(status.tracerpid).ok().filter(|pid| *pid != 0),
                threads: (stat.num_threads as u32).saturating_sub(1),
                // A main thread shows -1 while other threads stand in the way of its report.
                exit_signal: stat.exit_signal.and_then(|signal| u32::try_from(signal).ok()),
            })
        })
        .collect();
    found.sort_by_key(|zombie| (zombie.ppid, zombie.id.pid));
    found
}

fn parent(process: &Process, stat: &Stat, living_children: u32) -> Option<Parent> {
    let status = process.status().ok()?;
    Some(Parent {
        pid: stat.pid as u32,
        comm: Comm::from(stat.comm.as_bytes()),
        state: stat.state,
        sleeps_in: process.wchan().ok().filter(|place| !place.is_empty() && place != "0"),
        is_init: status.nspid.as_ref().and_then(|all| all.last().copied()) == Some(1),
        sigchld: action(&status),
        blocked: status.sigblk & SIGCHLD != 0,
        pending: (status.sigpnd | status.shdpnd) & SIGCHLD != 0,
        living_children,
    })
}

fn action(status: &Status) -> Action {
    match (status.sigign & SIGCHLD != 0, status.sigcgt & SIGCHLD != 0) {
        (true, _) => Action::Ignored,
        (false, true) => Action::Handler,
        (false, false) => Action::Default,
    }
}
