//! What the naive kernel does, action by action.

use super::*;

impl History {
    pub(super) fn fork(&mut self, caller: usize, how: u8) {
        let in_table =
            |pid| self.lives.iter().any(|life| life.id.pid == pid && life.stage < Stage::Released);
        let Some(pid) = (2..=PIDS).find(|pid| !in_table(*pid)) else { return };
        for life in 0..self.lives.len() {
            if self.lives[life].id.pid == pid {
                self.overtake(life);
                self.forget(life);
            }
        }
        // CLONE_PARENT, which an init must not use.
        let grandparent = self.lives[caller].parent;
        let for_parent =
            how & 0x20 != 0 && caller != 0 && self.lives[grandparent].stage == Stage::Running;
        let parent = if for_parent { grandparent } else { caller };
        let id = Identity { pid, start: Start::Exact(self.now + 1) };
        let child = self.born(id, parent, how);
        let forker = self.lives[caller].id.pid;
        let fact = fork_but(id, self.lives[parent].id, |fork| {
            fork.forker = forker;
            fork.home.uid = Some(child as u32);
        });
        let at = self.record(fact);
        self.lives[child].forked_at = Some(at);
    }

    pub(super) fn exec(&mut self, life: usize) {
        let exe = Some(Bytes::from([life as u8]));
        self.record(exec_but(self.lives[life].id, |exec| exec.program.exe = exe));
    }

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
        for child in self.moving(life) {
            self.lives[child].parent = adopter;
            let unwanted = self.lives[adopter].sigchld.reaps_itself();
            if unwanted && self.lives[child].stage == Stage::Zombie {
                self.release(child, Hand::Handover);
            }
        }
        let parent = &self.lives[self.lives[life].parent];
        let sigchld = parent.sigchld;
        let fact = death_but(self.lives[life].id, parent.id, |death| {
            death.autoreap = sigchld.reaps_itself();
        });
        let at = if sigchld.ignored { self.now } else { self.record(fact) };
        self.lives[life].zombie_at = Some(at);
        self.lives[life].stage = Stage::Zombie;
        if sigchld.reaps_itself() {
            self.release(life, Hand::Kernel);
        }
    }

    fn release(&mut self, life: usize, hand: Hand) {
        let process = &mut self.lives[life];
        (process.stage, process.hand) = (Stage::Released, Some(hand));
        process.released_at = Some(self.now);
    }

    pub(super) fn wait(&mut self, parent: usize, who: usize, how: u8) {
        let zombies = self.children(parent, Stage::Zombie);
        let child = zombies[(who / 7) % zombies.len()];
        let pid = self.lives[parent].id.pid;
        let tid = if how & 1 == 0 { pid } else { pid + 1000 };
        let named = how & 2 == 0;
        let outcome = if named {
            let reaped = (how & 4 == 0).then_some(true);
            Outcome::Child { pid: self.lives[child].id.pid, reaped }
        } else {
            Outcome::Unnamed
        };
        let call = if named { Call::Wait4 } else { Call::Waitid };
        let wait = Waited { pid, tid, comm: comm("waiter"), call, any: true, outcome };
        self.release(child, Hand::Wait { returned: None, pid, tid, named });
        if !named {
            self.lives[parent].unnamed_wait = Some(self.now + STEP);
        }
        self.returning.push_back((child, wait));
        if how & 8 == 0 {
            self.come_back(usize::MAX);
        }
    }

    /// The parent is told that a child stopped.
    pub(super) fn stop(&mut self, child: usize, how: u8) {
        let parent = &self.lives[self.lives[child].parent];
        if parent.stage != Stage::Running {
            return;
        }
        let pid = self.lives[child].id.pid;
        let reaped = (how & 1 == 0).then_some(false);
        let fact = wait_but(parent.id, pid, |wait| wait.outcome = Outcome::Child { pid, reaped });
        let at = self.record(fact);
        self.named.insert(at, child);
    }

    /// An RCU grace period after the release, which outlasts the return from the wait.
    pub(super) fn free(&mut self, life: usize) {
        let waits = matches!(self.lives[life].hand, Some(Hand::Wait { returned: None, .. }));
        if self.lives[life].stage == Stage::Released && !waits {
            self.record(free(self.lives[life].id));
            self.lives[life].stage = Stage::Freed;
            self.forget(life);
        }
    }

    /// What is known of a process is known no more: how it waited for its children, too.
    fn forget(&mut self, parent: usize) {
        for child in self.children(parent, Stage::Released) {
            self.overtake(child);
        }
    }

    fn overtake(&mut self, life: usize) {
        let life = &mut self.lives[life];
        let told = matches!(life.hand, Some(Hand::Wait { returned: Some(_), named: true, .. }));
        life.overtaken |= life.stage == Stage::Released && !told;
    }
}
