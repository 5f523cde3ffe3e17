//! One process from its birth to its end, put together from its events.

use std::sync::Arc;

use crate::{
    lifecycle::event::{Cause, Event, Exit, Peer, Reap, Via, What, Who},
    observation::{AdopterKind, Status},
};

/// Another process in the story of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Relative {
    pub(super) peer: Peer,
    /// The number of its life, if that is told of: its pid may since be another's.
    pub(super) life: Option<u32>,
}

/// It lost its parent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Adoption {
    pub(super) at: u64,
    pub(super) from: Relative,
    pub(super) to: Relative,
    pub(super) kind: AdopterKind,
    pub(super) zombie: bool,
}

/// It is gone from the process table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reaped {
    pub(super) at: u64,
    /// How long it was a zombie, ns; an upper bound unless it is exact.
    pub(super) zombie: Option<u64>,
    pub(super) exact: bool,
    pub(super) reaper: Option<Relative>,
    pub(super) via: Via,
}

/// Adoptions kept of one life: the last ones.
const ADOPTIONS: usize = 16;

/// A life, as far as it is told. Times are in ns of the boot clock.
#[derive(Clone, Debug)]
pub(super) struct Life {
    /// Counts the lives of a recording.
    pub(super) number: u32,
    /// With the name it had last.
    pub(super) who: Who,
    /// It stood in the process table at the start.
    pub(super) existed: bool,
    pub(super) forked_at: Option<u64>,
    /// The first one that is told of.
    pub(super) parent: Option<Relative>,
    /// Who called fork, where that was another.
    pub(super) forker: Option<Relative>,
    pub(super) uid: Option<u32>,
    /// The last program it ran, since when, and how many it ran.
    pub(super) program: Option<(u64, Arc<str>)>,
    pub(super) execs: u64,
    pub(super) exited_at: Option<u64>,
    pub(super) exit: Option<Exit>,
    pub(super) status: Option<Status>,
    pub(super) zombie_at: Option<u64>,
    /// Who had to reap it when it died.
    pub(super) owed_by: Option<Relative>,
    pub(super) adoptions: Vec<Adoption>,
    pub(super) reaped: Option<Reaped>,
    pub(super) why: Vec<Cause>,
    pub(super) remedy: Option<Arc<str>>,
}

impl Life {
    pub(super) fn new(number: u32, who: Who) -> Self {
        Self {
            number,
            who,
            existed: false,
            forked_at: None,
            parent: None,
            forker: None,
            uid: None,
            program: None,
            execs: 0,
            exited_at: None,
            exit: None,
            status: None,
            zombie_at: None,
            owed_by: None,
            adoptions: Vec::new(),
            reaped: None,
            why: Vec::new(),
            remedy: None,
        }
    }

    pub(super) fn born_at(&self) -> u64 {
        self.forked_at.unwrap_or(self.who.start)
    }

    /// How long it was there, dead or alive, ns. A recording may claim anything.
    pub(super) fn span(&self, end: u64) -> u64 {
        self.reaped.map_or(end, |reaped| reaped.at).saturating_sub(self.born_at())
    }

    /// How long it was a zombie, ns: until `end` if it still is.
    pub(super) fn zombie_time(&self, end: u64) -> Option<u64> {
        match self.reaped {
            Some(reaped) => reaped.zombie,
            None => self.zombie_at.map(|at| end.saturating_sub(at)),
        }
    }

    /// The kernel released it at its death: it never was a zombie.
    pub(super) fn was_released_at_once(&self) -> bool {
        let at_once = |reaped: Reaped| reaped.via == Via::Autoreap && reaped.exact;
        self.reaped.is_some_and(at_once)
    }

    /// Takes an event of its own. `relative` finds the life that has a pid now, `shared` text that
    /// another one may have, too.
    pub(super) fn see(
        &mut self,
        event: &Event,
        who: Who,
        relative: impl Fn(Peer) -> Relative,
        shared: impl FnOnce(String) -> Arc<str>,
    ) {
        let at = event.at;
        self.who.comm = who.comm.or(self.who.comm);
        let by_pid = |pid| relative(Peer { pid, comm: None });
        if self.parent.is_none() {
            self.parent = who.ppid.map(by_pid);
        }
        match &event.what {
            What::Existing { zombie_at_least } => {
                self.existed = true;
                self.zombie_at = zombie_at_least.map(|age| at.saturating_sub(age));
                self.owed_by = self.zombie_at.and(self.parent);
            }
            What::Fork { forker, home } => {
                self.forked_at = Some(at);
                self.uid = home.uid;
                self.forker = (Some(*forker) != who.ppid).then(|| by_pid(*forker));
            }
            What::Exec { program, .. } => {
                self.execs += 1;
                self.program = Some((at, shared(crate::sink::command(program).to_string())));
            }
            What::Exit(exit) => {
                self.exited_at = Some(at);
                self.status = Some(exit.status);
                self.exit = Some(*exit);
            }
            What::Zombie { parent, .. } => {
                self.zombie_at = Some(at);
                self.owed_by = parent.map(relative);
            }
            What::Reparent { from, to, kind, zombie, .. } => {
                if self.adoptions.len() == ADOPTIONS {
                    self.adoptions.remove(0);
                }
                let (from, to) = (relative(*from), relative(*to));
                self.adoptions.push(Adoption {
                    at,
                    from,
                    to,
                    kind: *kind,
                    zombie: zombie.is_some(),
                });
            }
            What::Reap(reap) => self.was_reaped(at, reap, relative),
            What::Unreaped { why, remedy, .. } => {
                self.why.clone_from(why);
                self.remedy = Some(shared(remedy.clone()));
            }
            What::LeaderExit { .. }
            | What::ForkFailed(_)
            | What::Session(_)
            | What::PidSpace(_)
            | What::Lost(_)
            | What::Summary(_) => {}
        }
    }

    fn was_reaped(&mut self, at: u64, reap: &Reap, relative: impl Fn(Peer) -> Relative) {
        let Reap { zombie, exact, via, .. } = *reap;
        let reaper = |one: crate::lifecycle::event::Reaper| {
            relative(Peer { pid: one.pid, comm: Some(one.comm) })
        };
        self.status = self.status.or(reap.status);
        // The model knows more of when it died than its events.
        self.zombie_at = reap.life.zombie_at.or(self.zombie_at);
        if !reap.why.is_empty() {
            self.why.clone_from(&reap.why);
        }
        let reaper = reap.reaper.map(reaper);
        self.reaped = Some(Reaped { at, zombie, exact, reaper, via });
    }
}
