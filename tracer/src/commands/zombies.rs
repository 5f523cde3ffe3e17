//! `tracer zombies`: every zombie there is now.

use anyhow::Result;

use super::print;
use crate::{
    cli,
    clock::{boot_now, boot_to_unix},
    settings,
    sink::{Format, zombies},
    source::table,
};

pub(super) fn run(args: &cli::Zombies) -> Result<u8> {
    let found = table::zombies();
    let now = boot_now();
    let text = match settings::format(args.format) {
        Format::Text => zombies::text(&found, now),
        Format::Json => zombies::json(&found, now, boot_to_unix()),
    };
    print(&text)
}
