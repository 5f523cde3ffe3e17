//! The records on the ring buffer: one structure per kernel fact, told apart by [`Head::kind`].
//!
//! Times are nanoseconds of the boot clock. Ids of processes and threads are those of the initial
//! pid namespace. A start time of 0 means that the program could not know it.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Bytes of a thread's name, its NUL included (`TASK_COMM_LEN`, include/linux/sched.h).
pub const COMM_LEN: usize = 16;
/// More than the bytes kept of the path given to `execve`, its NUL included (`PATH_MAX`).
pub const EXE_MAX: usize = 4096;
/// More than the bytes kept of the arguments, each ended by NUL.
pub const ARGS_MAX: usize = 4096;

/// What a record says: the value of [`Head::kind`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Kind {
    /// [`Fork`]
    Fork = 1,
    /// [`Exec`]
    Exec = 2,
    /// [`LeaderExit`]
    LeaderExit = 3,
    /// [`Exit`]
    Exit = 4,
    /// [`Death`]
    Death = 5,
    /// [`Wait`]
    Wait = 6,
    /// [`Free`]
    Free = 7,
    /// [`Release`]
    Release = 8,
    /// [`ForkFailed`]
    ForkFailed = 9,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Fork,
        Self::Exec,
        Self::LeaderExit,
        Self::Exit,
        Self::Death,
        Self::Wait,
        Self::Free,
        Self::Release,
        Self::ForkFailed,
    ];
}

/// The beginning of every record: when, and of which process.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, Immutable, IntoBytes, KnownLayout,
)]
#[repr(C)]
pub struct Head {
    /// When, ns of the boot clock.
    pub time: u64,
    /// Start of the process, ns of the boot clock; with `tgid` its identity.
    pub start: u64,
    /// The process.
    pub tgid: u32,
    /// The thread of it that acted.
    pub tid: u32,
    /// Real user id of the process, of its birth, programs, end and failed forks; else 0.
    pub uid: u32,
    /// One of [`Kind`].
    pub kind: u32,
}

/// Where a process lives.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, Immutable, IntoBytes, KnownLayout,
)]
#[repr(C)]
pub struct Ids {
    /// Inode number of its cgroup v2 directory.
    pub cgroup: u64,
    /// Inode number of its pid namespace.
    pub pidns: u32,
    /// Its pid inside that namespace.
    pub ns_pid: u32,
}

/// How much of a limit on processes and threads is used. 0 of 0: not known.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, Immutable, IntoBytes, KnownLayout,
)]
#[repr(C)]
pub struct Filled {
    /// So many there are.
    pub used: u64,
    /// So many there may be.
    pub limit: u64,
}

/// A process was created (`sched_process_fork`); the head is the child's, and its time the child's start.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, Immutable, IntoBytes, KnownLayout,
)]
#[repr(C)]
pub struct Fork {
    /// The child.
    pub head: Head,
    /// Where the child lives.
    pub ids: Ids,
    /// Processes and threads of its user, and its soft `RLIMIT_NPROC`.
    pub nproc: Filled,
    /// Start of the parent.
    pub parent_start: u64,
    /// The parent: `real_parent` of the child.
    pub parent: u32,
    /// The process that called: differs from the parent under `CLONE_PARENT`.
    pub forker: u32,
    /// What the parent's waits call the child: its number in the parent's pid namespace.
    pub number: u32,
    /// Signal the child sends when it dies, 0 for none.
    pub exit_signal: u32,
    /// Name of the child, its forker's.
    pub comm: [u8; COMM_LEN],
}

/// A program was replaced (`sched_process_exec`). The path and then the arguments follow the
/// structure, `exe_len` and `args_len` bytes.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, Immutable, IntoBytes, KnownLayout,
)]
#[repr(C)]
pub struct Exec {
    /// The process.
    pub head: Head,
    /// Where it lives.
    pub ids: Ids,
    /// Its new name.
    pub comm: [u8; COMM_LEN],
    /// Bytes of arguments the program was given, captured or not.
    pub args_total: u64,
    /// The thread that called, by the id it had before it took over the main thread's.
    pub old_tid: u32,
    /// Bytes of path that follow, 0 when it could not be read.
    pub exe_len: u32,
    /// Bytes of arguments that follow the path.
    pub args_len: u32,
    /// 0.
    pub reserved: u32,
}

