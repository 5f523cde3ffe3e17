//! A live session: the hooks attached, the ring drained.

use std::collections::HashSet;

use anyhow::{Context as _, Result};
use aya::{
    Ebpf,
    maps::{Array, HashMap, MapData, PerCpuArray},
};
use aya_log::EbpfLogger;
use tracer_common::{Config, Loss};

use super::{
    cgroups::Cgroups,
    decode::decode,
    kernel::{self, FENTRY, Hook, Loader, MissCounters, TRACEPOINT, Tier, Types},
    pids::Room,
    probe,
    refusal::{hook_refused, in_a_line},
    returns::Returns,
    ring::{Drained, Ring},
    seed::{self, Scope},
};
use crate::{
    clock::boot_now,
    observation::{Fact, Identity, Lost, LostWhere, Observation},
    settings::Hooks,
};

/// What to capture and how.
pub(crate) struct Capture {
    /// The trees to trace; none means every process.
    pub(crate) roots: Option<Vec<u32>>,
    /// Trace the children that the tracer itself will start.
    pub(crate) own_children: bool,
    /// Bytes of the ring buffer, a power of two of at least a page.
    pub(crate) ring_size: u32,
    /// Wake the reader at every record.
    pub(crate) immediate: bool,
    /// Which hooks.
    pub(crate) hooks: Hooks,
    /// Failed forks too, where they take a hook of their own.
    pub(crate) fork_failures: bool,
}

/// Records drained in one go at most: bounds what is held of them on their way, and the rest of the
/// program gets its turn.
const BATCH: usize = 2048;
/// `PID_MAX_LIMIT`, include/linux/threads.h, is the most there can be; this many are prepared for.
const TRACKED_MAX: u32 = 65_536;
/// How often the kernel's counters of losses are read, ns.
const LOSSES_EVERY: u64 = 1_000_000_000;

/// The attached hooks and the ring. Dropping it detaches everything.
pub(crate) struct Live {
    tier: &'static Tier,
    tier_why: Option<String>,
    ring: Ring,
    /// Not 0: the next record wakes the reader.
    asleep: Array<MapData, u32>,
    /// What the ring had given when that was last asked for.
    asked: Option<u64>,
    lost: PerCpuArray<MapData, u64>,
    losses: [u64; Loss::ALL.len()],
    losses_read: u64,
    /// What the ring had given then.
    counted: u64,
    malformed: u64,
    received: u64,
    cgroups: Cgroups,
    room: Room,
    fork_failures: bool,
    logger: EbpfLogger<&'static dyn log::Log>,
    attached: u64,
    scope: Scope,
    misses: MissCounters,
    missed: u64,
    /// Dropping both detaches everything.
    _returns: Returns,
    _ebpf: Ebpf,
}

impl Live {
    /// Loads and attaches the hooks of one tier: the exact one where the kernel allows it.
    pub(crate) fn start(capture: &Capture) -> Result<Self> {
        probe::privileges()?;
        probe::pid_namespace()?;
        let types = Types::read()?;
        let tree_only = capture.own_children || capture.roots.is_some();
        let config = types.complete(Config {
            tracer_tgid: std::process::id(),
            tree_only: u32::from(tree_only),
            track_own_children: u32::from(capture.own_children),
            wake_bytes: if capture.immediate { 0 } else { capture.ring_size / 4 },
            ..Config::ZERO
        });
        let tracked = if tree_only { TRACKED_MAX } else { 1 };
        let mut loader = types.loader(&config, capture.ring_size, tracked);
        let mut attach = |tier, returns| Self::attach(&types, &mut loader, tier, returns, capture);
        let returns = || {
            types.returns(capture.fork_failures).unwrap_or_else(|refusal| {
                log::info!("a program runs at the end of every system call: {refusal:#}");
                Returns::default()
            })
        };
        match capture.hooks {
            Hooks::Fentry => attach(&FENTRY, Returns::default()),
            Hooks::Tracepoint => attach(&TRACEPOINT, returns()),
            // As a whole: a mixture of both is something that nobody tested.
            Hooks::Auto => attach(&FENTRY, Returns::default()).or_else(|refusal| {
                log::info!("not the fentry hooks: {refusal:#}");
                Ok(Self { tier_why: Some(in_a_line(&refusal)), ..attach(&TRACEPOINT, returns())? })
            }),
        }
    }

    fn attach(
        types: &Types,
        loader: &mut Loader,
        tier: &'static Tier,
        returns: Returns,
        capture: &Capture,
    ) -> Result<Self> {
        let mut ebpf = loader.load()?;
        let fork_failures = tier.fork_failures.filter(|_| capture.fork_failures);
        let of_tier = tier.hooks_with(&returns);
        let hooks: Vec<&Hook> = fork_failures.into_iter().chain(of_tier.iter().copied()).collect();
        for hook in &hooks {
            types.load_hook(&mut ebpf, hook).map_err(|error| hook_refused(hook, &error))?;
        }
        // Everything the verifier has to say is said: from here on it is quick.
        let attached = boot_now();
        let scope = match &capture.roots {
            Some(roots) => Scope::Only(track(&mut ebpf, roots)?),
            None if capture.own_children => Scope::Only(HashSet::new()),
            None => Scope::All,
        };
        for hook in hooks {
            kernel::attach(&mut ebpf, hook, &returns)
                .map_err(|error| hook_refused(hook, &error))?;
        }
        let scope = match (&capture.roots, scope) {
            // Children born while the first look was taken.
            (Some(roots), Scope::Only(_)) => Scope::Only(track(&mut ebpf, roots)?),
            (_, scope) => scope,
        };
        let ring = Ring::new(ebpf.take_map("RING").context("no map RING")?)?;
        log::info!("the {} hooks are attached", tier.name);
        Ok(Self {
            tier,
            tier_why: None,
            ring,
            asleep: Array::try_from(ebpf.take_map("ASLEEP").context("no map ASLEEP")?)?,
            asked: None,
            lost: PerCpuArray::try_from(ebpf.take_map("LOST").context("no map LOST")?)?,
            losses: [0; Loss::ALL.len()],
            losses_read: attached,
            malformed: 0,
            received: 0,
            cgroups: Cgroups::new(),
            room: Room::new(),
            // The hook at the end of every system call has them anyway.
            fork_failures: capture.fork_failures
                || (tier.fork_failures.is_none() && !returns.are_open()),
            logger: EbpfLogger::init(&mut ebpf)?,
            attached,
            scope,
            misses: MissCounters::open(&ebpf, &of_tier),
            missed: 0,
            counted: 0,
            _returns: returns,
            _ebpf: ebpf,
        })
    }

