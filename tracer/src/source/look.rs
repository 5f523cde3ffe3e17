//! What a process does that has left a zombie standing, or lives on without its main thread.

use std::{collections::BTreeMap, fs, io::Read as _, sync::Arc};

use procfs::process::{Process, Stat};

use super::{
    seed,
    table::{SIGCHLD, has_reaped, is_init, sigterm, tracer, waits_for},
};
use crate::observation::{Doing, Fact, Identity, Look, Observation};

/// System calls of x86-64 that return when one thing has happened, and that a SIGCHLD without a handler
/// does not end: read, write, their vectors and offsets, connect, accept, send, receive, flock, futex,
/// open of a fifo (arch/x86/entry/syscalls/syscall_64.tbl).
const WAIT_FOR_ONE: [u32; 20] =
    [0, 1, 2, 17, 18, 19, 20, 42, 43, 44, 45, 46, 47, 73, 202, 257, 288, 295, 296, 437];

/// Looks at a process, unless it has ended.
pub(crate) fn look(id: Identity, at: u64) -> impl Iterator<Item = Observation> {
    let facts = see(id).map(|(look, has_reaped)| {
        [Some(Fact::Looked { id, look }), has_reaped.then_some(Fact::HasReaped { id })]
    });
    facts.into_iter().flatten().flatten().map(move |fact| Observation { at, fact })
}

/// What it does, and whether it has reaped a child at some time.
fn see(id: Identity) -> Option<(Look, bool)> {
    let process = Process::new(id.pid as i32).ok()?;
    let stat = process.stat().ok()?;
    if !seed::identity(&stat).same(id) {
        return None;
    }
    let threads = process.tasks().ok()?.flatten().flat_map(|task| task.stat());
    let threads: Vec<Stat> = threads.filter(|thread| !matches!(thread.state, 'Z' | 'X')).collect();
    let status = seed::status(&process)?;
    let handles = status.sigcgt & SIGCHLD != 0 && threads.iter().any(hears_of_children);
    let doing = doing(&threads, handles, tracer(&status));
    let mut states = BTreeMap::new();
    for thread in &threads {
        *states.entry(thread.state).or_default() += 1;
    }
    let (is_init, sigterm) = (is_init(&status), sigterm(&status));
    let waits_for = waits_for(process.pid());
    let look = Look { doing, handles, is_init, sigterm, threads: states, waits_for };
    Some((look, has_reaped(&stat)))
}

fn doing(threads: &[Stat], handles: bool, tracer: Option<u32>) -> Doing {
    let all = |like: fn(&Stat) -> bool| threads.iter().all(like);
    let runs = |thread: &Stat| thread.state == 'R';
    let Some(first) = threads.first() else { return Doing::Other };
    if all(|thread| matches!(thread.state, 'T' | 't')) {
        let is_traced = threads.iter().any(|thread| thread.state == 't');
        Doing::Stopped { by: tracer.filter(|_| is_traced) }
    } else if threads.iter().all(|thread| is_blocked(thread, handles)) {
        let place = Process::new(first.pid).ok().and_then(|first| place(&first));
        Doing::Blocked {
            place: place.map_or_else(|| "an unknown place".into(), Arc::from),
            uninterruptible: all(|thread| thread.state == 'D'),
        }
    } else if !handles && threads.iter().all(|thread| runs(thread) || is_blocked(thread, handles)) {
        Doing::Busy
    } else {
        Doing::Other
    }
}

/// A thread that blocks SIGCHLD does not run the handler.
fn hears_of_children(thread: &Stat) -> bool {
    let status = Process::new(thread.pid).ok().and_then(|thread| seed::status(&thread));
    status.is_none_or(|status| status.sigblk & SIGCHLD == 0)
}

fn is_blocked(thread: &Stat, handles: bool) -> bool {
    match thread.state {
        'D' => true,
        'S' if !handles => {
            let call = fs::read_to_string(format!("/proc/{}/syscall", thread.pid));
            let number = call.ok().and_then(|call| call.split(' ').next()?.parse().ok());
            number.is_some_and(|number| WAIT_FOR_ONE.contains(&number))
        }
        _ => false,
    }
}

