//! The only reader of kernel structures. A load through a pointer that the kernel handed over with
//! its type is checked by the verifier against BTF and protected against faults, so a pointer that
//! is stale or null reads as zero and needs no helper call.
//!
//! The offsets are constants to the verifier, because they are operands of instructions. For every
//! pointer that a program follows it searches all of BTF by name, up to a millisecond each time and once
//! per path: pointers are read once and before branches.

mod at;
mod limits;
mod place;
mod registers;

use core::ptr::read_volatile;

use aya_ebpf::helpers::generated::bpf_get_current_task_btf;
use tracer_common::{ABSENT, COMM_LEN, Filled, SIGCHLD_IGNORED, SIGCHLD_NOCLDWAIT};

pub(crate) use self::{limits::fork_failed, registers::Registers};
use crate::settings::{at, read};

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
const ACTION_SIZE: usize = 32;

/// Reads a field of a kernel structure.
///
/// # Safety
///
/// The pointer carries a BTF type for the verifier, and was made by an offset that was found in BTF for a field of
/// type `T`.
#[inline(always)]
pub(crate) unsafe fn load<T>(field: *const u8) -> T {
    // SAFETY: by the contract above; the kernel turns a faulting load into zero.
    unsafe { read_volatile(field.cast()) }
}

/// Whether the kernel has a field. [`ABSENT`] is moved into a register as -1.
#[inline(always)]
fn is_there(offset: usize) -> bool {
    offset as u32 != ABSENT
}

macro_rules! field {
    ($base:expr, $name:ident) => {
        // SAFETY: the offset was found in BTF for this very field.
        unsafe { $crate::task::load($crate::settings::at!($base, $name)) }
    };
}
pub(crate) use field;

/// Where the action for SIGCHLD begins behind the first in a table.
const SIGCHLD_ACTION: usize = (SIGCHLD as usize - 1) * ACTION_SIZE;

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

    /// Two loads; an array of bytes would be sixteen.
    #[inline(always)]
    pub(crate) fn comm(self) -> [u8; COMM_LEN] {
        let words: [u64; COMM_LEN / size_of::<u64>()] = field!(self.0, task_comm);
        zerocopy::transmute!(words)
    }

    /// Whether its process traces nobody for certain: whom one traces hangs on the thread that does
    /// (`ptraced` in `struct task_struct`), so that with more threads than this one there may be some
    /// elsewhere.
    #[inline(always)]
    pub(crate) fn traces_nobody(self) -> bool {
        self.group().is_alone_without(at!(self.0, task_ptraced))
    }

    /// User CPU time, ns.
    #[inline(always)]
    pub(crate) fn utime(self) -> u64 {
        field!(self.0, task_utime)
    }

    /// System CPU time, ns.
    #[inline(always)]
    pub(crate) fn stime(self) -> u64 {
        field!(self.0, task_stime)
    }

    /// Time on a CPU, ns.
    #[inline(always)]
    pub(crate) fn runtime(self) -> u64 {
        field!(self.0, task_runtime)
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
        // SAFETY: the table that was found in BTF is longer.
        let action = unsafe { at!(sighand, sighand_action).add(SIGCHLD_ACTION) };
        sigchld(field!(action, action_handler), field!(action, action_flags))
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

    /// Whether its only thread has an empty list there, of tasks.
    #[inline(always)]
    fn is_alone_without(self, list: *const u8) -> bool {
        let threads: u32 = field!(self.0, signal_threads);
        // SAFETY: the offset was found in BTF for a pointer.
        let first: *const u8 = unsafe { load(list) };
        threads == 1 && first == list
    }

    /// Of its released threads: user CPU time, ns.
    #[inline(always)]
    pub(crate) fn utime(self) -> u64 {
        field!(self.0, signal_utime)
    }

    /// System CPU time, ns.
    #[inline(always)]
    pub(crate) fn stime(self) -> u64 {
        field!(self.0, signal_stime)
    }

    /// Time on a CPU, ns.
    #[inline(always)]
    pub(crate) fn runtime(self) -> u64 {
        field!(self.0, signal_runtime)
    }

    /// High-water mark of resident pages.
    #[inline(always)]
    pub(crate) fn maxrss_pages(self) -> u64 {
        field!(self.0, signal_maxrss)
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
        let used = if is_there(read!(OFFSETS.cred_ucounts)) {
            let ucounts: *const u8 = field!(cred, cred_ucounts);
            let Some(used) = limits::nproc_of(ucounts) else { return Filled::default() };
            used
        } else if is_there(read!(OFFSETS.user_processes)) {
            let user: *const u8 = field!(cred, cred_user);
            let processes: u32 = field!(user, user_processes);
            u64::from(processes)
        } else {
            return Filled::default();
        };
        // SAFETY: the limit on processes in the array that was found in BTF.
        let limit = unsafe { load(at!(self.task.group().0, signal_rlim).add(limits::NPROC_SOFT)) };
        Filled { used, limit }
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

    /// The wait status its parent will read, as `wait_task_zombie` (kernel/exit.c) takes it.
    #[inline(always)]
    pub(crate) fn status(self, Group(signal): Group) -> u32 {
        let flags: u32 = field!(signal, signal_flags);
        if flags & SIGNAL_GROUP_EXIT != 0 {
            field!(signal, signal_group_exit_code)
        } else {
            field!(self.leader.0, task_exit_code)
        }
    }

    /// What its main thread and this one come to: those that are released are accounted to the group.
    #[inline(always)]
    pub(crate) fn sum(self, of: impl Fn(Task) -> u64) -> u64 {
        let main = if self.task.is_main_thread() { 0 } else { of(self.leader) };
        of(self.task) + main
    }
}
