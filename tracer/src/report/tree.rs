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
