//! What this kernel and this user can do, found by trying.

use std::fs;

use aya::{
    programs::ProgramType,
    sys::{BpfHelper, is_helper_supported},
};
use procfs::process::Process;
use tracer_common::Config;

use super::{
    Refusal,
    cgroups::Cgroups,
    kernel::{self, FENTRY, Hook, RETURNS, Size, TRACEPOINT, Tier, Types},
    refusal::hook_refused,
    returns::Returns,
    seed,
};

/// Bits of `/proc/PID/status` CapEff, include/uapi/linux/capability.h.
const CAP_SYS_ADMIN: u64 = 1 << 21;
const CAP_PERFMON: u64 = 1 << 38;
const CAP_BPF: u64 = 1 << 39;
/// `PROC_PID_INIT_INO`, include/linux/proc_ns.h: the inode of the initial pid namespace.
pub(crate) const INITIAL_PIDNS: u32 = 0xEFFF_FFFC;

/// One thing that is needed.
pub(crate) struct Check {
    pub(crate) name: String,
    /// What it is good for.
    pub(crate) tells: &'static str,
    /// Nothing when it is there, else why not and what to do.
    pub(crate) refusal: Option<Refusal>,
    /// False where something else that it needs is refused.
    pub(crate) tried: bool,
    /// What is less exact where it cannot be had.
    pub(crate) without: &'static str,
    /// Of a hook's program, once loaded.
    pub(crate) size: Option<Size>,
}

impl Check {
    fn new(name: impl Into<String>, tells: &'static str, result: anyhow::Result<()>) -> Self {
        let refusal = result.err().map(Refusal::from);
        let (without, tried, size) = ("no session", true, None);
        Self { name: name.into(), tells, refusal, tried, without, size }
    }

    /// The same where `need`, without which there is no trying, is refused.
    fn barred_by(self, need: &Self) -> Self {
        let untried = |refusal: &Refusal| {
            Refusal::new(format!("not tried: no {}", need.name), refusal.remedy())
        };
        Self { refusal: need.refusal.as_ref().map(untried), tried: false, ..self }
    }

    pub(crate) fn passed(&self) -> bool {
        self.refusal.is_none()
    }
}

/// What was found.
pub(crate) struct Report {
    /// What every tier needs.
    pub(crate) needs: Vec<Check>,
    /// The hooks of each tier, by its name, the better one first.
    pub(crate) tiers: Vec<(&'static str, Vec<Check>)>,
    /// What makes a session fuller, not possible.
    pub(crate) extras: Vec<Check>,
    /// The processes of every user, which `tracer zombies` needs, and nothing else.
    pub(crate) table: Check,
}

impl Report {
    /// The name of the best tier that works as a whole.
    pub(crate) fn best(&self) -> Option<&'static str> {
        let works = |checks: &[Check]| !checks.is_empty() && checks.iter().all(Check::passed);
        let tier = self.tiers.iter().find(|(_, hooks)| works(hooks)).map(|(name, _)| *name);
        tier.filter(|_| works(&self.needs))
    }
}

/// Everything that is needed, one by one.
pub(crate) fn report() -> Report {
    let tells = "BTF with every field that is read";
    let (types, refused) =
        Types::read().map_or_else(|no| (None, Err(no)), |yes| (Some(yes), Ok(())));
    let described = Check::new("kernel types", tells, refused);
    let privileges = Check::new("privileges", "CAP_BPF and CAP_PERFMON", privileges());
    let pids = Check::new("pid namespace", "sees every process", pid_namespace());
    // What each hook needs is not refused once for each of them.
    let lacking = [&privileges, &described].into_iter().find(|need| !need.passed());
    let check = |hooks: Vec<&Hook>| match (&types, lacking) {
        (Some(types), None) => try_out(types, &hooks, &Returns::default()),
        (_, lacking) => {
            Ok(hooks.iter().filter_map(|hook| Some(of(hook).barred_by(lacking?))).collect())
        }
    };
    let all = |tier: &Tier| check(tier.hooks.iter().collect()).unwrap_or_else(|none| vec![*none]);
    let tiers = [&FENTRY, &TRACEPOINT].map(|tier| (tier.name, all(tier))).into();
    let mut extras = check(FENTRY.fork_failures.into_iter().collect()).unwrap_or_default();
    extras.push(match (&types, lacking) {
        (Some(types), None) => returns(types),
        (_, lacking) => lacking.map_or(of(&RETURNS), |need| of(&RETURNS).barred_by(need)),
    });
    let reads = memory_reads();
    extras.push(if privileges.passed() { reads } else { reads.barred_by(&privileges) });
    let names = namespaces();
    extras.push(if pids.passed() { names } else { names.barred_by(&pids) });
    extras.push(cgroup_paths());
    let needs = vec![privileges, pids, described];
    Report { needs, tiers, extras, table: process_table() }
}

fn memory_reads() -> Check {
    let reads = if may_read_memory() {
        Ok(())
    } else {
        Err(Refusal::new(
            "kernel lockdown `confidentiality` forbids the helpers that read memory",
            "boot without lockdown=confidentiality, where that may be",
        )
        .into())
    };
    Check {
        without: "`exe` and `argv` are unknown, and `ns_pid` in nested pid namespaces; with the \
                  fentry hooks before Linux 5.15 `via` and failed forks, too; of a failed fork the cgroup \
                  that is full; with the tracepoint hooks reaps by \
                  waitid are `bound`",
        ..Check::new(
            "memory reads",
            "programs' paths and arguments, pids in nested namespaces",
            reads,
        )
    }
}

