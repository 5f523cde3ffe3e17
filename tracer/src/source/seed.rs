//! The process table: who was there before the hooks.

use std::{
    collections::{HashMap, HashSet},
    fmt::Display,
    fs,
    io::{self, Read as _},
    os::unix::ffi::OsStrExt as _,
};

use nix::libc;
use procfs::{
    FromRead as _,
    process::{Process, Stat, Status},
};

use super::deaths;
use crate::observation::{Comm, Fact, Found, Home, Identity, Observation, Start, TICK_NS};

/// Which of the found processes are in the traced tree.
pub(crate) enum Scope {
    /// All but the tracer.
    All,
    /// Those in the set.
    Only(HashSet<u32>),
}

/// Every process of the table but kernel threads, each after its parent. One that ends while it is
/// read is left out.
pub(crate) fn scan(scope: &Scope) -> Vec<Found> {
    let own = std::process::id();
    let rows: Vec<(Row, Option<Vec<i32>>, Home)> = processes()
        .filter(|(_, row)| row.stat.pid != 2 && row.stat.ppid != 2)
        .map(|(process, row)| {
            let status = status(&process);
            let numbers = status.as_ref().and_then(|status| status.nspid.clone());
            (row, numbers, home(&process, status))
        })
        .collect();
    let deaths = deaths::of(rows.iter().map(|(row, ..)| row));
    let parents: HashMap<i32, i32> =
        rows.iter().map(|(row, ..)| (row.stat.pid, row.stat.ppid)).collect();
    let levels: HashMap<i32, usize> = rows
        .iter()
        .filter_map(|(row, numbers, _)| {
            Some((row.stat.pid, numbers.as_ref()?.len().checked_sub(1)?))
        })
        .collect();
    let mut found: Vec<Found> = rows
        .into_iter()
        .map(|(Row { stat, comm }, numbers, home)| {
            let id = identity(&stat);
            let level = levels.get(&stat.ppid);
            let number = level.and_then(|level| numbers?.get(*level).copied());
            Found {
                id,
                parent: stat.ppid as u32,
                number: number.map(|number| number as u32),
                comm,
                zombie: deaths.get(&stat.pid).filter(|_| stat.num_threads <= 1).copied(),
                leader_gone: stat.state == 'Z' && stat.num_threads > 1,
                traced: id.pid != own
                    && match scope {
                        Scope::All => true,
                        Scope::Only(pids) => pids.contains(&id.pid),
                    },
                home,
            }
        })
        .collect();
    // Pids that have wrapped put children before their parents.
    found.sort_by_cached_key(|found| depth(&parents, found.id.pid));
    found
}

/// What the table shows, read once more after losses: of the processes that are `known` to be there,
/// that they are gone, or dead; and traced ones from before `before` that are not known. What is gone
/// is so at the end of the look, by the clock `now`.
pub(crate) fn again(
    scope: &Scope,
    known: &[(Identity, bool)],
    before: u64,
    now: impl Fn() -> u64,
) -> Vec<Observation> {
    let known: HashMap<u32, (Identity, bool)> =
        known.iter().map(|(id, traced)| (id.pid, (*id, *traced))).collect();
    let (mut listed, mut tree) = (HashSet::new(), HashSet::new());
    let (mut born, mut dead) = (Vec::new(), Vec::new());
    // Parents come before their children.
    for mut found in scan(scope) {
        let pid = found.id.pid;
        match known.get(&pid).filter(|(id, _)| id.same(found.id)) {
            Some((_, traced)) => {
                listed.insert(pid);
                found.traced = *traced;
                if found.zombie.is_some() {
                    dead.push(Fact::FoundDead { id: found.id });
                }
            }
            None if found.id.start.ns() + TICK_NS <= before => {
                found.traced = match scope {
                    Scope::All => found.traced,
                    Scope::Only(_) => tree.contains(&found.parent),
                };
                born.extend(found.traced.then_some(found.clone()));
            }
            None => {}
        }
        if found.traced {
            tree.insert(pid);
        }
    }
    let after = now();
    let gone = known.values().filter(|(id, _)| !listed.contains(&id.pid));
    // Some are left out of the scan.
    let gone = gone.filter(|(id, _)| !is_listed(*id)).map(|(id, _)| Fact::Freed { id: *id });
    let then = |at| move |fact| Observation { at, fact };
    born.into_iter()
        .map(Fact::Found)
        .map(then(before))
        .chain(dead.into_iter().chain(gone).map(then(after)))
        .collect()
}

