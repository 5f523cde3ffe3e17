//! What bounds the number of processes and threads, for the running task. It is read only after a
//! fork has failed, and by address: 5.10, whose programs cannot have the running task with its type, is
//! like the others.

use aya_ebpf::helpers::generated::{bpf_get_current_task, bpf_get_current_task_btf};
use tracer_common::{COMM_LEN, FORK_EXEMPT, FORK_PIDNS_DEAD, Filled, ForkFailed, Head, Kind};

use super::{
    at::{At, may_read},
    is_there,
};
use crate::{emit, filter, settings::read};

/// Where the soft `RLIMIT_NPROC`, number 6 (include/uapi/asm-generic/resource.h), is in the array of
/// limits, a soft and a hard one each.
pub(super) const NPROC_SOFT: usize = 6 * 16;
/// `CAP_SYS_ADMIN` and `CAP_SYS_RESOURCE`, include/uapi/linux/capability.h.
const CAPS_EXEMPT: u32 = 1 << 21 | 1 << 24;
/// `PIDNS_ADDING`, include/linux/pid_namespace.h: the namespace takes new processes.
const PIDNS_ADDING: u32 = 1 << 31;
/// `RESERVED_PIDS`, include/linux/pid.h: numbers that are not given out a second time.
const RESERVED_PIDS: u64 = 300;
/// Cgroups looked at, from the caller's upwards.
const CGROUPS: usize = 16;
/// Pid namespaces looked at, of the 32 above each other that the kernel allows (`MAX_PID_NS_LEVEL`).
const PIDNS_LEVELS: usize = 8;

/// How many processes a `struct ucounts` counts. They lie in an array of `atomic_long_t`, into which the
/// verifier of 6.1 lets nobody look by types, so in lockdown they are unknown.
#[inline(always)]
pub(super) fn nproc_of(ucounts: *const u8) -> Option<u64> {
    may_read().then(|| At(ucounts).get(read!(OFFSETS.ucounts_nproc)))
}

impl At {
    /// The running task, unless lockdown forbids reading and it cannot be had with its type (which
    /// is since 5.11; the loader asks for a helper of 5.15).
    #[inline(always)]
    fn running() -> Option<Self> {
        if may_read() {
            // SAFETY: the helper has no precondition.
            Some(Self(unsafe { bpf_get_current_task() } as *const u8))
        } else if read!(CONFIG.has_task_regs) == 1 {
            // SAFETY: the helper has no precondition.
            Some(Self(unsafe { bpf_get_current_task_btf() }.cast()))
        } else {
            None
        }
    }
}

/// The record of a fork that failed just now in the running task, if it is wanted.
#[inline(always)]
pub(crate) fn fork_failed(error: u32, call: u32, asked: u32) {
    let Some(task) = At::running() else { return };
    let leader = task.follow(read!(OFFSETS.task_group_leader));
    let (tgid, start): (u32, u64) =
        (task.get(read!(OFFSETS.task_tgid)), leader.get(read!(OFFSETS.task_start)));
    if !filter::wants_id(tgid, start) {
        return;
    }
    let Some(mut room) = emit::reserve::<ForkFailed>() else { return };
    // It is too large for the stack, and filled on many ways.
    let record = room.write(ForkFailed::default());
    let cred = task.follow(read!(OFFSETS.task_cred));
    record.head = Head {
        time: emit::now(),
        start,
        tgid,
        tid: task.get(read!(OFFSETS.task_pid)),
        uid: cred.get(read!(OFFSETS.cred_uid)),
        kind: Kind::ForkFailed as u32,
    };
    record.comm = leader.get::<[u8; COMM_LEN]>(read!(OFFSETS.task_comm));
    (record.error, record.call, record.flags) = (error, call, asked);
    processes_of_user(record, task, cred);
    cgroups(record, task);
    namespaces(record, task);
    emit::submit(room);
}

