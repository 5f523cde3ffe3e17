//! An initial file system for a kernel: a cpio archive of the "newc" format
//! (Documentation/driver-api/early-userspace/buffer-format.rst in the kernel's source).

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

const DIRECTORY: u32 = 0o040_000;
const FILE: u32 = 0o100_000;
const LINK: u32 = 0o120_000;
const DEVICE: u32 = 0o020_000;

enum Node {
    Directory,
    File(Vec<u8>),
    /// Major and minor number of a character device.
    Device(u32, u32),
    Link(String),
}

/// Files by their path from the root. A folder sorts before what is in it, which is the order in
/// which the kernel must find them.
#[derive(Default)]
pub(super) struct Tree(BTreeMap<PathBuf, (u32, Node)>);

impl Tree {
    pub(super) fn directory(&mut self, path: &Path, mode: u32) {
        self.add(path, DIRECTORY | mode, Node::Directory);
    }

    pub(super) fn file(&mut self, path: &Path, mode: u32, bytes: Vec<u8>) {
        self.add(path, FILE | mode, Node::File(bytes));
    }

    pub(super) fn link(&mut self, path: &Path, to: &str) {
        self.add(path, LINK | 0o777, Node::Link(to.to_owned()));
    }

    pub(super) fn device(&mut self, path: &Path, major: u32, minor: u32) {
        self.add(path, DEVICE | 0o600, Node::Device(major, minor));
    }

    /// Adds it with the folders it is in.
    fn add(&mut self, path: &Path, mode: u32, node: Node) {
        let path = path.strip_prefix("/").unwrap_or(path);
        for parent in path.ancestors().skip(1).filter(|parent| *parent != Path::new("")) {
            self.0.entry(parent.to_owned()).or_insert((DIRECTORY | 0o755, Node::Directory));
        }
        self.0.insert(path.to_owned(), (mode, node));
    }

    pub(super) fn archive(&self) -> Vec<u8> {
        let mut archive = Vec::new();
        for (index, (path, (mode, node))) in self.0.iter().enumerate() {
            let (device, data) = match node {
                Node::Directory => ((0, 0), &[][..]),
                Node::File(bytes) => ((0, 0), bytes.as_slice()),
                Node::Device(major, minor) => ((*major, *minor), &[][..]),
                Node::Link(to) => ((0, 0), to.as_bytes()),
            };
            let name = path.as_os_str().as_encoded_bytes();
            entry(&mut archive, index as u32 + 1, *mode, device, name, data);
        }
        entry(&mut archive, 0, 0, (0, 0), b"TRAILER!!!", &[]);
        archive
    }
}

/// Everything belongs to root and is as old as the epoch. An entry whose link count is 1 is no
/// hard link to another, whatever its inode number.
fn entry(
    archive: &mut Vec<u8>,
    inode: u32,
    mode: u32,
    (major, minor): (u32, u32),
    name: &[u8],
    data: &[u8],
) {
    let (size, name_size) = (data.len() as u32, name.len() as u32 + 1);
    archive.extend_from_slice(b"070701");
    for field in [inode, mode, 0, 0, 1, 0, size, 0, 0, major, minor, name_size, 0] {
        archive.extend_from_slice(format!("{field:08X}").as_bytes());
    }
    archive.extend_from_slice(name);
    archive.push(0);
    pad(archive);
    archive.extend_from_slice(data);
    pad(archive);
}

/// Names and data begin at multiples of four.
fn pad(archive: &mut Vec<u8>) {
    archive.resize(archive.len().next_multiple_of(4), 0);
}

#[cfg(test)]
mod tests;
