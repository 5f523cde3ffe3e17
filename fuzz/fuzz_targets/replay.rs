//! Tells a recording made of anything to the model, to every format, to the report and to the screen. The
//! first byte says what the rest is: a file; the entries of a frame whose checksum is right; a header whose
//! checksum is right.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tracer::{
    lifecycle::filter::Asked,
    playback::Replay,
    recording::{Header, Packer, Writer, preamble},
    report_of, screens_of,
    sink::{Format, Style, sink, summary_text},
};

fuzz_target!(|data: &[u8]| {
    let Some((kind, data)) = data.split_first() else { return };
    match kind {
        b'f' => play(data),
        b'h' => {
            let mut file = preamble().to_vec();
            Packer::default().pack(0, data, &mut file);
            play(&file);
        }
        _ => {
            let mut file = Writer::new(&header()).take();
            Packer::default().pack(1, data, &mut file);
            play(&file);
        }
    }
});

fn header() -> Header {
    Header {
        tracer: String::new(),
        host: String::new(),
        kernel: String::new(),
        tier: String::new(),
        began: 0,
        boot_to_unix: 0,
        asked: Asked::default(),
        sees_fork_failures: true,
        of_command: true,
        tier_why: None,
    }
}

fn play(file: &[u8]) {
    let Ok(mut replay) = Replay::open(file, &Asked::default()) else { return };
    while let Ok(true) = replay.step() {}
    summary_text(&replay.end(true));
    let events: Vec<_> = replay.drain().collect();
    let formats =
        [Format::Text, Format::Json, Format::Csv, Format::Parquet, Format::Perfetto, Format::Dot];
    for (format, lifecycles) in formats.into_iter().flat_map(|one| [(one, false), (one, true)]) {
        let style = Style { format, lifecycles, quiet: false, color: true, summary: true };
        let mut sink = sink(style, 0);
        let mut text = Vec::new();
        events.iter().for_each(|event| sink.event(event, &mut text));
    }
    // What is wrong with the file was told to the formats: these have to bear it.
    let _ = (report_of(file), screens_of(file));
}
