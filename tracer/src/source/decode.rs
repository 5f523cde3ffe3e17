//! From the bytes of one record to one observation. A record that does not fit its own kind is an
//! error, never a guess.

use tracer_common::{
    ADOPTER_INIT, ADOPTER_PIDNS_INIT, ADOPTER_SUBREAPER, Death, Exec, Exit, FORK_EXEMPT,
    FORK_PIDNS_DEAD, FORK_PROCESS, FORK_THREAD, Fork, Free, Head, Ids, Kind, LeaderExit, Release,
    SIGCHLD_IGNORED, SIGCHLD_NOCLDWAIT, WAIT_BEGUN, WAIT_HAS_RESULT, WAIT_ID, WAIT_OF_DEAD,
    WAIT_UNREAD, Wait,
};
use zerocopy::FromBytes;

use super::cgroups::Cgroups;
use crate::observation::{
    Adopter, AdopterKind, Awaited, Bytes, Call, Comm, Died, Execed, Exited, Fact, Fate, Filled,
    ForkCall, ForkFailed, Forked, Home, Identity, Limits, Observation, Outcome, Program, Released,
    Sigchld, Start, Status, Waited,
};

/// The record is shorter or longer than its kind, or of no kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Reads one record. `cgroups` turns ids into paths.
pub(crate) fn decode(bytes: &[u8], cgroups: &mut Cgroups) -> Result<Observation, Malformed> {
    let (head, _) = Head::read_from_prefix(bytes).map_err(|_| Malformed)?;
    let kind = Kind::ALL.into_iter().find(|kind| *kind as u32 == head.kind).ok_or(Malformed)?;
    let fact = match kind {
        Kind::Fork => fork(&whole(bytes)?, cgroups),
        Kind::Exec => exec(bytes, cgroups)?,
        Kind::LeaderExit => leader_exit(&whole(bytes)?),
        Kind::Exit => exit(&whole(bytes)?, cgroups),
        Kind::Death => death(&whole(bytes)?),
        Kind::Wait => wait(&whole(bytes)?),
        Kind::Release => release(&whole(bytes)?),
        Kind::ForkFailed => fork_failed(&whole(bytes)?, cgroups),
        Kind::Free => whole(bytes).map(|free: Free| Fact::Freed { id: identity(&free.head) })?,
    };
    Ok(Observation { at: head.time, fact })
}

fn whole<T: FromBytes>(bytes: &[u8]) -> Result<T, Malformed> {
    T::read_from_bytes(bytes).map_err(|_| Malformed)
}

fn identity(head: &Head) -> Identity {
    Identity { pid: head.tgid, start: Start::Exact(head.start) }
}

fn home(head: &Head, ids: Ids, cgroups: &mut Cgroups) -> Home {
    Home {
        uid: Some(head.uid),
        cgroup: cgroups.path(ids.cgroup),
        pidns: (ids.pidns != 0).then_some(ids.pidns),
        ns_pid: (ids.ns_pid != 0).then_some(ids.ns_pid),
    }
}

fn sigchld(bits: u32) -> Sigchld {
    Sigchld { ignored: bits & SIGCHLD_IGNORED != 0, no_wait: bits & SIGCHLD_NOCLDWAIT != 0 }
}

fn fork(record: &Fork, cgroups: &mut Cgroups) -> Fact {
    Fact::Forked(Forked {
        id: identity(&record.head),
        parent: Identity { pid: record.parent, start: Start::Exact(record.parent_start) },
        forker: record.forker,
        number: (record.number != 0).then_some(record.number),
        exit_signal: record.exit_signal,
        comm: Comm::new(record.comm),
        home: home(&record.head, record.ids, cgroups),
        // The superuser's is none (`copy_process`, kernel/fork.c).
        nproc: filled(record.nproc).filter(|_| record.head.uid != 0),
    })
}

/// Unless it is not known, or no limit: one that cannot be reached (`PIDS_MAX`, kernel/cgroup/pids.c;
/// `RLIM_INFINITY`).
fn filled(record: tracer_common::Filled) -> Option<Filled> {
    let tracer_common::Filled { used, limit } = record;
    (limit != 0 || used != 0).then_some(Filled { used, limit }).filter(|one| one.limit <= MOST_PIDS)
}

