use tracer_common::{
    COMM_LEN, Death, Exec, Exit, Fork, ForkFailed, Free, Head, Kind, LeaderExit, Release, Wait,
};
use zerocopy::{Immutable, IntoBytes};

use super::*;

fn head(kind: Kind) -> Head {
    Head { time: 7, start: 5, tgid: 42, tid: 43, uid: 1000, kind: kind as u32 }
}

fn comm(name: &[u8]) -> [u8; COMM_LEN] {
    let mut comm = [0; COMM_LEN];
    comm[..name.len()].copy_from_slice(name);
    comm
}

fn exec_record(exe: &[u8], args: &[u8], total: u64) -> Vec<u8> {
    let record = Exec {
        head: head(Kind::Exec),
        comm: comm(b"new"),
        args_total: total,
        old_tid: 42,
        exe_len: exe.len() as u32,
        args_len: args.len() as u32,
        ..Exec::default()
    };
    [record.as_bytes(), exe, args].concat()
}

fn samples() -> Vec<(Kind, Vec<u8>)> {
    fn sample<T: IntoBytes + Immutable>(kind: Kind, record: &T) -> (Kind, Vec<u8>) {
        (kind, record.as_bytes().to_vec())
    }
    vec![
        sample(Kind::Fork, &Fork { head: head(Kind::Fork), parent: 1, ..Fork::default() }),
        (Kind::Exec, exec_record(b"/bin/true\0", b"true\0-x\0", 8)),
        sample(
            Kind::LeaderExit,
            &LeaderExit { head: head(Kind::LeaderExit), threads: 3, reserved: 0 },
        ),
        sample(Kind::Exit, &Exit { head: head(Kind::Exit), ..Exit::default() }),
        sample(Kind::Death, &Death { head: head(Kind::Death), ..Death::default() }),
        sample(Kind::Wait, &Wait { head: head(Kind::Wait), ..Wait::default() }),
        sample(Kind::Free, &Free { head: head(Kind::Free) }),
        sample(
            Kind::ForkFailed,
            &ForkFailed { head: head(Kind::ForkFailed), ..ForkFailed::default() },
        ),
        sample(Kind::Release, &Release { head: head(Kind::Release), ..Release::default() }),
    ]
}

#[test]
fn every_kind_has_a_sample_that_decodes() {
    let samples = samples();
    assert_eq!(samples.len(), Kind::ALL.len());
    for (kind, bytes) in samples {
        let observation = decode(&bytes, &mut Cgroups::none());
        assert_eq!(observation.map(|observation| observation.at), Ok(7), "{kind:?}");
    }
}

