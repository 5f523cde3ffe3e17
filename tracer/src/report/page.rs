//! The report as one page, which needs nothing but itself: style, program and data are in it, and its
//! policy (CSP) lets the browser fetch nothing and run nothing but this very program.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{
    Told,
    life::{Life, Relative},
    tables::{Bar, Table, bars, spread, tables},
    tree::{Lane, lanes},
};
use crate::{
    lifecycle::event::{Cause, Via},
    observation::{Comm, Status},
    sink::{self, adopter, call, duration, ended, name},
};

const TEMPLATE: &str = include_str!("page/report.html");
const STYLE: &str = include_str!("page/report.css");
const SCRIPT: &str = concat!(
    include_str!("page/data.js"),
    include_str!("page/view.js"),
    include_str!("page/draw.js"),
    include_str!("page/panels.js"),
    include_str!("page/main.js"),
);
/// SHA-256 of the program, which the policy of the page names. A test says what it is to be.
const SCRIPT_HASH: &str = "POCXgNxn0vgMBcxsEdBT9m+EMPkRjyPQysg6JT1tts0=";

/// How many lives are drawn at most; more would be slow to open.
pub(super) const MOST: usize = 100_000;

/// The page.
pub(super) fn page(told: &Told, lives: Vec<Life>, left_out: u64) -> String {
    let data = Data::new(told, lanes(lives)).json(left_out).to_string();
    // Nothing in it ends the element that it stands in.
    let data = data.replace('<', "\\u003c");
    let fixed = TEMPLATE.replace("{{STYLE}}", STYLE).replace("{{HASH}}", SCRIPT_HASH);
    let fixed = fixed.replace("{{SCRIPT}}", SCRIPT);
    let (before, after) = fixed.split_once("{{DATA}}").expect("the template has a place for it");
    [before, &data, after].concat()
}

/// Text that many lives share, each once.
#[derive(Default)]
struct Strings {
    all: Vec<String>,
    places: HashMap<String, usize>,
}

impl Strings {
    fn place(&mut self, text: &str) -> usize {
        if let Some(place) = self.places.get(text) {
            return *place;
        }
        self.places.insert(text.to_owned(), self.all.len());
        self.all.push(text.to_owned());
        self.all.len() - 1
    }
}

struct Data<'a> {
    told: &'a Told,
    lanes: Vec<Lane>,
    /// The lane of each life by its number.
    rows: HashMap<u32, usize>,
    strings: Strings,
    /// Processes that others name: pid, name, lane.
    peers: Vec<Value>,
    places: HashMap<(u32, Option<Comm>, Option<u32>), usize>,
}

impl<'a> Data<'a> {
    fn new(told: &'a Told, lanes: Vec<Lane>) -> Self {
        let rows = lanes.iter().enumerate().map(|(row, lane)| (lane.life.number, row)).collect();
        let (strings, peers, places) = (Strings::default(), Vec::new(), HashMap::new());
        Self { told, lanes, rows, strings, peers, places }
    }

    fn json(mut self, left_out: u64) -> Value {
        let lanes = std::mem::take(&mut self.lanes);
        let lives = self.lives(&lanes);
        let adoptions = self.adoptions(&lanes);
        let told = self.told;
        let mut warnings = Vec::new();
        if let Some(damage) = &told.damage {
            warnings.push(format!("The recording {damage}: this is what comes before."));
        }
        if left_out > 0 {
            warnings.push(format!(
                "Drawn and listed are the {} processes that were there longest; {left_out} others are \
                 counted only.",
                lanes.len()
            ));
        }
        if told.summary.all_lost() > 0 {
            warnings.push("Records were lost: not all that happened is told.".to_owned());
        }
        let unix = i128::from(told.began) + i128::from(told.boot_to_unix);
        let second = 1_000_000_000;
        json!({
            "name": sink::plain(&told.name), "head": told.head(), "warnings": warnings, "end": told.end.saturating_sub(told.began),
            "began": [unix.div_euclid(second) as i64, unix.rem_euclid(second) as u64],
            "tiles": tiles(told), "lives": lives, "adoptions": adoptions,
            "strings": self.strings.all, "peers": self.peers,
            "histograms": [
                histogram("Zombie time", &told.zombies(), &bars(&told.tally.zombie)),
                histogram("Lifetime", &spread(&told.tally.lifetime, "exit"), &bars(&told.tally.lifetime)),
            ],
            "tables": tables(told).iter().map(|one| self.table(one)).collect::<Vec<_>>(),
        })
    }

