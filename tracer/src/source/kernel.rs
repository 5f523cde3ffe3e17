//! Loads the BPF programs into the running kernel and attaches them.

use std::{
    fs::File,
    os::{
        fd::{AsFd as _, AsRawFd as _},
        unix::fs::FileExt as _,
    },
    path::Path,
};

use aya::{
    Btf, Ebpf, EbpfLoader, Endianness,
    programs::{BtfTracePoint, FEntry, FExit, Program, ProgramError, TracePoint},
};
use nix::libc;
use tracer_common::Config;
use zerocopy::IntoBytes as _;

use super::{
    Refusal,
    btf::{Description, kind},
    offsets::{self, Layout},
    probe,
    programs::programs,
    refusal::maps_refused,
    returns::Returns,
};

/// How a program is hooked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    /// A tracepoint with typed arguments.
    Tracepoint,
    /// The entry of a kernel function.
    Entry,
    /// The return of a kernel function.
    Return,
    /// The ends of some system calls.
    Calls,
}

/// A hook of the kernel and the program for it.
#[derive(Debug)]
pub(crate) struct Hook {
    /// The program's name in the object.
    program: &'static str,
    at: At,
    /// The kernel's tracepoint or function.
    target: &'static str,
    /// What it tells.
    pub(crate) tells: &'static str,
    /// What is less exact where it cannot be had.
    pub(crate) without: &'static str,
}

impl Hook {
    /// Whether nearly every run of it is a fact about a process.
    fn always_a_fact(&self) -> bool {
        !matches!(
            self.target,
            EVERY_CALL | SOME_CALLS | "signal_generate" | "sched_process_wait" | "sched_switch"
        )
    }

    /// The kernel's tracepoint or function.
    pub(crate) fn target(&self) -> &'static str {
        self.target
    }

    /// What its arguments are described by, where they have types: the kind and the name that `load`
    /// asks for.
    fn described_as(&self) -> Option<(u32, String)> {
        match self.at {
            At::Tracepoint => Some((kind::TYPEDEF, format!("btf_trace_{}", self.target))),
            At::Entry | At::Return => Some((kind::FUNC, self.target.to_owned())),
            At::Calls => None,
        }
    }

    /// Its name as BPF tools write it.
    pub(crate) fn name(&self) -> String {
        let kind = match self.at {
            At::Tracepoint => "tp_btf",
            At::Entry => "fentry",
            At::Return => "fexit",
            At::Calls => "tp",
        };
        format!("{kind}/{}", self.target)
    }
}

/// A set of hooks that together tell everything.
#[derive(Debug)]
pub(crate) struct Tier {
    /// Its name in the `session` event.
    pub(crate) name: &'static str,
    /// In the order of attachment: the end of a life before its birth, so that what happens
    /// meanwhile is never half a life without an end.
    pub(crate) hooks: &'static [Hook],
    /// The hook for failed forks, where none of the others has them.
    pub(crate) fork_failures: Option<&'static Hook>,
}

impl Tier {
    fn all(&'static self) -> impl Iterator<Item = &'static Hook> {
        self.fork_failures.into_iter().chain(self.hooks)
    }

    /// Its hooks, where these ends of system calls could be had.
    pub(crate) fn hooks_with(&self, returns: &Returns) -> Vec<&'static Hook> {
        let cheaper = |hook: &Hook| returns.are_open() && hook.target == EVERY_CALL;
        self.hooks.iter().map(|hook| if cheaper(hook) { &RETURNS } else { hook }).collect()
    }
}

macro_rules! hooks {
    ($($program:literal = $at:ident $target:literal $tells:literal, $without:expr;)+) => {
        &[$(Hook {
            program: $program,
            at: At::$at,
            target: $target,
            tells: $tells,
            without: $without,
        },)+]
    };
}

/// Both tiers stand on it.
const NOTHING: &str = "no session";
/// It serves the exact hooks of its tier.
const TIER: &str = "the tracepoint hooks are used as a whole: see what they cannot see";

/// Exact: the moments themselves, and no hook that other system calls pay for.
pub(crate) static FENTRY: Tier = Tier {
    name: "fentry",
    hooks: hooks! {
        "on_release" = Entry "release_task" "reaps, and by whom",
            "a reap is seen when its wait returns, some microseconds later; one by no wait of a \
             64-bit program shows 10 to 30 ms late and is marked `bound`";
        "on_notified" = Return "do_notify_parent" "when a zombie begins",
            "a zombie's start is taken from its death signal; with no signal, from the moment its \
             last thread is switched away from";
        "on_fate" = Tracepoint "signal_generate" "what became of the death signal", TIER;
        "on_wait_begun" = Tracepoint "sched_process_wait" "who waits", TIER;
        "on_exit" = Tracepoint "sched_process_exit" "exits, adopters", NOTHING;
        "on_exec" = Tracepoint "sched_process_exec" "programs run", NOTHING;
        "on_fork" = Tracepoint "sched_process_fork" "births", NOTHING;
    },
    fork_failures: Some(&Hook {
        program: "on_cloned",
        at: At::Return,
        target: "kernel_clone",
        tells: "failed forks, with --fork-failures",
        without: "the tracepoint hooks see them",
    }),
};

