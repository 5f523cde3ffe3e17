//! The ends of the few system calls that tell of waits and forks, each of which has a tracepoint of its
//! own (`perf_syscall_exit`, kernel/trace/trace_syscalls.c). A tracepoint of that kind is opened by a number
//! that only tracefs knows, which needs CAP_SYS_ADMIN, and may be forbidden or locked down.

use std::{
    io,
    os::fd::{AsFd, AsRawFd as _, FromRawFd as _, OwnedFd},
};

use perf_event_open_sys::{
    bindings::{PERF_FLAG_FD_CLOEXEC, PERF_TYPE_TRACEPOINT, perf_event_attr},
    ioctls::SET_BPF,
    perf_event_open,
};
use rustix::{
    fs::{Mode, OFlags, openat},
    mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen},
};

const WAITS: [&str; 2] = ["wait4", "waitid"];
/// Every life pays twice for these, its parent and itself: they are opened on demand.
const FORKS: [&str; 4] = ["fork", "vfork", "clone", "clone3"];
/// Any process.
const ANYONE: i32 = -1;
/// A program at a tracepoint runs on every CPU, whichever its event is of (`perf_call_bpf_exit` asks the
/// tracepoint, not the event).
const CPU: i32 = 0;

/// Opened tracepoints. Dropping them detaches the program.
#[derive(Debug, Default)]
pub(crate) struct Returns(Vec<OwnedFd>);

impl Returns {
    /// Those of waits; those of forks, which may fail, too if they are wanted.
    pub(crate) fn open(forks: bool) -> io::Result<Self> {
        let tracefs = tracefs()?;
        let forks = FORKS.iter().filter(|_| forks);
        let events = WAITS.iter().chain(forks).map(|call| event(number(&tracefs, call)?));
        events.collect::<io::Result<_>>().map(Self)
    }

    pub(crate) fn are_open(&self) -> bool {
        !self.0.is_empty()
    }

    /// From here on the program runs.
    pub(crate) fn attach(&self, program: &impl AsFd) -> io::Result<()> {
        for event in &self.0 {
            // SAFETY: it takes numbers only.
            let done =
                unsafe { SET_BPF(event.as_raw_fd(), program.as_fd().as_raw_fd().cast_unsigned()) };
            if done < 0 {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(())
    }
}

/// Of our own: it is mounted nowhere, so that whether and where it is mounted does not matter.
fn tracefs() -> io::Result<OwnedFd> {
    let context = fsopen("tracefs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_create(&context)?;
    Ok(fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty())?)
}

/// The number of the tracepoint at the end of a system call.
fn number(tracefs: &OwnedFd, call: &str) -> io::Result<u64> {
    let path = format!("events/syscalls/sys_exit_{call}/id");
    let file = openat(tracefs, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let number = io::read_to_string(std::fs::File::from(file))?;
    number.trim().parse().map_err(io::Error::other)
}

fn event(number: u64) -> io::Result<OwnedFd> {
    let mut wanted = perf_event_attr {
        type_: PERF_TYPE_TRACEPOINT,
        size: size_of::<perf_event_attr>() as u32,
        config: number,
        ..Default::default()
    };
    // SAFETY: the structure is as large as it says.
    let event =
        unsafe { perf_event_open(&raw mut wanted, ANYONE, CPU, -1, PERF_FLAG_FD_CLOEXEC.into()) };
    if event < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call returned a new descriptor, which nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(event) })
}
