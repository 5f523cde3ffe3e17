//! What is written is read, and what is damaged is named.

pub(crate) mod facts;

use proptest::{collection::vec, prelude::*, strategy::ValueTree as _};

use super::*;
use crate::{
    lifecycle::filter::Asked,
    observation::{Comm, Fact, Identity, LostWhere, Observation, Start},
    playback::Replay,
    sink::{self, Format, Style},
};

const COUNTS: Counts = Counts { received: 3, late: 2, left_out: 1 };

fn header() -> Header {
    Header {
        tracer: "0.1.0".to_owned(),
        host: "host".to_owned(),
        kernel: "6.12".to_owned(),
        tier: "fentry".to_owned(),
        began: 5,
        boot_to_unix: 1_700_000_000_000_000_000,
        asked: Asked {
            comms: vec!["*".to_owned()],
            typed: vec!["--comm *".to_owned()],
            ..Asked::default()
        },
        sees_fork_failures: true,
        of_command: false,
        tier_why: Some("fentry/release_task: refused by policy".to_owned()),
    }
}

/// A recording, and what reading it gives.
pub(crate) fn recorded(
    observations: &[Observation],
    frames_end_after: usize,
) -> (Vec<u8>, Vec<Told>) {
    let mut writer = Writer::new(&header());
    let mut told = Vec::new();
    let mut second = 0;
    for (n, observation) in observations.iter().enumerate() {
        writer.observed(observation);
        told.push(Told::Observed(observation.clone()));
        if n % frames_end_after == frames_end_after - 1 {
            second += 2_000_000_000;
            writer.due(observation.at);
            writer.close(second, || COUNTS);
            told.extend([Told::Due(observation.at), Told::Counted(COUNTS)]);
        }
    }
    writer.ended(9, COUNTS);
    told.extend([Told::Counted(COUNTS), Told::Ended(9)]);
    assert!(writer.at_most() >= writer.written());
    let file = writer.take();
    assert_eq!(file.len() as u64, writer.written());
    (file, told)
}

/// All that can be read, and what ended it.
fn read(file: &[u8]) -> (Vec<Told>, Option<Damage>) {
    let mut reader = match Reader::open(file) {
        Ok((found, reader)) => {
            let tier_why = header().tier_why.filter(|_| file[8] > 1);
            assert_eq!(found, Header { tier_why, ..header() });
            reader
        }
        Err(damage) => return (Vec::new(), Some(damage)),
    };
    let mut told = Vec::new();
    loop {
        match reader.take() {
            Ok(Some(one)) => told.push(one),
            Ok(None) => {
                assert_eq!(reader.place(), file.len() as u64);
                return (told, None);
            }
            Err(damage) => return (told, Some(damage)),
        }
    }
}

fn freed(at: u64, pid: u32) -> Observation {
    Observation { at, fact: Fact::Freed { id: Identity { pid, start: Start::Exact(at) } } }
}

fn small() -> (Vec<u8>, Vec<Told>) {
    let facts: Vec<Observation> = (0..9).map(|n| freed(u64::from(n) * 1000, n)).collect();
    recorded(&facts, 3)
}

/// Tells it to a model and every format; what a hostile one makes of it does not matter.
fn play(file: &[u8]) -> Result<Vec<u8>, Damage> {
    let mut replay = Replay::open(file, &Asked::default())?;
    let style = |format, lifecycles| Style {
        format,
        quiet: false,
        lifecycles,
        color: false,
        summary: true,
    };
    let formats =
        [Format::Text, Format::Json, Format::Csv, Format::Parquet, Format::Perfetto, Format::Dot];
    let mut sinks: Vec<_> = formats
        .into_iter()
        .flat_map(|format| [false, true].map(|lifecycles| style(format, lifecycles)))
        .map(|style| sink::sink(style, 0))
        .collect();
    let mut text = Vec::new();
    let whole = replay.run(|_| true);
    sink::summary_text(&replay.end(true));
    for event in replay.drain() {
        for sink in &mut sinks {
            sink.event(&event, &mut text);
        }
    }
    crate::report::of_recording(file)?;
    whole.map(|()| text)
}

proptest! {
    #[test]
    fn what_is_written_is_read(facts in vec(facts::observations(), 0..60), every in 1..20_usize) {
        let (file, written) = recorded(&facts, every);
        let (told, damage) = read(&file);
        prop_assert!(damage.is_none(), "{damage:?}");
        prop_assert_eq!(told, written);
    }

    #[test]
    fn facts_that_cannot_be_are_told_to_their_end(facts in vec(facts::observations(), 0..60)) {
        let (file, _) = recorded(&facts, 7);
        prop_assert!(play(&file).is_ok());
    }

    #[test]
    fn what_is_no_entry_is_named(junk in vec(any::<u8>(), 1..200), whole in vec(facts::observations(), 0..9)) {
        let mut writer = Writer::new(&header());
        for fact in &whole {
            writer.observed(fact);
        }
        writer.close(u64::MAX, || COUNTS);
        let mut file = writer.take();
        let number = if whole.is_empty() { 1 } else { 2 };
        Packer::default().pack(number, &junk, &mut file);
        let (told, damage) = read(&file);
        prop_assert!(told.len() >= whole.len());
        // One in 100,000 happens to be an end.
        let has_end = matches!(told.last(), Some(Told::Ended(_)));
        prop_assert!(damage.is_some() || has_end, "{told:?}");
        prop_assert_eq!(play(&file).is_err(), damage.is_some());
    }
}

