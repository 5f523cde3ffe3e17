//! The tracer over time: where nothing happens, and where much does for a minute.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, Result};

use super::{
    ends::{Running, resident},
    load::{self, Argument, Bench, Load},
    pause,
    result::{Idle, Sustained},
    tools,
};

const QUIET: Duration = Duration::from_secs(20);
const LONG: Duration = Duration::from_mins(1);
const SIXTHS: u32 = 6;

pub(super) fn idle(bench: &Bench, tracer: &Path) -> Result<Idle> {
    let tool = &tools::all(tracer, None)[0];
    let (running, mut load) = Running::start(tool, bench, &load::ALL[0])?;
    let before = running.usage()?;
    pause(QUIET);
    let used = running.usage()?.cpu_ns - before.cpu_ns;
    load.go()?;
    running.stop(load)?;
    Ok(Idle { seconds: QUIET.as_secs_f64(), cpu_share: used as f64 / QUIET.as_nanos() as f64 })
}

/// All events, from as many forkers as there are processors.
pub(super) fn sustained(bench: &Bench, tracer: &Path) -> Result<Sustained> {
    let workers = std::thread::available_parallelism()?.get() as u8;
    let storm = Load { name: "sustained", kind: "forks", workers, argument: Argument::None };
    let long = Bench {
        fixture: bench.fixture.clone(),
        folder: bench.folder.clone(),
        seconds: LONG.as_secs_f64(),
    };
    let tool = &tools::all(tracer, None)[1];
    let (mut running, mut load) = Running::start(tool, &long, &storm)?;
    let going = std::thread::spawn(move || load.go().map(|done| (load, done)));
    // The load warms up for a tenth of its time.
    let mut rss_bytes = Vec::new();
    for _ in 0..SIXTHS {
        pause(LONG / SIXTHS);
        rss_bytes.push(resident(running.pid(), "VmRSS:")?);
    }
    let (load, done) = going.join().ok().context("the load's thread died")??;
    running.read_until(done.lives)?;
    let ends = running.stop(load)?;
    Ok(Sustained {
        seconds: LONG.as_secs_f64(),
        lives_per_second: done.per_second,
        rss_bytes,
        lost: done.lives.saturating_sub(ends),
    })
}