/// How many ancestors it has in the table.
fn depth(parents: &HashMap<i32, i32>, pid: u32) -> usize {
    let up = |pid: &i32| parents.get(pid).copied();
    std::iter::successors(Some(pid as i32), up).take(parents.len()).count()
}

/// A row of the process table.
pub(crate) struct Row {
    pub(crate) stat: Stat,
    /// As `stat` has it, where it need not be UTF-8.
    pub(crate) comm: Comm,
}

/// Each with its folder open, of which there may be more than a process may have open.
pub(crate) fn processes() -> impl Iterator<Item = (Process, Row)> {
    procfs::process::all_processes().into_iter().flatten().filter_map(|process| {
        let process = process.ok()?;
        let text = read(&process, "stat")?;
        let stat = Stat::from_read(text.as_slice()).ok()?;
        let start = text.iter().position(|byte| *byte == b'(')? + 1;
        let end = text.iter().rposition(|byte| *byte == b')')?;
        Some((process, Row { stat, comm: Comm::from(text.get(start..end)?) }))
    })
}

/// The folder of a row again, unless it has ended.
pub(crate) fn reopen(stat: &Stat) -> Option<Process> {
    let process = Process::new(stat.pid).ok()?;
    identity(&process.stat().ok()?).same(identity(stat)).then_some(process)
}

/// `/proc/PID/status`, whose first line need not be UTF-8.
pub(crate) fn status(process: &Process) -> Option<Status> {
    let text = read(process, "status")?;
    Status::from_read(String::from_utf8_lossy(&text).as_bytes()).ok()
}

pub(crate) fn read(process: &Process, file: &str) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    process.open_relative(file).ok()?.read_to_end(&mut text).ok()?;
    Some(text)
}

/// Start times in `stat` are in ticks since boot.
pub(crate) fn identity(stat: &Stat) -> Identity {
    Identity { pid: stat.pid as u32, start: Start::Tick(stat.starttime * TICK_NS) }
}

/// The inode of the pid namespace of a process, or of `self`; of its namespaces a zombie has this one only.
pub(crate) fn pidns(pid: impl Display) -> io::Result<u32> {
    let link = fs::read_link(format!("/proc/{pid}/ns/pid"))?;
    let text = link.to_string_lossy();
    // To whom it may not show them, Linux 5.10.262 shows an empty link instead of an error.
    let refused = || io::Error::from_raw_os_error(libc::EACCES);
    let inode = text.strip_prefix("pid:[").ok_or_else(refused)?;
    inode.trim_end_matches(']').parse().map_err(io::Error::other)
}

fn home(process: &Process, status: Option<Status>) -> Home {
    let pidns = pidns(process.pid).ok();
    let cgroup = process.cgroups().ok().and_then(|all| {
        all.into_iter().find(|group| group.hierarchy == 0).map(|group| group.pathname)
    });
    Home {
        uid: status.as_ref().map(|status| status.ruid),
        cgroup: cgroup.map(|path| std::ffi::OsString::from(path).as_bytes().into()),
        pidns,
        ns_pid: status.and_then(|status| status.nspid?.last().map(|pid| *pid as u32)),
    }
}

/// Whether the process stands in the table, alive or a zombie.
pub(crate) fn is_listed(id: Identity) -> bool {
    let stat = Process::new(id.pid as i32).and_then(|process| process.stat());
    stat.is_ok_and(|stat| identity(&stat).same(id))
}

/// The pids of these processes and of all their descendants.
pub(crate) fn tree(roots: &[u32]) -> HashSet<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for (_, Row { stat, .. }) in processes() {
        children.entry(stat.ppid as u32).or_default().push(stat.pid as u32);
    }
    let mut tree = HashSet::new();
    let mut todo = roots.to_vec();
    while let Some(pid) = todo.pop() {
        if tree.insert(pid) {
            todo.extend(children.get(&pid).into_iter().flatten());
        }
    }
    tree
}