#[test]
fn every_truncation_and_every_excess_is_refused() {
    for (kind, bytes) in samples() {
        for len in 0..bytes.len() {
            assert_eq!(
                decode(&bytes[..len], &mut Cgroups::none()),
                Err(Malformed),
                "{kind:?} {len}"
            );
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert_eq!(decode(&longer, &mut Cgroups::none()), Err(Malformed), "{kind:?} and a byte");
    }
}

#[test]
fn an_unknown_kind_is_refused() {
    for kind in [0, 10, u32::MAX] {
        let bytes = Head { kind, ..head(Kind::Free) };
        assert_eq!(decode(bytes.as_bytes(), &mut Cgroups::none()), Err(Malformed));
    }
}

#[test]
fn an_exec_that_claims_more_text_than_it_has_is_refused() {
    let mut bytes = exec_record(b"/bin/true\0", b"true\0", 5);
    let exe_len = std::mem::offset_of!(Exec, exe_len);
    bytes[exe_len..exe_len + 4].copy_from_slice(&u32::MAX.to_ne_bytes());
    assert_eq!(decode(&bytes, &mut Cgroups::none()), Err(Malformed));
}

fn program(bytes: &[u8]) -> Program {
    match decode(bytes, &mut Cgroups::none()).expect("decodes").fact {
        Fact::Execed(exec) => exec.program,
        other => panic!("{other:?}"),
    }
}

#[test]
fn arguments_that_were_cut_or_not_readable_are_told_apart() {
    let all = program(&exec_record(b"/x\0", b"x\0", 2));
    assert_eq!((all.argv.as_deref(), all.truncated), (Some(&b"x\0"[..]), false));
    let cut = program(&exec_record(b"/x\0", b"xxx", 4000));
    assert_eq!((cut.argv.as_deref(), cut.truncated), (Some(&b"xxx"[..]), true));
    let unreadable = program(&exec_record(b"", b"", 4000));
    assert_eq!((unreadable.exe, unreadable.argv, unreadable.truncated), (None, None, true));
    let none = program(&exec_record(b"/x\0", b"", 0));
    assert_eq!((none.argv.as_deref(), none.truncated), (Some(&b""[..]), false));
}

fn outcome(wait: &Wait) -> Outcome {
    let bytes = Wait { head: head(Kind::Wait), ..*wait };
    match decode(bytes.as_bytes(), &mut Cgroups::none()).expect("decodes").fact {
        Fact::Waited(waited) => waited.outcome,
        other => panic!("{other:?}"),
    }
}

#[test]
fn wait4_reaps_only_the_dead() {
    let wait = Wait { ret: 9, pid: 9, id: -1, flags: WAIT_HAS_RESULT, ..Wait::default() };
    let child = |reaped| Outcome::Child { pid: 9, reaped };
    assert_eq!(outcome(&Wait { status: 0x0300, ..wait }), child(Some(true)));
    assert_eq!(outcome(&Wait { status: 0x137f, ..wait }), child(Some(false)), "stopped");
    assert_eq!(outcome(&Wait { status: 0xffff, ..wait }), child(Some(false)), "continued");
    assert_eq!(outcome(&Wait { status: 9, ..wait }), child(Some(true)), "killed");
    assert_eq!(outcome(&Wait { flags: 0, ..wait }), child(None), "no status asked for");
    assert_eq!(outcome(&Wait { flags: WAIT_OF_DEAD, ..wait }), child(Some(true)), "nothing else");
    assert_eq!(outcome(&Wait { ret: 0, ..wait }), Outcome::Nothing, "WNOHANG");
    assert_eq!(outcome(&Wait { ret: -10, ..wait }), Outcome::Nothing, "ECHILD");
}

#[test]
fn waitid_reaps_only_the_dead_and_not_when_it_peeks() {
    let flags = WAIT_ID | WAIT_HAS_RESULT;
    let wait = Wait { pid: 9, options: WEXITED, status: 1, flags, ..Wait::default() };
    let child = |reaped| Outcome::Child { pid: 9, reaped };
    assert_eq!(outcome(&wait), child(Some(true)));
    assert_eq!(outcome(&Wait { status: 5, ..wait }), child(Some(false)), "stopped");
    assert_eq!(outcome(&Wait { options: WEXITED | WNOWAIT, ..wait }), Outcome::Nothing);
    assert_eq!(outcome(&Wait { pid: 0, ..wait }), Outcome::Nothing, "WNOHANG");
    assert_eq!(outcome(&Wait { ret: -10, ..wait }), Outcome::Nothing, "ECHILD");
    let blind = Wait { flags: WAIT_ID, id_type: P_PID, id: 9, pid: 0, ..wait };
    assert_eq!(outcome(&blind), child(Some(true)), "the argument names the child");
    assert_eq!(outcome(&Wait { options: WEXITED | WNOHANG, ..blind }), child(None));
    assert_eq!(outcome(&Wait { id_type: 0, ..blind }), Outcome::Unnamed);
}

#[test]
fn cpu_time_is_split_as_the_tick_sampled_it() {
    assert_eq!(cpu_times(0, 0, 900), (900, 0));
    assert_eq!(cpu_times(0, 4, 900), (0, 900));
    assert_eq!(cpu_times(4, 4, 900), (450, 450));
    assert_eq!(cpu_times(u64::MAX, u64::MAX, 900), (450, 450));
}
