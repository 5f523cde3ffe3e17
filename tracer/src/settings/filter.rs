//! Which processes and events, as typed.

use std::{
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use nix::unistd::User;
use procfs::process::Process;

use super::{Checked, duration, wrong};
use crate::{
    cli,
    lifecycle::{event::What, filter::Asked},
    source,
};

/// Checked; what names something of this machine is resolved, unless it is about a recording.
pub(super) fn asked(filter: &cli::Filter, is_recorded: bool) -> Checked<Asked> {
    if !is_recorded {
        filter.pid.iter().try_for_each(|pid| root(*pid))?;
    }
    let cgroup =
        |path: &PathBuf| if is_recorded { Ok(recorded_cgroup(path)) } else { cgroup(path) };
    let pidns = |number: &u32| if is_recorded { recorded_pidns(*number) } else { pidns(*number) };
    let asked = Asked {
        comms: filter.comm.clone(),
        uids: filter.uid.iter().map(|name| uid(name)).collect::<Checked<_>>()?,
        cgroups: filter.cgroup.iter().map(cgroup).collect::<Checked<_>>()?,
        pidns: filter.pidns.iter().map(pidns).collect::<Checked<_>>()?,
        min_zombie: filter
            .min_zombie
            .as_ref()
            .map(|text| duration("--min-zombie", text).map(|time| time.as_nanos() as u64))
            .transpose()?,
        types: types(&filter.types)?,
        pids: if is_recorded { filter.pid.clone() } else { Vec::new() },
        typed: typed(filter),
    };
    match asked.filter() {
        Ok(_) => Ok(asked),
        Err(error) => wrong(format!("--comm {}: {}", error.glob().unwrap_or(""), error.kind())),
    }
}

fn typed(filter: &cli::Filter) -> Vec<String> {
    let mut typed = Vec::new();
    typed.extend(filter.pid.iter().map(|pid| format!("--pid {pid}")));
    typed.extend(filter.comm.iter().map(|glob| format!("--comm {glob}")));
    typed.extend(filter.uid.iter().map(|uid| format!("--uid {uid}")));
    typed.extend(filter.cgroup.iter().map(|path| format!("--cgroup {}", path.display())));
    typed.extend(filter.pidns.iter().map(|ns| format!("--pidns {ns}")));
    typed.extend(filter.min_zombie.iter().map(|time| format!("--min-zombie {time}")));
    if !filter.types.is_empty() {
        typed.push(format!("--type {}", filter.types.join(",")));
    }
    typed
}

/// A process whose tree can be traced.
fn root(pid: u32) -> Checked<()> {
    let process = match Process::new(pid as i32) {
        Ok(process) if pid != 0 => process,
        _ => return wrong(format!("--pid {pid}: there is no such process")),
    };
    // Threads have a directory in /proc, which a listing of /proc does not show.
    match process.status() {
        Ok(status) if status.tgid != process.pid() => {
            wrong(format!("--pid {pid}: is a thread of process {}", status.tgid))
        }
        _ => Ok(()),
    }
}

fn types(names: &[String]) -> Checked<Vec<String>> {
    match names.iter().find(|name| !What::NAMES.contains(&name.as_str())) {
        Some(name) => wrong(format!("--type {name}: takes {}", What::NAMES.join(", "))),
        None => Ok(names.to_vec()),
    }
}

/// A user id need not have a name.
fn uid(name: &str) -> Checked<u32> {
    match name.parse() {
        Ok(uid) => Ok(uid),
        Err(_) => match User::from_name(name).ok().flatten() {
            Some(user) => Ok(user.uid.as_raw()),
            None => wrong(format!("--uid {name}: there is no such user")),
        },
    }
}

/// The path from the root of the cgroup v2 hierarchy, given so or as a directory in the file system.
fn cgroup(path: &Path) -> Checked<Vec<u8>> {
    let mount = Process::myself()
        .and_then(|process| process.mountinfo())
        .ok()
        .and_then(|mounts| mounts.into_iter().find(|mount| mount.fs_type == "cgroup2"))
        .map(|mount| mount.mount_point);
    let Some(mount) = mount else {
        return wrong(format!("--cgroup {}: no cgroup v2 hierarchy is mounted", path.display()));
    };
    let within = mount.join(path.strip_prefix("/").unwrap_or(path));
    for given in [path, &within] {
        // Resolved, because events have the path as the kernel says it: without links, `.` and `..`.
        let full = given.canonicalize().ok().filter(|full| full.is_dir());
        if let Some(inside) = full.as_ref().and_then(|full| full.strip_prefix(&mount).ok()) {
            return Ok([b"/", inside.as_os_str().as_bytes()].concat());
        }
    }
    let (path, mount) = (path.display(), mount.display());
    wrong(format!("--cgroup {path}: is no directory of the cgroup v2 hierarchy at {mount}"))
}

/// Inodes of namespaces count from this (`PROC_DYNAMIC_FIRST` and the fixed ones below it,
/// include/linux/proc_ns.h), far above every pid.
const FIRST_NAMESPACE: u32 = 0xEFFF_FFF0;

fn pidns(number: u32) -> Checked<u32> {
    if number >= FIRST_NAMESPACE {
        return Ok(number);
    }
    source::pidns(number).or_else(|_| {
        wrong(format!(
            "--pidns {number}: neither a process whose namespaces can be seen nor a namespace inode"
        ))
    })
}

/// As a recording has it, of a machine that need not be this one.
fn recorded_cgroup(path: &Path) -> Vec<u8> {
    let path = path.strip_prefix("/sys/fs/cgroup").unwrap_or(path);
    [b"/", path.strip_prefix("/").unwrap_or(path).as_os_str().as_bytes()].concat()
}

fn recorded_pidns(number: u32) -> Checked<u32> {
    if number >= FIRST_NAMESPACE {
        return Ok(number);
    }
    wrong(format!("--pidns {number}: takes the inode of a namespace, of a recording"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_meant_is_named() {
        assert!(types(&["exot".to_owned()]).unwrap_err().to_string().contains("exit"));
        assert!(uid("nobody-like-this").is_err());
        assert_eq!(uid("12345").unwrap(), 12345, "an id without a name");
        assert_eq!(uid("root").unwrap(), 0);
        assert!(pidns(0).is_err());
        assert_eq!(pidns(4_026_531_836).unwrap(), 4_026_531_836);
        assert!(pidns(std::process::id()).unwrap() >= FIRST_NAMESPACE);
    }

    #[test]
    fn a_thread_is_no_root_of_a_tree() {
        let own = std::process::id();
        assert!(root(own).is_ok());
        let thread = nix::unistd::gettid().as_raw() as u32;
        assert_ne!(thread, own, "tests run in threads of their own");
        let refused = root(thread).unwrap_err().to_string();
        assert!(refused.ends_with(&format!("is a thread of process {own}")), "{refused}");
        assert!(root(0).is_err());
    }

    #[test]
    fn every_way_to_write_a_cgroup_means_the_same() {
        // Without a cgroup v2 hierarchy there is nothing to name.
        let Ok(root) = cgroup(Path::new("/")) else { return };
        assert_eq!(root, b"/");
        for path in [".", "/.", "./", "", "/sys/fs/cgroup/../cgroup"] {
            match cgroup(Path::new(path)) {
                Ok(same) => assert_eq!(same, root, "{path}"),
                // Where the hierarchy is mounted elsewhere.
                Err(_) => assert!(path.starts_with("/sys"), "{path}"),
            }
        }
        assert!(cgroup(Path::new("..")).is_err(), "above the hierarchy");
    }
}
