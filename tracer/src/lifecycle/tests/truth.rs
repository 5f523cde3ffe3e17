//! Compares what the model told with what really happened.

use super::{
    history::{Hand, History, Life, Stage},
    *,
};

/// What must hold whatever was doubled or lost: nothing is told twice, nothing is mixed up, no time
/// is wrong.
pub(super) fn nothing_is_false(history: &History, events: &[Event]) {
    let mut seen: HashMap<(usize, &str), u32> = HashMap::new();
    for event in events {
        let index = index_of(history, event);
        *seen.entry((index, event.what.name())).or_default() += 1;
        is_true(index, &history.lives[index], event);
    }
    for ((index, name), count) in seen {
        let often = matches!(name, "exec" | "leader_exit" | "reparent" | "unreaped");
        assert!(often || count == 1, "{name} {count} times of {:?}", history.lives[index]);
    }
}

/// Which life an event is of.
fn index_of(history: &History, event: &Event) -> usize {
    let who = event.who.expect("every event here is of a process");
    let named = |life: &Life| {
        let start = life.id.start.ns();
        let tick = start / TICK_NS * TICK_NS;
        life.id.pid == who.pid && (who.start == start || life.found && who.start == tick)
    };
    history.lives.iter().position(named).unwrap_or_else(|| panic!("of no life: {event:?}"))
}

fn is_true(index: usize, life: &Life, event: &Event) {
    match &event.what {
        What::Existing { .. } => assert!(life.found),
        What::Fork { home, .. } => {
            assert_eq!((Some(event.at), home.uid), (life.forked_at, Some(index as u32)));
        }
        What::Exec { program, .. } => {
            assert_eq!(program.exe.as_deref(), Some([index as u8].as_slice()), "of another life");
        }
        What::Exit(exit) => {
            assert_eq!((exit.cpu_user, exit.status), (index as u64, life.status));
            assert_eq!(Some(event.at), life.exited_at);
            assert_eq!(exit.lifetime, Some(event.at - life.id.start.ns()));
        }
        What::Reparent { from, to, .. } => assert_ne!(from.pid, to.pid),
        What::Reap(reap) => reap_is_true(life, event.at, reap),
        What::Unreaped { zombie, why, .. } if *why == [Cause::ThreadsAlive] => {
            assert!(life.leader_left.contains(&(event.at - zombie)), "{event:?} of {life:?}");
        }
        What::Unreaped { zombie, .. } if !life.found => {
            assert_eq!(Some(event.at - zombie), life.zombie_at);
        }
        What::Unreaped { .. } | What::Zombie { .. } | What::LeaderExit { .. } => {}
        What::ForkFailed(_)
        | What::PidSpace(_)
        | What::Session(_)
        | What::Lost(_)
        | What::Summary(_) => panic!("{event:?}"),
    }
}

fn reap_is_true(life: &Life, at: u64, reap: &Reap) {
    let known = |told: Option<u64>, truth: Option<u64>| assert!(told.is_none() || told == truth);
    let dates = &reap.life;
    known(dates.forked_at, life.forked_at);
    known(dates.exited_at, life.exited_at);
    known(reap.lifetime, life.exited_at.map(|exited| exited - life.id.start.ns()));
    known(
        reap.teardown,
        dates.zombie_at.and(life.zombie_at).zip(life.exited_at).map(|(z, e)| z - e),
    );
    assert!(reap.status.is_none_or(|status| status == life.status), "{reap:?} of {life:?}");
    let released = life.released_at.unwrap_or_else(|| panic!("{life:?} is there: {reap:?}"));
    assert!(at >= released, "{reap:?} before {life:?}");
    let least = life.zombie_at.map_or(0, |since| released - since);
    match life.hand {
        _ if !reap.exact => assert!(reap.zombie.is_none_or(|told| told >= least)),
        Some(Hand::Wait { returned, pid, tid, named: true, .. }) => {
            assert_eq!(reap.zombie, returned.zip(life.zombie_at).map(|(to, from)| to - from));
            assert_eq!(reap.reaper.map(|reaper| (reaper.pid, reaper.tid)), Some((pid, Some(tid))));
        }
        Some(Hand::Kernel) => assert_eq!((reap.zombie, reap.by), (Some(0), Some(By::Kernel))),
        // The last of the release, where what announced it was lost, and who it was with it.
        Some(Hand::Handover) if life.zombie_at.is_some() => assert!(reap.zombie >= Some(least)),
        hand => panic!("{hand:?} cannot be known exactly: {reap:?}"),
    }
}

