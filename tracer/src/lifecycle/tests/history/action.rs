//! What can happen, drawn at random.

use proptest::prelude::*;

use super::*;

/// What happens next. The numbers choose among those to whom it can happen, and how.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Action {
    pub(super) kind: Kind,
    pub(super) who: usize,
    pub(super) how: u8,
    pub(super) pause: u64,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Fork,
    Exec,
    LeaderExit,
    Exit,
    Die,
    Wait,
    Stop,
    Free,
}

pub(in super::super) fn actions() -> impl Strategy<Value = Vec<Action>> {
    use Kind::{Die, Exec, Exit, Fork, Free, LeaderExit, Stop, Wait};
    let kind = prop::sample::select(vec![
        Fork, Fork, Fork, Exec, LeaderExit, Exit, Exit, Die, Die, Wait, Wait, Stop, Free,
    ]);
    let pause = prop_oneof![4 => 0..5 * STEP, 1 => 0..3 * SECOND];
    let action = (kind, any::<usize>(), any::<u8>(), pause)
        .prop_map(|(kind, who, how, pause)| Action { kind, who, how, pause });
    prop::collection::vec(action, 0..120)
}
