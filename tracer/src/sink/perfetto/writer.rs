//! Packets, one after another: tracks are described before they are used, and a name is written once.

use std::collections::HashMap;

use prost::Message as _;

use super::packet::{
    Annotation, BOOTTIME, CLEARED, Clock, ClockSnapshot, Counter, Interned, Kind, NEEDS_STATE,
    Name, Packet, Process, REALTIME, Trace, TrackDescriptor, TrackEvent,
};
use crate::{observation::Comm, sink::text};

/// What happened to the session itself.
pub(super) const TRACER: u64 = 1;
const ALIVE: u64 = 2;
const ZOMBIES: u64 = 3;
/// All packets are of one sequence.
const SEQUENCE: u32 = 1;

/// Something on a track.
pub(super) struct Mark {
    pub(super) kind: Kind,
    /// One of few, or else the `title`.
    pub(super) name: &'static str,
    pub(super) title: String,
    pub(super) values: Vec<(&'static str, Value)>,
    /// Arrows that leave here, or pass.
    pub(super) flow: Option<u64>,
    /// The arrow that ends here.
    pub(super) ends: Option<u64>,
}

impl Mark {
    pub(super) fn new(kind: Kind, name: &'static str) -> Self {
        Self { kind, name, title: String::new(), values: Vec::new(), flow: None, ends: None }
    }
}

/// What is told with a mark.
pub(super) enum Value {
    Number(u64),
    Text(String),
    List(Vec<String>),
}

pub(super) struct Writer {
    boot_to_unix: i64,
    tracks: u64,
    flows: u64,
    /// The numbers of names, those of events and those of values.
    names: HashMap<&'static str, u64>,
    keys: HashMap<&'static str, u64>,
    /// Those that the next packet has to tell.
    new: Interned,
}

impl Writer {
    pub(super) fn new(boot_to_unix: i64) -> Self {
        Self {
            boot_to_unix,
            tracks: ZOMBIES,
            flows: 0,
            names: HashMap::new(),
            keys: HashMap::new(),
            new: Interned::default(),
        }
    }

    /// The clocks, and the tracks that are of no process.
    pub(super) fn begin(&mut self, at: u64, to: &mut Vec<u8>) {
        let clock = |id, time| Clock { clock_id: Some(id), timestamp: Some(time) };
        let unix = at.wrapping_add_signed(self.boot_to_unix);
        let clocks = ClockSnapshot {
            clocks: vec![clock(BOOTTIME, at), clock(REALTIME, unix)],
            primary_trace_clock: Some(BOOTTIME),
        };
        let first = Packet {
            clock_snapshot: Some(clocks),
            sequence_flags: Some(CLEARED),
            ..Packet::default()
        };
        put(first, to);
        for (uuid, name) in [(TRACER, "tracer"), (ALIVE, "live processes"), (ZOMBIES, "zombies")] {
            let counter = (uuid != TRACER).then(Counter::default);
            let name = Some(name.to_owned());
            describe(TrackDescriptor { uuid: Some(uuid), name, counter, ..<_>::default() }, to);
        }
    }

    /// A track of its own for a process.
    pub(super) fn process(
        &mut self,
        pid: u32,
        start: Option<u64>,
        comm: Option<Comm>,
        to: &mut Vec<u8>,
    ) -> u64 {
        self.tracks += 1;
        process(self.tracks, pid, start, comm, to);
        self.tracks
    }

    /// A number for an arrow.
    pub(super) fn flow(&mut self) -> u64 {
        self.flows += 1;
        self.flows
    }

    pub(super) fn mark(&mut self, at: u64, track: u64, mark: Mark, to: &mut Vec<u8>) {
        let known = &mut self.names;
        let name_iid = number(known, mark.name, &mut self.new.event_names);
        let values = mark.values.into_iter();
        let debug_annotations = values.map(|(key, value)| Annotation {
            name_iid: number(&mut self.keys, key, &mut self.new.debug_annotation_names),
            ..annotation(value)
        });
        let event = TrackEvent {
            debug_annotations: debug_annotations.collect(),
            r#type: Some(mark.kind.into()),
            name_iid,
            track_uuid: Some(track),
            name: Some(mark.title).filter(|title| !title.is_empty()),
            counter_value: None,
            flow_ids: mark.flow.into_iter().collect(),
            terminating_flow_ids: mark.ends.into_iter().collect(),
        };
        self.event(at, event, to);
    }

    /// How many are alive, and how many zombies there are.
    pub(super) fn alive(&mut self, at: u64, count: u64, to: &mut Vec<u8>) {
        self.counter(at, ALIVE, count, to);
    }

    pub(super) fn zombies(&mut self, at: u64, count: u64, to: &mut Vec<u8>) {
        self.counter(at, ZOMBIES, count, to);
    }

    fn counter(&mut self, at: u64, track: u64, count: u64, to: &mut Vec<u8>) {
        let event = TrackEvent {
            r#type: Some(Kind::Counter.into()),
            track_uuid: Some(track),
            counter_value: Some(count as i64),
            ..TrackEvent::default()
        };
        self.event(at, event, to);
    }

    fn event(&mut self, at: u64, event: TrackEvent, to: &mut Vec<u8>) {
        let new = std::mem::take(&mut self.new);
        let packet = Packet {
            timestamp: Some(at),
            track_event: Some(event),
            interned_data: Some(new).filter(|new| *new != Interned::default()),
            sequence_flags: Some(NEEDS_STATE),
            ..Packet::default()
        };
        put(packet, to);
    }
}

/// Describes the track of a process, or what it is called now.
pub(super) fn process(
    track: u64,
    pid: u32,
    start: Option<u64>,
    comm: Option<Comm>,
    to: &mut Vec<u8>,
) {
    let process = Process {
        pid: Some(pid as i32),
        process_name: comm.map(|_| text::name(comm).to_string()),
        start_timestamp_ns: start.map(|start| start as i64),
    };
    let process = Some(process);
    describe(TrackDescriptor { uuid: Some(track), process, ..TrackDescriptor::default() }, to);
}

fn describe(track: TrackDescriptor, to: &mut Vec<u8>) {
    put(Packet { track_descriptor: Some(track), ..Packet::default() }, to);
}

fn put(packet: Packet, to: &mut Vec<u8>) {
    let packet = Packet { trusted_packet_sequence_id: Some(SEQUENCE), ..packet };
    Trace { packet: vec![packet] }.encode(to).expect("memory has room");
}

/// The number of a name; none of no name.
fn number(
    known: &mut HashMap<&'static str, u64>,
    name: &'static str,
    new: &mut Vec<Name>,
) -> Option<u64> {
    if name.is_empty() {
        return None;
    }
    let next = known.len() as u64 + 1;
    let iid = *known.entry(name).or_insert_with(|| {
        new.push(Name { iid: Some(next), name: Some(name.to_owned()) });
        next
    });
    Some(iid)
}

fn annotation(value: Value) -> Annotation {
    match value {
        Value::Number(number) => Annotation { uint_value: Some(number), ..<_>::default() },
        Value::Text(text) => Annotation { string_value: Some(text), ..<_>::default() },
        Value::List(all) => {
            let array_values = all.into_iter().map(|one| annotation(Value::Text(one))).collect();
            Annotation { array_values, ..<_>::default() }
        }
    }
}
