//! `tracer zombies`: every zombie there is now, after a while of watching where that may be.

use anyhow::Result;

use super::print;
use crate::{
    Refusal, cli,
    clock::{boot_now, boot_to_unix},
    lifecycle::{Model, standing::join},
    settings,
    sink::{
        say,
        zombies::{self, Found},
    },
    source::table,
    watch::watch,
};

pub(super) fn run(args: &cli::Zombies) -> Result<u8> {
    let model = watched(args)?;
    let mut found = Found { zombies: table::zombies(), adopters: Vec::new(), now: boot_now() };
    if let Some(model) = model {
        join(&mut found.zombies, &model, found.now);
        let watched = model.watched(found.now);
        found.adopters = model.present_adopters().filter_map(watched).collect();
    }
    let text = if settings::is_json(args.format) {
        zombies::json(&found, boot_to_unix())
    } else {
        zombies::text(&found)
    };
    print(text.as_bytes())
}

/// What was seen, unless nothing was to be, or may be.
fn watched(args: &cli::Zombies) -> Result<Option<Model>> {
    let time = settings::watch(args)?;
    if time.is_zero() {
        return Ok(None);
    }
    match watch(time) {
        Err(error) => {
            let refusal = error.downcast::<Refusal>()?;
            say(&format!(
                "tracer: not watched, {}; with that, it is also told who waits for whom, and how \
                 many zombies are made and reaped\n",
                refusal.what().lines().next().unwrap_or_default()
            ));
            Ok(None)
        }
        Ok(model) => {
            let lost = model.lost();
            if lost > 0 {
                say(&format!(
                    "tracer: {lost} records were lost: more was made and reaped than is told\n"
                ));
            }
            Ok(Some(model))
        }
    }
}
