"""What Perfetto reads in a trace, by its own schema: slices, moments and counters, as JSON.

Fails as its trace processor would, and where a field is not of the schema."""

import json
import sys

sys.path.insert(0, sys.argv[1])

from google.protobuf import unknown_fields
from perfetto.protos.perfetto.trace import perfetto_trace_pb2 as schema

CLEARED, NEEDS = schema.TracePacket.SEQ_INCREMENTAL_STATE_CLEARED, schema.TracePacket.SEQ_NEEDS_INCREMENTAL_STATE


def known(message):
    assert len(unknown_fields.UnknownFieldSet(message)) == 0, message
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            for one in value if field.is_repeated else [value]:
                known(one)


def value(annotation):
    kind = annotation.WhichOneof("value")
    if kind is None:
        return [value(one) for one in annotation.array_values]
    return getattr(annotation, kind)


trace = schema.Trace()
trace.ParseFromString(sys.stdin.buffer.read())
known(trace)

tracks, stacks, told = {}, {}, []
names, keys = None, None
newest = 0
for packet in trace.packet:
    assert packet.trusted_packet_sequence_id != 0
    if packet.sequence_flags & CLEARED:
        names, keys = {}, {}
    if packet.sequence_flags & NEEDS:
        assert names is not None, "state is needed that was not told"
    for name in packet.interned_data.event_names:
        names[name.iid] = name.name
    for name in packet.interned_data.debug_annotation_names:
        keys[name.iid] = name.name
    if packet.HasField("track_descriptor"):
        track = packet.track_descriptor
        tracks.setdefault(track.uuid, {}).update(
            {"uuid": track.uuid, "pid": track.process.pid, "start": track.process.start_timestamp_ns,
             "name": track.process.process_name or track.name, "counter": track.HasField("counter")})
    if not packet.HasField("track_event"):
        continue
    event = packet.track_event
    assert event.track_uuid in tracks, event
    assert packet.timestamp >= newest, "out of order"
    newest = packet.timestamp
    track = tracks[event.track_uuid]
    stack = stacks.setdefault(event.track_uuid, [])
    values = {keys[one.name_iid]: value(one) for one in event.debug_annotations}
    one = {
        "track": event.track_uuid, "name": names[event.name_iid] if event.name_iid else event.name,
        "begin": packet.timestamp, "end": None, "depth": len(stack), "values": values,
        "flows": list(event.flow_ids), "ends": list(event.terminating_flow_ids),
    }
    if event.type == schema.TrackEvent.TYPE_SLICE_END:
        begun = stack.pop()
        begun["end"] = packet.timestamp
        begun["values"].update(values)
    elif event.type == schema.TrackEvent.TYPE_COUNTER:
        assert track["counter"], track
        told.append({**one, "kind": "counter", "count": event.counter_value})
    elif event.type == schema.TrackEvent.TYPE_SLICE_BEGIN:
        told.append({**one, "kind": "slice"})
        stack.append(told[-1])
    else:
        assert event.type == schema.TrackEvent.TYPE_INSTANT
        told.append({**one, "kind": "instant"})

clocks = [{clock.clock_id: clock.timestamp for clock in packet.clock_snapshot.clocks}
          for packet in trace.packet if packet.HasField("clock_snapshot")]
json.dump({"tracks": list(tracks.values()), "told": told, "clocks": clocks}, sys.stdout)
