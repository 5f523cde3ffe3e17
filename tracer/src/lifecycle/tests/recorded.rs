//! What a recording gives is what the session gave, whatever the order and the time it was told.

use proptest::{prelude::*, sample::Index};

use super::{
    filter::Asked,
    history::{History, Tier, actions},
    *,
};
use crate::{
    playback::Replay,
    recording::{Counts, Header, Writer},
};

fn header() -> Header {
    Header {
        tracer: String::new(),
        host: String::new(),
        kernel: String::new(),
        tier: "fentry".to_owned(),
        began: 0,
        boot_to_unix: 0,
        asked: Asked::default(),
        sees_fork_failures: false,
        of_command: true,
        tier_why: None,
    }
}

/// The events, and the summary.
fn replayed(file: &[u8]) -> (Vec<Event>, Summary) {
    let mut replay = Replay::open(file, &Asked::default()).expect("a recording");
    while replay.step().expect("it is whole") {}
    let summary = replay.end(false);
    let mut events: Vec<Event> = replay.drain().collect();
    assert!(matches!(events.remove(0).what, What::Session(_)));
    (events, summary)
}

proptest! {
    #[test]
    fn a_replay_gives_the_events_and_the_summary_of_the_session(
        tier in prop_oneof![Just(Tier::Tracepoint), Just(Tier::Fentry)],
        actions in actions(),
        late in prop::collection::vec((any::<Index>(), any::<Index>()), 0..5),
        ahead in prop::collection::vec(0..3 * SECOND, 1..30),
    ) {
        let mut records = History::play(tier, &actions).records;
        let count = records.len();
        for (one, other) in late.iter().filter(|_| count > 0) {
            records.swap(one.index(count), other.index(count));
        }
        let machine = Some(crate::source::INITIAL_PIDNS);
        let (mut model, mut writer) = (Model::new(Filter::default(), machine), Writer::new(&header()));
        let mut end = 0;
        for (record, ahead) in records.into_iter().zip(ahead.iter().cycle()) {
            let now = record.at + ahead;
            end = end.max(now);
            writer.observed(&record);
            model.observe(record);
            if model.is_due(now) {
                writer.due(now);
                model.advance(now);
            }
        }
        let counts = Counts { received: 7, late: 5, left_out: 3 };
        writer.ended(end, counts);
        model.advance(end);
        model.close(end);
        let (events, summary) = replayed(&writer.take());
        prop_assert_eq!(events, model.drain().collect::<Vec<_>>());
        prop_assert_eq!(summary, header().summary(&model, counts, end));
    }

    #[test]
    fn another_file_goes_on_with_those_who_are_there(
        tier in prop_oneof![Just(Tier::Tracepoint), Just(Tier::Fentry)],
        actions in actions(),
    ) {
        let history = History::play(tier, &actions);
        let mut model = Model::new(Filter::default(), None);
        let mut end = 0;
        for record in history.records {
            end = end.max(record.at);
            model.observe(record);
        }
        let mut next = Model::new(Filter::default(), None);
        for fact in model.snapshot() {
            next.observe(Observation { at: end, fact });
        }
        let there = |model: &Model| -> Vec<_> {
            let living = model.summary(end).living.into_iter();
            living.map(|one| (one.who.pid, one.who.ppid, one.who.comm, one.zombie)).collect()
        };
        prop_assert_eq!(there(&next), there(&model));
        // Later than any look says something: the same is said of zombies, at the same ages.
        let told = |model: &mut Model| -> Vec<_> {
            model.advance(end);
            model.drain().for_each(drop);
            model.advance(end + 2000 * SECOND);
            let told = model.drain().filter(|event| event.at > end + RECENT);
            told.filter(|event| matches!(event.what, What::Unreaped { .. })).collect()
        };
        prop_assert_eq!(told(&mut next), told(&mut model));
    }
}

#[test]
fn what_is_asked_of_a_recording_goes_before_what_was_asked_then() {
    let asked = |comm: &str, uid: &str| {
        let typed =
            [("--comm", comm), ("--uid", uid)].into_iter().filter(|(_, value)| !value.is_empty());
        Asked {
            comms: [comm].into_iter().filter(|comm| !comm.is_empty()).map(str::to_owned).collect(),
            uids: uid.parse().into_iter().collect(),
            typed: typed.map(|(option, value)| format!("{option} {value}")).collect(),
            ..Asked::default()
        }
    };
    assert_eq!(asked("", "").over(asked("sh", "7")), asked("sh", "7"));
    let mixed = asked("perl", "").over(asked("sh", "7"));
    assert_eq!((mixed.comms, mixed.uids), (vec!["perl".to_owned()], vec![7]));
    assert_eq!(mixed.typed, ["--uid 7", "--comm perl"]);
}
