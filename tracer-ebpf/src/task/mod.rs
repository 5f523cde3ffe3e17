//! The only reader of kernel structures. A load through a pointer that the kernel handed over with
//! its type is checked by the verifier against BTF and protected against faults, so a pointer that
//! is stale or null reads as zero and needs no helper call.
//!
//! The offsets are constants to the verifier, because they are read-only data of a frozen map. For
//! every pointer that a program follows it searches all of BTF by name, up to a millisecond each
//! time and once per path: pointers are read once and before branches.

mod at;
mod limits;
mod place;
mod registers;

use core::ptr::read_volatile;

use aya_ebpf::helpers::generated::bpf_get_current_task_btf;
use tracer_common::{ABSENT, COMM_LEN, Filled, SIGCHLD_IGNORED, SIGCHLD_NOCLDWAIT};

pub(crate) use self::{limits::fork_failed, registers::Registers};
use crate::settings::read;

/// `include/linux/sched.h`: the task is a kernel thread.
const PF_KTHREAD: u32 = 0x0020_0000;
/// `include/linux/sched/signal.h`: the whole group is being ended.
const SIGNAL_GROUP_EXIT: u32 = 0x4;
/// `include/linux/sched.h`: released without becoming reapable.
const EXIT_DEAD: u32 = 0x10;
/// `include/uapi/asm-generic/signal-defs.h`.
const SA_NOCLDWAIT: u64 = 2;
/// `include/uapi/asm-generic/signal-defs.h`.
const SIG_IGN: u64 = 1;
/// x86-64: the number of the signal that tells of a child.
pub(crate) const SIGCHLD: u32 = 17;
/// x86-64: `sizeof(struct k_sigaction)`, part of the system call interface since 2.6.
const ACTION_SIZE: u32 = 32;

/// Reads a field of a kernel structure.
///
/// # Safety
///
/// `base` carries its BTF type for the verifier and `offset` was found in BTF for a field of type `T`.
#[inline(always)]
pub(crate) unsafe fn load<T>(base: *const u8, offset: u32) -> T {
    // SAFETY: by the contract above; the kernel turns a faulting load into zero.
    unsafe { read_volatile(base.add(offset as usize).cast()) }
}

macro_rules! field {
    ($base:expr, $name:ident) => {{
        let offset = $crate::settings::read!(OFFSETS.$name);
        // SAFETY: the offset was found in BTF for this very field.
        unsafe { $crate::task::load($base, offset) }
    }};
}
pub(crate) use field;

/// Where the action for SIGCHLD begins in the table of a process.
#[inline(always)]
fn sigchld_action() -> u32 {
    read!(OFFSETS.sighand_action) + (SIGCHLD - 1) * ACTION_SIZE
}

/// What an action for SIGCHLD means, as `SIGCHLD_*` bits. A process that has given up its table of actions
/// reads as one with default actions.
#[inline(always)]
fn sigchld(handler: u64, flags: u64) -> u32 {
    u32::from(handler == SIG_IGN) * SIGCHLD_IGNORED
        + u32::from(flags & SA_NOCLDWAIT != 0) * SIGCHLD_NOCLDWAIT
}

/// A `struct task_struct`: one thread.
#[derive(Clone, Copy)]
pub(crate) struct Task(*const u8);

impl Task {
    /// # Safety
    ///
    /// `pointer` comes from a hook's argument or a helper that types it as `task_struct`.
    #[inline(always)]
    pub(crate) unsafe fn new(pointer: *const u8) -> Self {
        Self(pointer)
    }

    /// The running thread, since 5.11.
    #[inline(always)]
    pub(crate) fn running() -> Self {
        // SAFETY: the helper has no precondition.
        Self(unsafe { bpf_get_current_task_btf() }.cast())
    }

    #[inline(always)]
    pub(crate) fn tid(self) -> u32 {
        field!(self.0, task_pid)
    }

    #[inline(always)]
    pub(crate) fn tgid(self) -> u32 {
        field!(self.0, task_tgid)
    }

