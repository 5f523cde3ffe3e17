//! The zombies of the process table and what the table says of their parents. Needs no privileges,
//! no hooks.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
};

use procfs::process::{Process, Stat, Status};

use super::{
    deaths, look,
    seed::{self, Row},
};
use crate::{
    lifecycle::{
        ending::Others,
        standing::{Action, Parent, Standing},
    },
    observation::{Awaited, Sigterm},
};

/// SIGCHLD's bit in the signal sets of `/proc/PID/status`.
pub(super) const SIGCHLD: u64 = 1 << 16;
/// The same of SIGTERM.
const SIGTERM: u64 = 1 << 14;

/// Every zombie, and every process whose main thread is dead while others live.
pub(crate) fn zombies() -> Vec<Standing> {
    let all: HashMap<i32, Row> = seed::processes().map(|(_, row)| (row.stat.pid, row)).collect();
    let deaths = deaths::of(all.values());
    let own = std::process::id() as i32;
    let mut children: HashMap<i32, u32> = HashMap::new();
    for Row { stat, .. } in all.values().filter(|row| row.stat.state != 'Z' && row.stat.pid != own)
    {
        *children.entry(stat.ppid).or_default() += 1;
    }
    let mut parents: HashMap<i32, Option<(Parent, usize)>> = HashMap::new();
    let mut found: Vec<Standing> = all
        .values()
        .filter(|row| row.stat.state == 'Z')
        .filter_map(|Row { stat, comm }| {
            // One that is reaped while we look is no zombie now.
            let process = seed::reopen(stat)?;
            let status = seed::status(&process)?;
            let parent = parents.entry(stat.ppid).or_insert_with(|| {
                let living = children.get(&stat.ppid).copied().unwrap_or(0);
                parent(all.get(&stat.ppid)?, living)
            });
            let numbers = status.nspid.as_deref().unwrap_or_default();
            let number = parent.as_ref().and_then(|(_, level)| numbers.get(*level).copied());
            Some(Standing {
                id: seed::identity(stat),
                number: number.unwrap_or(stat.pid) as u32,
                death: *deaths.get(&stat.pid)?,
                comm: *comm,
                parent: parent.as_ref().map(|(parent, _)| parent.clone()),
                ppid: stat.ppid as u32,
                tracer: tracer(&status),
                others: Others { threads: living(&process, stat), sigterm: sigterm(&status) },
                // A main thread shows -1 while other threads stand in the way of its report.
                exit_signal: stat.exit_signal.and_then(|signal| u32::try_from(signal).ok()),
                seen: Vec::new(),
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

/// It has number 1 in its own pid namespace.
pub(super) fn is_init(status: &Status) -> bool {
    status.nspid.as_ref().and_then(|all| all.last().copied()) == Some(1)
}

/// What SIGTERM does to it.
pub(super) fn sigterm(status: &Status) -> Sigterm {
    if (status.sigign | status.sigblk) & SIGTERM != 0 {
        Sigterm::Nothing
    } else if status.sigcgt & SIGTERM != 0 {
        Sigterm::Handled
    } else {
        Sigterm::Ends
    }
}

/// The parent of a zombie, and how many pid namespaces below ours it is in.
fn parent(row: &Row, living_children: u32) -> Option<(Parent, usize)> {
    let Row { stat, comm } = row;
    let process = seed::reopen(stat)?;
    let status = seed::status(&process)?;
    let level = status.nspid.as_ref().map_or(0, |numbers| numbers.len().saturating_sub(1));
    let parent = Parent {
        id: seed::identity(stat),
        ppid: stat.ppid as u32,
        comm: *comm,
        state: stat.state,
        debugger: tracer(&status).filter(|_| stat.state == 't'),
        sigterm: sigterm(&status),
        threads: stat.num_threads as u32,
        sleeps_in: look::place(&process),
        waits_for: waits_for(stat.pid),
        is_init: is_init(&status),
        sigchld: action(&status),
        blocked: status.sigblk & SIGCHLD != 0,
        pending: (status.sigpnd | status.shdpnd) & SIGCHLD != 0,
        living_children,
        has_reaped: has_reaped(stat),
        watched: None,
    };
    Some((parent, level))
}

/// What a child has used is added to its parent's count when that waits for it, and every process has
/// page faults (`wait_task_zombie`, kernel/exit.c).
pub(super) fn has_reaped(stat: &Stat) -> bool {
    stat.cminflt > 0 || stat.cmajflt > 0 || stat.cutime > 0 || stat.cstime > 0
}

/// The system call that a thread of it sits in, if that is a wait (arch/x86/entry/syscalls/syscall_64.tbl;
/// `proc_pid_syscall`, fs/proc/base.c). A thread that waits for any child says more than one that does not.
pub(super) fn waits_for(pid: i32) -> Option<Awaited> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten();
    let calls = tasks.filter_map(|task| fs::read_to_string(task.path().join("syscall")).ok());
    let mut waits: Vec<Awaited> = calls.filter_map(|call| wait(&call)).collect();
    let any = waits.iter().position(|wait| *wait == Awaited::Any);
    any.or_else(|| waits.len().checked_sub(1)).map(|which| waits.swap_remove(which))
}

/// A wait among system calls.
fn wait(call: &str) -> Option<Awaited> {
    let mut words = call.split_whitespace();
    let number = words.next()?;
    let mut argument = || u64::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok();
    let (first, second) = (argument()? as i32, argument()? as u32);
    match number {
        "61" => Some(Awaited::by_wait4(first)),
        "247" => Awaited::by_waitid(first as u32, second),
        _ => None,
    }
}

fn action(status: &Status) -> Action {
    match (status.sigign & SIGCHLD != 0, status.sigcgt & SIGCHLD != 0) {
        (true, _) => Action::Ignored,
        (false, true) => Action::Handler,
        (false, false) => Action::Default,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_read_from_its_arguments() {
        for (call, waits_for) in [
            ("61 0xffffffff 0x0 0x0 0x0 0x0 0x0 0x7f 0x7f", Some(Awaited::Any)),
            ("61 0xffffffffffffffff 0x0 0x0 0x0 0x0 0x0 0x7f 0x7f", Some(Awaited::Any)),
            ("61 0x10 0x0 0x0 0x0 0x0 0x0 0x7f 0x7f", Some(Awaited::Process(16))),
            ("61 0x0 0x0 0x0 0x0 0x0 0x0 0x7f 0x7f", Some(Awaited::Group(0))),
            ("61 0xfffffff0 0x0 0x0 0x0 0x0 0x0 0x7f 0x7f", Some(Awaited::Group(16))),
            ("247 0x0 0x10 0x0 0x4 0x0 0x0 0x7f 0x7f", Some(Awaited::Any)),
            ("247 0x1 0x10 0x0 0x4 0x0 0x0 0x7f 0x7f", Some(Awaited::Process(16))),
            ("247 0x3 0x10 0x0 0x4 0x0 0x0 0x7f 0x7f", Some(Awaited::Descriptor)),
            ("230 0x0 0x0 0x7f 0x0 0x0 0x0 0x7f 0x7f", None),
            ("running", None),
        ] {
            assert_eq!(wait(call), waits_for, "{call}");
        }
    }
}
