//! What ends a zombie for certain: its parent, or the threads that outlive its main thread.

use std::collections::BTreeMap;

/// Threads that live on when their main thread is dead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Others {
    /// How many, by their state as `ps` has it; none when they are not known.
    pub threads: BTreeMap<char, u32>,
    /// SIGTERM does not end them: it is ignored, or blocked.
    pub is_deaf: bool,
}

impl Others {
    /// How many there are.
    pub fn count(&self) -> u32 {
        self.threads.values().fold(0, |all, threads| all.saturating_add(*threads))
    }

    /// That there are some, in words.
    pub(crate) fn evidence(&self) -> String {
        let states: Vec<String> = self.threads.iter().map(in_state).collect();
        match self.count() {
            0 => "its main thread has ended, others live on".to_owned(),
            1 => format!("its main thread has ended, 1 other lives on ({})", states.join(", ")),
            count => {
                format!("its main thread has ended, {count} others live on ({})", states.join(", "))
            }
        }
    }

    /// What to do about those of this process.
    pub(crate) fn remedy(&self, pid: u32) -> String {
        let are = |states: &[char]| {
            self.count() > 0 && self.threads.keys().all(|state| states.contains(state))
        };
        let firmly = if self.is_deaf || are(&['T', 't']) { "-9 " } else { "" };
        let then = if are(&['D']) { ", once they come out of the kernel" } else { "" };
        format!(
            "not reapable before these end; kill {firmly}{pid} ends them and so the process{then}"
        )
    }
}

fn in_state((state, count): (&char, &u32)) -> String {
    let word = match state {
        'R' => "running",
        'S' => "sleeping",
        'D' => "in the kernel, not to be interrupted",
        'T' => "stopped",
        't' => "stopped by a debugger",
        other => return format!("{count} in state {other}"),
    };
    format!("{count} {word}")
}

/// How to end the parent of a zombie, and what goes with it.
pub(crate) struct End {
    pub(crate) pid: u32,
    /// Of a pid namespace, or the machine's.
    pub(crate) is_init: bool,
    /// SIGTERM does not end it.
    pub(crate) is_deaf: bool,
    /// How many it has.
    pub(crate) threads: u32,
    /// Its children that live.
    pub(crate) others: u32,
}

impl End {
    pub(crate) fn words(&self) -> String {
        let pid = self.pid;
        let firmly = if self.is_deaf { "-9 " } else { "" };
        let threads = match self.threads {
            0 | 1 => String::new(),
            count => format!(" with its {count} threads"),
        };
        let others = match self.others {
            0 => String::new(),
            1 => ", its other child becomes an orphan".to_owned(),
            count => format!(", its {count} other children become orphans"),
        };
        if pid == 1 {
            "its parent is the machine's init, which cannot be ended".to_owned()
        } else if self.is_init {
            format!("kill -9 {pid} ends the parent and with it its whole pid namespace")
        } else {
            format!(
                "kill {firmly}{pid} ENDS THE PARENT{threads}{others}, its zombies go to an init \
                 or subreaper"
            )
        }
    }
}