    #[inline(always)]
    pub(crate) fn is_main_thread(self) -> bool {
        self.tid() == self.tgid()
    }

    #[inline(always)]
    pub(crate) fn is_kernel_thread(self) -> bool {
        let flags: u32 = field!(self.0, task_flags);
        flags & PF_KTHREAD != 0
    }

    /// Past the point where it is a zombie or released.
    #[inline(always)]
    pub(crate) fn has_exited(self) -> bool {
        let state: u32 = field!(self.0, task_exit_state);
        state != 0
    }

    /// Released without ever having been reapable.
    #[inline(always)]
    pub(crate) fn is_released(self) -> bool {
        let state: u32 = field!(self.0, task_exit_state);
        state & EXIT_DEAD != 0
    }

    #[inline(always)]
    pub(crate) fn comm(self) -> [u8; COMM_LEN] {
        field!(self.0, task_comm)
    }

    /// Whether its process traces nobody for certain: whom one traces hangs on the thread that does
    /// (`ptraced` in `struct task_struct`), so that with more threads than this one there may be some
    /// elsewhere.
    #[inline(always)]
    pub(crate) fn traces_nobody(self) -> bool {
        self.is_alone_without(self.group(), read!(OFFSETS.task_ptraced))
    }

    /// Whether a list of tasks that begins there is empty, and no other thread has one.
    #[inline(always)]
    fn is_alone_without(self, Group(signal): Group, list: u32) -> bool {
        let threads: u32 = field!(signal, signal_threads);
        // SAFETY: the offset was found in BTF for a pointer.
        let first: *const u8 = unsafe { load(self.0, list) };
        threads == 1 && first == self.0.wrapping_add(list as usize)
    }

    /// What it shares with the other threads of its process.
    #[inline(always)]
    pub(crate) fn group(self) -> Group {
        Group(field!(self.0, task_signal))
    }

    /// What its process does with SIGCHLD, as `SIGCHLD_*` bits.
    #[inline(always)]
    pub(crate) fn sigchld(self) -> u32 {
        let sighand: *const u8 = field!(self.0, task_sighand);
        let handler = sigchld_action() + read!(OFFSETS.action_handler);
        let flags = sigchld_action() + read!(OFFSETS.action_flags);
        // SAFETY: fields of one action in the table that was found in BTF.
        unsafe { sigchld(load(sighand, handler), load(sighand, flags)) }
    }

    /// The process of a main thread.
    #[inline(always)]
    pub(crate) fn process_of_main(self) -> Process {
        Process { task: self, leader: self }
    }

    /// The process of any thread.
    #[inline(always)]
    pub(crate) fn process(self) -> Process {
        Process { task: self, leader: Self(field!(self.0, task_group_leader)) }
    }
}

/// A `struct signal_struct`: what the threads of a process share.
#[derive(Clone, Copy)]
pub(crate) struct Group(*const u8);

impl Group {
    /// Threads that have not begun to exit.
    #[inline(always)]
    pub(crate) fn live_threads(self) -> u32 {
        field!(self.0, signal_live)
    }

    /// All its threads are on their way out, by a fatal signal, `exit_group` or `execve`.
    #[inline(always)]
    pub(crate) fn is_ending(self) -> bool {
        let flags: u32 = field!(self.0, signal_flags);
        let exec_task: *const u8 = field!(self.0, signal_exec_task);
        flags & SIGNAL_GROUP_EXIT != 0 || !exec_task.is_null()
    }
}

/// A process, seen from one of its threads.
#[derive(Clone, Copy)]
pub(crate) struct Process {
    task: Task,
    leader: Task,
}

impl Process {
    #[inline(always)]
    pub(crate) fn task(self) -> Task {
        self.task
    }

    #[inline(always)]
    pub(crate) fn tgid(self) -> u32 {
        self.task.tgid()
    }

    /// Start of the main thread: others have their own.
    #[inline(always)]
    pub(crate) fn start(self) -> u64 {
        field!(self.leader.0, task_start)
    }

