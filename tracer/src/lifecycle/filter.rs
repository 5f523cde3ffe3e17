//! Which processes and which events are reported.

use globset::{Glob, GlobSet, GlobSetBuilder};
use serde::{Deserialize, Serialize};

use super::{
    Model,
    event::{Event, What},
    process::Process,
};

/// What the user asked to see, as it can be written down; `typed` is how it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Globs of names.
    pub comms: Vec<String>,
    /// Real user ids.
    pub uids: Vec<u32>,
    /// Paths of cgroups.
    pub cgroups: Vec<Vec<u8>>,
    /// Inode numbers of pid namespaces.
    pub pidns: Vec<u32>,
    /// ns
    pub min_zombie: Option<u64>,
    /// Types of events by name.
    pub types: Vec<String>,
    /// Roots of trees, of a replay: those of a session are all that is recorded.
    #[serde(skip)]
    pub pids: Vec<u32>,
    /// Each option with its value.
    pub typed: Vec<String>,
}

impl Asked {
    /// The filter, if every glob is one.
    pub fn filter(&self) -> Result<Filter, globset::Error> {
        let mut comms = GlobSetBuilder::new();
        for glob in &self.comms {
            comms.add(Glob::new(glob)?);
        }
        Ok(Filter {
            comms: if self.comms.is_empty() { None } else { Some(comms.build()?) },
            uids: self.uids.clone(),
            cgroups: self.cgroups.clone(),
            pidns: self.pidns.clone(),
            min_zombie: self.min_zombie,
            types: self.types.clone(),
            pids: self.pids.clone(),
        })
    }

    /// What is asked of a recording: each option as it is given now, else as it was then.
    #[must_use]
    pub fn over(self, then: Self) -> Self {
        fn or<T>(now: Vec<T>, then: Vec<T>) -> Vec<T> {
            if now.is_empty() { then } else { now }
        }
        let option = |typed: &str| typed.split(' ').next().unwrap_or_default().to_owned();
        let given: Vec<String> = self.typed.iter().map(|typed| option(typed)).collect();
        let kept = then.typed.into_iter().filter(|typed| !given.contains(&option(typed)));
        Self {
            typed: kept.chain(self.typed).collect(),
            comms: or(self.comms, then.comms),
            uids: or(self.uids, then.uids),
            cgroups: or(self.cgroups, then.cgroups),
            pidns: or(self.pidns, then.pidns),
            min_zombie: self.min_zombie.or(then.min_zombie),
            types: or(self.types, then.types),
            pids: self.pids,
        }
    }
}

/// What the user asked to see. In a session the tree under a pid is cut out by the kernel side already.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Names; none means all.
    pub comms: Option<GlobSet>,
    /// Real user ids; none means all.
    pub uids: Vec<u32>,
    /// Paths of cgroups, each with all below it; none means all.
    pub cgroups: Vec<Vec<u8>>,
    /// Inode numbers of pid namespaces; none means all.
    pub pidns: Vec<u32>,
    /// Report nothing but zombies that last this long, ns.
    pub min_zombie: Option<u64>,
    /// Types of events by name; none means all.
    pub types: Vec<String>,
    /// Whoever has one of these pids, with all descendants; none means all.
    pub pids: Vec<u32>,
}

impl Filter {
    /// Whether the process is one of those asked for: once it was, it remains so.
    pub(crate) fn matches(&self, process: &Process) -> bool {
        process.matched || self.matches_now(process)
    }

    fn matches_now(&self, process: &Process) -> bool {
        let home = &process.home;
        process.traced
            && (self.pids.is_empty() || process.is_below || self.pids.contains(&process.id.pid))
            && self.comms.as_ref().is_none_or(|globs| {
                process
                    .comm
                    .is_some_and(|comm| globs.is_match(&*String::from_utf8_lossy(comm.bytes())))
            })
            && (self.uids.is_empty() || home.uid.is_some_and(|uid| self.uids.contains(&uid)))
            && (self.pidns.is_empty() || home.pidns.is_some_and(|ns| self.pidns.contains(&ns)))
            && (self.cgroups.is_empty()
                || home
                    .cgroup
                    .as_ref()
                    .is_some_and(|path| self.cgroups.iter().any(|at| below(path, at))))
    }

    /// Whether an event of a matching process is shown.
    pub(crate) fn shows(&self, event: &Event) -> bool {
        let frame = matches!(
            event.what,
            What::Session(_) | What::Summary(_) | What::Lost(_) | What::PidSpace(_)
        );
        frame
            || (self.types.is_empty() || self.types.iter().any(|name| name == event.what.name()))
                && self.min_zombie.is_none_or(|least| lasts(&event.what, least))
    }
}

/// Whether the event tells of a zombie that lasts at least so long.
fn lasts(what: &What, least: u64) -> bool {
    match what {
        What::Reap(reap) => reap.zombie.is_some_and(|zombie| zombie >= least),
        What::Unreaped { zombie, .. } => *zombie >= least,
        What::Existing { zombie_at_least: zombie } | What::Reparent { zombie, .. } => {
            zombie.is_some_and(|zombie| zombie >= least)
        }
        What::Fork { .. }
        | What::Exec { .. }
        | What::LeaderExit { .. }
        | What::Exit(_)
        | What::Zombie { .. }
        | What::ForkFailed(_)
        | What::PidSpace(_)
        | What::Session(_)
        | What::Lost(_)
        | What::Summary(_) => false,
    }
}

impl Model {
    /// Leaves no type of event out, and no zombie for its age: they are to be chosen from later.
    pub(crate) fn show_all(&mut self) {
        (self.filter.types, self.filter.min_zombie) = (Vec::new(), None);
    }

    /// Whether whoever is born of it is in a tree that was asked for.
    pub(super) fn is_within(&self, pid: u32) -> bool {
        let pids = &self.filter.pids;
        let is_below = || self.processes.get(&pid).is_some_and(|process| process.is_below);
        !pids.is_empty() && (pids.contains(&pid) || is_below())
    }
}

pub(super) fn below(path: &[u8], at: &[u8]) -> bool {
    let at = at.strip_suffix(b"/").unwrap_or(at);
    path.strip_prefix(at).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

impl What {
    /// The types of events that `--type` may name.
    pub const NAMES: [&str; 14] = [
        "session",
        "existing",
        "fork",
        "exec",
        "leader_exit",
        "exit",
        "zombie",
        "reparent",
        "reap",
        "unreaped",
        "fork_failed",
        "pid_space",
        "lost",
        "summary",
    ];

    /// The value of `type`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Session(_) => "session",
            Self::Existing { .. } => "existing",
            Self::Fork { .. } => "fork",
            Self::Exec { .. } => "exec",
            Self::LeaderExit { .. } => "leader_exit",
            Self::Exit(_) => "exit",
            Self::Zombie { .. } => "zombie",
            Self::Reparent { .. } => "reparent",
            Self::Reap(_) => "reap",
            Self::Unreaped { .. } => "unreaped",
            Self::ForkFailed(_) => "fork_failed",
            Self::PidSpace(_) => "pid_space",
            Self::Lost(_) => "lost",
            Self::Summary(_) => "summary",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cgroup_is_matched_with_all_below_it() {
        assert!(below(b"/a/b", b"/a"));
        assert!(below(b"/a", b"/a/"));
        assert!(below(b"/a/b", b"/"));
        assert!(!below(b"/ab", b"/a"));
        assert!(!below(b"/", b"/a"));
    }
}
