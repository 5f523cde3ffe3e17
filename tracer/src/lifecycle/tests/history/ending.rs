//! From the exit of the last thread to the release.

use super::*;

impl History {
    /// Init lives on. An adopter that was chosen lives until it has adopted, a parent until its
    /// waits have returned and the children that the kernel released at the handover are freed: who
    /// is gone could not be told before. Nor could it, if a wait may have been for another zombie.
    pub(super) fn may_exit(&self, life: usize) -> bool {
        let chosen =
            self.lives.iter().any(|other| other.stage == Stage::Exiting && other.adopter == life);
        let traceless = |child: &usize| match self.lives[*child].hand {
            Some(Hand::Wait { returned, .. }) => returned.is_none(),
            Some(Hand::Handover) => true,
            Some(Hand::Kernel) | None => false,
        };
        life != 0
            && self.lives[life].stage == Stage::Running
            && !chosen
            && !self.children(life, Stage::Released).iter().any(traceless)
            && !self
                .children(life, Stage::Zombie)
                .iter()
                .any(|child| self.lives[*child].zombie_at < self.lives[life].unnamed_wait)
    }

    pub(super) fn exit(&mut self, life: usize) {
        let mut adopter = self.lives[life].parent;
        while adopter != 0
            && !(self.lives[adopter].subreaper && self.lives[adopter].stage == Stage::Running)
        {
            adopter = self.lives[adopter].parent;
        }
        let kind = if adopter == 0 { AdopterKind::Init } else { AdopterKind::Subreaper };
        let parent = self.lives[life].parent;
        let process = &self.lives[life];
        let fact = exit_but(process.id, self.lives[parent].id, |exit| {
            let Life { id, sigchld, .. } = self.lives[adopter];
            exit.adopter = Some(Adopter { id, kind, sigchld });
            exit.status = process.status;
            exit.cpu_user = life as u64;
            exit.sigchld = self.lives[parent].sigchld;
        });
        let at = self.record(fact);
        let to = self.lives[adopter].id.pid;
        for child in self.moving(life) {
            self.lives[child].parents.push(to);
        }
        let process = &mut self.lives[life];
        process.exited_at = Some(at);
        process.adopter = adopter;
        process.stage = Stage::Exiting;
    }

    /// The children that a parent on its way out leaves. Those that it wants no zombies of are out
    /// before it is, if they have begun (see [`Self::may_die`]).
    fn moving(&self, parent: usize) -> Vec<usize> {
        let stages = [Stage::Running, Stage::Exiting, Stage::Zombie];
        let keeps = |stage| stage == Stage::Exiting && self.lives[parent].sigchld.reaps_itself();
        let left = stages.into_iter().filter(|stage| !keeps(*stage));
        left.flat_map(|stage| self.children(parent, stage)).collect()
    }

    /// What the parent does with SIGCHLD is read when a child begins to exit, so until the child is
    /// out no other parent decides.
    pub(super) fn may_die(&self, life: usize) -> bool {
        let keeps_zombies = |life: usize| !self.lives[life].sigchld.reaps_itself();
        self.lives[life].stage == Stage::Exiting
            && (self.children(life, Stage::Exiting).is_empty()
                || keeps_zombies(life) && keeps_zombies(self.lives[life].adopter))
    }

    /// `exit_notify`: the children get their new parent, the old one is told.
    pub(super) fn die(&mut self, life: usize) {
        let adopter = self.lives[life].adopter;
        let mut unwanted = Vec::new();
        for child in self.moving(life) {
            self.lives[child].parent = adopter;
            if self.lives[child].stage == Stage::Zombie {
                if self.tier == Tier::Fentry {
                    let at = self.tell(child);
                    self.again.insert(at, child);
                }
                if self.is_unwanted(child) {
                    self.lives[child].released_at = Some(self.now);
                    unwanted.push((child, Hand::Handover));
                }
            }
        }
        let is_silent = self.tier == Tier::Tracepoint && self.parent(life).sigchld.ignored;
        let at = if is_silent { self.now } else { self.tell(life) };
        self.lives[life].zombie_at = Some(at);
        self.lives[life].stage = Stage::Zombie;
        if self.is_unwanted(life) {
            // Itself first (`list_add` in `exit_notify`).
            unwanted.insert(0, (life, Hand::Kernel));
        }
        let thread = self.lives[life].id.pid;
        for (dead, hand) in unwanted {
            self.release(dead, hand, thread, None);
        }
    }

    pub(super) fn parent(&self, life: usize) -> &Life {
        &self.lives[self.lives[life].parent]
    }

    fn is_unwanted(&self, life: usize) -> bool {
        self.parent(life).sigchld.reaps_itself()
    }

    /// `do_notify_parent`
    fn tell(&mut self, life: usize) -> u64 {
        let autoreap = self.is_unwanted(life);
        let parent = self.parent(life).id;
        self.record(death_but(self.lives[life].id, parent, |death| death.autoreap = autoreap))
    }

    /// `release_task`, by a thread that is in this call.
    pub(super) fn release(&mut self, life: usize, hand: Hand, thread: u32, call: Option<Call>) {
        let process = &mut self.lives[life];
        (process.stage, process.hand) = (Stage::Released, Some(hand));
        process.released_at.get_or_insert(self.now);
        if self.tier == Tier::Tracepoint {
            return;
        }
        let (id, by) = (process.id, thread % THREADS);
        let comm = comm("waiter");
        let at = self.record(Fact::Released(Released { id, by, tid: thread, comm, call }));
        let process = &mut self.lives[life];
        process.stage = Stage::Freed;
        if let Some(Hand::Wait { returned, .. }) = &mut process.hand {
            (*returned, process.released_at) = (Some(at), Some(at));
        }
    }
}
