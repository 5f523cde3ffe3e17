//! Where a process lives, and who takes over its children there.

use core::ptr::read_volatile;

use aya_ebpf::helpers::bpf_probe_read_kernel;
use tracer_common::{ADOPTER_INIT, ADOPTER_NONE, ADOPTER_PIDNS_INIT, ADOPTER_SUBREAPER, Ids};

use super::{Group, Process, SIGCHLD_ACTION, Task, at::At, field, sigchld};
use crate::settings::{at, read};

/// x86-64: `sizeof(struct upid)`, an `int` and a pointer.
const UPID_SIZE: usize = 16;
/// Ancestors looked at for a subreaper; in a deeper tree the adopter stays unknown until it waits.
/// Read at every run, or the compiler would write the loop out.
static ANCESTORS: u32 = 24;
/// Levels looked at between a process's pid namespace and that of its next child, which differ only
/// after `unshare` and `setns`; the kernel allows 32 (`MAX_PID_NS_LEVEL`).
const PIDNS_LEVELS: usize = 4;

/// Who takes over the children of a dying process.
pub(crate) struct Adopter {
    pub(crate) tgid: u32,
    pub(crate) start: u64,
    pub(crate) kind: u32,
    pub(crate) sigchld: u32,
}

/// The pid namespace of a process.
#[derive(Clone, Copy)]
struct Namespace {
    /// `struct pid_namespace`, unless it was not found.
    ns: Option<*const u8>,
    /// Its depth, 0 for the initial one.
    level: u32,
    /// The `struct pid` of the process.
    pid: *const u8,
}

impl Task {
    /// Whether its own pids are those of the initial pid namespace.
    #[inline(always)]
    pub(crate) fn is_in_initial_pidns(self) -> bool {
        let pid: *const u8 = field!(self.0, task_thread_pid);
        let level: u32 = field!(pid, pid_level);
        level == 0
    }
}

impl Process {
    /// `unshare` and `setns` change only the namespace of the next child, which is the process's
    /// own or one below (`pidns_install`, `kernel/pid_namespace.c`): the way up leads to its own.
    #[inline(always)]
    fn namespace(self) -> Namespace {
        let pid: *const u8 = field!(self.leader.0, task_thread_pid);
        let level: u32 = field!(pid, pid_level);
        let nsproxy: *const u8 = field!(self.task.0, task_nsproxy);
        let mut ns: *const u8 = field!(nsproxy, nsproxy_pidns);
        for _ in 0..PIDNS_LEVELS {
            let at: u32 = field!(ns, pidns_level);
            if at <= level {
                return Namespace { ns: Some(ns), level, pid };
            }
            ns = field!(ns, pidns_parent);
        }
        Namespace { ns: None, level, pid }
    }

    /// Inode number of its cgroup v2 directory.
    #[inline(always)]
    fn cgroup(self) -> u64 {
        let set: *const u8 = field!(self.task.0, task_cgroups);
        let cgroup: *const u8 = field!(set, css_set_cgroup);
        let node: *const u8 = field!(cgroup, cgroup_kn);
        field!(node, kernfs_id)
    }

    /// Where it lives.
    #[inline(always)]
    pub(crate) fn ids(self) -> Ids {
        let cgroup = self.cgroup();
        ids_in(self, self.namespace(), cgroup)
    }

    /// Who takes over the children when the last thread of this process is gone: the rule of
    /// `find_new_reaper` (kernel/exit.c), as of now.
    #[inline(always)]
    pub(crate) fn adopter(self, group: Group) -> Adopter {
        let none = Adopter { tgid: 0, start: 0, kind: ADOPTER_NONE, sigchld: 0 };
        if self.is_childless(group) {
            return none;
        }
        let Namespace { ns: Some(ns), level, .. } = self.namespace() else { return none };
        let init = Task(field!(ns, pidns_child_reaper)).process();
        let tgid = init.tgid();
        if tgid == self.tgid() {
            return none;
        }
        let kind = if level == 0 { ADOPTER_INIT } else { ADOPTER_PIDNS_INIT };
        let by_init = Adopter { tgid, start: init.start(), kind, sigchld: init.task().sigchld() };
        if !At(group.0).bit(read!(OFFSETS.signal_has_subreaper)) {
            return by_init;
        }
        let Some(subreaper) = self.subreaper() else { return none };
        let leader = subreaper.follow(read!(OFFSETS.task_group_leader));
        let tgid = leader.get(read!(OFFSETS.task_tgid));
        let pid = leader.follow(read!(OFFSETS.task_thread_pid));
        // Task 0 is the parent of init; a subreaper outside the namespace does not adopt into it.
        if tgid == 0 || pid.get::<u32>(read!(OFFSETS.pid_level)) != level {
            return by_init;
        }
        Adopter {
            tgid,
            start: leader.get(read!(OFFSETS.task_start)),
            kind: ADOPTER_SUBREAPER,
            sigchld: sigchld_at(subreaper),
        }
    }