/// The end of every system call, and of those that are wanted.
const EVERY_CALL: &str = "sys_exit";
const SOME_CALLS: &str = "syscalls/sys_exit_*";

/// In the place of the hook at the end of every system call where it can be had: for all others the
/// kernel looks a bit up instead of running a program.
pub(crate) static RETURNS: Hook = Hook {
    program: "on_return",
    at: At::Calls,
    target: SOME_CALLS,
    tells: "the tracepoint hooks cost other system calls less",
    without: "with the tracepoint hooks a program runs at the end of every system call",
};

/// Where trampolines are refused: the ends of system calls are looked at.
pub(crate) static TRACEPOINT: Tier = Tier {
    name: "tracepoint",
    hooks: hooks! {
        "on_free" = Tracepoint "sched_process_free" "releases without a wait", NOTHING;
        "on_wait" = Tracepoint "sys_exit" "who waits and reaps, failed forks", NOTHING;
        "on_signal" = Tracepoint "signal_generate" "when a zombie begins", NOTHING;
        "on_switch" = Tracepoint "sched_switch" "zombies that send no signal", NOTHING;
        "on_exit" = Tracepoint "sched_process_exit" "exits, adopters", NOTHING;
        "on_exec" = Tracepoint "sched_process_exec" "programs run", NOTHING;
        "on_fork" = Tracepoint "sched_process_fork" "births", NOTHING;
    },
    fork_failures: None,
};

/// The kernel's own description of its types.
pub(crate) const VMLINUX: &str = "/sys/kernel/btf/vmlinux";

fn not_types(error: &anyhow::Error) -> Refusal {
    Refusal::new(
        format!("what this kernel says of its types cannot be used: {VMLINUX}: {error:#}"),
        "if `bpftool btf dump file` reads that file, report the line above; otherwise boot another kernel, \
         or mount sysfs anew",
    )
}

/// Blocks of memory of this size go back to the kernel when they are freed: more than lines take on
/// their way, less than a tenth of a kernel's types.
const LARGE: libc::c_int = 512 * 1024;

/// What the programs need to know of the kernel they run in.
pub(crate) struct Types {
    /// What is hooked, by name, and nothing else.
    hooked: Btf,
    layout: Layout,
}

impl Types {
    /// From the kernel's own description.
    pub(crate) fn read() -> anyhow::Result<Self> {
        if !Path::new(VMLINUX).exists() {
            return Err(Refusal::new(
                format!("this kernel does not describe its types: {VMLINUX} is missing"),
                "boot a kernel built with CONFIG_DEBUG_INFO_BTF=y (Debian, Ubuntu, Fedora, RHEL \
                 and SUSE kernels since 2021 are)",
            )
            .into());
        }
        // Otherwise glibc keeps blocks as large as one that was freed before, of which there are many
        // here and hardly any later (M_MMAP_THRESHOLD in mallopt(3)).
        // SAFETY: it takes numbers only, and no other thread is in it.
        unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE) };
        let blob = std::fs::read(VMLINUX).map_err(|error| not_types(&error.into()))?;
        let types = Description::new(&blob).map_err(|error| not_types(&error))?;
        let layout = offsets::find(&types)?;
        let hooks = [&FENTRY, &TRACEPOINT].into_iter().flat_map(Tier::all);
        let hooked = types.only(&hooks.filter_map(Hook::described_as).collect::<Vec<_>>());
        let hooked = Btf::parse(&hooked, Endianness::default());
        Ok(Self { hooked: hooked.map_err(|error| not_types(&error.into()))?, layout })
    }

    /// The settings, with what follows from the kernel.
    pub(crate) fn complete(&self, config: Config) -> Config {
        Config {
            has_task_regs: u32::from(self.layout.has_task_regs),
            may_read_memory: u32::from(probe::may_read_memory()),
            ..config
        }
    }

    /// What creates the maps and prepares the programs.
    pub(crate) fn loader(&self, config: &Config, ring: u32, tracked: u32) -> Loader {
        let mut loader = EbpfLoader::new();
        loader
            // A loader comes with a parsed BTF of its own, for relocations that Rust does not emit.
            .btf(None)
            .map_max_entries("RING", ring)
            .map_max_entries("TRACKED", tracked);
        Loader { loader, programs: programs(&self.layout.offsets, config) }
    }

    /// Loads the program of one hook.
    pub(crate) fn load_hook(&self, ebpf: &mut Ebpf, hook: &Hook) -> Result<(), ProgramError> {
        match hook.at {
            At::Tracepoint => program::<BtfTracePoint>(ebpf, hook)?.load(hook.target, &self.hooked),
            At::Entry => program::<FEntry>(ebpf, hook)?.load(hook.target, &self.hooked),
            At::Return => program::<FExit>(ebpf, hook)?.load(hook.target, &self.hooked),
            At::Calls => program::<TracePoint>(ebpf, hook)?.load(),
        }
    }

    /// The ends of single system calls, if the program for them can run here.
    pub(crate) fn returns(&self, forks: bool) -> anyhow::Result<Returns> {
        let refused =
            |why: String, remedy| Refusal::new(format!("{}: {why}", RETURNS.name()), remedy);
        if !self.layout.has_task_regs {
            let why = "this kernel lacks bpf_task_pt_regs".to_owned();
            return Err(refused(why, "boot Linux 5.15 or newer").into());
        }
        Returns::open(forks).map_err(|error| {
            let remedy = "run it as root with CAP_SYS_ADMIN, without lockdown=confidentiality, on a kernel with \
                          CONFIG_FTRACE_SYSCALLS=y";
            refused(format!("tracefs or perf events are refused ({error})"), remedy).into()
        })
    }
}