/// Puts the table before the facts that the hooks have queued since `attached`: a process whose
/// birth is queued is left to it, and one whose end, or its main thread's, is queued was alive before.
pub(crate) fn before(attached: u64, found: Vec<Found>, queued: &[Observation]) -> Vec<Observation> {
    let tells = |found: &Found, wanted: fn(&Fact) -> Option<Identity>| {
        queued.iter().filter_map(|one| wanted(&one.fact)).any(|id| id.same(found.id))
    };
    found
        .into_iter()
        .filter(|found| !tells(found, birth))
        .map(|mut found| {
            let ends = tells(&found, end);
            found.zombie = found.zombie.filter(|_| !ends);
            found.leader_gone = found.leader_gone && !ends;
            Observation { at: attached, fact: Fact::Found(found) }
        })
        .collect()
}

fn birth(fact: &Fact) -> Option<Identity> {
    match fact {
        Fact::Forked(fork) => Some(fork.id),
        Fact::Execed(_)
        | Fact::LeaderExited { .. }
        | Fact::Exited(_)
        | Fact::Died(_)
        | Fact::Waited(_)
        | Fact::Freed { .. }
        | Fact::Released(_)
        | Fact::Found(_)
        | Fact::FoundDead { .. }
        | Fact::Looked { .. }
        | Fact::ForkFailed(_)
        | Fact::Measured(_)
        | Fact::Lost(_)
        | Fact::HasReaped { .. }
        | Fact::Remembered(_) => None,
    }
}

fn end(fact: &Fact) -> Option<Identity> {
    match fact {
        Fact::Exited(exit) => Some(exit.id),
        Fact::Died(death) => Some(death.id),
        Fact::LeaderExited { id, .. } => Some(*id),
        Fact::Forked(_)
        | Fact::Execed(_)
        | Fact::Waited(_)
        | Fact::Freed { .. }
        | Fact::Released(_)
        | Fact::Found(_)
        | Fact::FoundDead { .. }
        | Fact::Looked { .. }
        | Fact::ForkFailed(_)
        | Fact::Measured(_)
        | Fact::Lost(_)
        | Fact::HasReaped { .. }
        | Fact::Remembered(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_holds_this_process_and_its_parent() {
        let found = scan(&Scope::All);
        let own = found.iter().find(|found| found.id.pid == std::process::id()).expect("listed");
        assert_eq!(own.parent, std::os::unix::process::parent_id());
        assert!(!own.traced, "the tracer is never reported");
        assert!(found.iter().any(|found| found.id.pid == 1 && found.traced));
        assert_eq!(own.number, Some(own.id.pid));
        let parents = found.iter().map(|found| found.parent).enumerate();
        for (place, parent) in parents {
            let parent = found.iter().position(|found| found.id.pid == parent);
            assert!(parent.is_none_or(|parent| parent < place), "each after its parent");
        }
        assert!(own.home.pidns.is_some() && own.home.uid.is_some());
        assert!(tree(&[own.parent]).contains(&own.id.pid));
    }

    #[test]
    fn queued_facts_win_over_the_table() {
        let found = |pid| Found {
            id: Identity { pid, start: Start::Tick(0) },
            parent: 1,
            number: None,
            comm: Comm::default(),
            zombie: Some(crate::observation::Death { earliest: 5, latest: Some(6) }),
            leader_gone: false,
            traced: true,
            home: Home::default(),
        };
        let id = |pid| Identity { pid, start: Start::Exact(5) };
        let death = crate::observation::Died {
            id: id(3),
            target: id(1),
            fate: crate::observation::Fate::Delivered,
            autoreap: false,
        };
        let queued = [Observation { at: 9, fact: Fact::Died(death) }];
        let seeded = before(7, vec![found(2), found(3)], &queued);
        let zombies: Vec<bool> = seeded
            .iter()
            .map(|one| matches!(&one.fact, Fact::Found(found) if found.zombie.is_some()))
            .collect();
        assert_eq!(zombies, [true, false], "3 dies only after the hooks were attached");
        assert!(seeded.iter().all(|one| one.at == 7));
    }
}