/// The main thread left while others live on (`sched_process_exit`).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, Immutable, IntoBytes, KnownLayout,
)]
#[repr(C)]
pub struct LeaderExit {
    /// The process.
    pub head: Head,
    /// Threads that have not begun to exit.
    pub threads: u32,
    /// 0.
    pub reserved: u32,
}

/// [`Exit::adopter_kind`]: nobody adopts. It has no children, or takes them with it: it is the init of a pid
/// namespace.
pub const ADOPTER_NONE: u32 = 0;
/// [`Exit::adopter_kind`]: the machine's init.
pub const ADOPTER_INIT: u32 = 1;
/// [`Exit::adopter_kind`]: an ancestor that set `PR_SET_CHILD_SUBREAPER`.
pub const ADOPTER_SUBREAPER: u32 = 2;
/// [`Exit::adopter_kind`]: the init of its pid namespace.
pub const ADOPTER_PIDNS_INIT: u32 = 3;

/// In `sigchld` fields: the process ignores SIGCHLD.
pub const SIGCHLD_IGNORED: u32 = 1;
/// In `sigchld` fields: the process set `SA_NOCLDWAIT`.
pub const SIGCHLD_NOCLDWAIT: u32 = 2;

/// The last thread of a process began to exit (`sched_process_exit`).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, Immutable, IntoBytes, KnownLayout,
)]
#[repr(C)]
pub struct Exit {
    /// The process; `tid` is the thread that went last.
    pub head: Head,
    /// Where it lives.
    pub ids: Ids,
    /// Its name.
    pub comm: [u8; COMM_LEN],
    /// Start of the parent.
    pub parent_start: u64,
    /// Start of the process that adopts its children.
    pub adopter_start: u64,
    /// User CPU time of all its threads, ns, as the tick samples it.
    pub utime: u64,
    /// System CPU time of all its threads, ns, as the tick samples it.
    pub stime: u64,
    /// Time on a CPU of all its threads, ns, exact.
    pub runtime: u64,
    /// High-water mark of resident pages.
    pub maxrss_pages: u64,
    /// The parent: `real_parent`.
    pub parent: u32,
    /// The ptrace tracer when it is not the parent, else 0.
    pub ptracer: u32,
    /// Who adopts its children if it has any: `find_new_reaper` (kernel/exit.c) as of now.
    pub adopter: u32,
    /// One of the `ADOPTER_*` values.
    pub adopter_kind: u32,
    /// The wait status a parent will read.
    pub status: u32,
    /// `SIGCHLD_*` bits of the parent.
    pub sigchld: u32,
    /// Signal it sends to its parent, 0 for none.
    pub exit_signal: u32,
    /// `SIGCHLD_*` bits of the adopter.
    pub adopter_sigchld: u32,
}

/// The parent was told of a death (`do_notify_parent`, kernel/signal.c): the process in the head has
/// become reapable. Told again when a tracer or a dying parent hands it on.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, Immutable, IntoBytes, KnownLayout,
)]
#[repr(C)]
pub struct Death {
    /// The process that died.
    pub head: Head,
    /// Start of the process that was told.
    pub target_start: u64,
    /// The process that was told.
    pub target: u32,
    /// The signal.
    pub signal: u32,
    /// `TRACE_SIGNAL_*` (include/trace/events/signal.h): what became of the signal;
    /// [`NO_SIGNAL`] when none was raised.
    pub result: u32,
    /// 1: nobody will wait, the kernel releases the process at once.
    pub autoreap: u32,
}

/// [`Death::result`]: no signal was raised.
pub const NO_SIGNAL: u32 = u32::MAX;

/// [`Wait::flags`]: `status` and (for `waitid`) `pid` were read; else the caller asked for neither, or
/// [`WAIT_OF_DEAD`] says it all.
pub const WAIT_HAS_RESULT: u32 = 1;
/// [`Wait::flags`]: the call was `waitid`, not `wait4`.
pub const WAIT_ID: u32 = 2;

