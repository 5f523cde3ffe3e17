//! The kernel fields that the programs read, by name. Rust emits no CO-RE relocations, so the
//! loader looks each up in the running kernel's BTF and writes the offsets into their instructions
//! ([`placeholder()`](crate::placeholder())).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// One kernel field: a structure, and the paths it has had in it, newest first.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The structure's name in BTF.
    pub structure: &'static str,
    /// Dotted member paths, newest kernel first; the first that exists is taken. An element of an
    /// array of words is named by an enumerator: `subsys[pids_cgrp_id]`.
    pub paths: &'static [&'static str],
    /// The field is one bit wide (or a byte that holds 0 or 1): its offset counts bits.
    pub bit: bool,
    /// Not every kernel has it: its offset is [`ABSENT`] then.
    pub optional: bool,
}

/// The offset of a field that the kernel does not have.
pub const ABSENT: u32 = u32::MAX;

macro_rules! offsets {
    ($($(#[$doc:meta])* $name:ident = $structure:literal [$($path:literal),+] $($kind:ident)?;)+) => {
        /// Byte offsets (bit offsets where the field says so), in the order of [`FIELDS`].
        #[derive(Clone, Copy, Debug, FromBytes, Immutable, IntoBytes, KnownLayout)]
        #[repr(C)]
        pub struct Offsets {
            $($(#[$doc])* pub $name: u32,)+
        }

        /// The fields of [`Offsets`], in its order.
        pub const FIELDS: &[Field] = &[
            $(offsets!(@field $structure [$($path),+] $($kind)?),)+
        ];
    };
    (@field $structure:literal [$($path:literal),+]) => {
        Field { structure: $structure, paths: &[$($path),+], bit: false, optional: false }
    };
    (@field $structure:literal [$($path:literal),+] bit) => {
        Field { structure: $structure, paths: &[$($path),+], bit: true, optional: false }
    };
    (@field $structure:literal [$($path:literal),+] optional) => {
        Field { structure: $structure, paths: &[$($path),+], bit: false, optional: true }
    };
}

offsets! {
    /// Thread id in the initial pid namespace.
    task_pid = "task_struct" ["pid"];
    /// Thread group id in the initial pid namespace.
    task_tgid = "task_struct" ["tgid"];
    /// Boot-clock start, ns (before 5.5 `real_start_time`, which we do not support).
    task_start = "task_struct" ["start_boottime"];
    /// Name of the thread.
    task_comm = "task_struct" ["comm"];
    /// `PF_*` flags.
    task_flags = "task_struct" ["flags"];
    /// Wait status of the thread.
    task_exit_code = "task_struct" ["exit_code"];
    /// Signal sent to the parent at death, 0 for none, -1 for a thread.
    task_exit_signal = "task_struct" ["exit_signal"];
    /// `EXIT_ZOMBIE`, `EXIT_DEAD` or 0.
    task_exit_state = "task_struct" ["exit_state"];
    /// Not 0 while a tracer is attached.
    task_ptrace = "task_struct" ["ptrace"];
    /// The process that will be notified and may reap.
    task_real_parent = "task_struct" ["real_parent"];
    /// The ptrace tracer if there is one, else the real parent.
    task_parent = "task_struct" ["parent"];
    /// First of its children, or itself.
    task_children = "task_struct" ["children.next"];
    /// First of those it traces, or itself.
    task_ptraced = "task_struct" ["ptraced.next"];
    /// Main thread of the group.
    task_group_leader = "task_struct" ["group_leader"];
    /// What the threads of a group share.
    task_signal = "task_struct" ["signal"];
    /// Signal handlers of the group.
    task_sighand = "task_struct" ["sighand"];
    /// Address space.
    task_mm = "task_struct" ["mm"];
    /// Its place in every cgroup hierarchy.
    task_cgroups = "task_struct" ["cgroups"];
    /// Objective credentials.
    task_cred = "task_struct" ["real_cred"];
    /// Lowest address of its kernel stack.
    task_stack = "task_struct" ["stack"];
    /// Its `struct pid` (since 4.19).
    task_thread_pid = "task_struct" ["thread_pid"];
    /// User CPU time of the thread, ns.
    task_utime = "task_struct" ["utime"];
    /// System CPU time of the thread, ns.
    task_stime = "task_struct" ["stime"];
    /// Time on a CPU by the scheduler's clock, ns.
    task_runtime = "task_struct" ["se.sum_exec_runtime"];
    /// The namespaces it works in, gone late in its exit.
    task_nsproxy = "task_struct" ["nsproxy"];
    /// Threads that have not begun to exit.
    signal_live = "signal_struct" ["live.counter"];
    /// Threads that have not been released.
    signal_threads = "signal_struct" ["nr_threads"];
    /// `SIGNAL_*` flags.
    signal_flags = "signal_struct" ["flags"];
    /// Wait status when the whole group was ended at once.
    signal_group_exit_code = "signal_struct" ["group_exit_code"];
    /// Thread that is in `execve` and ends the others (renamed in 5.16).
    signal_exec_task = "signal_struct" ["group_exec_task", "group_exit_task"];
    /// User CPU time of the threads already released, ns.
    signal_utime = "signal_struct" ["utime"];
    /// System CPU time of the threads already released, ns.
    signal_stime = "signal_struct" ["stime"];
    /// Time on a CPU of the threads already released, ns.
    signal_runtime = "signal_struct" ["sum_sched_runtime"];
    /// High-water mark of resident pages.
    signal_maxrss = "signal_struct" ["maxrss"];
    /// It set `PR_SET_CHILD_SUBREAPER`.
    signal_is_subreaper = "signal_struct" ["is_child_subreaper"] bit;
    /// An ancestor of it did.
    signal_has_subreaper = "signal_struct" ["has_child_subreaper"] bit;
    /// Resource limits, a soft and a hard one each.
    signal_rlim = "signal_struct" ["rlim"];
    /// Table of signal actions.
    sighand_action = "sighand_struct" ["action"];
    /// Handler of an action: 0 default, 1 ignore.
    action_handler = "k_sigaction" ["sa.sa_handler"];
    /// `SA_*` flags of an action.
    action_flags = "k_sigaction" ["sa.sa_flags"];
    /// Real user id.
    cred_uid = "cred" ["uid.val"];
    /// Effective capabilities.
    cred_caps = "cred" ["cap_effective"];
    /// The user namespace that they count in.
    cred_user_ns = "cred" ["user_ns"];
    /// Depth of the user namespace, 0 for the initial one.
    userns_level = "user_namespace" ["level"];
    /// What is counted of its user in its user namespace (since 5.14).
    cred_ucounts = "cred" ["ucounts"] optional;
    /// Processes and threads of the user; the first of its limits, when these had moved out.
    ucounts_nproc = "ucounts" ["rlimit", "ucount[UCOUNT_RLIMIT_NPROC]"] optional;
    /// The user of the process, where it is counted up to 5.13.
    cred_user = "cred" ["user"];
    /// Its processes and threads.
    user_processes = "user_struct" ["processes.counter"] optional;
    /// Its place in the hierarchy that limits pids (unless built without CONFIG_CGROUP_PIDS).
    css_set_pids = "css_set" ["subsys[pids_cgrp_id]"] optional;
    /// The place above.
    css_parent = "cgroup_subsys_state" ["parent"];
    /// The cgroup at that place.
    css_cgroup = "cgroup_subsys_state" ["cgroup"];
    /// Processes and threads in the cgroup and below.
    pids_counter = "pids_cgroup" ["counter.counter"] optional;
    /// How many there may be.
    pids_limit = "pids_cgroup" ["limit.counter"] optional;
    /// The cgroup v2 directory.
    css_set_cgroup = "css_set" ["dfl_cgrp"];
    /// Its directory node.
    cgroup_kn = "cgroup" ["kn"];
    /// Inode number of the directory.
    kernfs_id = "kernfs_node" ["id"];
    /// Depth of the pid namespace, 0 for the initial one.
    pid_level = "pid" ["level"];
    /// One number per namespace level.
    pid_numbers = "pid" ["numbers"];
    /// The number.
    upid_nr = "upid" ["nr"];
    /// The pid namespace of its next child: its own, or one below after `unshare` or `setns`.
    nsproxy_pidns = "nsproxy" ["pid_ns_for_children"];
    /// Depth of the namespace, 0 for the initial one.
    pidns_level = "pid_namespace" ["level"];
    /// The namespace it was made in.
    pidns_parent = "pid_namespace" ["parent"];
    /// Inode number of the namespace.
    pidns_inum = "pid_namespace" ["ns.inum"];
    /// The init of the namespace.
    pidns_child_reaper = "pid_namespace" ["child_reaper"];
    /// How many pids of it are taken, with a mark that more may be.
    pidns_allocated = "pid_namespace" ["pid_allocated"];
    /// The first number that it does not give out (per namespace since 6.14).
    pidns_pid_max = "pid_namespace" ["pid_max"] optional;
    /// What `clone` was asked for.
    clone_flags = "kernel_clone_args" ["flags"];
    /// First byte of the argument strings.
    mm_arg_start = "mm_struct" ["arg_start"];
    /// Past the last byte of the argument strings.
    mm_arg_end = "mm_struct" ["arg_end"];
    /// Past the environment: where `execve` put the path it was given.
    mm_env_end = "mm_struct" ["env_end"];
    /// System call number.
    regs_nr = "pt_regs" ["orig_ax"];
    /// Code segment: tells a 32-bit caller, whose system calls have other numbers.
    regs_cs = "pt_regs" ["cs"];
    /// First argument.
    regs_arg0 = "pt_regs" ["di"];
    /// Second argument.
    regs_arg1 = "pt_regs" ["si"];
    /// Third argument.
    regs_arg2 = "pt_regs" ["dx"];
    /// Fourth argument.
    regs_arg3 = "pt_regs" ["r10"];
}