/// The check of `copy_process` (kernel/fork.c): `is_rlimit_overlimit`, and up to 5.13
/// `user->processes`. Of nested user namespaces only the innermost is looked at.
#[inline(always)]
fn processes_of_user(record: &mut ForkFailed, task: At, cred: At) {
    let signal = task.follow(read!(OFFSETS.task_signal));
    record.nproc.limit = signal.get(read!(OFFSETS.signal_rlim) + NPROC_SOFT);
    if is_there(read!(OFFSETS.cred_ucounts)) {
        match nproc_of(cred.follow(read!(OFFSETS.cred_ucounts)).0) {
            Some(used) => record.nproc.used = used,
            None => record.nproc = Filled::default(),
        }
    } else if is_there(read!(OFFSETS.user_processes)) {
        let user = cred.follow(read!(OFFSETS.cred_user));
        record.nproc.used = u64::from(user.get::<u32>(read!(OFFSETS.user_processes)));
    } else {
        record.nproc = Filled::default();
    }
    let caps: u32 = cred.get(read!(OFFSETS.cred_caps));
    let level: u32 = cred.follow(read!(OFFSETS.cred_user_ns)).get(read!(OFFSETS.userns_level));
    // `capable` asks for the initial user namespace.
    if record.head.uid == 0 || level == 0 && caps & CAPS_EXEMPT != 0 {
        record.flags |= FORK_EXEMPT;
    }
}

/// The caller's cgroup, and the first up the tree at its limit: the walk of `pids_try_charge`
/// (kernel/cgroup/pids.c), whose root has no limit.
#[inline(always)]
fn cgroups(record: &mut ForkFailed, task: At) {
    let set = task.follow(read!(OFFSETS.task_cgroups));
    let id = |cgroup: At| cgroup.follow(read!(OFFSETS.cgroup_kn)).get(read!(OFFSETS.kernfs_id));
    record.cgroup = id(set.follow(read!(OFFSETS.css_set_cgroup)));
    // The counts lie behind what BTF says that the pointers point to.
    if !is_there(read!(OFFSETS.css_set_pids))
        || !is_there(read!(OFFSETS.pids_counter))
        || !may_read()
    {
        return;
    }
    // The state of the controller begins with the generic one (`css_pids`).
    let mut css = set.follow(read!(OFFSETS.css_set_pids));
    for _ in 0..CGROUPS {
        let parent = css.follow(read!(OFFSETS.css_parent));
        if parent.0.is_null() {
            return;
        }
        let used = css.get(read!(OFFSETS.pids_counter));
        let limit = css.get(read!(OFFSETS.pids_limit));
        if used >= limit {
            record.pids = Filled { used, limit };
            record.pids_cgroup = id(css.follow(read!(OFFSETS.css_cgroup)));
            return;
        }
        css = parent;
    }
}

/// The pid namespaces that the child would have had a number in: what `alloc_pid` (kernel/pid.c)
/// refuses, in each of them.
#[inline(always)]
fn namespaces(record: &mut ForkFailed, task: At) {
    let nsproxy = task.follow(read!(OFFSETS.task_nsproxy));
    let mut ns = nsproxy.follow(read!(OFFSETS.nsproxy_pidns));
    for _ in 0..PIDNS_LEVELS {
        let allocated: u32 = ns.get(read!(OFFSETS.pidns_allocated));
        let used = u64::from(allocated & !PIDNS_ADDING);
        let limit = if is_there(read!(OFFSETS.pidns_pid_max)) {
            u64::from(ns.get::<u32>(read!(OFFSETS.pidns_pid_max)))
        } else {
            0
        };
        let (dead, full) =
            (allocated & PIDNS_ADDING == 0, limit > 0 && used + RESERVED_PIDS >= limit);
        if record.pidns == 0 && (dead || full) {
            record.pidns = ns.get(read!(OFFSETS.pidns_inum));
            record.pidns_pids = Filled { used, limit };
            record.flags |= u32::from(dead) * FORK_PIDNS_DEAD;
        }
        let parent = ns.follow(read!(OFFSETS.pidns_parent));
        if parent.0.is_null() {
            record.machine = used;
            return;
        }
        ns = parent;
    }
}