/// Whether namespaces of other users' processes can be read (`proc_ns_readlink`, fs/proc/namespaces.c),
/// and where they sleep (`proc_pid_wchan` and `lock_trace`, fs/proc/base.c): the kernel asks
/// `ptrace_may_access`, kernel/ptrace.c. Tried with kthreadd, which is root's, has all capabilities and,
/// unlike an init, is nothing that a security module guards.
fn namespaces() -> Check {
    let read = seed::pidns(2).map(drop);
    let refused = |error| {
        let what = format!("cannot be read: {error}");
        Refusal::new(what, "run it as root, or with CAP_SYS_PTRACE as well").into()
    };
    Check {
        without: "of other users' processes `pidns` is unknown when they were there at the start, and \
                  `parent_blocked` is not seen",
        ..Check::new(
            "namespaces",
            "of other users' processes at the start, and where they sleep",
            read.map_err(refused),
        )
    }
}

/// `open_by_handle_at` asks for CAP_DAC_READ_SEARCH (`may_decode_fh`, fs/fhandle.c; before 6.11
/// `handle_to_path`).
fn cgroup_paths() -> Check {
    let refused = match Cgroups::new().can_tell_paths() {
        Some(true) => None,
        Some(false) => Some(Refusal::new(
            "open_by_handle_at is refused",
            "run it as root, or with CAP_DAC_READ_SEARCH as well",
        )),
        None => Some(Refusal::new(
            "no cgroup v2 hierarchy is mounted",
            "mount -t cgroup2 none /sys/fs/cgroup, or beside the hierarchies of v1",
        )),
    };
    Check {
        without: "`cgroup` and `container` are unknown for what is born after the start, and of a failed \
                  fork the cgroup that is full",
        ..Check::new(
            "cgroup paths",
            "cgroups and containers, by the id the kernel has",
            refused.map_or(Ok(()), |refusal| Err(refusal.into())),
        )
    }
}

/// Mounted with `hidepid`, /proc shows users their own processes only (`has_pid_permissions`,
/// fs/proc/base.c).
fn process_table() -> Check {
    let refused = |error| {
        Refusal::new(
            format!("cannot be read: {error}"),
            "mount /proc without hidepid, or run it as root",
        )
        .into()
    };
    let first = fs::read("/proc/1/stat").map(drop);
    Check {
        without: "`tracer zombies` and `existing` have the user's own processes at most",
        ..Check::new("process table", "`tracer zombies`, for every user", first.map_err(refused))
    }
}

/// A hook of which nothing is known yet.
fn of(hook: &Hook) -> Check {
    Check { without: hook.without, ..Check::new(hook.name(), hook.tells, Ok(())) }
}

/// Loads and attaches hooks of a tier, for a moment. The programs are at their longest: with
/// the map of tracked processes, which is empty.
fn try_out(types: &Types, hooks: &[&Hook], returns: &Returns) -> Result<Vec<Check>, Box<Check>> {
    let config = Config { tree_only: 1, track_own_children: 1, ..Config::ZERO };
    let config = types.complete(config);
    let mut ebpf = match types.loader(&config, 4096, 1).load() {
        Ok(ebpf) => ebpf,
        Err(error) => return Err(Check::new("BPF maps", "records", Err(error)).into()),
    };
    let mut check = |hook: &&Hook| {
        let result = types
            .load_hook(&mut ebpf, hook)
            .and_then(|()| kernel::attach(&mut ebpf, hook, returns))
            .map_err(|error| hook_refused(hook, &error));
        let refusal = result.err().map(Refusal::from);
        Check { refusal, size: kernel::size(&ebpf, hook), ..of(hook) }
    };
    Ok(hooks.iter().map(&mut check).collect())
}

/// The ends of single system calls.
fn returns(types: &Types) -> Check {
    match types.returns(true) {
        Ok(returns) => {
            let tried = try_out(types, &[&RETURNS], &returns);
            tried.map_or_else(|none| *none, |mut checks| checks.remove(0))
        }
        Err(error) => Check { refusal: Some(error.into()), ..of(&RETURNS) },
    }
}

/// Whether the user may load BPF programs.
pub(crate) fn privileges() -> anyhow::Result<()> {
    let held = Process::myself()?.status()?.capeff;
    let enough = held & CAP_SYS_ADMIN != 0 || held & CAP_BPF != 0 && held & CAP_PERFMON != 0;
    if enough {
        return Ok(());
    }
    Err(Refusal::new(
        "loading BPF programs needs root, or CAP_BPF and CAP_PERFMON",
        "run it with sudo; without privileges `tracer zombies` tells the zombies of now, `tracer trace --from \
         FILE` what a recording has, `tracer doctor` what is missing",
    )
    .into())
}

/// Whether programs may call the helpers that read memory. Lockdown `confidentiality` forbids
/// `bpf_probe_read_kernel` (`bpf_tracing_func_proto`, kernel/trace/bpf_trace.c), to programs of this
/// kind as to ours; and aya, where that one is missing, takes the one for user memory for missing as
/// well (`Function::sanitize` of aya-obj 0.3).
pub(crate) fn may_read_memory() -> bool {
    let helper = BpfHelper::BPF_FUNC_probe_read_kernel;
    // Where nothing may be loaded at all, our own programs are told why.
    is_helper_supported(ProgramType::KProbe, helper).unwrap_or(true)
}

/// Whether the pids we see are those the kernel side reports.
pub(crate) fn pid_namespace() -> anyhow::Result<()> {
    if seed::pidns("self")? == INITIAL_PIDNS {
        return Ok(());
    }
    Err(Refusal::new(
        "tracer runs inside a pid namespace and would name processes by other numbers than /proc",
        "run it on the host, or in a container with the host's pid namespace (--pid=host)",
    )
    .into())
}
