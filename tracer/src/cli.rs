//! The command line as typed. `settings` makes sense of it.

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Says who dies, how long it stays a zombie, who reaps it and who adopts its children.
#[derive(Debug, Parser)]
#[command(name = "tracer", version, arg_required_else_help = true, max_term_width = 100)]
#[command(after_help = statuses())]
pub struct Cli {
    /// Say more on stderr, about the tracer itself
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// The exit statuses.
pub const STATUSES: [(&str, &str); 6] = [
    ("0", "done, or the reader of a pipe has seen enough"),
    ("1", "failed while running"),
    ("2", "wrong usage"),
    ("3", "a --fail-on condition came true"),
    ("4", "this kernel or user cannot run it, see tracer doctor"),
    ("N", "of run: the command's own"),
];

fn statuses() -> String {
    let all = STATUSES.map(|(status, what)| format!("  {status}  {what}"));
    format!("Exit status:\n{}", all.join("\n"))
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Stream what happens on the machine until Ctrl-C
    Trace(Trace),
    /// Start a command and trace its whole tree, orphans included
    Run(Run),
    /// Write down what happens, to be told later (see trace --from)
    Record(Record),
    /// Convert a recording for other programs
    Export(Export),
    /// Say what a recording comes to: what ran, zombies, leakers, inits, orphans, the worst with their story
    Report(Report),
    /// Show it all on a full screen: who has zombies and why, the tree, who adopts; ? there names the keys
    Top(Top),
    /// List every zombie there is now, with age, parent, reason and remedy (needs no root; tells more with)
    Zombies(Zombies),
    /// Say what this kernel and this user can do, hook by hook
    Doctor(Doctor),
    /// Print what a shell completes commands with
    Completions(Completions),
    /// Print the manual page of tracer, or of a command
    Man(Man),
}

/// `tracer trace`
#[derive(Debug, Args)]
pub struct Trace {
    /// Tell what this recording has (- for stdin), instead of what happens now; needs no root
    #[arg(long, value_name = "FILE", conflicts_with_all = SESSION)]
    pub from: Option<PathBuf>,
    /// Which processes
    #[command(flatten)]
    pub filter: Filter,
    /// How events are shown
    #[command(flatten)]
    pub output: Output,
    /// What is seen, and for how long
    #[command(flatten)]
    pub session: Session,
}

/// What makes no sense where the session is over.
const SESSION: [&str; 6] = ["record", "duration", "ring_size", "latency", "fork_failures", "hooks"];

/// `tracer record`
#[derive(Debug, Args)]
pub struct Record {
    /// The file (- for stdout); one that is there is replaced
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Go on in a new FILE before this one has so many bytes, such as 100M, 2G: the one before is
    /// FILE.1 then; each can be read alone
    #[arg(long, value_name = "SIZE")]
    pub max_size: Option<String>,
    /// Go on in a new FILE when this one is so old
    #[arg(long, value_name = "DURATION")]
    pub max_age: Option<String>,
    /// How many files to keep beside FILE; more with --on, as far as they have what was before
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=9999))]
    pub keep: u32,
    /// Wait for this, one of the conditions of --fail-on: go on for --max-age (5m unless given) and
    /// end, so that the files have what was before and after
    #[arg(long, value_name = "COND")]
    pub on: Option<String>,
    /// No summary at the end
    #[arg(long)]
    pub no_summary: bool,
    /// Which processes: those of --pid are all that is recorded; the others choose what a replay tells
    /// that is given none
    #[command(flatten)]
    pub filter: Filter,
    /// What is seen, and for how long
    #[command(flatten)]
    pub session: Session,
    /// Run the command as this user (default: the one who called sudo)
    #[arg(long, value_name = "USER", requires = "command")]
    pub user: Option<String>,
    /// A command to run and record, with its whole tree
    #[arg(last = true, value_name = "CMD", conflicts_with = "pid")]
    pub command: Vec<OsString>,
}

/// `tracer export`
#[derive(Debug, Args)]
pub struct Export {
    /// The recording (- for stdin)
    #[arg(value_name = "FILE")]
    pub from: PathBuf,
    /// What to make of it
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub to: ExportFormat,
    /// Where it goes (- for stdout)
    #[arg(short, long, value_name = "OUT")]
    pub output: PathBuf,
}

/// `tracer report`
#[derive(Debug, Args)]
pub struct Report {
    /// The recording (- for stdin)
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Write a page for a browser to this file (- for stdout), instead of the text: one lane per process
    /// over time, search, and the same tables; it needs no network
    #[arg(long, value_name = "OUT")]
    pub html: Option<PathBuf>,
}

/// `tracer run`
#[derive(Debug, Args)]
pub struct Run {
    /// How events are shown; they go to stderr unless --output says otherwise
    #[command(flatten)]
    pub output: Output,
    /// What is seen, and for how long
    #[command(flatten)]
    pub session: Session,
    /// Run the command as this user (default: the one who called sudo)
    #[arg(long, value_name = "USER")]
    pub user: Option<String>,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    pub command: Vec<OsString>,
}

