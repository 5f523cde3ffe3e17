//! The processes that are there, each under its parent.

use std::collections::{HashMap, HashSet};

use super::{Model, event::Who, process::Process, state::State};

/// A process in its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// Which.
    pub who: Who,
    /// How many ancestors of it are there.
    pub depth: usize,
    /// How far its life has come.
    pub stage: Stage,
    /// Since when it is there, or, if it has ended in a way, since when that is so.
    pub since: Option<u64>,
    /// It lost an earlier parent.
    pub orphaned: bool,
}

/// How far a life has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It runs.
    Alive,
    /// Its main thread has ended, others live on.
    LeaderDead,
    /// It has ended, and the kernel takes it apart.
    Exiting,
    /// It can be reaped.
    Zombie,
}

impl Model {
    /// Those that match and their ancestors: each after its parent, siblings by pid.
    pub fn forest(&self) -> Vec<Node> {
        let kept = self.kept();
        let mut roots = Vec::new();
        let mut children = HashMap::<u32, Vec<&Process>>::new();
        for process in kept.iter().filter_map(|pid| self.processes.get(pid)) {
            match self.parent_there(process) {
                Some(parent) => children.entry(parent.id.pid).or_default().push(process),
                None => roots.push(process),
            }
        }
        let mut forest = Vec::with_capacity(kept.len());
        // Not by recursion: what is recorded may be of any depth.
        let mut open: Vec<(usize, &Process)> = pushed(0, roots).collect();
        while let Some((depth, process)) = open.pop() {
            forest.push(node(process, depth));
            let children = children.remove(&process.id.pid).unwrap_or_default();
            open.extend(pushed(depth + 1, children));
        }
        forest
    }

    /// Pids of those that match, and of their ancestors.
    fn kept(&self) -> HashSet<u32> {
        let mut kept = HashSet::new();
        let there = self.processes.values().filter(|process| process.state != State::Gone);
        for process in there.filter(|process| process.matched) {
            let mut next = Some(process);
            while let Some(process) = next.filter(|process| kept.insert(process.id.pid)) {
                next = self.parent_there(process);
            }
        }
        kept
    }

    fn parent_there(&self, process: &Process) -> Option<&Process> {
        self.get(process.parent?).filter(|parent| parent.state != State::Gone)
    }
}

/// In the order in which they are to be taken from the end.
fn pushed(depth: usize, mut siblings: Vec<&Process>) -> impl Iterator<Item = (usize, &Process)> {
    siblings.sort_by_key(|process| std::cmp::Reverse(process.id.pid));
    siblings.into_iter().map(move |process| (depth, process))
}

fn node(process: &Process, depth: usize) -> Node {
    let (stage, since) = match process.state {
        State::Running => (Stage::Alive, Some(process.id.start.ns())),
        State::LeaderGone => (Stage::LeaderDead, process.leader_left),
        State::Exiting => (Stage::Exiting, process.life.exited_at),
        State::Zombie | State::Gone => (Stage::Zombie, process.zombie_since()),
    };
    Node { who: process.who(), depth, stage, since, orphaned: process.reparents > 0 }
}
