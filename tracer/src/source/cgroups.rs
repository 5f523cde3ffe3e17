//! From a cgroup id to its path: the id of a cgroup v2 directory is its inode number, which also is
//! its file handle, so the kernel itself says where it is.

use std::{
    collections::HashMap,
    fs::File,
    os::{
        fd::{AsRawFd as _, FromRawFd as _, OwnedFd},
        unix::ffi::OsStrExt as _,
    },
    path::PathBuf,
};

use crate::observation::Bytes;

/// `enum fid_type`, include/linux/exportfs.h: a handle that is a kernfs node id.
const FILEID_KERNFS: i32 = 0xfe;
/// Paths kept: far more than cgroups on any machine, and a bound where they are made in a loop.
const KEPT: usize = 10_000;

/// The cgroup v2 hierarchy and the paths already asked for.
pub(crate) struct Cgroups {
    root: Option<(File, PathBuf)>,
    paths: HashMap<u64, Option<Bytes>>,
}

impl Cgroups {
    /// The hierarchy as mounted here; without one every path is unknown.
    pub(crate) fn new() -> Self {
        let mount = procfs::process::Process::myself()
            .and_then(|process| process.mountinfo())
            .ok()
            .and_then(|mounts| mounts.into_iter().find(|mount| mount.fs_type == "cgroup2"))
            .map(|mount| mount.mount_point);
        let root = mount.and_then(|path| Some((File::open(&path).ok()?, path)));
        Self { root, paths: HashMap::new() }
    }

    /// No hierarchy at all.
    #[cfg(test)]
    pub(crate) fn none() -> Self {
        Self { root: None, paths: HashMap::new() }
    }

    /// The path of a cgroup from the root of the hierarchy, unless it is gone or not to be had.
    pub(crate) fn path(&mut self, id: u64) -> Option<Bytes> {
        if let Some(path) = self.paths.get(&id) {
            return path.clone();
        }
        let path = self.ask(id);
        if self.paths.len() >= KEPT {
            self.paths.clear();
        }
        self.paths.insert(id, path.clone());
        path
    }

    fn ask(&self, id: u64) -> Option<Bytes> {
        #[repr(C)]
        struct Handle {
            bytes: u32,
            kind: i32,
            id: u64,
        }
        let (root, mount) = self.root.as_ref()?;
        let mut handle = Handle { bytes: 8, kind: FILEID_KERNFS, id };
        let flags = nix::libc::O_PATH | nix::libc::O_CLOEXEC;
        // SAFETY: `handle` is a struct file_handle with its eight bytes of handle behind it.
        let fd = unsafe {
            nix::libc::open_by_handle_at(root.as_raw_fd(), (&raw mut handle).cast(), flags)
        };
        if fd < 0 {
            return None;
        }
        // SAFETY: the call returned a new descriptor, which nobody else owns.
        let directory = unsafe { OwnedFd::from_raw_fd(fd) };
        let link = std::fs::read_link(format!("/proc/self/fd/{}", directory.as_raw_fd())).ok()?;
        let inside = link.strip_prefix(mount).ok()?;
        let path = [b"/", inside.as_os_str().as_bytes()].concat();
        (!path.ends_with(b" (deleted)")).then(|| path.into())
    }
}