#[test]
fn every_truncation_gives_what_is_before_it_and_is_named() {
    let (file, written) = small();
    for len in 0..file.len() {
        let (told, damage) = read(&file[..len]);
        assert_eq!(told, written[..told.len()]);
        let damage = damage.unwrap_or_else(|| panic!("{len} bytes of {} are not all", file.len()));
        let expected = match len {
            0..8 => matches!(damage, Damage::NoRecording),
            _ => matches!(damage, Damage::CutOff | Damage::Unended),
        };
        assert!(expected, "{len}: {damage:?}");
        // Between two frames nothing is missing but the end.
        assert_eq!(
            matches!(damage, Damage::Unended),
            file[len..].starts_with(b"\xf7TRF") && len > 16
        );
    }
}

#[test]
fn every_changed_byte_is_named_and_what_is_before_it_given() {
    let (file, written) = small();
    for place in 0..file.len() {
        for change in [1, 0x80, 0xff] {
            let mut odd = file.clone();
            odd[place] ^= change;
            let (told, damage) = read(&odd);
            assert!(damage.is_some(), "byte {place}");
            assert_eq!(told, written[..told.len()], "byte {place}");
            assert!(play(&odd).is_err(), "byte {place}");
        }
    }
}

#[test]
fn a_frame_that_is_not_where_it_was_is_named() {
    let (file, written) = small();
    let starts: Vec<usize> =
        (0..file.len()).filter(|at| file[*at..].starts_with(b"\xf7TRF")).collect();
    let [_, first, second, third, ..] = starts[..] else { panic!("{starts:?}") };
    let frame = |from: usize, to: usize| &file[from..to];
    let without = [frame(0, first), frame(second, file.len())].concat();
    let swapped =
        [frame(0, first), frame(second, third), frame(first, second), frame(third, file.len())];
    let twice = [frame(0, second), frame(first, second), frame(second, file.len())];
    for (odd, left) in [(without, 0), (swapped.concat(), 0), (twice.concat(), 5)] {
        let (told, damage) = read(&odd);
        assert!(matches!(damage, Some(Damage::Missing)), "{damage:?}");
        assert_eq!(told, written[..left]);
    }
    let more = [&file[..], b"\n"].concat();
    assert!(matches!(read(&more), (told, Some(Damage::CutOff)) if told == written));
    let mut more = file.clone();
    Packer::default().pack(starts.len() as u32, b"\x02\x00", &mut more);
    assert!(matches!(read(&more), (told, Some(Damage::AfterEnd)) if told == written));
}

#[test]
fn lengths_are_checked_before_they_are_believed() {
    let (file, _) = small();
    let head = file.windows(4).position(|bytes| bytes == b"\xf7TRF").unwrap();
    for (field, value) in
        [(8, MOST as u32 + 1), (8, u32::MAX), (12, MOST as u32 + 1), (12, u32::MAX)]
    {
        let mut odd = file.clone();
        odd[head + field..head + field + 4].copy_from_slice(&value.to_le_bytes());
        assert!(matches!(read(&odd).1, Some(Damage::TooLong)), "{field} {value}");
    }
    // A frame whose checksum is right, and whose length is not.
    let mut bomb = Vec::new();
    Packer::default().pack(0, &vec![0; MOST], &mut bomb);
    assert!(bomb.len() < 10_000, "it would be much if it were unpacked");
    for claimed in [0, 1, MOST as u32 - 1] {
        bomb[8..12].copy_from_slice(&claimed.to_le_bytes());
        let mut sum = crc32fast::Hasher::new();
        sum.update(&bomb[..16]);
        sum.update(&bomb[20..]);
        bomb[16..20].copy_from_slice(&sum.finalize().to_le_bytes());
        let file = [&preamble()[..], &bomb].concat();
        assert!(matches!(Reader::open(&file[..]), Err(Damage::Packing)), "{claimed}");
    }
}

#[test]
fn another_version_is_named_as_such() {
    let mut other = preamble();
    other[8] = 3;
    assert!(matches!(Reader::open(&other[..]), Err(Damage::Checksum)));
    let sum = crc32fast::hash(&other[..12]);
    other[12..].copy_from_slice(&sum.to_le_bytes());
    let Err(damage) = Reader::open(&other[..]) else { panic!("it is read") };
    let said = damage.to_string();
    assert!(said.contains("format 3") && said.contains("format 2"), "{said}");
}