/// [`Wait::flags`]: the wait has only begun.
pub const WAIT_BEGUN: u32 = 4;
/// [`Wait::flags`]: what it was given is not known: `id` is -1 when any child will do, else 0.
pub const WAIT_UNREAD: u32 = 8;
/// [`Wait::flags`]: `wait4` by a caller whom it tells of no child but the dead: it did not ask for others,
/// and traces nobody.
pub const WAIT_OF_DEAD: u32 = 16;

/// `wait4` or `waitid` returned, or began; the head is the waiter's, its start unknown.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, Immutable, IntoBytes, KnownLayout,
)]
#[repr(C)]
pub struct Wait {
    /// The waiter.
    pub head: Head,
    /// Name of the waiting thread.
    pub comm: [u8; COMM_LEN],
    /// What the call returned: a pid, 0, or a negative errno.
    pub ret: i32,
    /// `wait4`: the first argument. `waitid`: the second.
    pub id: i32,
    /// `waitid`: the first argument, `P_ALL`, `P_PID`, `P_PGID` or `P_PIDFD`.
    pub id_type: u32,
    /// The options given.
    pub options: u32,
    /// The child reported, as the waiter's pid namespace numbers it; 0 when none or not known.
    pub pid: u32,
    /// `wait4`: the wait status. `waitid`: `si_code`.
    pub status: u32,
    /// `WAIT_*` bits.
    pub flags: u32,
    /// 0.
    pub reserved: u32,
}

/// The kernel gave the process's memory back, an RCU grace period after its release
/// (`sched_process_free`): whatever reaped it, it is gone.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, Immutable, IntoBytes, KnownLayout,
)]
#[repr(C)]
pub struct Free {
    /// The process.
    pub head: Head,
}

/// The process is released (`release_task`, kernel/exit.c): gone from the process table now.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, Immutable, IntoBytes, KnownLayout,
)]
#[repr(C)]
pub struct Release {
    /// The process.
    pub head: Head,
    /// Name of the thread that releases it.
    pub comm: [u8; COMM_LEN],
    /// The process that releases it: its reaper, or one in whose context the kernel does.
    pub reaper: u32,
    /// The thread of it.
    pub reaper_tid: u32,
    /// Number of the system call that thread is in; [`NO_CALL`] when not known.
    pub call: u32,
    /// 0.
    pub reserved: u32,
}

/// [`Release::call`]: not known.
pub const NO_CALL: u32 = u32::MAX;

/// [`ForkFailed::flags`]: a process was asked for.
pub const FORK_PROCESS: u32 = 1;
/// [`ForkFailed::flags`]: a thread was asked for.
pub const FORK_THREAD: u32 = 2;
/// [`ForkFailed::flags`]: `RLIMIT_NPROC` does not bind the caller.
pub const FORK_EXEMPT: u32 = 4;
/// [`ForkFailed::flags`]: `pidns` is a namespace whose init is dead.
pub const FORK_PIDNS_DEAD: u32 = 8;

/// `fork`, `vfork`, `clone` or `clone3` failed; the head is the caller's. The counts are of the moment
/// after, when what the child would have taken has been given back.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, Immutable, IntoBytes, KnownLayout,
)]
#[repr(C)]
pub struct ForkFailed {
    /// The caller.
    pub head: Head,
    /// Inode number of its cgroup v2 directory.
    pub cgroup: u64,
    /// Its name.
    pub comm: [u8; COMM_LEN],
    /// Processes and threads of its user, and its soft `RLIMIT_NPROC`.
    pub nproc: Filled,
    /// The nearest cgroup up the tree that is at its limit of pids.
    pub pids: Filled,
    /// Inode number of the directory of that cgroup, 0 for none.
    pub pids_cgroup: u64,
    /// The pids of `pidns`, when it has none left.
    pub pidns_pids: Filled,
    /// Pids taken of the initial namespace: all processes and threads of the machine.
    pub machine: u64,
    /// Inode number of the nearest pid namespace up the tree that is dead or full, 0 for none.
    pub pidns: u32,
    /// What the call returned, as a positive errno.
    pub error: u32,
    /// Number of the system call; [`NO_CALL`] when not known.
    pub call: u32,
    /// `FORK_*` bits.
    pub flags: u32,
}
