//! The road from the kernel to the model, which a session tells of and `tracer zombies` asks.

use std::time::Duration;

use anyhow::Result;

use crate::{
    clock::boot_now,
    lifecycle::{Model, RECENT, event::Event, filter::Filter},
    observation::{Identity, Observation},
    order::Order,
    recording::Counts,
    source::{Capture, Drained, Live},
    tape::Tape,
};

/// A record may be stamped on one CPU and become visible after a younger one of another: some
/// microseconds, or on a preemptible kernel as long as a task is kept off its CPU inside a program.
const HOLD: u64 = 10_000_000;
/// The same while the ring is not empty: bounds what is held back under load.
const HOLD_BUSY: u64 = 100_000_000;
/// How long the end waits for a record that is still being made, ns.
const BUSY_AT_MOST: u64 = 1_000_000_000;
/// How long between two looks at it.
const A_MOMENT: Duration = Duration::from_millis(1);
/// A reader that rests looks once in so long all the same, ns.
pub(crate) const REST: u64 = 1_000_000_000;
/// How long after the last loss the process table is read, ns: in the middle of a storm it would help
/// nothing.
const HEAL_AFTER: u64 = 1_500_000_000;

/// Hooks, order and model, and what keeps the picture true.
pub(crate) struct Road {
    pub(crate) live: Live,
    pub(crate) model: Model,
    /// What the model is told is written down, too.
    pub(crate) tape: Option<Tape>,
    order: Order,
    newest: u64,
    /// When parents were last looked at, and how long that is to last, ns.
    looked: u64,
    look_every: u64,
    /// When something was last lost, until the picture has been healed.
    wounded: Option<u64>,
}

impl Road {
    /// Attaches the hooks. `seed` is to follow.
    pub(crate) fn start(capture: &Capture, filter: Filter, look_every: Duration) -> Result<Self> {
        Ok(Self {
            live: Live::start(capture)?,
            model: Model::new(filter, Some(crate::source::INITIAL_PIDNS)),
            tape: None,
            order: Order::default(),
            newest: 0,
            looked: 0,
            look_every: look_every.as_nanos() as u64,
            wounded: None,
        })
    }

    /// Reads the process table, before what the hooks have seen since they were attached.
    pub(crate) fn seed(&mut self) {
        for found in self.live.seed(|queued| self.order.push(queued)) {
            self.observe(found);
        }
    }

    /// Takes what the ring holds, unless the reader `is_stalled`, and gives the model what cannot be
    /// preceded by anything any more. What comes of it is told at once: of a burst there would be much to
    /// hold.
    pub(crate) fn pump(
        &mut self,
        last: bool,
        is_stalled: bool,
        tell: &mut impl FnMut(Event),
    ) -> Drained {
        let now = boot_now();
        let is_stalled = is_stalled || self.tape.as_ref().is_some_and(Tape::is_stalled);
        let Self { live, order, newest, wounded, .. } = self;
        let mut drained = Drained::Rest;
        // A reader that does not keep up is not waited for: the ring fills, and the kernel side
        // counts what it has no room for.
        if last || !is_stalled {
            drained = live.drain(&mut |observation| {
                *newest = observation.at.max(*newest);
                order.push(observation);
            });
            // These are of now, which says nothing of how old the records are that are read.
            live.losses(now, last, &mut |lost| {
                *wounded = Some(now);
                order.push(lost);
            });
            live.measure(&mut |measure| order.push(measure));
        }
        let until = match drained {
            Drained::Emptied if last => u64::MAX,
            Drained::Emptied => now - HOLD,
            Drained::Busy | Drained::Rest => newest.saturating_sub(HOLD_BUSY),
        };
        self.apply(until, tell);
        if let Some(tape) = &mut self.tape {
            tape.flush(now, || counts(&self.live, &self.order));
        }
        drained
    }

