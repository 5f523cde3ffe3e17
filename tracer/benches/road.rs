//! Lives as records, and the road they go: decode, order, model, sink, with the batches of a session
//! under load.

#![allow(dead_code, reason = "each program that has it uses a part")]

use tracer::{
    lifecycle::{Model, event::Event, filter::Filter},
    observation::Observation,
    order::Order,
    sink::{self, Format, Sink, Style},
    synthetic::Decoder,
};
use tracer_common::{
    COMM_LEN, Death, Exit, Fork, Head, Ids, Kind, Release, SIGCHLD_IGNORED, WAIT_BEGUN,
    WAIT_OF_DEAD, Wait,
};
use zerocopy::{Immutable, IntoBytes};

/// Lives that are drained together, and the time from one to the next, ns.
pub(crate) const BATCH: u64 = 100;
const APART: u64 = 50_000;
/// fork, exit, zombie, reap.
pub(crate) const EVENTS: u64 = 4;

const COMM: [u8; COMM_LEN] = *b"sh\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
const PARENT: u32 = 900;
const SIGCHLD: u32 = 17;

/// The sets of hooks that make the records.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Hooks {
    Fentry,
    Tracepoint,
}

/// The records of one life under one parent.
pub(crate) fn life(hooks: Hooks, number: u64) -> Vec<Vec<u8>> {
    let begin = 1_000_000_000 + number * APART;
    let pid = 1000 + (number % 30_000) as u32;
    let head = |kind, after| Head {
        time: begin + after,
        start: begin,
        tgid: pid,
        tid: pid,
        uid: 0,
        kind: kind as u32,
    };
    let parent = |kind, after| Head { tgid: PARENT, tid: PARENT, start: 0, ..head(kind, after) };
    // The root's, whose path is known wherever there are cgroups.
    let ids = Ids { cgroup: 1, pidns: 4_026_531_836, ns_pid: pid };
    let fork = Fork {
        head: head(Kind::Fork, 0),
        ids,
        parent: PARENT,
        parent_start: 1,
        forker: PARENT,
        number: pid,
        exit_signal: SIGCHLD,
        comm: COMM,
        ..Fork::default()
    };
    let exit = Exit {
        head: head(Kind::Exit, 10_000),
        ids,
        comm: COMM,
        parent: PARENT,
        parent_start: 1,
        runtime: 9_000,
        maxrss_pages: 100,
        sigchld: SIGCHLD_IGNORED,
        exit_signal: SIGCHLD,
        ..Exit::default()
    };
    let death = Death {
        head: head(Kind::Death, 20_000),
        target: PARENT,
        target_start: 1,
        signal: SIGCHLD,
        result: 1,
        autoreap: 0,
    };
    let wait = |flags, after| Wait {
        head: parent(Kind::Wait, after),
        comm: COMM,
        ret: pid as i32,
        id: pid as i32,
        pid,
        flags,
        ..Wait::default()
    };
    let release = Release {
        head: head(Kind::Release, 30_000),
        comm: COMM,
        reaper: PARENT,
        reaper_tid: PARENT,
        call: 61,
        reserved: 0,
    };
    match hooks {
        Hooks::Fentry => vec![
            bytes(&fork),
            bytes(&wait(WAIT_BEGUN, 5_000)),
            bytes(&exit),
            bytes(&death),
            bytes(&release),
        ],
        Hooks::Tracepoint => {
            vec![bytes(&fork), bytes(&exit), bytes(&death), bytes(&wait(WAIT_OF_DEAD, 30_000))]
        }
    }
}

fn bytes<T: IntoBytes + Immutable>(record: &T) -> Vec<u8> {
    record.as_bytes().to_vec()
}

/// So many lives, each after the one before.
pub(crate) fn lives(hooks: Hooks, from: u64, count: u64) -> Vec<Vec<u8>> {
    (from..from + count).flat_map(|number| life(hooks, number)).collect()
}

/// All that is between the ring and the writer.
pub(crate) struct Road {
    pub(crate) decoder: Decoder,
    pub(crate) order: Order,
    pub(crate) model: Model,
    sink: Box<dyn Sink>,
    pub(crate) lines: Vec<u8>,
}

impl Road {
    pub(crate) fn new() -> Self {
        Self::to(Format::Json, false)
    }

    pub(crate) fn to(format: Format, lifecycles: bool) -> Self {
        let style = Style { format, quiet: false, lifecycles, color: false, summary: false };
        Self {
            decoder: Decoder::default(),
            order: Order::default(),
            model: Model::new(Filter::default(), Some(4_026_531_836)),
            sink: sink::sink(style, 0),
            lines: Vec::new(),
        }
    }

    /// One batch, as a session's pump takes it. Returns how many events came of it.
    pub(crate) fn take(&mut self, records: &[Vec<u8>]) -> u64 {
        self.lines.clear();
        for record in records {
            let observation = self.decoder.decode(record).expect("a record");
            self.order.push(observation);
        }
        let mut events = 0;
        while let Some(observation) = self.order.pop(u64::MAX) {
            self.observe(observation);
            for event in self.model.drain() {
                self.sink.event(&event, &mut self.lines);
                events += 1;
            }
        }
        events
    }

    pub(crate) fn observe(&mut self, observation: Observation) {
        self.model.observe(observation);
    }

    pub(crate) fn write(&mut self, events: &[Event]) {
        for event in events {
            self.sink.event(event, &mut self.lines);
        }
    }
}
