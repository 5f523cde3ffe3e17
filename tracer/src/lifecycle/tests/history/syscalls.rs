//! What running processes do, and the kernel's last word on those that are gone.

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

    pub(super) fn wait(&mut self, parent: usize, who: usize, how: u8) {
        let zombies = self.children(parent, Stage::Zombie);
        let child = zombies[(who / 7) % zombies.len()];
        let pid = self.lives[parent].id.pid;
        let tid = if how & 1 == 0 { pid } else { pid + THREADS };
        let named = how & 2 == 0 || self.tier == Tier::Fentry;
        let certain = named && how & 4 == 0;
        let outcome = if named {
            let reaped = certain.then_some(true);
            Outcome::Child { pid: self.lives[child].id.pid, reaped }
        } else {
            Outcome::Unnamed
        };
        let call = if named { Call::Wait4 } else { Call::Waitid };
        let awaited = Awaited::Any;
        let wait = Waited { pid, tid, comm: comm("waiter"), call, awaited, reaps: true, outcome };
        let hand = Hand::Wait { returned: None, pid, tid, named, certain };
        self.release(child, hand, tid, Some(call));
        if self.tier == Tier::Fentry {
            return;
        }
        self.returning.push_back((child, wait));
        if how & 8 == 0 {
            self.come_back(usize::MAX);
        }
    }

    /// The parent is told that a child stopped.
    pub(super) fn stop(&mut self, child: usize, how: u8) {
        let parent = self.parent(child);
        if parent.stage != Stage::Running || self.tier == Tier::Fentry {
            return;
        }
        let pid = self.lives[child].id.pid;
        let reaped = (how & 1 == 0).then_some(false);
        let fact = wait_but(parent.id, pid, |wait| wait.outcome = Outcome::Child { pid, reaped });
        let at = self.record(fact);
        self.named.insert(at, child);
    }

    /// An RCU grace period after the release, which outlasts the return from the wait. It is not told once
    /// more of whom that told for certain.
    pub(super) fn free(&mut self, life: usize) {
        let waits = matches!(self.lives[life].hand, Some(Hand::Wait { returned: None, .. }));
        let is_told = matches!(self.lives[life].hand, Some(Hand::Wait { certain: true, .. }));
        if self.lives[life].stage == Stage::Released && !waits {
            if !is_told {
                self.record(free(self.lives[life].id));
            }
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
