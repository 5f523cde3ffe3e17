//! What is known of those that are there, as if it had been found in the process table: with it a
//! recording goes on in another file, which is read alone.

use super::{Model, process::Process, state::State};
use crate::observation::{Death, Found};

impl Model {
    /// Each after its parent.
    pub fn snapshot(&self) -> Vec<Found> {
        let present = self.processes.values().filter(|process| process.state != State::Gone);
        // A process whose name was never told says nothing.
        let mut found: Vec<Found> = present.filter_map(found).collect();
        found.sort_by_cached_key(|found| (self.depth(found.id.pid), found.id.pid));
        found
    }

    /// How many ancestors of it are known.
    fn depth(&self, pid: u32) -> usize {
        let parent = |pid: &u32| Some(self.processes.get(pid)?.parent?.pid);
        std::iter::successors(Some(pid), parent).take(self.processes.len()).count()
    }
}

fn found(process: &Process) -> Option<Found> {
    let zombie = (process.state == State::Zombie).then_some(process.zombie_since()).flatten();
    Some(Found {
        id: process.id,
        parent: process.parent.map_or(0, |parent| parent.pid),
        number: process.number,
        comm: process.comm?,
        zombie: zombie.map(|latest| Death {
            earliest: process.found_dead.map_or(latest, |(earliest, _)| earliest),
            latest: Some(latest),
        }),
        leader_gone: process.state == State::LeaderGone,
        traced: process.traced,
        home: process.home.clone(),
    })
}
