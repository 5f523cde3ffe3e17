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

fn observations(hooks: Hooks) -> Vec<Observation> {
    let mut road = Road::new();
    lives(hooks, 0, BATCH).iter().filter_map(|record| road.decoder.decode(record)).collect()
}

fn events(hooks: Hooks) -> Vec<Event> {
    let mut road = Road::new();
    for observation in observations(hooks) {
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
    let observations = observations(hooks);
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
    let observations = observations(hooks);
    bencher
        .counter(ItemsCount::new(BATCH * EVENTS))
        .with_inputs(|| (Road::new(), observations.clone()))
        .bench_local_values(|(mut road, observations)| {
            for one in observations {
                road.observe(one);
            }
            road
        });
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
