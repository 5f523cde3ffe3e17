//! A recording as others read it: Perfetto's own schema, decoded by its own Python package, which
//! `cargo xtask test` puts into the target folder.

use std::{fs, process::Command};

use serde_json::{Value, json};

use crate::{
    common,
    story::{fixture, has, hooks, output, scratch, tracer},
};

const PERFETTO: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/../tools/perfetto");
const DECODER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/live/perfetto.py");

/// The events of a command and its tree, and its trace as Perfetto reads it.
fn traced(command: &[&str]) -> (Vec<Value>, Trace) {
    let (recording, trace) = (scratch("export.trec"), scratch("export.pftrace"));
    let mut record = tracer();
    record.args(["record", "--hooks", &hooks(), "-o"]).arg(&recording).arg("--").args(command);
    let done = output(&mut record);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let export = |to: &str, place: &str| {
        let mut export = tracer();
        export.arg("export").arg(&recording).args(["--to", to, "-o", place]);
        let done = output(&mut export);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).expect("UTF-8")
    };
    let events = export("ndjson", "-").lines().map(common::check).collect();
    export("perfetto", trace.to_str().expect("UTF-8"));
    let mut decoder = Command::new("python3");
    decoder.args([DECODER, PERFETTO]).stdin(fs::File::open(&trace).expect("a trace"));
    let decoded = decoder.output().expect("python3");
    let said = String::from_utf8_lossy(&decoded.stderr);
    assert!(decoded.status.success(), "{said}");
    for file in [recording, trace] {
        fs::remove_file(file).expect("it is there");
    }
    (events, Trace(serde_json::from_slice(&decoded.stdout).expect("JSON")))
}

struct Trace(Value);

impl Trace {
    /// All that is on the tracks of a process.
    fn on(&self, pid: &Value) -> Vec<&Value> {
        let tracks = self.0["tracks"].as_array().expect("tracks").iter();
        let tracks: Vec<&Value> =
            tracks.filter(|track| track["pid"] == *pid).map(|track| &track["uuid"]).collect();
        self.told().filter(|one| tracks.contains(&&one["track"])).collect()
    }

    fn told(&self) -> impl Iterator<Item = &Value> {
        self.0["told"].as_array().expect("a list").iter()
    }

    /// The one of this name that is on the tracks of a process.
    #[track_caller]
    fn one(&self, pid: &Value, name: &str) -> &Value {
        let all = self.on(pid);
        let named: Vec<&&Value> = all.iter().filter(|one| one["name"] == name).collect();
        assert_eq!(named.len(), 1, "{name} of {pid} in {all:?}");
        named[0]
    }

    /// What an arrow joins on the tracks of these two.
    #[track_caller]
    fn arrow(&self, from: &Value, to: &Value, flow: &Value) -> [&Value; 2] {
        let leaves = |one: &&&Value| one["flows"].as_array().expect("flows").contains(flow);
        let ends = |one: &&&Value| one["ends"] == json!([flow]);
        let (from, to) = (self.on(from), self.on(to));
        let [left, ended] = [from.iter().find(leaves), to.iter().find(ends)];
        [left.expect("it begins there"), ended.expect("it ends there")]
    }

    /// The last number of a counter.
    fn last(&self, counter: &str) -> &Value {
        let tracks = self.0["tracks"].as_array().expect("tracks");
        let track = tracks.iter().find(|track| track["name"] == counter).expect("a counter");
        let counts = self.told().filter(|one| one["track"] == track["uuid"]);
        &counts.last().expect("it counts")["count"]
    }
}

fn of<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["type"] == kind).collect()
}

#[test]
fn a_trace_is_what_perfetto_reads() {
    let script = format!("{} subreapers; exec true", fixture());
    let (events, trace) = traced(&["sh", "-c", &script, "sh", "it's \x1b[2J\u{e9}"]);
    let reaps = of(&events, "reap");
    assert!(reaps.len() >= 4, "{events:?}");
    for reap in reaps {
        let pid = &reap["pid"];
        let about = |kind| {
            let mut all = of(&events, kind).into_iter();
            all.find(|event| event["pid"] == *pid).unwrap_or_else(|| panic!("no {kind}: {reap}"))
        };
        let (fork, exit, zombie) = (about("fork"), about("exit"), about("zombie"));
        for (name, begin, end) in
            [("alive", fork, exit), ("teardown", exit, zombie), ("zombie", zombie, reap)]
        {
            let slice = trace.one(pid, name);
            has(slice, &[("begin", begin["at_ns"].clone()), ("end", end["at_ns"].clone())]);
        }
        let alive = trace.one(pid, "alive");
        let [forked, born] = trace.arrow(&fork["forker"], pid, &alive["ends"][0]);
        assert_eq!(
            (&forked["name"], &forked["begin"], born),
            (&json!("fork"), &fork["at_ns"], alive)
        );
        let zombie = trace.one(pid, "zombie");
        has(&zombie["values"], &[("via", reap["via"].clone()), ("by", reap["by"].clone())]);
        let [_, reaped] = trace.arrow(pid, &reap["reaper"]["pid"], &zombie["flows"][0]);
        assert_eq!((&reaped["name"], &reaped["begin"]), (&json!("reap"), &reap["at_ns"]));
    }
    let reparents = of(&events, "reparent");
    assert!(reparents.len() >= 2, "{events:?}");
    for reparent in reparents {
        let moved = trace
            .on(&reparent["pid"])
            .into_iter()
            .find(|one| one["name"] == "reparent" && one["begin"] == reparent["at_ns"]);
        let flow = &moved.expect("it is on its track")["flows"][0];
        trace.arrow(&reparent["from"]["pid"], &reparent["to"]["pid"], flow);
    }
    for exec in of(&events, "exec") {
        let programs = trace.on(&exec["pid"]);
        let program =
            programs.iter().find(|one| one["begin"] == exec["at_ns"] && one["depth"] == 1);
        let program = program.unwrap_or_else(|| panic!("{exec} of {programs:?}"));
        assert_eq!(program["name"], exec["comm"]);
        assert_eq!(program["values"]["exe"], exec["exe"]);
    }
    let arguments =
        &trace.told().find(|one| one["name"] == "sh").expect("it ran")["values"]["argv"];
    assert_eq!(arguments[4], "it's \\u{1b}[2Jé", "escaped as for people");
    assert_eq!((trace.last("live processes"), trace.last("zombies")), (&json!(0), &json!(0)));
    let clocks = &trace.0["clocks"][0];
    let [unix, boot] = ["1", "6"].map(|clock| clocks[clock].as_i64().expect("a time"));
    let session: jiff::Timestamp =
        events[0]["time"].as_str().expect("a time").parse().expect("UTC");
    assert_eq!(
        (boot, unix),
        (events[0]["at_ns"].as_i64().expect("ns"), session.as_nanosecond() as i64)
    );
}
