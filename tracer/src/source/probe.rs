//! What this kernel and this user can do, found by trying.

use std::io;

use aya::programs::ProgramError;
use procfs::process::Process;
use tracer_common::Config;

use super::{
    Refusal,
    kernel::{self, FENTRY, Hook, TRACEPOINT, Tier, Types},
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
}

impl Check {
    fn new(name: impl Into<String>, tells: &'static str, result: anyhow::Result<()>) -> Self {
        Self { name: name.into(), tells, refusal: result.err().map(refusal) }
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
    let hooks = |tier| types.as_ref().map_or_else(Vec::new, |types| hooks_of(types, tier));
    Report { needs, tiers: tiers.into_iter().map(|tier| (tier.name, hooks(tier))).collect() }
}

/// Loads and attaches each hook of a tier, for a moment.
fn hooks_of(types: &Types, tier: &Tier) -> Vec<Check> {
    let mut ebpf = match types.load(Config::ZERO, 4096, 1) {
        Ok(ebpf) => ebpf,
        Err(error) => return vec![Check::new("BPF maps", "records", Err(error))],
    };
    let mut check = |hook: &Hook| {
        let result = types
            .load_hook(&mut ebpf, hook)
            .and_then(|()| kernel::attach(&mut ebpf, hook))
            .map_err(|error| hook_refused(hook, &error));
        Check::new(hook.name(), hook.tells, result)
    };
    tier.hooks.iter().map(&mut check).collect()
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
        "run it with sudo; `tracer zombies` works without privileges",
    )
    .into())
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

/// A hook that could not be had, in words.
pub(crate) fn hook_refused(hook: &Hook, error: &ProgramError) -> anyhow::Error {
    let hook = hook.name();
    match error {
        ProgramError::LoadError { io_error, verifier_log } => {
            let log = verifier_log.to_string();
            if log.trim().is_empty() {
                refused(&format!("the program for {hook}"), error)
            } else {
                let tail: Vec<&str> = log.lines().rev().take(20).collect();
                let tail: Vec<&str> = tail.into_iter().rev().collect();
                Refusal::new(
                    format!(
                        "the verifier refused the program for {hook} ({io_error}):\n{}",
                        tail.join("\n")
                    ),
                    "the tracer does not know this kernel version yet: report the lines above",
                )
                .into()
            }
        }
        _ => refused(&hook, error),
    }
}

/// Why the kernel said no, as far as its error number tells.
pub(crate) fn refused(what: &str, error: &(dyn std::error::Error + 'static)) -> anyhow::Error {
    let mut source = Some(error);
    let mut number = None;
    while let Some(error) = source {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            number = io.raw_os_error();
        }
        source = error.source();
    }
    let (why, remedy) = match number {
        Some(nix::libc::EPERM | nix::libc::EACCES) => (
            "refused by policy",
            "run as root; if you are, a container runtime's seccomp profile, a security module or \
             kernel lockdown forbids it",
        ),
        Some(nix::libc::ENOMEM) => ("not enough memory", "choose a smaller --ring-size"),
        Some(nix::libc::ENOSYS) => {
            ("no bpf system call", "boot a kernel with CONFIG_BPF_SYSCALL=y")
        }
        Some(nix::libc::ENOENT | nix::libc::ESRCH) => {
            ("not in this kernel", "tracer needs Linux 5.11 or newer")
        }
        _ => ("", "see the kernel's error above"),
    };
    let because = if why.is_empty() { String::new() } else { format!("{why}: ") };
    Refusal::new(format!("cannot load {what}: {because}{error}"), remedy).into()
}
