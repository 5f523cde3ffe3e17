//! From a cgroup id to its path: the id of a cgroup directory is its inode number, which also is its
//! file handle, so the kernel itself says where it is. In v2, and where the controller of pids is still
//! mounted in v1, in that hierarchy.

use std::{
    fs::File,
    os::{
        fd::{AsRawFd as _, FromRawFd as _, OwnedFd},
        unix::{ffi::OsStrExt as _, fs::MetadataExt as _},
    },
    path::{Path, PathBuf},
};

use foldhash::{HashMap, HashMapExt as _};

use crate::observation::Bytes;

/// `enum fid_type`, include/linux/exportfs.h: a handle that is a kernfs node id.
const FILEID_KERNFS: i32 = 0xfe;
/// Paths kept: far more than cgroups on any machine, and a bound where they are made in a loop.
const KEPT: usize = 10_000;

/// The hierarchies of cgroups.
pub(crate) struct Cgroups {
    unified: Hierarchy,
    /// The one of the pids controller in v1; none where it is in v2.
    pids: Option<Hierarchy>,
}

impl Cgroups {
    /// As mounted here; without a hierarchy every path in it is unknown.
    pub(crate) fn new() -> Self {
        let unified = Hierarchy::open(mounted("cgroup2", None));
        let pids = mounted("cgroup", Some("pids")).map(|path| Hierarchy::open(Some(path)));
        Self { unified, pids }
    }

    /// No hierarchy at all.
    #[cfg(test)]
    pub(crate) fn none() -> Self {
        Self { unified: Hierarchy::open(None), pids: None }
    }

    /// Whether ids become paths, tried with the root's; nothing where no hierarchy is mounted.
    pub(crate) fn can_tell_paths(&self) -> Option<bool> {
        let (root, _) = self.unified.root.as_ref()?;
        let id = root.metadata().ok()?.ino();
        Some(self.unified.ask(id).is_some())
    }

    /// The path of a cgroup v2 directory from its root, unless it is gone or not to be had.
    pub(crate) fn path(&mut self, id: u64) -> Option<Bytes> {
        self.unified.path(id)
    }

    /// The same of a directory in the hierarchy that limits pids.
    pub(crate) fn pids_path(&mut self, id: u64) -> Option<Bytes> {
        self.pids.as_mut().unwrap_or(&mut self.unified).path(id)
    }

    /// Where the hierarchy that limits pids is mounted.
    pub(crate) fn pids_root(&self) -> Option<&Path> {
        let hierarchy = self.pids.as_ref().unwrap_or(&self.unified);
        hierarchy.root.as_ref().map(|(_, path)| path.as_path())
    }
}

/// Where a file system of this type, with this option, is mounted.
fn mounted(kind: &str, option: Option<&str>) -> Option<PathBuf> {
    let mounts = procfs::process::Process::myself().and_then(|process| process.mountinfo());
    let found = mounts.ok()?.into_iter().find(|mount| {
        mount.fs_type == kind
            && option.is_none_or(|option| mount.super_options.contains_key(option))
    });
    Some(found?.mount_point)
}

/// A hierarchy and the paths already asked for.
struct Hierarchy {
    root: Option<(File, PathBuf)>,
    paths: HashMap<u64, Option<Bytes>>,
}

impl Hierarchy {
    fn open(mount: Option<PathBuf>) -> Self {
        let root = mount.and_then(|path| Some((File::open(&path).ok()?, path)));
        Self { root, paths: HashMap::new() }
    }

    fn path(&mut self, id: u64) -> Option<Bytes> {
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
