//! Puts observations in the order of their times. The ring buffer keeps the order in which room was
//! reserved on several CPUs, which differs from it by microseconds; that of a fork is reserved some more after its
//! time, the start of the child.

use std::collections::VecDeque;

use crate::observation::{Fact, Observation};

/// Holds observations until nothing older can come.
#[derive(Debug, Default)]
pub struct Order {
    waiting: VecDeque<Observation>,
    released: u64,
    late: u64,
}

impl Order {
    /// Takes one observation; it is nearly the newest. A fork whose forker was kept off its CPU since the start
    /// of the child counts as of now: nothing can have been told of the child.
    pub fn push(&mut self, mut observation: Observation) {
        if observation.at < self.released {
            match observation.fact {
                Fact::Forked(_) => observation.at = self.released,
                _ => self.late += 1,
            }
        }
        let behind = self.waiting.iter().rev().take_while(|held| held.at > observation.at).count();
        self.waiting.insert(self.waiting.len() - behind, observation);
    }

    /// The next one that is not newer than `until`, in order.
    pub fn pop(&mut self, until: u64) -> Option<Observation> {
        let next = self.waiting.pop_front_if(|held| held.at <= until)?;
        self.released = self.released.max(next.at);
        Some(next)
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How many came after a newer one had been released. They are handed on all the same.
    pub fn late(&self) -> u64 {
        self.late
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::observation::{Comm, Fact, Forked, Home, Identity, Start};

    fn freed(at: u64, pid: u32) -> Observation {
        Observation { at, fact: Fact::Freed { id: Identity { pid, start: Start::Exact(0) } } }
    }

    fn drain(order: &mut Order, until: u64) -> Vec<u64> {
        std::iter::from_fn(|| order.pop(until)).map(|observation| observation.at).collect()
    }

    #[test]
    fn what_came_late_is_handed_on_and_counted() {
        let mut order = Order::default();
        order.push(freed(10, 1));
        assert_eq!(drain(&mut order, 10), [10]);
        order.push(freed(9, 2));
        order.push(freed(11, 3));
        assert_eq!(order.late(), 1);
        assert_eq!(drain(&mut order, u64::MAX), [9, 11]);
    }

    #[test]
    fn a_fork_whose_forker_was_held_up_is_put_where_the_others_are() {
        let mut order = Order::default();
        order.push(freed(10, 1));
        assert_eq!(drain(&mut order, 10), [10]);
        let [id, parent] = [2, 1].map(|pid| Identity { pid, start: Start::Exact(5) });
        let fork = Forked {
            id,
            parent,
            forker: 1,
            number: None,
            exit_signal: 17,
            comm: Comm::default(),
            home: Home::default(),
            nproc: None,
        };
        order.push(Observation { at: 5, fact: Fact::Forked(fork) });
        assert_eq!((drain(&mut order, u64::MAX), order.late()), (vec![10], 0));
    }

    #[test]
    fn equal_times_keep_their_order() {
        let mut order = Order::default();
        let all = [freed(5, 1), freed(5, 2), freed(5, 3)];
        for one in &all {
            order.push(one.clone());
        }
        assert_eq!(std::iter::from_fn(|| order.pop(5)).collect::<Vec<_>>(), all);
    }

    proptest! {
        #[test]
        fn every_batch_comes_out_sorted_and_whole(times in prop::collection::vec(0u64..100, 0..200)) {
            let mut order = Order::default();
            for (pid, at) in times.iter().enumerate() {
                order.push(freed(*at, pid as u32));
            }
            let mut sorted = times.clone();
            sorted.sort_unstable();
            let (early, rest) = sorted.split_at(sorted.partition_point(|at| *at <= 50));
            prop_assert_eq!(drain(&mut order, 50), early);
            prop_assert_eq!(drain(&mut order, u64::MAX), rest);
            prop_assert_eq!(order.late(), 0);
        }
    }
}
