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
    let permille = with * 1000 / without;
    figures::system_calls(permille);
    let most = if figures::are_kept() { 1005 } else { 1100 };
    // The tracepoint hooks send every system call through the slow path: told in the README.
    assert!(!fentry || permille <= most, "{permille} per mille of the time without");
}
