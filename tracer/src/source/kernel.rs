//! Loads the BPF programs into the running kernel and attaches them.

use std::path::Path;

use aya::{
    Btf, Ebpf, EbpfLoader,
    programs::{BtfTracePoint, ProgramError},
};
use tracer_common::{Config, Offsets};
use zerocopy::IntoBytes as _;

use super::{Refusal, offsets, probe};

/// The programs, as `cargo xtask build` made them; empty in a build without.
static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/tracer.bpf.o"));

/// A hook of the kernel and the program for it.
#[derive(Debug)]
pub(crate) struct Hook {
    /// The program's name in the object.
    pub(crate) program: &'static str,
    /// The kernel's tracepoint.
    pub(crate) tracepoint: &'static str,
    /// What it tells.
    pub(crate) tells: &'static str,
}

/// The hooks of the tracepoint tier. The backstop comes first and birth before death, so that what
/// happens between two attachments is never half a life without an end.
pub(crate) const HOOKS: [Hook; 6] = [
    Hook { program: "on_free", tracepoint: "sched_process_free", tells: "releases without a wait" },
    Hook { program: "on_wait", tracepoint: "sys_exit", tells: "who waits and reaps" },
    Hook { program: "on_signal", tracepoint: "signal_generate", tells: "when a zombie begins" },
    Hook { program: "on_exit", tracepoint: "sched_process_exit", tells: "exits, adopters" },
    Hook { program: "on_exec", tracepoint: "sched_process_exec", tells: "programs run" },
    Hook { program: "on_fork", tracepoint: "sched_process_fork", tells: "births" },
];

/// What the programs need to know of the kernel they run in.
pub(crate) struct Types {
    btf: Btf,
    offsets: Offsets,
}

impl Types {
    /// From the kernel's own description.
    pub(crate) fn read() -> anyhow::Result<Self> {
        let path = Path::new(offsets::VMLINUX);
        if !path.exists() {
            return Err(Refusal::new(
                format!("this kernel does not describe its types: {} is missing", path.display()),
                "boot a kernel built with CONFIG_DEBUG_INFO_BTF=y (Debian, Ubuntu, Fedora, RHEL \
                 and SUSE kernels since 2021 are)",
            )
            .into());
        }
        let offsets = offsets::find(path)?;
        let btf = Btf::parse_file(path, aya::Endianness::default())
            .map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?;
        Ok(Self { btf, offsets })
    }

    /// Creates the maps and prepares the programs.
    pub(crate) fn load(&self, config: &Config, ring: u32, tracked: u32) -> anyhow::Result<Ebpf> {
        if OBJECT.is_empty() {
            return Err(Refusal::new(
                "this build of tracer has no BPF programs in it",
                "build it with `cargo xtask build`",
            )
            .into());
        }
        EbpfLoader::new()
            .btf(Some(&self.btf))
            .override_global("OFFSETS", self.offsets.as_bytes(), true)
            .override_global("CONFIG", config.as_bytes(), true)
            .map_max_entries("RING", ring)
            .map_max_entries("TRACKED", tracked)
            .load(OBJECT)
            .map_err(|error| probe::refused("the BPF maps", &error))
    }

    /// Loads the program of one hook.
    pub(crate) fn load_hook(&self, ebpf: &mut Ebpf, hook: &Hook) -> Result<(), ProgramError> {
        program(ebpf, hook)?.load(hook.tracepoint, &self.btf)
    }
}

/// Attaches the loaded program of one hook; it detaches when `ebpf` is dropped or the process ends.
pub(crate) fn attach(ebpf: &mut Ebpf, hook: &Hook) -> Result<(), ProgramError> {
    program(ebpf, hook)?.attach().map(drop)
}

fn program<'a>(ebpf: &'a mut Ebpf, hook: &Hook) -> Result<&'a mut BtfTracePoint, ProgramError> {
    ebpf.program_mut(hook.program).ok_or(ProgramError::NotLoaded)?.try_into()
}