/// `tracer top`
#[derive(Debug, Args)]
pub struct Top {
    /// Show what this recording has (- for stdin), instead of what happens now; needs no root
    #[arg(long, value_name = "FILE", conflicts_with_all = ["ring_size", "hooks"])]
    pub from: Option<PathBuf>,
    /// How fast a recording is told: 1 as it was, 0 not before p or n is typed
    #[arg(long, value_name = "N", default_value_t = 1.0, requires = "from")]
    pub speed: f64,
    /// Let the mouse choose rows, views and columns, as m there does; without, it selects text
    #[arg(long)]
    pub mouse: bool,
    /// Which processes
    #[command(flatten)]
    pub filter: Filter,
    /// Size of the ring buffer, a power of two such as 64M (8M unless given)
    #[arg(long, value_name = "BYTES")]
    pub ring_size: Option<String>,
    /// Which hooks of the kernel: the exact ones where it allows them, or one set (see doctor)
    #[arg(long, value_enum, default_value_t = Hooks::Auto)]
    pub hooks: Hooks,
}

/// `tracer zombies`
#[derive(Debug, Args)]
pub struct Zombies {
    /// As root: watch for this long who waits for whom, what is made and what is reaped (0s: do not)
    #[arg(long, value_name = "DURATION", default_value = "1s")]
    pub watch: String,
    /// The format
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// `tracer doctor`
#[derive(Debug, Args)]
pub struct Doctor {
    /// The format
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// `tracer completions`
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// `tracer man`
#[derive(Debug, Args)]
pub struct Man {
    /// A command of tracer
    pub command: Option<String>,
}

/// Which processes and events.
#[derive(Debug, Args)]
#[command(next_help_heading = "Filters")]
pub struct Filter {
    /// Only this process and all its descendants (repeatable)
    #[arg(long, value_name = "PID")]
    pub pid: Vec<u32>,
    /// Only processes whose name matches, from then on (repeatable)
    #[arg(long, value_name = "GLOB")]
    pub comm: Vec<String>,
    /// Only processes of this user, by name or number (repeatable)
    #[arg(long, value_name = "USER")]
    pub uid: Vec<String>,
    /// Only processes in this cgroup v2 directory and below (repeatable)
    #[arg(long, value_name = "PATH")]
    pub cgroup: Vec<PathBuf>,
    /// Only processes in this pid namespace, by inode or by a pid inside it (repeatable)
    #[arg(long, value_name = "INODE|PID")]
    pub pidns: Vec<u32>,
    /// Report only zombies older than this, such as 250ms, 10s, 2m
    #[arg(long, value_name = "DURATION")]
    pub min_zombie: Option<String>,
    /// Only these types of events, separated by commas
    #[arg(long = "type", value_name = "LIST", value_delimiter = ',')]
    pub types: Vec<String>,
}

/// How and where.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct Output {
    /// The format of events
    #[arg(long, value_enum, default_value_t = EventFormat::Text)]
    pub format: EventFormat,
    /// One record per finished process instead of events
    #[arg(long)]
    pub lifecycles: bool,
    /// Write events to this file (- for stdout)
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Record the session, too, in this file (see trace --from)
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// No summary at the end
    #[arg(long)]
    pub no_summary: bool,
    /// Colours in text
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
}

/// What is seen, and for how long.
#[derive(Debug, Args)]
#[command(next_help_heading = "Session")]
pub struct Session {
    /// Stop after this time; a command that runs goes on
    #[arg(long, value_name = "DURATION")]
    pub duration: Option<String>,
    /// Size of the ring buffer, a power of two such as 64M (8M unless given)
    #[arg(long, value_name = "BYTES")]
    pub ring_size: Option<String>,
    /// Show events after at most this time; 0s wakes the tracer at every event
    #[arg(long, value_name = "DURATION", default_value = "100ms")]
    pub latency: String,
    /// Report forks that fail, which takes hooks of its own; --type fork_failed asks for it, too
    #[arg(long)]
    pub fork_failures: bool,
    /// Exit with status 3 when this comes true: 'zombie>DURATION' (one lasted longer), 'zombies>N'
    /// (left at the end), 'orphans>N', 'fork-failures>N', 'lost>N' (repeatable; `run` keeps the status
    /// of a command that failed)
    #[arg(long, value_name = "COND")]
    pub fail_on: Vec<String>,
    /// Which hooks of the kernel: the exact ones where it allows them, or one set (see doctor)
    #[arg(long, value_enum, default_value_t = Hooks::Auto)]
    pub hooks: Hooks,
}

/// `--format` of answers
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Format {
    /// Columns for people
    Text,
    /// An object per line
    Json,
}

/// `--format` of events
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum EventFormat {
    /// Columns for people; the summary on stderr
    Text,
    /// An object per line
    Json,
    /// A table with a head, for spreadsheets and databases; the summary on stderr
    Csv,
}

/// What recordings are converted to
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ExportFormat {
    /// A trace for ui.perfetto.dev: a track for each process, arrows for forks, adoptions and reaps
    Perfetto,
    /// What trace --format json writes
    Ndjson,
    /// What trace --format csv writes
    Csv,
    /// The same table for databases: typed columns, compressed
    Parquet,
    /// A tree for Graphviz
    Dot,
}

/// `--hooks`
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Hooks {
    /// fentry where the kernel allows it, else tracepoint
    Auto,
    /// Exact, and free of cost for other system calls
    Fentry,
    /// Works where trampolines are refused
    Tracepoint,
}

/// `--color`
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Yes
    Always,
    /// No
    Never,
}
