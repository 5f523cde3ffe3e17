//! Recordings: how one is written, and how it is told.

use std::path::PathBuf;

use super::{
    Checked, Session, asks_for_failed_forks, bytes, command, condition, duration, fail_on, filter,
    session, wrong,
};
use crate::{
    cli,
    lifecycle::{condition::Condition, filter::Asked},
    sink::{Format, Style, output::Target},
};

/// A recording to write.
#[derive(Clone, Debug)]
pub struct Record {
    /// The file, `-` for stdout.
    pub path: PathBuf,
    /// How long it may become, bytes.
    pub max_size: Option<u64>,
    /// How old it may become, ns.
    pub max_age: Option<u64>,
    /// How many of those before it to keep, at least.
    pub keep: u32,
    /// Go on for so long, ns, when this comes true, and keep what was so long before; it is here as typed, too.
    pub on: Option<(String, Condition, u64)>,
}

impl Record {
    pub(crate) fn target(&self) -> Target {
        super::target(Some(&self.path), Target::Stdout)
    }

    pub(crate) fn is_stdout(&self) -> bool {
        self.target() == Target::Stdout
    }
}

/// A recording to tell.
pub struct Replay {
    /// The file.
    pub from: PathBuf,
    /// Which processes and events, as far as it is not as it was asked when it was recorded.
    pub asked: Asked,
    /// How events are shown.
    pub style: Style,
    /// Where events go.
    pub target: Target,
    /// It is converted: how far that is shows on a terminal, and the summary is part of what is made.
    pub is_export: bool,
    /// What to fail on, each as typed.
    pub fail_on: Vec<(String, Condition)>,
}

/// A report of a recording.
pub struct Report {
    /// The file.
    pub from: PathBuf,
    /// As a page, not as text.
    pub html: bool,
    /// Where it goes.
    pub target: Target,
}

/// The least that a file can be bounded to: it begins with all that live.
const SMALLEST: u64 = 1 << 20;
/// How much is kept around what is waited for, ns.
const AROUND: u64 = 300_000_000_000;

/// One file, however long.
pub(super) fn plain(path: PathBuf) -> Checked<Record> {
    let record = Record { path, max_size: None, max_age: None, keep: 0, on: None };
    if record.is_stdout() {
        return wrong("--record -: takes a file; `tracer record -o -` writes to stdout");
    }
    Ok(record)
}

/// `tracer record`
pub fn record(args: &cli::Record) -> Checked<Session> {
    let max_age = args.max_age.as_ref().map(|text| duration("--max-age", text)).transpose()?;
    let max_age = max_age.map(|time| time.as_nanos() as u64);
    if max_age.is_some_and(|age| age < 1_000_000_000) {
        return wrong("--max-age: takes a second at least");
    }
    let on = args.on.as_ref().map(|text| {
        let rest = max_age.unwrap_or(AROUND);
        condition("--on", text).map(|condition| (text.clone(), condition, rest))
    });
    let on = on.transpose()?;
    let record = Record {
        path: args.output.clone(),
        max_size: args.max_size.as_ref().map(|text| size("--max-size", text)).transpose()?,
        max_age: max_age.or(on.as_ref().map(|(_, _, rest)| *rest)),
        keep: args.keep,
        on,
    };
    let has_command = !args.command.is_empty();
    if record.is_stdout() && (has_command || record.max_size.or(record.max_age).is_some()) {
        return wrong(
            "--output -: stdout has neither files before it, as with --max-size, --max-age and --on, nor \
             room beside what a command writes",
        );
    }
    let command = has_command.then(|| command(&args.command, args.user.as_deref())).transpose()?;
    let style = Style {
        format: Format::Text,
        quiet: true,
        lifecycles: false,
        color: false,
        summary: !args.no_summary,
    };
    let nowhere = Target::File("/dev/null".into());
    let session = session(&args.session, style, nowhere)?;
    let asked = filter::asked(&args.filter, false)?;
    let fork_failures = matches!(record.on, Some((_, Condition::ForkFailures(_), _)))
        || session.fork_failures
        || asks_for_failed_forks(&asked);
    Ok(Session {
        roots: (!args.filter.pid.is_empty()).then(|| args.filter.pid.clone()),
        asked,
        record: Some(record),
        fork_failures,
        command,
        ..session
    })
}

/// `tracer trace --from`
pub fn replay(args: &cli::Trace, from: &std::path::Path) -> Checked<Replay> {
    super::only_events(args)?;
    let target = super::target(args.output.output.as_deref(), Target::Stdout);
    Ok(Replay {
        from: from.to_owned(),
        asked: filter::asked(&args.filter, true)?,
        style: super::style(&args.output, &target),
        target,
        is_export: false,
        fail_on: fail_on(&args.session.fail_on)?,
    })
}

/// `tracer export`
pub fn export(args: &cli::Export) -> Replay {
    let format = match args.to {
        cli::ExportFormat::Perfetto => Format::Perfetto,
        cli::ExportFormat::Ndjson => Format::Json,
        cli::ExportFormat::Csv => Format::Csv,
        cli::ExportFormat::Parquet => Format::Parquet,
        cli::ExportFormat::Dot => Format::Dot,
    };
    Replay {
        from: args.from.clone(),
        asked: Asked::default(),
        style: Style { format, quiet: false, lifecycles: false, color: false, summary: true },
        target: super::target(Some(&args.output), Target::Stdout),
        is_export: true,
        fail_on: Vec::new(),
    }
}

/// `tracer report`
pub fn report(args: &cli::Report) -> Report {
    Report {
        from: args.file.clone(),
        html: args.html.is_some(),
        target: super::target(args.html.as_deref(), Target::Stdout),
    }
}

/// Bytes, or with a letter KiB, MiB, GiB.
fn size(option: &str, text: &str) -> Checked<u64> {
    match bytes(text) {
        Some(bytes) if bytes >= SMALLEST => Ok(bytes),
        Some(_) => wrong(format!("{option} {text}: takes 1M at least")),
        None => wrong(format!("{option} {text}: takes a number of bytes, such as 100M or 2G")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_as_people_write_them() {
        let ok = |text| size("--x", text).unwrap();
        assert_eq!(ok("1048576"), 1 << 20);
        assert_eq!(ok("2048K"), 2 << 20);
        assert_eq!((ok("100M"), ok("2G")), (100 << 20, 2 << 30));
        for bad in
            ["", "M", "10", "1023K", "5MB", "-5M", "1.5G", "99999999999999999999", "99999999999G"]
        {
            assert!(size("--x", bad).is_err(), "{bad}");
        }
    }
}