    /// The name of the hooks that run.
    pub(crate) fn tier(&self) -> &'static str {
        self.tier.name
    }

    /// Why the exact hooks do not run, where nobody asked for others.
    pub(crate) fn tier_why(&self) -> Option<&str> {
        self.tier_why.as_deref()
    }

    /// Whether forks that fail are seen.
    pub(crate) fn sees_fork_failures(&self) -> bool {
        self.fork_failures
    }

    /// The processes that were there, to be applied before anything drained later. What the hooks
    /// have queued meanwhile goes to `take`.
    pub(crate) fn seed(&mut self, mut take: impl FnMut(Observation)) -> Vec<Observation> {
        let found = seed::scan(&self.scope);
        let mut queued = Vec::new();
        self.drain(&mut |observation| queued.push(observation));
        let seeded = seed::before(self.attached, found, &queued);
        queued.into_iter().for_each(&mut take);
        seeded
    }

    /// How many records the ring has given.
    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    /// How often the kernel left out a program where there may have been nothing to tell.
    pub(crate) fn left_out(&self) -> u64 {
        self.misses.read().others
    }

    /// What the process table shows of these processes, each in the traced tree or not, and of others
    /// from before `before`.
    pub(crate) fn look_again(&self, known: &[(Identity, bool)], before: u64) -> Vec<Observation> {
        seed::again(&self.scope, known, before, boot_now)
    }

    /// When the hooks were attached.
    pub(crate) fn attached(&self) -> u64 {
        self.attached
    }

    /// Waits until the ring has filled to the mark.
    pub(crate) async fn filled(&self) -> Result<()> {
        self.ring.filled().await
    }

    /// Has the next record wake the reader, unless one is there by now. Who reserved its place before it
    /// could see that is seen by its place.
    pub(crate) fn sleep(&mut self) -> bool {
        // As long as nothing comes it has not been taken back.
        if self.asked != Some(self.received) {
            if self.asleep.set(0, 1, 0).is_err() {
                return false;
            }
            self.asked = Some(self.received);
        }
        self.ring.is_empty()
    }

    /// Hands over what the ring holds.
    pub(crate) fn drain(&mut self, take: &mut impl FnMut(Observation)) -> Drained {
        self.logger.flush();
        let Self { ring, received, malformed, cgroups, room, .. } = self;
        ring.drain(BATCH, |record| {
            *received += 1;
            match decode(record, cgroups) {
                Ok(mut observation) => {
                    if let Fact::ForkFailed(failed) = &mut observation.fact {
                        room.complete(failed);
                    }
                    take(observation);
                }
                Err(_) => *malformed += 1,
            }
        })
    }

    /// How full the machine and its cgroups are, when it is time to look again.
    pub(crate) fn measure(&mut self, take: &mut impl FnMut(Observation)) {
        self.room.measure(&self.cgroups, self.received).into_iter().for_each(take);
    }

    /// What was lost since the last look: at most once a second, and where nothing came nothing was lost,
    /// unless it is the last look.
    pub(crate) fn losses(&mut self, now: u64, last: bool, take: &mut impl FnMut(Observation)) {
        let is_due = now >= self.losses_read + LOSSES_EVERY && self.received != self.counted;
        if !last && !is_due {
            return;
        }
        self.counted = self.received;
        let since = std::mem::replace(&mut self.losses_read, now);
        let mut report = |count, place| {
            if count > 0 {
                let lost = Lost { count, place, since };
                take(Observation { at: now, fact: Fact::Lost(lost) });
            }
        };
        let missed = self.misses.read().facts;
        let mut total = missed - std::mem::replace(&mut self.missed, missed);
        for (reason, known) in Loss::ALL.iter().zip(&mut self.losses) {
            // The map outlives us and the index is in it, so this does not fail.
            let sum = self.lost.get(&(*reason as u32), 0).map_or(*known, |all| all.iter().sum());
            total += sum - std::mem::replace(known, sum);
        }
        report(total, LostWhere::Ring);
        report(std::mem::take(&mut self.malformed), LostWhere::Decode);
    }
}

/// Puts the trees under `roots` into the kernel's map, and says who is in them.
fn track(ebpf: &mut Ebpf, roots: &[u32]) -> Result<HashSet<u32>> {
    let map = ebpf.map_mut("TRACKED").context("no map TRACKED")?;
    let mut tracked: HashMap<_, u32, u64> = HashMap::try_from(map)?;
    let tree = seed::tree(roots);
    for pid in &tree {
        // One that the kernel side put in itself has its exact start; /proc knows it to the tick
        // only, so ours have none.
        if tracked.get(pid, 0).is_err() {
            tracked.insert(pid, 0, 0).with_context(|| format!("cannot track process {pid}"))?;
        }
    }
    Ok(tree)
}