    #[inline(always)]
    pub(crate) fn uid(self) -> u32 {
        let cred = field!(self.task.0, task_cred);
        field!(cred, cred_uid)
    }

    /// How many processes and threads its user has, and may have.
    #[inline(always)]
    pub(crate) fn nproc(self) -> Filled {
        let cred: *const u8 = field!(self.task.0, task_cred);
        let used = if read!(OFFSETS.cred_ucounts) != ABSENT {
            let ucounts: *const u8 = field!(cred, cred_ucounts);
            let Some(used) = limits::nproc_of(ucounts) else { return Filled::default() };
            used
        } else if read!(OFFSETS.user_processes) != ABSENT {
            let user: *const u8 = field!(cred, cred_user);
            let processes: u32 = field!(user, user_processes);
            u64::from(processes)
        } else {
            return Filled::default();
        };
        let soft = read!(OFFSETS.signal_rlim) + limits::NPROC_SOFT;
        // SAFETY: the limit on processes in the array that was found in BTF.
        Filled { used, limit: unsafe { load(self.task.group().0, soft) } }
    }

    #[inline(always)]
    pub(crate) fn comm(self) -> [u8; COMM_LEN] {
        self.leader.comm()
    }

    #[inline(always)]
    pub(crate) fn real_parent(self) -> Self {
        Task(field!(self.leader.0, task_real_parent)).process()
    }

    /// The tracer while there is one, else the parent.
    #[inline(always)]
    pub(crate) fn parent(self) -> Task {
        Task(field!(self.leader.0, task_parent))
    }

    #[inline(always)]
    pub(crate) fn is_ptraced(self) -> bool {
        let ptrace: u32 = field!(self.leader.0, task_ptrace);
        ptrace != 0
    }

    #[inline(always)]
    pub(crate) fn exit_signal(self) -> u32 {
        field!(self.leader.0, task_exit_signal)
    }

    /// Where the new program's arguments and the path it was started by lie in user memory:
    /// start and length of the arguments, and the path, which `execve` puts behind the environment
    /// (`do_execveat_common`, fs/exec.c).
    #[inline(always)]
    pub(crate) fn program(self) -> (u64, u64, u64) {
        let mm: *const u8 = field!(self.task.0, task_mm);
        let start: u64 = field!(mm, mm_arg_start);
        let end: u64 = field!(mm, mm_arg_end);
        (start, end.wrapping_sub(start), field!(mm, mm_env_end))
    }

    /// How it ended and what it used.
    #[inline(always)]
    pub(crate) fn account(self, Group(signal): Group) -> Account {
        let flags: u32 = field!(signal, signal_flags);
        let group_code: u32 = field!(signal, signal_group_exit_code);
        let leader_code: u32 = field!(self.leader.0, task_exit_code);
        let mut account = Account {
            // As `wait_task_zombie` (kernel/exit.c) takes it.
            status: if flags & SIGNAL_GROUP_EXIT != 0 { group_code } else { leader_code },
            utime: field!(signal, signal_utime),
            stime: field!(signal, signal_stime),
            runtime: field!(signal, signal_runtime),
            maxrss_pages: field!(signal, signal_maxrss),
        };
        account.add(self.task);
        if !self.task.is_main_thread() {
            account.add(self.leader);
        }
        account
    }
}

/// What is accounted to a process: to its released threads, its main one and the last.
pub(crate) struct Account {
    pub(crate) status: u32,
    pub(crate) utime: u64,
    pub(crate) stime: u64,
    pub(crate) runtime: u64,
    pub(crate) maxrss_pages: u64,
}

impl Account {
    #[inline(always)]
    fn add(&mut self, thread: Task) {
        let user: u64 = field!(thread.0, task_utime);
        let system: u64 = field!(thread.0, task_stime);
        let runtime: u64 = field!(thread.0, task_runtime);
        self.utime += user;
        self.stime += system;
        self.runtime += runtime;
    }
}
