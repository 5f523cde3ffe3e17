//! What can be done about a zombie from outside, in words: its parent is called once more, or ended, or the
//! threads are that outlive its main thread.

use std::collections::BTreeMap;

use crate::observation::Sigterm;

/// What may help with a parent that handles SIGCHLD and has reaped: of one that never has, the handler does
/// not. Whether it is the handler that reaps cannot be seen, so what the program lacks is said, too.
pub(crate) fn again(pid: u32, handles: bool, reaps: bool) -> String {
    if handles && reaps {
        format!("kill -CHLD {pid} calls its handler once more, which helps if that reaps; ")
    } else {
        String::new()
    }
}

/// Threads that live on when their main thread is dead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Others {
    /// How many, by their state as `ps` has it; none when they are not known.
    pub threads: BTreeMap<char, u32>,
    /// What SIGTERM does to them.
    pub sigterm: Sigterm,
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

    /// What to do about those of this process, or of more than one that is like it.
    pub(crate) fn remedy(&self, pid: u32, alike: usize) -> String {
        let pid = if alike > 1 { "PID (one by one)".to_owned() } else { pid.to_string() };
        let are = |states: &[char]| {
            self.count() > 0 && self.threads.keys().all(|state| states.contains(state))
        };
        let then = if are(&['D']) { ", once they come out of the kernel" } else { "" };
        let kill = match self.sigterm {
            _ if are(&['T', 't']) => format!("kill -9 {pid}"),
            Sigterm::Nothing => format!("kill -9 {pid}"),
            Sigterm::Handled => {
                format!("kill {pid} asks them to end (they handle SIGTERM); kill -9 {pid}")
            }
            Sigterm::Ends => format!("kill {pid}"),
        };
        format!("not reapable before these end; {kill} ends them and so the process{then}")
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
    /// What SIGTERM does to it.
    pub(crate) sigterm: Sigterm,
    /// How many it has.
    pub(crate) threads: u32,
    /// Its children that live.
    pub(crate) others: u32,
}

impl End {
    /// How, whatever it does at present.
    pub(crate) fn words(&self) -> String {
        let pid = self.pid;
        let ends = self.ends();
        match self.sigterm {
            _ if pid == 1 => "its parent is the machine's init, which cannot be ended".to_owned(),
            _ if self.is_init => {
                format!("kill -9 {pid} ends the parent and with it its whole pid namespace")
            }
            Sigterm::Ends => format!("kill {pid} {ends}"),
            Sigterm::Nothing => format!("kill -9 {pid} {ends}"),
            Sigterm::Handled => format!(
                "kill {pid} asks the parent to end (it handles SIGTERM); kill -9 {pid} {ends}"
            ),
        }
    }

    /// The same where it sleeps uninterruptibly. A fatal signal ends the sleep of those that are killable
    /// (`complete_signal`, kernel/signal.c), as that in `vfork` is (`wait_for_vfork_done`, kernel/fork.c,
    /// 6.18), but the table shows the same state for others.
    pub(crate) fn once_out_of_the_kernel(&self, name: &str, place: &str) -> String {
        let cannot = format!(
            "{name} cannot wait before it comes out of the kernel ({place}) and cannot be interrupted \
             there"
        );
        if self.pid == 1 || self.is_init {
            return format!("{cannot}; {}", self.words());
        }
        let (pid, ends) = (self.pid, self.ends());
        format!(
            "{cannot}; kill -9 {pid} {ends}: then, or at once where the kernel lets a fatal signal \
             through"
        )
    }

    /// What goes with it.
    fn ends(&self) -> String {
        let threads = match self.threads {
            0 | 1 => String::new(),
            count => format!(" with its {count} threads"),
        };
        let others = match self.others {
            0 => String::new(),
            1 => ", its other child becomes an orphan".to_owned(),
            count => format!(", its {count} other children become orphans"),
        };
        format!("ENDS THE PARENT{threads}{others}, its zombies go to an init or subreaper")
    }
}
