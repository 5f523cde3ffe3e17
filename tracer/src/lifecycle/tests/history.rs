//! A naive kernel. It plays random actions on a handful of pids, writes down what the hooks would
//! have seen, and keeps the truth about every life.

mod action;
mod ending;
mod life;
mod syscalls;

use action::Kind;
pub(super) use action::{Action, actions};
pub(super) use life::{Hand, Life, Stage};

use super::*;

/// Which hooks run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tier {
    Tracepoint,
    Fentry,
}

/// Pids there are: few, so that they are reused all the time.
const PIDS: u32 = 9;
/// From the pid of a process to that of its other thread.
const THREADS: u32 = 1000;
/// Between two facts.
const STEP: u64 = MS;
/// The longest that the kernel keeps what was released.
const GRACE: u64 = 50 * MS;

#[derive(Debug)]
pub(super) struct History {
    pub(super) lives: Vec<Life>,
    pub(super) records: Vec<Observation>,
    /// Whom each wait is about, by the time of its record.
    pub(super) named: HashMap<u64, usize>,
    /// When a zombie that was handed over was announced again, and which.
    pub(super) again: HashMap<u64, usize>,
    tier: Tier,
    now: u64,
    /// Waits that have released this life and have not returned.
    returning: VecDeque<(usize, Waited)>,
}

impl History {
    pub(super) fn play(tier: Tier, actions: &[Action]) -> Self {
        let mut kernel = Self {
            lives: Vec::new(),
            records: Vec::new(),
            named: HashMap::new(),
            again: HashMap::new(),
            tier,
            now: SECOND,
            returning: VecDeque::new(),
        };
        for (pid, parent, zombie) in [(1, 0, false), (2, 0, false), (3, 1, true)] {
            kernel.stands(pid, parent, zombie);
        }
        for action in actions {
            if action.pause > GRACE {
                kernel.free_all();
            }
            kernel.now += action.pause;
            let due = kernel.returning.len();
            kernel.act(*action);
            kernel.come_back(due);
        }
        kernel.come_back(usize::MAX);
        kernel.free_all();
        kernel
    }

    fn free_all(&mut self) {
        for life in 0..self.lives.len() {
            self.free(life);
        }
    }

    fn record(&mut self, fact: Fact) -> u64 {
        self.now += STEP;
        self.records.push(Observation { at: self.now, fact });
        self.now
    }

    /// The oldest waits return.
    fn come_back(&mut self, count: usize) {
        for _ in 0..count {
            let Some((child, wait)) = self.returning.pop_front() else { return };
            let is_unnamed = wait.outcome == Outcome::Unnamed;
            let at = self.record(Fact::Waited(wait));
            if is_unnamed {
                let parent = self.lives[child].parent;
                self.lives[parent].unnamed_wait = Some(at);
            }
            self.named.insert(at, child);
            if let Some(Hand::Wait { returned, .. }) = &mut self.lives[child].hand {
                *returned = Some(at);
            }
        }
    }

    fn born(&mut self, id: Identity, parent: usize, how: u8) -> usize {
        let marker = self.lives.len() as u8;
        let status = match marker % 3 {
            0 => Status::Signal { number: marker, core: false },
            _ => Status::Code(marker),
        };
        self.lives.push(Life {
            id,
            found: false,
            stage: Stage::Running,
            status,
            forked_at: None,
            exited_at: None,
            leader_left: Vec::new(),
            zombie_at: None,
            released_at: None,
            hand: None,
            overtaken: false,
            parents: vec![self.lives.get(parent).map_or(0, |parent| parent.id.pid)],
            parent,
            adopter: 0,
            unnamed_wait: None,
            sigchld: Sigchld { ignored: how % 8 == 1, no_wait: how % 8 == 2 },
            subreaper: how & 0x10 != 0,
        });
        self.lives.len() - 1
    }

    /// Was there before the hooks.
    fn stands(&mut self, pid: u32, parent: usize, zombie: bool) {
        let id = Identity { pid, start: Start::Exact(u64::from(pid) * 33_333_333) };
        let life = self.born(id, parent, 0);
        self.lives[life].found = true;
        if zombie {
            self.lives[life].stage = Stage::Zombie;
        }
        let parent = self.lives[life].parents[0];
        self.record(found_but(id, parent, |found| found.zombie = zombie.then(|| dead(id))));
    }

    /// One of the lives for which this holds.
    fn choose(&self, who: usize, fit: impl Fn(usize, &Life) -> bool) -> Option<usize> {
        let fitting: Vec<usize> =
            (0..self.lives.len()).filter(|life| fit(*life, &self.lives[*life])).collect();
        (!fitting.is_empty()).then(|| fitting[who % fitting.len()])
    }

    fn children(&self, of: usize, stage: Stage) -> Vec<usize> {
        let is_child = |life: &usize| *life != 0 && self.lives[*life].parent == of;
        let children = (0..self.lives.len()).filter(is_child);
        children.filter(|life| self.lives[*life].stage == stage).collect()
    }

    fn act(&mut self, Action { kind, who, how, .. }: Action) {
        let chosen = self.choose(who, |life, process| match kind {
            Kind::Fork | Kind::Exec | Kind::LeaderExit => process.stage == Stage::Running,
            Kind::Stop => life != 0 && process.stage == Stage::Running,
            Kind::Exit => self.may_exit(life),
            Kind::Die => self.may_die(life),
            Kind::Wait => {
                process.stage == Stage::Running && !self.children(life, Stage::Zombie).is_empty()
            }
            Kind::Free => process.stage == Stage::Released,
        });
        let Some(life) = chosen else { return };
        match kind {
            Kind::Fork => self.fork(life, how),
            Kind::Exec => self.exec(life),
            Kind::LeaderExit => {
                let at = self.record(leader_exit(self.lives[life].id, 1));
                self.lives[life].leader_left.push(at);
            }
            Kind::Exit => self.exit(life),
            Kind::Die => self.die(life),
            Kind::Wait => self.wait(life, who, how),
            Kind::Stop => self.stop(life, how),
            Kind::Free => self.free(life),
        }
    }
}