    fn table(&self, table: &Table) -> Value {
        let cell =
            |cell: &super::tables::Cell| match cell.life.and_then(|life| self.rows.get(&life)) {
                Some(row) => json!([cell.text, row]),
                None => json!(cell.text),
            };
        let row = |row: &Vec<_>| row.iter().map(cell).collect::<Value>();
        let rows: Value = table.rows.iter().map(row).collect();
        json!({ "title": table.title, "note": table.note, "columns": table.columns, "rows": rows })
    }

    /// The place of a process among those that others name.
    fn peer(&mut self, one: Option<Relative>) -> Option<usize> {
        let Relative { peer, life } = one?;
        let key = (peer.pid, peer.comm, life);
        if let Some(place) = self.places.get(&key) {
            return Some(*place);
        }
        let row = life.and_then(|life| self.rows.get(&life));
        let name = peer.comm.map(|comm| self.strings.place(&name(Some(comm)).to_string()));
        self.peers.push(json!([peer.pid, name, row]));
        self.places.insert(key, self.peers.len() - 1);
        Some(self.peers.len() - 1)
    }

    /// A column for each fact. Times are told by how much later they are than the one before: the
    /// births than that of the lane above, the rest than what is known of the life before.
    fn lives(&mut self, lanes: &[Lane]) -> Value {
        let mut columns = Columns::default();
        let mut above = self.told.began;
        for Lane { life, depth } in lanes {
            let born = life.born_at();
            columns.put("pid", life.who.pid);
            columns.put("depth", *depth);
            columns.put(
                "name",
                life.who.comm.map(|comm| self.strings.place(&name(Some(comm)).to_string())),
            );
            let command = life.program.as_ref().map(|(_, command)| self.strings.place(command));
            columns.put("command", command);
            columns.put("execs", life.execs);
            columns.put("uid", life.uid);
            let exact = life.reaped.is_none_or(|reaped| reaped.exact);
            columns.put("flags", u8::from(life.existed) | (u8::from(exact) << 1));
            let parent = self.peer(life.parent);
            columns.put("parent", parent);
            columns.put("forker", self.peer(life.forker));
            columns.put("born", born.wrapping_sub(above) as i64);
            above = born;
            let mut before = born;
            let reaped_at = life.reaped.map(|reaped| reaped.at);
            let ran_at = life.program.as_ref().map(|(at, _)| *at);
            for (stage, at) in [
                ("exec", ran_at),
                ("exited", life.exited_at),
                ("zombie", life.zombie_at),
                ("reaped", reaped_at),
            ] {
                columns.put(stage, at.map(|at| at.wrapping_sub(before) as i64));
                before = at.unwrap_or(before);
            }
            // Where it is not the time between the two.
            let between = reaped_at.zip(life.zombie_at).map(|(end, at)| end.wrapping_sub(at));
            let told = life.reaped.and_then(|reaped| reaped.zombie);
            columns.put("ztime", told.filter(|time| Some(*time) != between));
            // What it lived beside the time between the two: it starts before its fork is told.
            let lived = life.exited_at.map(|at| at.wrapping_sub(born));
            let lifetime = life.exit.and_then(|exit| exit.lifetime);
            let longer = lifetime.zip(lived).map(|(told, lived)| told.wrapping_sub(lived) as i64);
            columns.put("longer", longer);
            columns.put("status", status(life.status));
            let exit = life.exit;
            let cpu = exit.map(|exit| exit.cpu_user.saturating_add(exit.cpu_system));
            columns.put("cpu", cpu);
            columns.put("rss", exit.map(|exit| exit.max_rss));
            let owed = self.peer(life.owed_by);
            columns.put("owed", unless_same(owed, parent));
            let reaper = self.peer(life.reaped.and_then(|reaped| reaped.reaper));
            columns.put("reaper", unless_same(reaper, owed.or(parent)));
            let via = life.reaped.map(|reaped| self.strings.place(&via(reaped.via)));
            columns.put("via", via);
            let causes: Vec<&str> = life.why.iter().copied().map(Cause::name).collect();
            let why = (!causes.is_empty()).then(|| self.strings.place(&causes.join(", ")));
            columns.put("why", why);
            let remedy = life.remedy.as_ref().map(|remedy| sink::plain(remedy));
            columns.put("remedy", remedy.map(|remedy| self.strings.place(&remedy)));
        }
        columns.json()
    }

