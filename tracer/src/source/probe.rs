//! What this kernel and this user can do, found by trying.

use aya::{
    programs::ProgramType,
    sys::{BpfHelper, is_helper_supported},
};
use procfs::process::Process;
use tracer_common::Config;

use super::{
    Refusal,
    kernel::{self, FENTRY, Hook, Size, TRACEPOINT, Tier, Types},
    refusal::hook_refused,
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
    /// What is less exact where it cannot be had.
    pub(crate) without: &'static str,
    /// Of a hook's program, once loaded.
    pub(crate) size: Option<Size>,
}

impl Check {
    fn new(name: impl Into<String>, tells: &'static str, result: anyhow::Result<()>) -> Self {
        let without = "no session";
        Self { name: name.into(), tells, refusal: result.err().map(refusal), without, size: None }
    }

    fn passed(&self) -> bool {
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
    let mut needs = vec![
        Check::new("privileges", "CAP_BPF and CAP_PERFMON", privileges()),
        Check::new("pid namespace", "sees every process", pid_namespace()),
    ];
    let (types, refused) = match Types::read() {
        Ok(types) => (Some(types), None),
        Err(error) => (None, Some(error)),
    };
    let tells = "BTF with every field that is read";
    needs.push(Check::new("kernel types", tells, refused.map_or(Ok(()), Err)));
    let tiers = [&FENTRY, &TRACEPOINT];
    let check = |hooks: Vec<&Hook>| {
        types.as_ref().map_or_else(|| Ok(Vec::new()), |types| try_out(types, &hooks))
    };
    let all = |tier: &Tier| check(tier.hooks.iter().collect()).unwrap_or_else(|none| vec![none]);
    let tiers = tiers.into_iter().map(|tier| (tier.name, all(tier))).collect();
    let asked_for = check(FENTRY.fork_failures.into_iter().collect()).unwrap_or_default();
    Report { needs, tiers, extras: asked_for.into_iter().chain([memory_reads()]).collect() }
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

/// Loads and attaches hooks of a tier, for a moment. The programs are at their longest: with
/// the map of tracked processes, which is empty.
fn try_out(types: &Types, hooks: &[&Hook]) -> Result<Vec<Check>, Check> {
    let config = Config { tree_only: 1, track_own_children: 1, ..Config::ZERO };
    let config = types.complete(config);
    let mut ebpf = match types.loader(&config, 4096, 1).load() {
        Ok(ebpf) => ebpf,
        Err(error) => return Err(Check::new("BPF maps", "records", Err(error))),
    };
    let mut check = |hook: &&Hook| {
        let result = types
            .load_hook(&mut ebpf, hook)
            .and_then(|()| kernel::attach(&mut ebpf, hook))
            .map_err(|error| hook_refused(hook, &error));
        Check {
            without: hook.without,
            size: kernel::size(&ebpf, hook),
            ..Check::new(hook.name(), hook.tells, result)
        }
    };
    Ok(hooks.iter().map(&mut check).collect())
}

fn refusal(error: anyhow::Error) -> Refusal {
    error
        .downcast::<Refusal>()
        .unwrap_or_else(|error| Refusal::new(format!("{error:#}"), "see the message"))
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
    let own = Process::myself()?.namespaces()?.0;
    let is_initial = own
        .get(std::ffi::OsStr::new("pid"))
        .is_some_and(|ns| ns.identifier == u64::from(INITIAL_PIDNS));
    if is_initial {
        return Ok(());
    }
    Err(Refusal::new(
        "tracer runs inside a pid namespace and would name processes by other numbers than /proc",
        "run it on the host, or in a container with the host's pid namespace (--pid=host)",
    )
    .into())
}