/// What must hold when every record came, in order: nothing is missing either.
pub(super) fn everything_is_told(history: &History, events: &[Event]) {
    nothing_is_false(history, events);
    assert!(events.is_sorted_by_key(|event| event.at), "{events:#?}");
    let misread = misread(history, events);
    for (index, life) in history.lives.iter().enumerate() {
        let told: Vec<_> =
            events.iter().filter(|event| index_of(history, event) == index).collect();
        let count = |name| told.iter().filter(|event| event.what.name() == name).count();
        assert_eq!(count("existing"), usize::from(life.found));
        assert_eq!(count("fork"), usize::from(life.forked_at.is_some()));
        assert_eq!(count("exit"), usize::from(life.exited_at.is_some()));
        assert_eq!(count("zombie"), usize::from(life.zombie_at.is_some()), "{life:?}");
        assert_eq!(count("reap"), usize::from(life.stage == Stage::Freed), "{life:?}");
        if misread.iter().any(|(misread, reaper)| *misread == index || life.is_reaped_by(*reaper)) {
            continue;
        }
        let moves: Vec<_> = told
            .iter()
            .filter_map(|event| match event.what {
                What::Reparent { from, to, .. } => Some([from.pid, to.pid]),
                _ => None,
            })
            .collect();
        let parents: Vec<_> = life.parents.windows(2).collect();
        assert_eq!(moves, parents, "{life:?}");
        for event in told {
            if let What::Reap(reap) = &event.what {
                reap_is_whole(life, reap);
            }
        }
    }
}

/// Who was told as unreaped in the grace period after a wait without a name, when it counts as there,
/// and whose such wait it has in the end, another's maybe.
fn misread(history: &History, events: &[Event]) -> Vec<(usize, Option<u32>)> {
    let is_gone = |event: &&Event| {
        let released = history.lives[index_of(history, event)].released_at;
        matches!(event.what, What::Unreaped { .. }) && released.is_some_and(|at| event.at > at)
    };
    let reaper = |index| {
        events.iter().find_map(|event| match &event.what {
            What::Reap(reap) if index_of(history, event) == index => reap.reaper,
            _ => None,
        })
    };
    let misread = events.iter().filter(is_gone).map(|event| index_of(history, event));
    misread.map(|index| (index, reaper(index).map(|reaper| reaper.pid))).collect()
}

fn reap_is_whole(life: &Life, reap: &Reap) {
    let hand = life.hand.expect("somebody released it");
    assert_eq!(reap.reparents as usize, life.parents.len() - 1);
    assert_eq!(reap.status, life.exited_at.map(|_| life.status));
    assert_eq!(reap.life.forked_at, life.forked_at);
    let by = if life.parents.len() == 1 { By::Parent } else { By::Adopter };
    match hand {
        Hand::Kernel => assert_eq!((reap.via, reap.exact), (Via::Autoreap, true)),
        Hand::Wait { named: true, pid, .. } if !life.overtaken => {
            assert_eq!((reap.by, reap.via), (Some(by), Via::Call(Call::Wait4)), "{life:?}");
            assert_eq!(reap.reaper.map(|reaper| reaper.pid), Some(pid));
            assert_eq!(reap.exact, life.zombie_at.is_some(), "{reap:?} of {life:?}");
        }
        Hand::Wait { named: false, pid, .. } if !life.overtaken => {
            assert_eq!((reap.by, reap.via), (Some(by), Via::Call(Call::Waitid)), "{life:?}");
            assert_eq!(reap.reaper.map(|reaper| reaper.pid), Some(pid));
        }
        // That the pid has a new life tells only that this one is gone.
        Hand::Wait { pid, .. } => {
            assert!(!reap.exact && reap.reaper.is_none_or(|reaper| reaper.pid == pid));
        }
        Hand::Handover => {
            assert_eq!((reap.by, reap.via), (Some(By::Kernel), Via::Autoreap), "{life:?}");
        }
    }
}
