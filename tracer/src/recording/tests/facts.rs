//! Any fact there can be, with any values.

use std::collections::BTreeMap;

use proptest::{collection::vec, option::of, prelude::*};

use crate::observation::*;

fn numbers() -> impl Strategy<Value = u32> {
    any::<u32>()
}

fn flags() -> impl Strategy<Value = bool> {
    any::<bool>()
}

fn starts() -> impl Strategy<Value = Start> {
    prop_oneof![any::<u64>().prop_map(Start::Exact), any::<u64>().prop_map(Start::Tick)]
}

fn ids() -> impl Strategy<Value = Identity> {
    // Few pids, so that facts are about one another.
    let pids = prop_oneof![4 => 0..6_u32, 1 => any::<u32>()];
    (pids, starts()).prop_map(|(pid, start)| Identity { pid, start })
}

fn bytes() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..40).prop_map(Into::into)
}

fn comms() -> impl Strategy<Value = Comm> {
    any::<[u8; 16]>().prop_map(Comm::new)
}

fn homes() -> impl Strategy<Value = Home> {
    (of(numbers()), of(bytes()), of(numbers()), of(numbers()))
        .prop_map(|(uid, cgroup, pidns, ns_pid)| Home { uid, cgroup, pidns, ns_pid })
}

fn filled() -> impl Strategy<Value = Filled> {
    any::<(u64, u64)>().prop_map(|(used, limit)| Filled { used, limit })
}

fn sigchld() -> impl Strategy<Value = Sigchld> {
    any::<(bool, bool)>().prop_map(|(ignored, no_wait)| Sigchld { ignored, no_wait })
}

fn statuses() -> impl Strategy<Value = Status> {
    any::<u32>().prop_map(Status::from)
}

fn calls() -> impl Strategy<Value = Call> {
    prop_oneof![Just(Call::Wait4), Just(Call::Waitid)]
}

fn kinds() -> impl Strategy<Value = AdopterKind> {
    use AdopterKind::{Init, PidnsInit, Subreaper};
    prop_oneof![Just(Init), Just(Subreaper), Just(PidnsInit)]
}

fn adopters() -> impl Strategy<Value = Adopter> {
    (ids(), kinds(), sigchld()).prop_map(|(id, kind, sigchld)| Adopter { id, kind, sigchld })
}

fn forked() -> impl Strategy<Value = Fact> {
    let rest = (comms(), homes(), of(filled()));
    (ids(), ids(), any::<u32>(), of(numbers()), any::<u32>(), rest).prop_map(
        |(id, parent, forker, number, exit_signal, (comm, home, nproc))| {
            Fact::Forked(Forked { id, parent, forker, number, exit_signal, comm, home, nproc })
        },
    )
}

fn execed() -> impl Strategy<Value = Fact> {
    let programs = (of(bytes()), of(bytes()), any::<bool>())
        .prop_map(|(exe, argv, truncated)| Program { exe, argv, truncated });
    (ids(), comms(), of(numbers()), programs, homes()).prop_map(
        |(id, comm, thread, program, home)| {
            Fact::Execed(Execed { id, comm, thread, program, home })
        },
    )
}

fn exited() -> impl Strategy<Value = Fact> {
    let first = (ids(), comms(), ids(), of(numbers()), of(adopters()), statuses());
    let rest = (any::<[u64; 3]>(), sigchld(), any::<u32>(), homes());
    (first, rest).prop_map(|((id, comm, parent, ptracer, adopter, status), rest)| {
        let ([cpu_user, cpu_system, max_rss], sigchld, exit_signal, home) = rest;
        Fact::Exited(Exited {
            id,
            comm,
            parent,
            ptracer,
            adopter,
            status,
            cpu_user,
            cpu_system,
            max_rss,
            sigchld,
            exit_signal,
            home,
        })
    })
}

fn died() -> impl Strategy<Value = Fact> {
    let fates = [Fate::Delivered, Fate::Pending, Fate::Ignored, Fate::None];
    (ids(), ids(), proptest::sample::select(fates.to_vec()), flags())
        .prop_map(|(id, target, fate, autoreap)| Fact::Died(Died { id, target, fate, autoreap }))
}

fn waited() -> impl Strategy<Value = Fact> {
    let outcomes = prop_oneof![
        (0..6_u32, of(flags())).prop_map(|(pid, reaped)| Outcome::Child { pid, reaped }),
        Just(Outcome::Unnamed),
        Just(Outcome::Nothing),
    ];
    (0..6_u32, numbers(), comms(), calls(), awaited(), flags(), outcomes).prop_map(
        |(pid, tid, comm, call, awaited, reaps, outcome)| {
            Fact::Waited(Waited { pid, tid, comm, call, awaited, reaps, outcome })
        },
    )
}

fn awaited() -> impl Strategy<Value = Awaited> {
    let one = (0..5_u32, 0..6_u32).prop_map(|(kind, id)| Awaited::by_waitid(kind, id));
    one.prop_map(|awaited| awaited.unwrap_or(Awaited::Someone))
}

fn released() -> impl Strategy<Value = Fact> {
    (ids(), 0..6_u32, numbers(), comms(), of(calls()))
        .prop_map(|(id, by, tid, comm, call)| Fact::Released(Released { id, by, tid, comm, call }))
}

fn found() -> impl Strategy<Value = Fact> {
    let deaths =
        (any::<u64>(), of(any::<u64>())).prop_map(|(earliest, latest)| Death { earliest, latest });
    let first = (ids(), 0..6_u32, of(numbers()), comms(), of(deaths));
    (first, flags(), flags(), homes()).prop_map(
        |((id, parent, number, comm, zombie), leader_gone, traced, home)| {
            Fact::Found(Found { id, parent, number, comm, zombie, leader_gone, traced, home })
        },
    )
}

