//! The model without a kernel. A story is a table of times in ms and facts; it begins with an init
//! that was found at the start and a parent that was born before the eyes of the tracer.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test picks the one kind it is about")]

mod adoption;
mod conditions;
mod endings;
mod filters;
mod forks;
mod garbage;
mod handover;
mod history;
mod identity;
mod memory;
mod namespaces;
mod properties;
mod recorded;
mod releases;
mod threads;
mod totals;
mod truth;
mod waits;
mod why;

use super::{event::*, filter::Filter, process::SIGCHLD, *};
use crate::observation::*;

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;

const INIT: Identity = born(1, 0);
const PARENT: Identity = born(100, 2);
const CHILD: Identity = born(200, 10);
const SIBLING: Identity = born(201, 12);
const GRANDCHILD: Identity = born(300, 15);
/// Somebody else: a subreaper, a tracer, an unrelated process.
const OTHER: Identity = born(400, 4);

const fn born(pid: u32, ms: u64) -> Identity {
    Identity { pid, start: Start::Exact(ms * MS) }
}

type Line = (u64, Fact);

/// Tells a story and returns what the model concludes from it.
fn tell(story: impl IntoIterator<Item = Line>) -> Vec<Event> {
    tell_to(&mut opened(Filter::default()), story)
}

/// The same, and then time passes.
fn tell_until(ms: u64, story: impl IntoIterator<Item = Line>) -> Vec<Event> {
    let mut model = opened(Filter::default());
    let mut events = tell_to(&mut model, story);
    model.advance(ms * MS);
    events.extend(model.drain());
    events
}

/// A model that has heard the opening of every story.
fn opened(filter: Filter) -> Model {
    let mut model = Model::new(filter, Some(MACHINE));
    tell_to(&mut model, [(1, found(INIT, 0)), (2, fork(PARENT, INIT))]);
    model
}

/// The pid namespace that observations count in.
const MACHINE: u32 = 4_026_531_836;

fn tell_to(model: &mut Model, story: impl IntoIterator<Item = Line>) -> Vec<Event> {
    for (ms, fact) in story {
        model.observe(Observation { at: ms * MS, fact });
    }
    model.drain().collect()
}

fn comm(name: &str) -> Comm {
    Comm::from(name.as_bytes())
}

/// Builders: the plain fact, and the fact but for what `change` says.
macro_rules! facts {
    ($($plain:ident, $but:ident($($arg:ident: $type:ty),*) -> $record:ident $value:expr;)*) => {$(
        fn $plain($($arg: $type),*) -> Fact {
            Fact::$record($value)
        }

        fn $but($($arg: $type,)* change: impl FnOnce(&mut $record)) -> Fact {
            let mut record = $value;
            change(&mut record);
            Fact::$record(record)
        }
    )*};
}

/// Found dead, with nothing known of its death but that it had been born.
pub(super) fn dead(id: Identity) -> Death {
    Death { earliest: id.start.ns() / TICK_NS * TICK_NS, latest: None }
}

facts! {
    found, found_but(id: Identity, parent: u32) -> Found Found {
        id: Identity { pid: id.pid, start: Start::Tick(id.start.ns() / TICK_NS * TICK_NS) },
        parent,
        number: None,
        comm: comm("found"),
        zombie: None,
        leader_gone: false,
        traced: true,
        home: Home::default(),
    };
    fork, fork_but(id: Identity, parent: Identity) -> Forked Forked {
        id,
        parent,
        forker: parent.pid,
        number: None,
        exit_signal: SIGCHLD,
        comm: comm("forked"),
        home: Home::default(),
        nproc: None,
    };
    exec, exec_but(id: Identity) -> Execed Execed {
        id,
        comm: comm("execed"),
        thread: None,
        program: Program::default(),
        home: Home::default(),
    };
    exit, exit_but(id: Identity, parent: Identity) -> Exited Exited {
        id,
        comm: comm("exited"),
        parent,
        ptracer: None,
        adopter: None,
        status: Status::Code(0),
        cpu_user: 0,
        cpu_system: 0,
        max_rss: 0,
        sigchld: Sigchld::default(),
        exit_signal: SIGCHLD,
        home: Home::default(),
    };
    death, death_but(id: Identity, target: Identity) -> Died Died {
        id,
        target,
        fate: Fate::Delivered,
        autoreap: false,
    };
    wait, wait_but(waiter: Identity, child: u32) -> Waited Waited {
        pid: waiter.pid,
        tid: waiter.pid,
        comm: comm("waiter"),
        call: Call::Wait4,
        awaited: Awaited::Any,
        reaps: true,
        outcome: Outcome::Child { pid: child, reaped: Some(true) },
    };
}

/// The last thread of `id` leaves, and `adopter` takes over its children.
fn exit_to(id: Identity, parent: Identity, adopter: Identity, kind: AdopterKind) -> Fact {
    let sigchld = Sigchld::default();
    exit_but(id, parent, |exit| exit.adopter = Some(Adopter { id: adopter, kind, sigchld }))
}

/// A wait that names nobody, by this thread.
fn unnamed_wait(waiter: Identity, thread: u32) -> Fact {
    wait_but(waiter, 0, |wait| {
        wait.tid = thread;
        wait.call = Call::Waitid;
        wait.outcome = Outcome::Unnamed;
    })
}

fn leader_exit(id: Identity, threads: u32) -> Fact {
    Fact::LeaderExited { id, threads }
}

fn free(id: Identity) -> Fact {
    Fact::Freed { id }
}

/// The events of this process.
fn of(events: &[Event], id: Identity) -> impl Iterator<Item = &Event> {
    events.iter().filter(move |event| event.who.is_some_and(|who| who.pid == id.pid))
}

/// The types of the events of this process, in order.
fn types(events: &[Event], id: Identity) -> Vec<&'static str> {
    of(events, id).map(|event| event.what.name()).collect()
}

/// Its one `reap`, with its time in ms.
fn reap_of(events: &[Event], id: Identity) -> (u64, &Reap) {
    let reaps: Vec<_> = of(events, id)
        .filter_map(|event| match &event.what {
            What::Reap(reap) => Some((event.at / MS, reap)),
            _ => None,
        })
        .collect();
    let [reap] = reaps.as_slice() else { panic!("one reap of {id:?} in {events:#?}") };
    *reap
}

/// Each `reparent` of this process: time in ms, from, to, why that one, whether it was dead.
fn moves(events: &[Event], id: Identity) -> Vec<(u64, u32, u32, AdopterKind, bool)> {
    of(events, id)
        .filter_map(|event| match event.what {
            What::Reparent { from, to, kind, zombie, .. } => {
                Some((event.at / MS, from.pid, to.pid, kind, zombie.is_some()))
            }
            _ => None,
        })
        .collect()
}

/// Each `unreaped` of this process: time and age in ns, causes.
fn unreaped(events: &[Event], id: Identity) -> Vec<(u64, u64, Vec<Cause>)> {
    of(events, id)
        .filter_map(|event| match &event.what {
            What::Unreaped { zombie, why, .. } => Some((event.at, *zombie, why.clone())),
            _ => None,
        })
        .collect()
}