    /// Whether it has no children for certain. They hang on the threads of their parent (`children` in
    /// `struct task_struct`), so that with more threads than this one there may be some elsewhere. None is
    /// added any more (`find_alive_thread`, kernel/exit.c).
    #[inline(always)]
    fn is_childless(self, group: Group) -> bool {
        group.is_alone_without(at!(self.task.0, task_children))
    }

    /// The nearest ancestor that is a subreaper and alive, else task 0, which ends every chain. By
    /// types, the verifier would look up some hundred names for this.
    #[inline(always)]
    fn subreaper(self) -> Option<At> {
        let mut ancestor = At(self.leader.0).follow(read!(OFFSETS.task_real_parent));
        // SAFETY: the pointer is to a static.
        for _ in 0..unsafe { read_volatile(&raw const ANCESTORS) } {
            let signal = ancestor.follow(read!(OFFSETS.task_signal));
            let live: u32 = signal.get(read!(OFFSETS.signal_live));
            let tgid: u32 = ancestor.get(read!(OFFSETS.task_tgid));
            let is_subreaper = signal.bit(read!(OFFSETS.signal_is_subreaper)) && live > 0;
            if is_subreaper || tgid == 0 {
                return Some(ancestor);
            }
            ancestor = ancestor.follow(read!(OFFSETS.task_real_parent));
        }
        None
    }

    /// Its number in the pid namespace of `other`, which is its own or one above.
    #[inline(always)]
    pub(crate) fn number_for(self, other: Self) -> u32 {
        let pid: *const u8 = field!(self.leader.0, task_thread_pid);
        let level = self.level();
        number(self, pid, if level == 0 { level } else { other.level() })
    }

    #[inline(always)]
    fn level(self) -> u32 {
        let pid: *const u8 = field!(self.leader.0, task_thread_pid);
        field!(pid, pid_level)
    }
}

/// What a process that is read by address does with SIGCHLD.
#[inline(always)]
fn sigchld_at(task: At) -> u32 {
    let sighand = task.follow(read!(OFFSETS.task_sighand));
    let action = read!(OFFSETS.sighand_action) + SIGCHLD_ACTION;
    let handler: u64 = sighand.get(action + read!(OFFSETS.action_handler));
    sigchld(handler, sighand.get(action + read!(OFFSETS.action_flags)))
}

#[inline(always)]
fn ids_in(process: Process, Namespace { ns, level, pid }: Namespace, cgroup: u64) -> Ids {
    let ns_pid = number(process, pid, level);
    let pidns = match ns {
        Some(ns) => field!(ns, pidns_inum),
        None => 0,
    };
    Ids { cgroup, pidns, ns_pid }
}

/// The number of a process at a level of pid namespaces, or 0.
#[inline(always)]
fn number(process: Process, pid: *const u8, level: u32) -> u32 {
    let numbers = read!(OFFSETS.pid_numbers) + read!(OFFSETS.upid_nr);
    if level == 0 {
        process.tgid()
    } else if read!(CONFIG.may_read_memory) == 0 {
        0
    } else {
        // Past the first, the numbers lie outside the structure's size in BTF.
        let offset = numbers + level as usize * UPID_SIZE;
        // SAFETY: the kernel allocates as many numbers as there are levels behind the structure.
        unsafe { bpf_probe_read_kernel(pid.add(offset).cast()).unwrap_or(0) }
    }
}