fn looked() -> impl Strategy<Value = Fact> {
    let doing = prop_oneof![
        of(numbers()).prop_map(|by| Doing::Stopped { by }),
        (".{0,20}", flags()).prop_map(|(place, uninterruptible)| {
            Doing::Blocked { place: place.into(), uninterruptible }
        }),
        Just(Doing::Busy),
        Just(Doing::Other),
    ];
    let threads = vec(any::<(char, u32)>(), 0..4).prop_map(BTreeMap::from_iter);
    let sigterm = prop_oneof![Just(Sigterm::Ends), Just(Sigterm::Nothing), Just(Sigterm::Handled)];
    (ids(), doing, flags(), flags(), sigterm, threads, of(awaited())).prop_map(
        |(id, doing, handles, is_init, sigterm, threads, waits_for)| Fact::Looked {
            id,
            look: Look { doing, handles, is_init, sigterm, threads, waits_for },
        },
    )
}

fn zombies() -> impl Strategy<Value = Zombie> {
    (0..6_u32, of(comms()), numbers(), of(numbers()), of(bytes())).prop_map(
        |(parent, parent_comm, uid, pidns, cgroup)| Zombie {
            parent,
            parent_comm,
            uid,
            pidns,
            cgroup,
        },
    )
}

fn fork_failed() -> impl Strategy<Value = Fact> {
    let limits =
        (
            of(filled()),
            of((of(bytes()), filled())),
            of((numbers(), filled())),
            of(numbers()),
            any::<u64>(),
            of(any::<u64>()),
            of(any::<u64>()),
        )
            .prop_map(|(nproc, pids, pidns, dead_pidns, machine, threads_max, pid_max)| {
                Limits { nproc, pids, pidns, dead_pidns, machine, threads_max, pid_max }
            });
    let calls = [ForkCall::Fork, ForkCall::Vfork, ForkCall::Clone, ForkCall::Clone3];
    let calls = of(proptest::sample::select(calls.to_vec()));
    let zombies = of(vec(zombies(), 0..5).prop_map(Into::into));
    (ids(), comms(), homes(), calls, of(flags()), any::<i32>(), limits, zombies).prop_map(
        |(id, comm, home, call, thread, errno, limits, zombies)| {
            Fact::ForkFailed(Box::new(ForkFailed {
                id,
                comm,
                home,
                call,
                thread,
                errno,
                limits,
                zombies,
            }))
        },
    )
}

fn measured() -> impl Strategy<Value = Fact> {
    let spaces = prop_oneof![
        Just(Space::Pids),
        Just(Space::Threads),
        bytes().prop_map(Space::Cgroup),
        numbers().prop_map(Space::User),
    ];
    let measures = (spaces, filled()).prop_map(|(space, filled)| Measure { space, filled });
    vec(measures, 0..4).prop_map(Fact::Measured)
}

fn lost() -> impl Strategy<Value = Fact> {
    let places = [LostWhere::Ring, LostWhere::Decode, LostWhere::Output];
    (any::<u64>(), proptest::sample::select(places.to_vec()), any::<u64>())
        .prop_map(|(count, place, since)| Fact::Lost(Lost { count, place, since }))
}

fn remembered() -> impl Strategy<Value = Fact> {
    let fates = [Fate::Delivered, Fate::Pending, Fate::Ignored, Fate::None];
    let kinds = (awaited(), flags(), any::<(u64, u64)>())
        .prop_map(|(awaited, reaps, (count, last))| Waiting { awaited, reaps, count, last });
    let programs = (of(bytes()), of(bytes()), flags()).prop_map(|(exe, argv, truncated)| Program {
        exe,
        argv,
        truncated,
    });
    let times = any::<[Option<u64>; 6]>();
    let end =
        (of(statuses()), of(proptest::sample::select(fates.to_vec())), of(numbers()), sigchld());
    let tracer = (of(numbers()), flags(), numbers());
    let waits = (any::<[u64; 5]>(), flags(), vec(kinds, 0..9));
    (ids(), times, end, tracer, of((any::<u64>(), programs)), waits).prop_map(
        |(id, times, (status, fate, exit_signal, sigchld), tracer, program, waits)| {
            let [forked_at, leader_left, exited_at, zombie_at, next, adopted_at] = times;
            let (ptracer, is_held, reparents) = tracer;
            let ([seen, reaping, any, reaped, coalesced], has_reaped, kinds) = waits;
            Fact::Remembered(Box::new(Remembered {
                id,
                forked_at,
                leader_left,
                exited_at,
                zombie_at,
                status,
                fate,
                exit_signal,
                sigchld,
                ptracer,
                is_held,
                next,
                reparents,
                adopted_at,
                program,
                seen,
                reaping,
                any,
                reaped,
                has_reaped,
                coalesced,
                kinds,
            }))
        },
    )
}

pub(crate) fn observations() -> impl Strategy<Value = Observation> {
    let facts = prop_oneof![
        forked(),
        execed(),
        exited(),
        died(),
        waited(),
        released(),
        found(),
        looked(),
        fork_failed(),
        measured(),
        lost(),
        remembered(),
        (ids(), numbers()).prop_map(|(id, threads)| Fact::LeaderExited { id, threads }),
        ids().prop_map(|id| Fact::Freed { id }),
        ids().prop_map(|id| Fact::FoundDead { id }),
        ids().prop_map(|id| Fact::HasReaped { id }),
    ];
    let times = prop_oneof![4 => 0..20_000_000_000_u64, 1 => any::<u64>()];
    (times, facts).prop_map(|(at, fact)| Observation { at, fact })
}