/// The kernel function in which a process sleeps. Up to 5.15 `wchan` followed frame pointers, which
/// most kernels have not (`get_wchan`, arch/x86/kernel/process.c), and was 0; `stack` begins with the
/// same function, for who may read it.
pub(super) fn place(process: &Process) -> Option<String> {
    let wchan = process.wchan().ok().filter(|place| !place.is_empty() && place != "0");
    wchan.or_else(|| {
        let mut stack = String::new();
        process.open_relative("stack").ok()?.read_to_string(&mut stack).ok()?;
        innermost(&stack).map(str::to_owned)
    })
}

/// The function of the first line, `[<0>] pipe_read+0x1a2/0x400`.
fn innermost(stack: &str) -> Option<&str> {
    stack.strip_prefix("[<0>] ")?.split(['+', '\n']).next()
}

#[cfg(test)]
mod tests {
    use std::{
        process::{Command, Stdio},
        time::{Duration, Instant},
    };

    use super::*;
    use crate::observation::{Sigterm, Start};

    /// What a command is seen to do once it has come to read from us.
    fn seen(command: &[&str]) -> Look {
        let mut reader = Command::new(command[0]);
        reader.args(&command[1..]).stdin(Stdio::piped()).stdout(Stdio::null());
        let mut reader = reader.spawn().expect("it starts");
        let pid = reader.id();
        let deadline = Instant::now() + Duration::from_mins(1);
        let reads = || {
            let call = fs::read_to_string(format!("/proc/{pid}/syscall")).expect("its call");
            call.starts_with("0 0x0 ")
        };
        while !reads() {
            assert!(Instant::now() < deadline, "it never reads");
            std::thread::yield_now();
        }
        let stat = Process::new(pid as i32).and_then(|process| process.stat()).expect("its row");
        let (look, has_reaped) = see(seed::identity(&stat)).expect("it is there");
        drop(reader.stdin.take());
        reader.wait().expect("its end");
        assert!(!has_reaped, "none has a child");
        look
    }

    #[test]
    fn a_read_keeps_from_waiting_unless_a_handler_is_called() {
        let cat = seen(&["cat"]);
        assert!(matches!(cat.doing, Doing::Blocked { uninterruptible: false, .. }), "{cat:?}");
        assert!(!cat.handles && cat.sigterm == Sigterm::Ends);
        assert_eq!(cat.threads, BTreeMap::from([('S', 1)]));
        let handler = seen(&["sh", "-c", "trap true CHLD; trap '' TERM; read line"]);
        assert!(handler.handles && handler.sigterm == Sigterm::Nothing);
        assert_eq!(handler.doing, Doing::Other);
        let asked = seen(&["sh", "-c", "trap true TERM; read line"]);
        assert_eq!(asked.sigterm, Sigterm::Handled);
    }

    #[test]
    fn a_stack_begins_with_where_it_sleeps() {
        let stack = "[<0>] pipe_read+0x1a2/0x400\n[<0>] ksys_read+0x5/0x9\n";
        assert_eq!(innermost(stack), Some("pipe_read"));
        assert_eq!(innermost(""), None);
    }

    #[test]
    fn another_life_with_the_pid_is_not_looked_at() {
        let own = Process::myself().and_then(|process| process.stat()).expect("this process");
        let own = seed::identity(&own);
        Command::new("true").status().expect("true");
        let seen: Vec<Observation> = look(own, 5).collect();
        assert!(
            matches!(&seen[0], Observation { at: 5, fact: Fact::Looked { id, .. } } if *id == own)
        );
        assert_eq!(seen[1..], [Observation { at: 5, fact: Fact::HasReaped { id: own } }]);
        assert_eq!(look(Identity { start: Start::Tick(0), ..own }, 5).count(), 0);
    }
}
