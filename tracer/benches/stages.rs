//! How long each stage takes for a batch of lives: `cargo bench -p tracer`. By [`road::EVENTS`] and
//! [`road::BATCH`] it is the time of an event.

mod road;

use divan::{Bencher, counter::ItemsCount};
use road::{BATCH, EVENTS, Hooks, Road, lives};
use tracer::{lifecycle::event::Event, observation::Observation};

const ALL: [Hooks; 2] = [Hooks::Fentry, Hooks::Tracepoint];

fn main() {
    divan::main();
}

/// Those of the batch of that number.
fn observations(hooks: Hooks, batch: u64) -> Vec<Observation> {
    let mut road = Road::new();
    let records = lives(hooks, batch * BATCH, BATCH);
    records.iter().filter_map(|record| road.decoder.decode(record)).collect()
}

fn events(hooks: Hooks) -> Vec<Event> {
    let mut road = Road::new();
    for observation in observations(hooks, 0) {
        road.observe(observation);
    }
    road.model.drain().collect()
}

#[divan::bench(args = ALL)]
fn decode(bencher: Bencher<'_, '_>, hooks: Hooks) {
    let records = lives(hooks, 0, BATCH);
    let mut road = Road::new();
    bencher.counter(ItemsCount::new(BATCH * EVENTS)).bench_local(|| {
        for record in &records {
            divan::black_box(road.decoder.decode(record));
        }
    });
}

#[divan::bench(args = ALL)]
fn order(bencher: Bencher<'_, '_>, hooks: Hooks) {
    let observations = observations(hooks, 0);
    bencher
        .counter(ItemsCount::new(BATCH * EVENTS))
        .with_inputs(|| (Road::new(), observations.clone()))
        .bench_local_values(|(mut road, observations)| {
            for one in observations {
                road.order.push(one);
            }
            while let Some(one) = road.order.pop(u64::MAX) {
                divan::black_box(one);
            }
            road
        });
}

#[divan::bench(args = ALL)]
fn model(bencher: Bencher<'_, '_>, hooks: Hooks) {
    // A session's model has grown, and holds those that were reaped a moment ago.
    let (mut road, mut batches) = (Road::new(), 0..);
    let mut next = || observations(hooks, batches.next().expect("there is no last"));
    let observe = |road: &mut Road, one| {
        road.observe(one);
        road.model.drain().for_each(drop);
    };
    for one in std::iter::repeat_with(&mut next).take(100).flatten() {
        observe(&mut road, one);
    }
    bencher.counter(ItemsCount::new(BATCH * EVENTS)).with_inputs(next).bench_local_values(
        |batch| {
            for one in batch {
                observe(&mut road, one);
            }
        },
    );
}

#[divan::bench(args = ALL)]
fn json(bencher: Bencher<'_, '_>, hooks: Hooks) {
    let events = events(hooks);
    let mut road = Road::new();
    bencher.counter(ItemsCount::new(BATCH * EVENTS)).bench_local(|| {
        road.lines.clear();
        road.write(&events);
    });
}
