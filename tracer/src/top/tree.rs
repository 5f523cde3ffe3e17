//! The tree as it is drawn: what matches and what is above that, with zombies alike put together.

use std::collections::HashMap;

use crate::lifecycle::forest::{Node, Stage};

/// Zombies of one parent that are shown one by one.
const ZOMBIES: usize = 3;
/// Levels that are drawn: what is below is as far to the right as these.
pub(super) const LEVELS: usize = 20;

/// A line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Branch {
    pub(super) shows: Shows,
    /// How deep it is, at most [`LEVELS`].
    pub(super) depth: usize,
    /// A bit for each level above at which something follows further down.
    pub(super) open: u32,
    /// Something follows further down under the same parent.
    pub(super) has_next: bool,
}

/// What a line shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shows {
    Process(Node),
    /// So many zombies more of the same parent.
    More(usize),
}

/// Lines of those that match, in the order of the forest.
pub(super) fn branches(forest: &[Node], matches: impl Fn(&Node) -> bool) -> Vec<Branch> {
    let shown = fold(matching(forest, matches));
    // From the last line up: what was seen at a level follows.
    let mut open = 0_u32;
    let mut branches = Vec::with_capacity(shown.len());
    for (shows, depth) in shown.into_iter().rev() {
        let depth = depth.min(LEVELS);
        let bit = 1 << depth;
        let above = open & (bit - 1);
        branches.push(Branch { shows, depth, open: above, has_next: open & bit != 0 });
        open = above | bit;
    }
    branches.reverse();
    branches
}

/// Those that match, what is below them, and their ancestors.
fn matching(forest: &[Node], matches: impl Fn(&Node) -> bool) -> Vec<Node> {
    let mut match_above = None;
    let is_below_match = |node: &Node| {
        if match_above.is_none_or(|depth| node.depth <= depth) {
            match_above = matches(node).then_some(node.depth);
        }
        match_above.is_some()
    };
    let are_below: Vec<bool> = forest.iter().map(is_below_match).collect();
    let mut kept = Vec::new();
    // The level at which an ancestor of one that is kept comes next, from the last one up.
    let mut wanted = 0;
    for (node, is_below) in forest.iter().zip(are_below).rev() {
        if is_below || node.depth < wanted {
            kept.push(*node);
            wanted = node.depth;
        }
    }
    kept.reverse();
    kept
}

fn fold(nodes: Vec<Node>) -> Vec<(Shows, usize)> {
    let is_zombie = |node: &Node| node.stage == Stage::Zombie;
    let mut zombies = HashMap::<Option<u32>, usize>::new();
    for node in nodes.iter().filter(|node| is_zombie(node)) {
        *zombies.entry(node.who.ppid).or_default() += 1;
    }
    let mut seen = HashMap::<Option<u32>, usize>::new();
    let mut shown = Vec::new();
    for node in nodes {
        let all = zombies.get(&node.who.ppid).copied().unwrap_or_default();
        if !is_zombie(&node) || all <= ZOMBIES + 1 {
            shown.push((Shows::Process(node), node.depth));
            continue;
        }
        let seen = seen.entry(node.who.ppid).or_default();
        *seen += 1;
        if *seen <= ZOMBIES {
            shown.push((Shows::Process(node), node.depth));
        }
        if *seen == ZOMBIES {
            shown.push((Shows::More(all - ZOMBIES), node.depth));
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::event::Who;

    fn node(pid: u32, ppid: u32, depth: usize, stage: Stage) -> Node {
        let who = Who { pid, start: 0, ppid: Some(ppid), comm: None };
        Node { who, depth, stage, since: None, orphaned: false }
    }

    fn pids(branches: &[Branch]) -> Vec<u32> {
        let pid = |branch: &Branch| match branch.shows {
            Shows::Process(node) => node.who.pid,
            Shows::More(count) => 1000 + count as u32,
        };
        branches.iter().map(pid).collect()
    }

    fn forest() -> Vec<Node> {
        let alive = |pid, ppid, depth| node(pid, ppid, depth, Stage::Alive);
        let mut forest = vec![alive(1, 0, 0), alive(10, 1, 1), alive(11, 10, 2)];
        forest.extend((20..30).map(|pid| node(pid, 10, 2, Stage::Zombie)));
        forest.extend([alive(40, 1, 1), alive(41, 40, 2)]);
        forest
    }

    #[test]
    fn zombies_alike_are_put_together_and_lines_go_down_to_the_next() {
        let all = branches(&forest(), |_| true);
        assert_eq!(pids(&all), [1, 10, 11, 20, 21, 22, 1007, 40, 41]);
        let lines: Vec<(u32, bool)> =
            all.iter().map(|branch| (branch.open, branch.has_next)).collect();
        assert_eq!(
            lines,
            [
                (0, false),
                (0, true),
                (0b10, true),
                (0b10, true),
                (0b10, true),
                (0b10, true),
                (0b10, false),
                (0, false),
                (0, false)
            ]
        );
    }

    #[test]
    fn one_that_matches_is_shown_between_its_ancestors_and_its_descendants() {
        let one = |wanted: u32| move |node: &Node| node.who.pid == wanted;
        assert_eq!(pids(&branches(&forest(), one(41))), [1, 40, 41]);
        assert_eq!(pids(&branches(&forest(), one(25))), [1, 10, 25]);
        assert_eq!(pids(&branches(&forest(), one(40))), [1, 40, 41]);
        assert!(branches(&forest(), one(99)).is_empty());
    }

    #[test]
    fn any_depth_is_drawn() {
        let deep: Vec<Node> =
            (0..5000).map(|pid| node(pid, pid, pid as usize, Stage::Alive)).collect();
        assert_eq!(branches(&deep, |_| true).last().map(|branch| branch.depth), Some(LEVELS));
    }
}
