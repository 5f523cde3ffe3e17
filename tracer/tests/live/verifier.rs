//! What the verifier must go through for each program, and how large it is, held against what is
//! recorded in `docs/kernels.json` (`cargo xtask vm --record`).

use serde_json::Value;

use crate::story::{output, tracer};

/// The recorded figures of a program under the running kernel, or the largest under any where this
/// one is not recorded.
fn recorded(kernels: &Value, release: &str, tier: &str, hook: &str, figure: &str) -> Option<u64> {
    let mut parts = release.split(['.', '-']);
    let series =
        format!("{}.{}", parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let of = |kernel: &Value| kernel["programs"][tier][hook][figure].as_u64();
    if kernels[&series].is_object() {
        return of(&kernels[&series]);
    }
    kernels.as_object().expect("kernels").values().filter_map(of).max()
}

#[test]
fn no_program_grows_by_more_than_a_tenth() {
    let kernels: Value =
        serde_json::from_str(include_str!("../../../docs/kernels.json")).expect("JSON");
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").expect("a release");
    let told = output(tracer().args(["doctor", "--format", "json"])).stdout;
    let report: Value = serde_json::from_slice(&told).expect("JSON");
    let mut compared = 0;
    for check in report["checks"].as_array().expect("checks") {
        // One that runs only when it is asked for is of no set of hooks.
        let tier = check["tier"].as_str().unwrap_or("on demand");
        let hook = check["name"].as_str().expect("a name");
        let why = check["why"].as_str().unwrap_or_default();
        assert!(!why.contains("verifier"), "{hook}: {why}");
        for figure in ["verified_instructions", "program_bytes"] {
            let Some(now) = check[figure].as_u64() else { continue };
            let before = recorded(&kernels, &release, tier, hook, figure);
            let before = before.unwrap_or_else(|| {
                panic!("no {figure} of {hook} is recorded: `cargo xtask vm --record verifier`")
            });
            assert!(
                now * 10 <= before * 11,
                "{hook} ({tier}) had {before} {figure} and has {now}; if it must grow, \
                 `cargo xtask vm --record verifier` records it"
            );
            compared += 1;
        }
    }
    assert!(compared >= 6, "{compared} figures were compared: {report}");
}