/// Recordings with a fact of each kind that there was, as each version wrote it, and what they say. Made by this
/// test with `TRACER_WRITE_RECORDING=1`, once where a kind is added: those that are there are left as they are.
#[test]
fn each_version_is_read_as_it_was_meant() {
    is_read_as_it_was_meant("version1", 14);
    is_read_as_it_was_meant("version2", 16);
}

fn is_read_as_it_was_meant(name: &str, kinds: usize) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/recording/tests");
    let [file, text] = ["trec", "txt"].map(|end| folder.join(format!("{name}.{end}")));
    if !file.exists() && std::env::var_os("TRACER_WRITE_RECORDING").is_some() {
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let mut sample = || facts::observations().new_tree(&mut runner).unwrap().current();
        let facts: Vec<Observation> = (0..90).map(|_| sample()).collect();
        let (bytes, told) = recorded(&facts, 20);
        std::fs::write(&file, bytes).unwrap();
        std::fs::write(&text, lines(&told)).unwrap();
    }
    let (told, damage) = read(&std::fs::read(&file).unwrap());
    assert!(damage.is_none(), "{damage:?}");
    assert_eq!(lines(&told), std::fs::read_to_string(&text).unwrap());
    let told: std::collections::HashSet<_> = told
        .iter()
        .filter_map(|told| match told {
            Told::Observed(Observation { fact, .. }) => Some(std::mem::discriminant(fact)),
            Told::Due(_) | Told::Counted(_) | Told::Ended(_) => None,
        })
        .collect();
    assert_eq!(told.len(), kinds, "each kind of fact is in it");
}

fn lines(told: &[Told]) -> String {
    let lines: Vec<String> = told.iter().map(|one| format!("{one:?}")).collect();
    lines.join("\n") + "\n"
}

fn failed(zombies: Option<&Arc<[Zombie]>>) -> Observation {
    let fact = Fact::ForkFailed(Box::new(crate::observation::ForkFailed {
        id: Identity { pid: 1, start: Start::Exact(0) },
        comm: Comm::default(),
        home: crate::observation::Home::default(),
        call: None,
        thread: None,
        errno: 11,
        limits: crate::observation::Limits::default(),
        zombies: zombies.cloned(),
    }));
    Observation { at: 5, fact }
}

fn zombies(count: usize) -> Arc<[Zombie]> {
    let cgroup = Some(b"/a/path".as_slice().into());
    let zombie = Zombie { parent: 1, parent_comm: None, uid: 0, pidns: None, cgroup };
    vec![zombie; count].into()
}

#[test]
fn a_list_of_zombies_is_written_once_for_all_who_share_it() {
    let list = zombies(1000);
    let some = |count| -> Vec<Observation> { vec![failed(Some(&list)); count] };
    let plain = |facts: &[Observation]| {
        let mut writer = Writer::new(&header());
        for fact in facts {
            writer.observed(fact);
        }
        writer.at_most()
    };
    let more = plain(&some(101)) - plain(&some(1));
    assert!(more < 100 * 100, "{more} bytes");
    let facts = [some(3), vec![failed(None)], some(2), vec![failed(Some(&zombies(3)))]].concat();
    let (file, written) = recorded(&facts, 2);
    let (told, damage) = read(&file);
    assert!(damage.is_none() && told == written);
}

#[test]
fn what_is_too_large_for_a_frame_is_counted_as_lost_or_unknown() {
    let list = zombies(MOST / 4 / 10);
    let (file, _) = recorded(&[failed(Some(&list)), freed(6, 1)], 9);
    let (told, damage) = read(&file);
    assert!(damage.is_none());
    assert_eq!(told[0], Told::Observed(failed(None)));
    let argv = Some(vec![b'a'; MOST / 4].into());
    let program = crate::observation::Program { exe: None, argv, truncated: false };
    let exec = crate::observation::Execed {
        id: Identity { pid: 1, start: Start::Exact(0) },
        comm: Comm::default(),
        thread: None,
        program,
        home: crate::observation::Home::default(),
    };
    let (file, _) = recorded(&[Observation { at: 5, fact: Fact::Execed(exec) }, freed(6, 1)], 9);
    let (told, damage) = read(&file);
    assert!(damage.is_none());
    let Told::Observed(Observation { at: 5, fact: Fact::Lost(lost) }) = &told[0] else {
        panic!("{:?}", told[0])
    };
    assert_eq!((lost.count, lost.place), (1, LostWhere::Output));
    assert_eq!(told[1], Told::Observed(freed(6, 1)));
}

#[test]
fn a_header_that_is_written_is_read() {
    let with = |uids: usize| {
        let asked = Asked { uids: vec![7; uids], ..Asked::default() };
        Header { asked, ..header() }
    };
    let largest = (0..=HEADER).rev().find(|uids| with(*uids).fits()).unwrap();
    for (uids, is_read) in [(largest, true), (largest + 1, false)] {
        let file = Writer::new(&with(uids)).take();
        assert_eq!(Reader::open(&file[..]).is_ok(), is_read, "{uids}");
    }
}