/// `PID_MAX_LIMIT`, include/linux/threads.h.
const MOST_PIDS: u64 = 4 << 20;

fn fork_failed(record: &tracer_common::ForkFailed, cgroups: &mut Cgroups) -> Fact {
    let is = |bit| record.flags & bit != 0;
    let limits = Limits {
        nproc: filled(record.nproc).filter(|_| !is(FORK_EXEMPT)),
        pids: filled(record.pids)
            .filter(|_| record.pids_cgroup != 0)
            .map(|filled| (cgroups.pids_path(record.pids_cgroup), filled)),
        pidns: filled(record.pidns_pids)
            .filter(|_| record.pidns != 0 && !is(FORK_PIDNS_DEAD))
            .map(|filled| (record.pidns, filled)),
        dead_pidns: is(FORK_PIDNS_DEAD).then_some(record.pidns),
        machine: record.machine,
        // For the reader of /proc to say.
        threads_max: None,
        pid_max: None,
    };
    Fact::ForkFailed(Box::new(ForkFailed {
        id: identity(&record.head),
        comm: Comm::new(record.comm),
        home: Home {
            uid: Some(record.head.uid),
            cgroup: cgroups.path(record.cgroup),
            ..Home::default()
        },
        call: match record.call {
            CLONE => Some(ForkCall::Clone),
            FORK => Some(ForkCall::Fork),
            VFORK => Some(ForkCall::Vfork),
            CLONE3 => Some(ForkCall::Clone3),
            _ => None,
        },
        thread: (is(FORK_THREAD) || is(FORK_PROCESS)).then_some(is(FORK_THREAD)),
        errno: record.error as i32,
        limits,
        zombies: None,
    }))
}

fn exec(bytes: &[u8], cgroups: &mut Cgroups) -> Result<Fact, Malformed> {
    let (record, text) = Exec::read_from_prefix(bytes).map_err(|_| Malformed)?;
    let (exe_len, args_len) = (record.exe_len as usize, record.args_len as usize);
    let (exe, args) = text.split_at_checked(exe_len).ok_or(Malformed)?;
    if args.len() != args_len {
        return Err(Malformed);
    }
    let exe = exe.strip_suffix(&[0]).unwrap_or(exe);
    let given = record.args_total > 0;
    Ok(Fact::Execed(Execed {
        id: identity(&record.head),
        comm: Comm::new(record.comm),
        thread: (record.old_tid != record.head.tgid).then_some(record.old_tid),
        program: Program {
            exe: (exe_len > 0).then(|| Bytes::from(exe)),
            argv: (args_len > 0 || !given).then(|| Bytes::from(args)),
            truncated: record.args_total > u64::from(record.args_len),
        },
        home: home(&record.head, record.ids, cgroups),
    }))
}

fn leader_exit(record: &LeaderExit) -> Fact {
    Fact::LeaderExited { id: identity(&record.head), threads: record.threads }
}

fn exit(record: &Exit, cgroups: &mut Cgroups) -> Fact {
    let kind = match record.adopter_kind {
        ADOPTER_INIT => Some(AdopterKind::Init),
        ADOPTER_SUBREAPER => Some(AdopterKind::Subreaper),
        ADOPTER_PIDNS_INIT => Some(AdopterKind::PidnsInit),
        _ => None,
    };
    let adopter = kind.map(|kind| Adopter {
        id: Identity { pid: record.adopter, start: Start::Exact(record.adopter_start) },
        kind,
        sigchld: sigchld(record.adopter_sigchld),
    });
    let (cpu_user, cpu_system) = cpu_times(record.utime, record.stime, record.runtime);
    Fact::Exited(Exited {
        id: identity(&record.head),
        comm: Comm::new(record.comm),
        parent: Identity { pid: record.parent, start: Start::Exact(record.parent_start) },
        ptracer: (record.ptracer != 0).then_some(record.ptracer),
        adopter,
        status: Status::from(record.status),
        cpu_user,
        cpu_system,
        max_rss: record.maxrss_pages.saturating_mul(procfs::page_size()),
        sigchld: sigchld(record.sigchld),
        exit_signal: record.exit_signal,
        home: home(&record.head, record.ids, cgroups),
    })
}

