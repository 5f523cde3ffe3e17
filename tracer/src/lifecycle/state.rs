//! State x observation: what each fact means for a process in each state. Observations come in the
//! order of their times, but a lost, doubled or late record makes every pair possible.

/// How far a life has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Its main thread is alive, as far as is known.
    Running,
    /// Its main thread left, others live on.
    LeaderGone,
    /// Its last thread left; the kernel tears it down.
    Exiting,
    /// Reapable.
    Zombie,
    /// Reaped; kept until the kernel frees it or for a while, to know late and doubled records.
    Gone,
}

/// A fact about one process, without its details.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Forked,
    /// As a zombie in the process table, after losses.
    FoundDead,
    Execed,
    LeaderExited,
    Exited,
    Died,
    /// A wait reported it; whether it was dead is known or not.
    Waited {
        certain: bool,
    },
    Freed,
    Released,
    ForkFailed,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The ordinary course of a life.
    Apply,
    /// Take the details; the state has moved on already.
    Fill,
    /// Known, or too late to matter.
    Ignore,
    /// Forget the process.
    Drop,
}

#[expect(clippy::match_same_arms, reason = "one arm per pair that has its own explanation")]
pub(crate) fn step(state: State, seen: Seen) -> Step {
    use State::{Exiting, Gone, LeaderGone, Running, Zombie};
    match (state, seen) {
        // Its fork was read after the process table was, or twice.
        (Running, Seen::Forked) => Step::Fill,
        // A birth cannot follow a later stage of the same life: the record came late or doubled.
        (LeaderGone | Exiting | Zombie | Gone, Seen::Forked) => Step::Ignore,
        // What the hooks said is newer, or the same.
        (Zombie | Gone, Seen::FoundDead) => Step::Ignore,
        // Its death was lost.
        (Running | LeaderGone | Exiting, Seen::FoundDead) => Step::Apply,
        // After the main thread left, another one called execve and took over its id.
        (Running | LeaderGone, Seen::Execed) => Step::Apply,
        // No thread is left to call execve: the record came late.
        (Exiting | Zombie | Gone, Seen::Execed) => Step::Ignore,
        (Running, Seen::LeaderExited) => Step::Apply,
        // Doubled, or read after the end of the process.
        (LeaderGone | Exiting | Zombie | Gone, Seen::LeaderExited) => Step::Ignore,
        (Running | LeaderGone, Seen::Exited) => Step::Apply,
        // Two last threads raced: each saw no thread left.
        (Exiting | Gone, Seen::Exited) => Step::Ignore,
        // The exit record came after the signal's: it still tells the status.
        (Zombie, Seen::Exited) => Step::Fill,
        // From a running state when the exit record was lost.
        (Running | LeaderGone | Exiting, Seen::Died) => Step::Apply,
        // A tracer was told first and the parent after it, or the record is doubled.
        (Zombie, Seen::Died) => Step::Fill,
        (Gone, Seen::Died) => Step::Ignore,
        (Exiting | Zombie, Seen::Waited { .. }) => Step::Apply,
        // Its exit and death were lost: the wait proves the death.
        (Running | LeaderGone, Seen::Waited { certain: true }) => Step::Apply,
        // A report that it stopped or continued, asked for without a status.
        (Running | LeaderGone, Seen::Waited { certain: false }) => Step::Ignore,
        // Doubled.
        (Gone, Seen::Waited { .. }) => Step::Ignore,
        // Released without a wait that was seen.
        (Running | LeaderGone | Exiting | Zombie, Seen::Freed) => Step::Apply,
        // In the context of whoever reaps it.
        (Running | LeaderGone | Exiting | Zombie, Seen::Released) => Step::Apply,
        (Running | LeaderGone, Seen::ForkFailed) => Step::Apply,
        // No thread is left to call fork: the record came late.
        (Exiting | Zombie | Gone, Seen::ForkFailed) => Step::Ignore,
        // Reaped already in our eyes: the death said that nobody would wait.
        (Gone, Seen::Freed | Seen::Released) => Step::Drop,
    }
}
