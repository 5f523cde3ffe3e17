//! Why the kernel said no, in words, and what to do about it.

use std::{fmt, io};

use aya::{BtfError, EbpfError, programs::ProgramError, sys::SyscallError};
use nix::libc;

use super::kernel::Hook;

/// This kernel or this user cannot run the programs: exit status 4.
#[derive(Debug)]
pub struct Refusal {
    what: String,
    remedy: String,
}

impl Refusal {
    pub(crate) fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: remedy.into() }
    }

    /// What is refused, and why.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// What to do about it.
    pub fn remedy(&self) -> &str {
        &self.remedy
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n  remedy: {}", self.what, self.remedy)
    }
}

impl std::error::Error for Refusal {}

impl From<anyhow::Error> for Refusal {
    fn from(error: anyhow::Error) -> Self {
        error.downcast().unwrap_or_else(|error| Self::new(format!("{error:#}"), "see the message"))
    }
}

/// What was refused, without what the verifier went through.
pub(crate) fn in_a_line(error: &anyhow::Error) -> String {
    let refusal = error.downcast_ref::<Refusal>();
    let what = refusal.map_or_else(|| format!("{error:#}"), |refusal| refusal.what.clone());
    what.lines().next().unwrap_or_default().trim_end_matches(':').to_owned()
}

/// include/linux/errno.h: not for user space, but trampolines return it.
const ENOTSUPP: i32 = 524;
/// What is shown of a verifier's log: its end has the instruction and the reason.
const LOG_LINES: usize = 20;

/// A hook that could not be had.
pub(crate) fn hook_refused(hook: &Hook, error: &ProgramError) -> anyhow::Error {
    let (why, remedy) = hook_words(hook, error);
    Refusal::new(format!("{}: {why}", hook.name()), remedy).into()
}

fn hook_words(hook: &Hook, error: &ProgramError) -> (String, &'static str) {
    match error {
        ProgramError::Btf(BtfError::UnknownBtfTypeName { .. }) => (
            format!("function missing: this kernel has no {} to hook", hook.target()),
            "report your kernel's version: it has renamed or inlined the function",
        ),
        ProgramError::LoadError { io_error, verifier_log } => {
            load_words(io_error, &verifier_log.to_string())
        }
        ProgramError::SyscallError(SyscallError { io_error, .. }) => attach_words(io_error),
        other => (other.to_string(), "see the message"),
    }
}

fn attach_words(error: &io::Error) -> (String, &'static str) {
    match error.raw_os_error() {
        // `register_fentry`, kernel/bpf/trampoline.c.
        Some(ENOTSUPP | libc::EBUSY | libc::ENODEV | libc::EINVAL) => (
            format!("not traceable: the kernel cannot put a trampoline there ({error})"),
            "boot a kernel with CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS=y, and end live patches \
             and other tracers of that function",
        ),
        _ => words(error),
    }
}

fn load_words(error: &io::Error, log: &str) -> (String, &'static str) {
    if log.trim().is_empty() {
        return words(error);
    }
    // Of a helper that is not in this kernel (`check_helper_call`, kernel/bpf/verifier.c).
    let lacks =
        |line: &&str| line.starts_with("unknown func ") || line.starts_with("invalid func ");
    if let Some(line) = log.lines().rev().find(lacks) {
        return (
            format!("this kernel lacks a helper that the program calls: {line}"),
            "the tracepoint hooks need Linux 5.11 or newer, the fentry hooks 5.10",
        );
    }
    let tail = log.lines().count().saturating_sub(LOG_LINES);
    let tail: Vec<&str> = log.lines().skip(tail).collect();
    (
        format!("the verifier refused the program ({error}):\n{}", tail.join("\n")),
        "tracer does not know this kernel version yet: report the lines above",
    )
}

/// The maps could not be had.
pub(crate) fn maps_refused(error: &EbpfError) -> anyhow::Error {
    let mut source: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            let (why, remedy) = words(error);
            return Refusal::new(format!("BPF maps: {why}"), remedy).into();
        }
        source = error.source();
    }
    Refusal::new(format!("BPF maps: {error}"), "see the message").into()
}

/// Why the kernel said no, as far as its error number tells.
fn words(error: &io::Error) -> (String, &'static str) {
    let (why, remedy) = match error.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => (
            "refused by policy",
            "run as root (before Linux 5.11 CAP_SYS_RESOURCE, or `ulimit -l unlimited`, is needed \
             as well); if you are, a container runtime's seccomp profile, a security module or \
             kernel lockdown forbids it",
        ),
        Some(libc::ENOMEM) => ("not enough memory", "choose a smaller --ring-size"),
        Some(libc::ENOSYS) => ("no bpf system call", "boot a kernel with CONFIG_BPF_SYSCALL=y"),
        Some(ENOTSUPP | libc::EOPNOTSUPP) => {
            ("not in this kernel's configuration", "boot a kernel with CONFIG_BPF_JIT=y")
        }
        Some(libc::ENOENT | libc::ESRCH) => ("not in this kernel", "use Linux 5.10 or newer"),
        _ => ("the kernel refused it", "see the message"),
    };
    (format!("{why} ({error})"), remedy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::kernel::FENTRY;

    fn number(number: i32) -> io::Error {
        io::Error::from_raw_os_error(number)
    }

    #[test]
    fn each_refusal_is_told_in_words() {
        let missing =
            ProgramError::Btf(BtfError::UnknownBtfTypeName { type_name: "release_task".into() });
        let helper = "0: R1=ctx() R10=fp0\nunknown func bpf_task_pt_regs#175\nprocessed 3 insns";
        for (told, words) in [
            (hook_words(&FENTRY.hooks[0], &missing), "function missing: this kernel has no rel"),
            (load_words(&number(libc::EPERM), " \n"), "refused by policy (Operation not permitted"),
            (load_words(&number(libc::EACCES), "R1 invalid"), "the verifier refused the program"),
            (
                load_words(&number(libc::EINVAL), helper),
                "lacks a helper that the program calls: unk",
            ),
            (attach_words(&number(ENOTSUPP)), "not traceable"),
            (attach_words(&number(libc::EBUSY)), "not traceable"),
            (attach_words(&number(libc::EPERM)), "refused by policy"),
        ] {
            assert!(told.0.contains(words), "{words}: {told:?}");
            assert!(!told.1.is_empty());
        }
    }

    #[test]
    fn the_hook_is_named() {
        let error = ProgramError::Btf(BtfError::UnknownBtfTypeName { type_name: "x".into() });
        let said = hook_refused(&FENTRY.hooks[0], &error).to_string();
        assert!(said.starts_with("fentry/release_task: function missing"), "{said}");
        assert!(said.contains("\n  remedy: report"), "{said}");
    }

    #[test]
    fn in_a_line_it_is_what_was_refused_without_the_log_and_the_remedy() {
        let error = Refusal::new("fentry/x: the verifier refused it:\nline 1", "report it").into();
        assert_eq!(in_a_line(&error), "fentry/x: the verifier refused it");
        assert_eq!(in_a_line(&anyhow::anyhow!("no map").context("RING")), "RING: no map");
    }

    #[test]
    fn of_a_long_log_the_end_is_shown() {
        let log: Vec<String> = (0..1000).map(|line| format!("line {line}\n")).collect();
        let log = log.concat();
        let (said, _) = load_words(&number(libc::EACCES), &log);
        assert!(said.contains("line 999") && said.contains("line 980"), "{said}");
        assert!(!said.contains("line 979"), "{said}");
    }
}