/// Splits the exact run time in the proportion that the tick sampled, as `getrusage` does
/// (`cputime_adjust`, kernel/sched/cputime.c).
fn cpu_times(user: u64, system: u64, runtime: u64) -> (u64, u64) {
    if system == 0 {
        return (runtime, 0);
    }
    let total = u128::from(user) + u128::from(system);
    let system = (u128::from(runtime) * u128::from(system) / total) as u64;
    (runtime - system, system)
}

fn death(record: &Death) -> Fact {
    // TRACE_SIGNAL_*, include/trace/events/signal.h.
    let fate = match record.result {
        0 | 4 => Fate::Delivered,
        1 => Fate::Ignored,
        2 => Fate::Pending,
        _ => Fate::None,
    };
    Fact::Died(Died {
        id: identity(&record.head),
        target: Identity { pid: record.target, start: Start::Exact(record.target_start) },
        fate,
        autoreap: record.autoreap == 1,
    })
}

// x86-64: arch/x86/entry/syscalls/syscall_64.tbl
const CLONE: u32 = 56;
const FORK: u32 = 57;
const VFORK: u32 = 58;
const CLONE3: u32 = 435;
const WAIT4: u32 = 61;
const WAITID: u32 = 247;

fn release(record: &Release) -> Fact {
    Fact::Released(Released {
        id: identity(&record.head),
        by: record.reaper,
        tid: record.reaper_tid,
        comm: Comm::new(record.comm),
        call: match record.call {
            WAIT4 => Some(Call::Wait4),
            WAITID => Some(Call::Waitid),
            _ => None,
        },
    })
}

fn wait(record: &Wait) -> Fact {
    let is_waitid = record.flags & WAIT_ID != 0;
    Fact::Waited(Waited {
        pid: record.head.tgid,
        tid: record.head.tid,
        comm: Comm::new(record.comm),
        call: if is_waitid { Call::Waitid } else { Call::Wait4 },
        awaited: awaited(record),
        reaps: !is_waitid || record.options & (WNOWAIT | WEXITED) == WEXITED,
        outcome: match (record.flags & WAIT_BEGUN != 0, is_waitid) {
            (true, _) => Outcome::Nothing,
            (false, true) => waitid_outcome(record),
            (false, false) => wait4_outcome(record),
        },
    })
}

fn awaited(record: &Wait) -> Awaited {
    match (record.flags & WAIT_UNREAD != 0, record.flags & WAIT_ID != 0) {
        (true, _) if record.id == -1 => Awaited::Any,
        (true, _) => Awaited::Someone,
        (false, false) => Awaited::by_wait4(record.id),
        (false, true) => {
            Awaited::by_waitid(record.id_type, record.id as u32).unwrap_or(Awaited::Someone)
        }
    }
}

// include/uapi/linux/wait.h
const WNOHANG: u32 = 1;
const WUNTRACED: u32 = 2;
const WEXITED: u32 = 4;
const WCONTINUED: u32 = 8;
const WNOWAIT: u32 = 0x0100_0000;
const P_PID: u32 = 1;

fn wait4_outcome(record: &Wait) -> Outcome {
    if record.ret <= 0 {
        return Outcome::Nothing;
    }
    let reaped = if record.flags & WAIT_OF_DEAD != 0 {
        Some(true)
    } else if record.flags & WAIT_HAS_RESULT != 0 {
        let (stopped, continued) = (record.status & 0xff == 0x7f, record.status == 0xffff);
        Some(!stopped && !continued)
    } else {
        None
    };
    Outcome::Child { pid: record.pid, reaped }
}

fn waitid_outcome(record: &Wait) -> Outcome {
    if record.ret != 0 || record.options & WNOWAIT != 0 || record.options & WEXITED == 0 {
        return Outcome::Nothing;
    }
    if record.flags & WAIT_HAS_RESULT != 0 {
        // CLD_EXITED, CLD_KILLED, CLD_DUMPED: include/uapi/asm-generic/siginfo.h.
        let dead = matches!(record.status, 1..=3);
        return match record.pid {
            0 => Outcome::Nothing,
            pid => Outcome::Child { pid, reaped: Some(dead) },
        };
    }
    if record.id_type != P_PID {
        return Outcome::Unnamed;
    }
    let only_death = record.options & (WNOHANG | WUNTRACED | WCONTINUED) == 0;
    Outcome::Child { pid: record.id as u32, reaped: only_death.then_some(true) }
}

#[cfg(test)]
mod tests;
