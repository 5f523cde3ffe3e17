//! The order of the tree: each process before its children, these in the order of their births.

use std::collections::HashMap;

use super::life::Life;

/// A lane of the picture.
pub(super) struct Lane {
    pub(super) life: Life,
    pub(super) depth: u32,
}

/// Puts them in order. A recording may claim anything: two that are each other's parents begin a tree.
pub(super) fn lanes(mut lives: Vec<Life>) -> Vec<Lane> {
    lives.sort_by_key(|life| (life.born_at(), life.number));
    let places: HashMap<u32, usize> =
        lives.iter().enumerate().map(|(place, life)| (life.number, place)).collect();
    let parent = |life: &Life| places.get(&life.parent?.life?).copied();
    let mut children = vec![Vec::new(); lives.len()];
    let mut roots = Vec::new();
    for (place, life) in lives.iter().enumerate() {
        match parent(life) {
            Some(parent) => children[parent].push(place),
            None => roots.push(place),
        }
    }
    let mut order = Vec::with_capacity(lives.len());
    let mut seen = vec![false; lives.len()];
    for root in roots.into_iter().chain(0..lives.len()) {
        let mut ahead = vec![(root, 0)];
        while let Some((place, depth)) = ahead.pop() {
            if !std::mem::replace(&mut seen[place], true) {
                order.push((place, depth));
                ahead.extend(children[place].iter().rev().map(|child| (*child, depth + 1)));
            }
        }
    }
    let mut lives: Vec<Option<Life>> = lives.into_iter().map(Some).collect();
    let lane = |(place, depth): (usize, u32)| Some(Lane { life: lives[place].take()?, depth });
    order.into_iter().filter_map(lane).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::life::Relative, *};
    use crate::lifecycle::event::{Peer, Who};

    fn life(number: u32, parent: Option<u32>) -> Life {
        let who = Who { pid: number, start: u64::from(number), ppid: parent, comm: None };
        let relative = |pid| Relative { peer: Peer { pid, comm: None }, life: Some(pid) };
        Life { parent: parent.map(relative), ..Life::new(number, who) }
    }

    fn order(lives: &[(u32, Option<u32>)]) -> Vec<(u32, u32)> {
        let lives = lives.iter().map(|(number, parent)| life(*number, *parent)).collect();
        lanes(lives).iter().map(|lane| (lane.life.number, lane.depth)).collect()
    }

    #[test]
    fn each_comes_before_its_children_and_these_by_birth() {
        let lives =
            [(5, Some(2)), (4, Some(1)), (3, Some(2)), (2, Some(1)), (1, None), (6, Some(9))];
        assert_eq!(order(&lives), [(1, 0), (2, 1), (3, 2), (5, 2), (4, 1), (6, 0)]);
    }

    #[test]
    fn none_is_left_out_however_they_claim_to_be_related() {
        assert_eq!(order(&[(1, Some(2)), (2, Some(1)), (3, Some(3))]), [(1, 0), (2, 1), (3, 0)]);
    }
}