/// Creates the maps and prepares the programs, as often as it is asked to.
pub(crate) struct Loader {
    loader: EbpfLoader<'static>,
    programs: Option<Vec<u64>>,
}

impl Loader {
    /// New maps, and the programs, not yet loaded into the kernel.
    pub(crate) fn load(&mut self) -> anyhow::Result<Ebpf> {
        let Some(programs) = &self.programs else {
            return Err(Refusal::new(
                "this build of tracer has no BPF programs in it",
                "build it with `cargo xtask build`",
            )
            .into());
        };
        self.loader.load(programs.as_bytes()).map_err(|error| maps_refused(&error))
    }
}

/// Attaches the loaded program of one hook; it detaches when `ebpf` and `returns` are dropped, or the process
/// ends.
pub(crate) fn attach(ebpf: &mut Ebpf, hook: &Hook, returns: &Returns) -> Result<(), ProgramError> {
    match hook.at {
        At::Tracepoint => program::<BtfTracePoint>(ebpf, hook)?.attach().map(drop),
        At::Entry => program::<FEntry>(ebpf, hook)?.attach().map(drop),
        At::Return => program::<FExit>(ebpf, hook)?.attach().map(drop),
        At::Calls => Ok(returns.attach(program::<TracePoint>(ebpf, hook)?.fd()?)?),
    }
}

/// What a loaded program costs the verifier and memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// Instructions the verifier went through, which the kernel tells since 5.16.
    pub(crate) verified: Option<u32>,
    /// Bytes of the program once verified.
    pub(crate) bytes: Option<u32>,
}

/// The size of one hook's program, once loaded.
pub(crate) fn size(ebpf: &Ebpf, hook: &Hook) -> Option<Size> {
    let info = ebpf.program(hook.program)?.info().ok()?;
    Some(Size { verified: info.verified_instruction_count(), bytes: info.size_translated() })
}

/// How often the kernel left out programs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Misses {
    /// Those whose every run is a fact about a process.
    pub(crate) facts: u64,
    /// Those that run for much that is no fact of ours.
    pub(crate) others: u64,
}

/// Where the kernel counts how often it left out a program because it was running on that CPU already, in a
/// task that had been preempted (`bpf_trace_run`, kernel/trace/bpf_trace.c), since 5.12; at the ends of
/// system calls also where another program or a change of a map was on its way there (`trace_call_bpf`
/// there), since 6.7.
pub(crate) struct MissCounters(Vec<MissCounter>);

struct MissCounter {
    /// What the kernel says of the program's descriptor.
    info: Option<File>,
    of_facts: bool,
}

impl MissCounters {
    /// Of the programs of these hooks, which are loaded.
    pub(crate) fn open(ebpf: &Ebpf, hooks: &[&Hook]) -> Self {
        let counter = |hook: &&Hook| {
            let fd = ebpf.program(hook.program).and_then(|program| program.fd().ok());
            let path = fd.map(|fd| format!("/proc/self/fdinfo/{}", fd.as_fd().as_raw_fd()));
            let info = path.and_then(|path| File::open(path).ok());
            MissCounter { info, of_facts: hook.always_a_fact() }
        };
        Self(hooks.iter().map(counter).collect())
    }

    /// As of now.
    pub(crate) fn read(&self) -> Misses {
        let mut misses = Misses::default();
        for MissCounter { info, of_facts } in &self.0 {
            let of = if *of_facts { &mut misses.facts } else { &mut misses.others };
            *of += info.as_ref().and_then(missed).unwrap_or(0);
        }
        misses
    }
}

fn missed(info: &File) -> Option<u64> {
    let mut text = [0; 1024];
    let len = info.read_at(&mut text, 0).ok()?;
    let mut lines = str::from_utf8(&text[..len]).ok()?.lines();
    let count = lines.find_map(|line| line.strip_prefix("recursion_misses:"))?;
    count.trim().parse().ok()
}

fn program<'a, P>(ebpf: &'a mut Ebpf, hook: &Hook) -> Result<&'a mut P, ProgramError>
where
    &'a mut P: TryFrom<&'a mut Program, Error = ProgramError>,
{
    ebpf.program_mut(hook.program).ok_or(ProgramError::NotLoaded)?.try_into()
}
