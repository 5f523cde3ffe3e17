//! Why nobody reaps a zombie, each cause from what was seen, and what to do about it.

use super::{event::Cause, process::Process};
use crate::observation::{Doing, Fate};

/// A look at a parent longer ago than this says nothing of what it does now, ns.
pub(crate) const RECENT: u64 = 1_000_000_000;

/// What the parent was seen to do just now.
pub(crate) fn doing(parent: &Process, at: u64) -> Option<&Doing> {
    let (seen, doing) = parent.looked.as_ref()?;
    (at.saturating_sub(*seen) <= RECENT).then_some(doing)
}

/// The causes, most likely first, and the remedy for the first of them.
pub(crate) fn explain(
    zombie: &Process,
    parent: Option<&Process>,
    doing: Option<&Doing>,
) -> (Vec<Cause>, String) {
    let causes = causes(zombie, parent, doing);
    let remedy = remedy(zombie, parent, doing, causes.first().copied());
    (causes, remedy)
}

fn causes(zombie: &Process, parent: Option<&Process>, doing: Option<&Doing>) -> Vec<Cause> {
    let mut causes = Vec::new();
    let Some(parent) = parent else { return causes };
    if doing == Some(&Doing::Stopped) {
        causes.push(Cause::ParentStopped);
    }
    if zombie.held_by.is_some() {
        causes.push(Cause::Ptraced);
    }
    if !zombie.sends_sigchld() {
        causes.push(Cause::ExitSignalNone);
    }
    if is_inherited(zombie, parent) {
        causes.push(Cause::InheritedOverExec);
    }
    let adopted = zombie.reparents > 0 || parent.home.ns_pid == Some(1);
    // An init has nothing else to do: what it does instead is no excuse.
    if matches!(doing, Some(Doing::Blocked { .. })) && !adopted {
        causes.push(Cause::ParentBlocked);
    }
    let waits = &parent.waits;
    let coalesced = waits.coalesced > 0 || zombie.fate == Some(Fate::Pending);
    if waits.reaped > 0 && coalesced {
        causes.push(Cause::SigchldCoalesced);
    }
    if waits.returned == 0 && waits.reaped == 0 {
        causes.push(if adopted { Cause::InitNotReaping } else { Cause::ParentNeverWaits });
    } else if waits.returned > 0 && waits.any == 0 {
        causes.push(Cause::ParentWaitsForOthers);
    }
    causes
}

/// Its parent has run another program since, and that one has not forked it.
fn is_inherited(zombie: &Process, parent: &Process) -> bool {
    let last_exec = parent.life.execs.last().map(|(at, _)| *at);
    zombie.reparents == 0 && last_exec.is_some_and(|at| zombie.id.start.ns() < at)
}

fn remedy(
    zombie: &Process,
    parent: Option<&Process>,
    doing: Option<&Doing>,
    cause: Option<Cause>,
) -> String {
    let Some(parent) = parent else {
        return "its parent is not known: see `tracer zombies`".to_owned();
    };
    let name = parent.comm.map_or_else(
        || "the parent".to_owned(),
        |comm| String::from_utf8_lossy(comm.bytes()).into_owned(),
    );
    let pid = parent.id.pid;
    let end = if pid == 1 {
        String::new()
    } else {
        format!(
            "; to be rid of it now, end {name} (kill {pid}): its zombies go to a process that reaps"
        )
    };
    match (cause, doing) {
        (Some(Cause::ParentStopped), _) => {
            format!("{name} is stopped: kill -CONT {pid} lets it go on{end}")
        }
        (Some(Cause::ParentBlocked), Some(Doing::Blocked { place, uninterruptible })) => {
            let firmly =
                if *uninterruptible { " and cannot be interrupted there" } else { end.as_str() };
            format!("{name} cannot wait before it comes out of the kernel ({place}){firmly}")
        }
        (Some(Cause::ParentNeverWaits), _) => {
            format!("no wait call of {name} was seen: it must call waitpid, or ignore SIGCHLD{end}")
        }
        (Some(Cause::ParentWaitsForOthers), _) => format!(
            "{name} waits for other children only: it must wait for {} or for any child{end}",
            zombie.id.pid
        ),
        (Some(Cause::SigchldCoalesced), _) => format!(
            "{} of the deaths fell together with a pending SIGCHLD: {name} must wait in a loop \
             until nothing is left (WNOHANG){end}",
            parent.waits.coalesced.max(1)
        ),
        (Some(Cause::InitNotReaping), _) => format!(
            "{name} adopted it and was not seen to wait: run an init that reaps (as `--init` of \
             container runtimes does){end}"
        ),
        (Some(Cause::Ptraced), _) => format!(
            "tracer {} holds it: end the tracer, or let it wait",
            zombie.held_by.unwrap_or_default()
        ),
        (Some(Cause::ExitSignalNone), _) => {
            let signal = zombie.exit_signal.filter(|signal| *signal != 0);
            let signal = signal.map_or("no signal".to_owned(), |number| format!("signal {number}"));
            format!(
                "it sends {signal} at death, not SIGCHLD: {name} must wait with __WALL or \
                 __WCLONE{end}"
            )
        }
        (Some(Cause::InheritedOverExec), _) => format!(
            "it was forked before {name} was run in its parent's place, and {name} does not know \
             of it: whoever runs {name} must not leave children to it{end}"
        ),
        (Some(Cause::ParentBlocked) | None, _) => {
            format!("{name} waits for any child, but has not got to this one yet{end}")
        }
    }
}
