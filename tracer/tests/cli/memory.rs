//! What a recording can make a reader take: files as nobody records them, told with little memory.

use std::{
    fs,
    process::{Command, Stdio},
};

use tracer::{
    lifecycle::filter::Asked,
    observation::{
        Comm, Died, Doing, Fact, Fate, Filled, Found, Home, Identity, Look, Measure, Sigterm,
        Space, Start,
    },
    recording::{Entry, Header, MOST, Packer, preamble},
};

use super::{
    program::{Done, run, tracer},
    recordings::file,
};

/// Memory for a reader of anything, in KiB: its own, a frame packed and unpacked, and what one entry or the
/// header makes of itself.
const READER: usize = 160 << 10;
/// And for each byte that is unpacked, in bytes: a life takes that much of the page that shows it.
const RATIO: usize = 400;

const LATE: i64 = i64::MAX;

/// A recording of these entries, in frames that are as full as they can be, and how long it is unpacked.
struct Crafted {
    file: Vec<u8>,
    unpacked: usize,
}

fn beginning(asked: Asked) -> Vec<u8> {
    let header = Header {
        tracer: String::new(),
        host: String::new(),
        kernel: String::new(),
        tier: String::new(),
        began: 0,
        boot_to_unix: 0,
        asked,
        sees_fork_failures: false,
        of_command: false,
        tier_why: None,
    };
    let mut file = preamble().to_vec();
    Packer::default().pack(0, &postcard::to_stdvec(&header).expect("bytes"), &mut file);
    file
}

fn crafted(entries: impl IntoIterator<Item = Entry<Fact>>) -> Crafted {
    let mut file = beginning(Asked::default());
    let (mut frame, mut number, mut unpacked) = (Vec::new(), 1, 0);
    for entry in entries {
        let entry = postcard::to_stdvec(&entry).expect("bytes");
        if frame.len() + entry.len() > MOST {
            Packer::default().pack(number, &frame, &mut file);
            number += 1;
            frame.clear();
        }
        unpacked += entry.len();
        frame.extend(entry);
    }
    Packer::default().pack(number, &frame, &mut file);
    Crafted { file, unpacked }
}

fn fact(fact: Fact) -> Entry<Fact> {
    Entry::Observed { after: 0, fact }
}

fn id(pid: u32) -> Identity {
    Identity { pid, start: Start::Exact(0) }
}

/// Tells it with so much memory, in KiB.
fn told(name: &str, recording: &[u8], arguments: &[&str], memory: usize) -> Done {
    let file = file(name, recording);
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -d {memory} && exec \"$0\" \"$@\"")]);
    let program = tracer(&[]);
    command.arg(program.get_program()).args(arguments).arg(&file).stdout(Stdio::null());
    let done = run(&mut command);
    fs::remove_file(file).expect("it is there");
    done
}

/// Just so many that tables with room for a power of two have doubled.
const COUNT: u32 = 30_000;

/// So many that live, none of which says more than that.
fn living() -> Crafted {
    crafted((1..=COUNT).map(|pid| fact(Fact::LeaderExited { id: id(pid), threads: 0 })))
}

/// So many zombies of one parent, and then a time at which each has been one for every age there is.
fn zombies() -> Crafted {
    let died = |pid| {
        let death = Died { id: id(pid), target: id(0), fate: Fate::Delivered, autoreap: false };
        fact(Fact::Died(death))
    };
    crafted((1..=COUNT).map(died).chain([Entry::Due { after: LATE }]))
}

/// The same, found at the beginning.
fn found() -> Crafted {
    let found = |pid| {
        let zombie = Some(tracer::observation::Death { earliest: 0, latest: Some(0) });
        let (comm, home) = (Comm::default(), Home::default());
        let traced = true;
        let found = Found {
            id: id(pid),
            parent: 0,
            number: None,
            comm,
            zombie,
            leader_gone: false,
            traced,
            home,
        };
        fact(Fact::Found(found))
    };
    let mut last = found(0);
    if let Entry::Observed { after, .. } = &mut last {
        *after = LATE;
    }
    crafted((1..=COUNT).map(found).chain([last]))
}

fn look(place: usize) -> Fact {
    let doing = Doing::Blocked { place: "x".repeat(place).into(), uninterruptible: false };
    let look = Look {
        doing,
        handles: false,
        is_init: false,
        sigterm: Sigterm::Ends,
        threads: [('S', 1)].into(),
        waits_for: None,
    };
    Fact::Looked { id: id(1), look }
}

#[test]
fn what_a_recording_takes_grows_with_what_is_in_it() {
    for (name, recording) in [("living", living()), ("zombies", zombies()), ("found", found())] {
        let memory = READER + recording.unpacked * RATIO / 1024;
        for arguments in
            [&["trace", "--format", "json", "--from"][..], &["report", "--html", "/dev/null"]]
        {
            let done = told(name, &recording.file, arguments, memory);
            let said = done.stderr.lines().last().unwrap_or_default();
            assert!(said.contains("has no end"), "{name} {arguments:?}: {said}");
        }
    }
}

#[test]
fn what_one_entry_makes_of_itself_is_bounded() {
    let filled = Filled { used: 0, limit: 0 };
    let measured =
        |count| fact(Fact::Measured(vec![Measure { space: Space::Pids, filled }; count]));
    let of_one_place = |place| fact(look(place));
    let too_long = "does not hold what frames hold";
    for (name, entry, end) in [
        ("measures", measured(MOST / 4 / 3 - 10), "has no end"),
        ("too-many-measures", measured(MOST / 4 / 3), too_long),
        ("most-measures", measured(MOST / 3 - 10), too_long),
        ("a-function", of_one_place(512), "has no end"),
        ("no-function", of_one_place(513), too_long),
    ] {
        let recording = crafted([entry]);
        let done = told(name, &recording.file, &["trace", "--from"], READER);
        assert!(done.stderr.contains(end), "{name}: {}", done.stderr);
    }
}

#[test]
fn what_a_header_makes_of_itself_is_bounded() {
    let asked = |globs| Asked { comms: vec![String::new(); globs], ..Asked::default() };
    for (globs, end) in [
        (30_000, "has no end"),
        // More than one regular expression can be made of, and then more than a header may have.
        (65_500, "does not hold what frames hold"),
        (65_600, "a frame of impossible length"),
    ] {
        let recording = beginning(asked(globs));
        let done = told("filters", &recording, &["trace", "--from"], READER);
        assert!(done.stderr.contains(end), "{globs}: {}", done.stderr);
    }
}
