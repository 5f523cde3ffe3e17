//! A full screen: of what, and which processes.

use std::{io::IsTerminal as _, path::PathBuf};

use super::{Checked, Hooks, colors, filter, hooks, ring_size, wrong};
use crate::{cli, lifecycle::filter::Asked};

/// `tracer top`
pub struct Top {
    /// The recording, and how fast it is told; none: what happens now.
    pub from: Option<(PathBuf, f64)>,
    /// The trees to trace; none means every process.
    pub roots: Option<Vec<u32>>,
    /// Which processes.
    pub asked: Asked,
    /// Parents of younger zombies only are not shown, ns.
    pub min_zombie: Option<u64>,
    /// Size of the ring buffer.
    pub ring_size: u32,
    /// Which hooks.
    pub hooks: Hooks,
    /// The mouse chooses, instead of selecting text.
    pub mouse: bool,
    /// With colours.
    pub color: bool,
}

/// `tracer top`
pub fn top(args: &cli::Top) -> Checked<Top> {
    if !args.filter.types.is_empty() {
        return wrong("--type chooses among events, and top shows what they come to");
    }
    if !args.speed.is_finite() || args.speed < 0.0 {
        return wrong(format!("--speed {}: takes a number, such as 1, 0.5 or 100", args.speed));
    }
    let asked = filter::asked(&args.filter, args.from.is_some())?;
    let ring_size = ring_size(args.ring_size)?;
    if !std::io::stdout().is_terminal() {
        return wrong("top draws on a terminal, and standard output is none: see `tracer trace`");
    }
    Ok(Top {
        from: args.from.clone().map(|file| (file, args.speed)),
        roots: (!args.filter.pid.is_empty()).then(|| args.filter.pid.clone()),
        min_zombie: asked.min_zombie,
        // What is chosen among events is chosen among rows here.
        asked: Asked { min_zombie: None, ..asked },
        ring_size,
        hooks: hooks(args.hooks),
        mouse: args.mouse,
        color: colors(),
    })
}