    /// Gives the model what is not newer than this.
    fn apply(&mut self, until: u64, tell: &mut impl FnMut(Event)) {
        while let Some(observation) = self.order.pop(until) {
            let at = observation.at;
            self.observe(observation);
            self.turn(at);
            self.model.drain().for_each(&mut *tell);
        }
        self.advance(until.min(boot_now()));
        self.model.drain().for_each(tell);
    }

    fn observe(&mut self, observation: Observation) {
        if let Some(tape) = &mut self.tape {
            tape.observe(&observation);
        }
        self.model.observe(observation);
    }

    fn advance(&mut self, until: u64) {
        if self.model.is_due(until) {
            if let Some(tape) = &mut self.tape {
                tape.advance(until);
            }
            self.model.advance(until);
        }
        self.turn(until);
    }

    fn turn(&mut self, at: u64) {
        if let Some(tape) = &mut self.tape {
            tape.turn(at, &self.model, || counts(&self.live, &self.order));
        }
    }

    /// What is due after the ring was looked at: a look at parents, a healing.
    pub(crate) fn attend(&mut self, drained: Drained) {
        self.look();
        if drained == Drained::Emptied
            && self.wounded.is_some_and(|at| boot_now() >= at + HEAL_AFTER)
        {
            self.heal();
        }
    }

    /// Whether the reader can rest until the next record, which then wakes it: nothing is on its way, and
    /// nothing will be due, or asks for looks, before it looks again anyway.
    pub(crate) fn rest(&mut self, drained: Drained) -> bool {
        let next = boot_now() + REST + RECENT;
        drained == Drained::Emptied
            && self.order.is_empty()
            && self.wounded.is_none()
            && self.model.due().is_none_or(|due| due > next)
            && self.tape.as_ref().is_none_or(Tape::is_written)
            && self.live.sleep()
    }

    /// Takes the rest, and heals what is wounded.
    pub(crate) async fn end(&mut self, tell: &mut impl FnMut(Event)) {
        self.take_rest(tell).await;
        if self.wounded.is_some() {
            self.heal();
            self.take_rest(tell).await;
        }
        self.apply(u64::MAX, tell);
    }

    /// Takes what was made until now: in the middle of a storm there is no end to it.
    async fn take_rest(&mut self, tell: &mut impl FnMut(Event)) {
        let now = boot_now();
        while self.newest <= now {
            match self.pump(true, false, tell) {
                Drained::Emptied => break,
                Drained::Busy if boot_now() > now + BUSY_AT_MOST => break,
                Drained::Busy => tokio::time::sleep(A_MOMENT).await,
                Drained::Rest => {}
            }
        }
    }

    /// Looks at these, which somebody is looking at.
    pub(crate) fn look_at(&mut self, processes: impl Iterator<Item = Identity>) {
        let now = boot_now();
        for seen in processes.flat_map(|process| crate::source::look(process, now)) {
            self.order.push(seen);
        }
    }

    /// Detaches the hooks.
    pub(crate) fn into_tape(self) -> Option<Tape> {
        self.tape
    }

    /// What is known beside the model.
    pub(crate) fn counts(&self) -> Counts {
        counts(&self.live, &self.order)
    }

    /// After losses: what the process table shows, and the hooks did not tell. Records that were made
    /// meanwhile sort themselves between what was there before and what is gone after the look.
    fn heal(&mut self) {
        self.wounded = None;
        let before = boot_now();
        let known: Vec<_> = self.model.present().collect();
        let healing = self.live.look_again(&known, before);
        log::info!("{} processes were other than what was told of them", healing.len());
        for observation in healing {
            self.order.push(observation);
        }
    }

    /// Looks at those whose zombies are about to be reported.
    fn look(&mut self) {
        let now = boot_now();
        if now < self.looked + self.look_every {
            return;
        }
        self.looked = now;
        for parent in self.model.suspects(now) {
            crate::source::look(parent, now).for_each(|seen| self.order.push(seen));
        }
    }
}

fn counts(live: &Live, order: &Order) -> Counts {
    Counts { received: live.received(), late: order.late(), left_out: live.left_out() }
}
