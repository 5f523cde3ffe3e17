//! What the hooks cost programs that they have nothing to say about.

use crate::{
    figures,
    story::{Watch, measured},
};

/// Pairs without and with the tracer; the best of each side counts, which noise can only worsen.
const PAIRS: usize = 5;

#[test]
fn other_system_calls_are_free_with_the_fentry_hooks() {
    let (mut fentry, mut without, mut with) = (false, u64::MAX, u64::MAX);
    for _ in 0..PAIRS {
        without = without.min(measured("system_calls"));
        let watch = Watch::start(&[]);
        with = with.min(measured("system_calls"));
        fentry = watch.stop().tier() == "fentry";
    }
    let percent = with * 100 / without;
    figures::system_calls(percent);
    // The tracepoint hooks send every system call through the slow path: told in the README.
    assert!(!fentry || percent <= 110, "{percent} % of the time without");
}