    fn adoptions(&mut self, lanes: &[Lane]) -> Vec<Value> {
        let mut all = Vec::new();
        for (row, Lane { life, .. }) in lanes.iter().enumerate() {
            for one in &life.adoptions {
                let at = one.at.wrapping_sub(self.told.began) as i64;
                let (from, to) = (self.peer(Some(one.from)), self.peer(Some(one.to)));
                let role = self.strings.place(adopter(one.kind));
                all.push(json!([row, at, from, to, role, one.zombie]));
            }
        }
        all
    }
}

/// -1 where it is the one that is named already.
fn unless_same(one: Option<usize>, other: Option<usize>) -> Option<i64> {
    if one == other && one.is_some() { Some(-1) } else { one.map(|place| place as i64) }
}

/// A code as a number, a signal by its name.
fn status(status: Option<Status>) -> Value {
    match status {
        None => Value::Null,
        Some(Status::Code(code)) => code.into(),
        Some(Status::Signal { .. }) => ended(status).to_string().into(),
    }
}

fn via(via: Via) -> String {
    match via {
        Via::Call(by) => format!("via {}", call(by)),
        Via::Autoreap => "released by the kernel, nobody wanted its status".to_owned(),
        Via::PidnsDeath => "at the end of its pid namespace".to_owned(),
        Via::Unknown => "by a call that was not seen".to_owned(),
    }
}

#[derive(Default)]
struct Columns(serde_json::Map<String, Value>);

impl Columns {
    fn put(&mut self, name: &str, value: impl Into<Value>) {
        if let Some(Value::Array(column)) = self.0.get_mut(name) {
            column.push(value.into());
        } else {
            self.0.insert(name.to_owned(), json!([value.into()]));
        }
    }

    fn json(mut self) -> Value {
        // Of a recording without a process.
        self.0.entry("pid").or_insert_with(|| json!([]));
        Value::Object(self.0)
    }
}

fn histogram(title: &str, note: &str, bars: &[Bar]) -> Value {
    json!({ "title": title, "note": note, "bars": bars })
}

/// The figures that are looked for first, and whether each is bad.
fn tiles(told: &Told) -> Value {
    let (summary, worst) = (&told.summary, told.tally.worst.first());
    let failures: u64 =
        summary.fork_failures.iter().fold(0, |all, (_, one)| all.saturating_add(*one));
    let failures =
        if summary.sees_fork_failures { failures.to_string() } else { "unknown".to_owned() };
    let longest = worst.map_or_else(|| "none".to_owned(), |(time, _)| duration(*time).to_string());
    let is_long = worst.is_some_and(|(time, _)| *time >= super::tally::LATE);
    let zombies = summary.totals.zombies;
    let lost = summary.all_lost();
    json!([
        ["duration", duration(told.end.saturating_sub(told.began)).to_string(), false],
        ["processes", (summary.totals.existing + summary.totals.forks).to_string(), false],
        ["longest zombie", longest, is_long],
        ["zombies left", zombies.to_string(), zombies > 0],
        ["orphans", summary.orphans.to_string(), false],
        ["failed forks", failures, failures != "0" && failures != "unknown"],
        ["records lost", lost.to_string(), lost > 0],
    ])
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write as _,
        process::{Command, Stdio},
    };

    use super::*;

    #[test]
    fn the_policy_names_the_program_of_the_page() {
        // coreutils, so that no crate is needed for it.
        let script = "sha256sum | cut -c-64 | tr a-f A-F | basenc --base16 --decode | base64";
        let mut child = Command::new("sh")
            .args(["-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        child.stdin.take().expect("a pipe").write_all(SCRIPT.as_bytes()).expect("it reads");
        let hash = child.wait_with_output().expect("it ends").stdout;
        assert_eq!(SCRIPT_HASH, String::from_utf8_lossy(&hash).trim());
    }
}
