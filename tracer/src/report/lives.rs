//! The lives of a recording: those that go on, and of those that are over as many as are to be drawn.

use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::life::{Life, Relative};
use crate::lifecycle::event::{Event, Peer, What};

/// Takes events, gives lives.
pub(super) struct Lives {
    living: HashMap<u32, Life>,
    over: Vec<Life>,
    /// How many are kept of those that are over.
    most: usize,
    left_out: u64,
    next: u32,
    /// Those that were there are told one by one: a parent may come after its child.
    has_strangers: bool,
    texts: HashSet<Arc<str>>,
    texts_at_most: usize,
}

impl Lives {
    /// Keeps so many: those that were there longest. A parent outlives the children it waits for, so
    /// what is kept of a tree hangs together.
    pub(super) fn new(most: usize) -> Self {
        Self {
            living: HashMap::new(),
            over: Vec::new(),
            most,
            left_out: 0,
            next: 0,
            has_strangers: false,
            texts: HashSet::new(),
            texts_at_most: 1024,
        }
    }

    /// Takes an event. `ended` is given the life that ends with it.
    pub(super) fn see(&mut self, event: &Event, mut ended: impl FnMut(&Life)) {
        let Some(who) = event.who else { return };
        if matches!(event.what, What::Existing { .. }) {
            self.has_strangers = true;
        } else if self.has_strangers {
            self.introduce();
        }
        let same = |life: &Life| life.who.start == who.start;
        let mut life = self.living.remove(&who.pid).filter(same).unwrap_or_else(|| {
            self.next = self.next.wrapping_add(1);
            Life::new(self.next, who)
        });
        let Self { living, texts, .. } = self;
        let relative = |peer| relative(living, peer);
        life.see(event, who, relative, |text| shared(texts, text));
        if life.reaped.is_some() {
            ended(&life);
            self.keep(life);
        } else {
            self.living.insert(who.pid, life);
        }
        if self.texts.len() > self.texts_at_most {
            self.texts.retain(|text| Arc::strong_count(text) > 1);
            self.texts_at_most = 1024 + 2 * self.texts.len();
        }
    }

    /// Those that were not reaped.
    pub(super) fn living(&mut self) -> impl Iterator<Item = &Life> {
        self.introduce();
        self.living.values()
    }

    /// All that are kept, and how many are not.
    pub(super) fn finish(mut self, end: u64) -> (Vec<Life>, u64) {
        if self.most > 0 {
            let living = std::mem::take(&mut self.living);
            self.over.extend(living.into_values());
            self.thin(end);
        }
        (self.over, self.left_out)
    }

    fn keep(&mut self, life: Life) {
        if self.most == 0 {
            return;
        }
        let end = life.reaped.map_or(0, |reaped| reaped.at);
        self.over.push(life);
        // In large pieces: each costs a look at all.
        if self.over.len() >= 2 * self.most {
            self.thin(end);
        }
    }

    fn thin(&mut self, end: u64) {
        if let Some(beyond @ 1..) = self.over.len().checked_sub(self.most) {
            // Of those that are alike not the first ones, but some from everywhere.
            let rank = |life: &Life| (Reverse(life.span(end)), life.number.reverse_bits());
            self.over.select_nth_unstable_by_key(self.most, rank);
            self.over.truncate(self.most);
            self.left_out += beyond as u64;
        }
    }

    fn introduce(&mut self) {
        self.has_strangers = false;
        let known: HashMap<u32, Relative> =
            self.living.values().map(|life| (life.who.pid, known(life))).collect();
        for life in self.living.values_mut().filter(|life| life.existed) {
            for one in [&mut life.parent, &mut life.owed_by].into_iter().flatten() {
                if let Some(known) = known.get(&one.peer.pid).filter(|_| one.life.is_none()) {
                    *one = *known;
                }
            }
        }
    }
}

fn known(life: &Life) -> Relative {
    Relative { peer: Peer { pid: life.who.pid, comm: life.who.comm }, life: Some(life.number) }
}

fn relative(living: &HashMap<u32, Life>, peer: Peer) -> Relative {
    let life = living.get(&peer.pid);
    let comm = peer.comm.or(life.and_then(|life| life.who.comm));
    Relative { peer: Peer { comm, ..peer }, life: life.map(|life| life.number) }
}

fn shared(texts: &mut HashSet<Arc<str>>, text: String) -> Arc<str> {
    if let Some(known) = texts.get(text.as_str()) {
        return known.clone();
    }
    let new: Arc<str> = text.into();
    texts.insert(new.clone());
    new
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::event::{Reap, Who};

    #[test]
    fn those_are_kept_that_were_there_longest_and_the_others_counted() {
        let mut lives = Lives::new(2);
        for (pid, span) in [(1, 50), (2, 10), (3, 70), (4, 20), (5, 60), (6, 30)] {
            let who = Who { pid, start: 100, ppid: None, comm: None };
            let (at, what) = (100 + span, What::Reap(Reap::of_a_stranger()));
            lives.see(&Event { at, who: Some(who), what }, |_| {});
        }
        let (kept, left_out) = lives.finish(1000);
        let mut pids: Vec<u32> = kept.iter().map(|life| life.who.pid).collect();
        pids.sort_unstable();
        assert_eq!((pids, left_out), (vec![3, 5], 4));
    }
}
