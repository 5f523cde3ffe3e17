//! What the output of a guest says of its run.

/// The guest's init has started; the kernel's release follows.
pub(super) const UP: &str = "guest UP ";
/// The tests have ended; their exit status follows.
pub(super) const EXIT: &str = "tests EXIT ";

/// How a guest ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It never came to its init: no test has begun, and it may be booted again.
    NeverUp,
    /// The tests have ended, with this status.
    Exit(i32),
    Panic,
    /// Nothing was heard for too long.
    Hang,
    /// The emulator ended before the tests.
    Lost,
}

pub(super) fn ending(console: &str, silent: bool) -> Ending {
    if release(console).is_none() {
        return Ending::NeverUp;
    }
    // A kernel message may stand before it on its line, but the number is the last word.
    let status = |line: &str| line.split_once(EXIT)?.1.trim().parse().ok();
    match console.lines().find_map(status) {
        Some(status) => Ending::Exit(status),
        None if console.contains("Kernel panic") => Ending::Panic,
        None if silent => Ending::Hang,
        None => Ending::Lost,
    }
}

/// The release the guest says it runs.
pub(super) fn release(console: &str) -> Option<&str> {
    console.lines().find_map(|line| line.split_once(UP)).map(|(_, release)| release.trim())
}

/// What libtest counts at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counts {
    pub passed: u32,
    pub failed: u32,
}

pub(super) fn counts(tests: &str) -> Option<Counts> {
    let (_, result) = tests.rsplit_once("test result: ")?;
    let count = |word| {
        let mut parts = result.split(['.', ';']).map(str::trim);
        parts.find_map(|part| part.strip_suffix(word)?.trim().parse().ok())
    };
    Some(Counts { passed: count("passed")?, failed: count("failed")? })
}

/// The tests that did not pass: they failed, or had not ended when the guest did. What a test prints stands
/// before its result, and that on a line of its own then.
pub(super) fn failures(tests: &str) -> Vec<String> {
    let mut bad: Vec<String> = Vec::new();
    let mut is_open = false;
    for line in tests.lines() {
        let begun = line.strip_prefix("test ").and_then(|line| line.split_once(" ... "));
        let result = begun.map_or(line, |(_, result)| result).trim();
        if let Some((name, _)) = begun {
            bad.push(name.to_owned());
            is_open = true;
        }
        if is_open && matches!(result, "ok" | "ignored") {
            bad.pop();
        }
        is_open &= !matches!(result, "ok" | "ignored" | "FAILED");
    }
    bad
}

/// Nothing but tests that ran and passed is a pass.
pub(super) fn passed(ending: Ending, counts: Option<Counts>) -> bool {
    let all = |counts: Counts| counts.failed == 0 && counts.passed > 0;
    ending == Ending::Exit(0) && counts.is_some_and(all)
}

#[cfg(test)]
mod tests {
    use super::{Counts, Ending, counts, ending, failures, passed, release};

    const UP: &str = "[    1.2] random: crng init\r\nguest UP 6.12.117+deb13-cloud-amd64\r\n";

    fn after(rest: &str) -> Ending {
        ending(&format!("{UP}{rest}"), false)
    }

    #[test]
    fn the_status_is_the_one_that_init_printed() {
        assert_eq!(after("tests EXIT 0\r\n[  9.1] reboot: Power down\r\n"), Ending::Exit(0));
        assert_eq!(after("[  9.1] odd: messagetests EXIT 101\r\n"), Ending::Exit(101));
        assert_eq!(release(UP), Some("6.12.117+deb13-cloud-amd64"));
    }

    #[test]
    fn without_a_status_it_is_no_pass() {
        assert_eq!(after("Kernel panic - not syncing: Attempted to kill init!\r\n"), Ending::Panic);
        assert_eq!(after("tests EXI"), Ending::Lost);
        assert_eq!(after("tests EXIT \r\n"), Ending::Lost);
        assert_eq!(ending(UP, true), Ending::Hang);
        let all = Some(Counts { passed: 40, failed: 0 });
        for ending in [Ending::NeverUp, Ending::Panic, Ending::Hang, Ending::Lost, Ending::Exit(1)]
        {
            assert!(!passed(ending, all), "{ending:?}");
        }
    }

    #[test]
    fn only_a_guest_that_was_never_up_may_be_booted_again() {
        assert_eq!(ending("", false), Ending::NeverUp);
        assert_eq!(ending("Kernel panic - not syncing: No working init", false), Ending::NeverUp);
        assert_eq!(after("Kernel panic"), Ending::Panic);
    }

    #[test]
    fn tests_are_counted_as_libtest_does() {
        let failed = "test a ... ok\r\ntest result: FAILED. 40 passed; 4 failed; 0 ignored; \
                      0 measured; 3 filtered out; finished in 216.54s\r\n";
        assert_eq!(counts(failed), Some(Counts { passed: 40, failed: 4 }));
        let ok = "test result: ok. 3 passed; 0 failed; 0 ignored";
        assert_eq!(counts(ok), Some(Counts { passed: 3, failed: 0 }));
        assert_eq!(counts("test a ... ok\n"), None);
    }

    #[test]
    fn failures_are_those_that_failed_or_never_ended() {
        let tests = "running 4 tests\r\ntest a::one ... ok\r\ntest a::two ... FAILED\r\n\
                     test b ... ok\r\ntest says ... it says so\r\nok\r\n\
                     test says::two ... so\r\nFAILED\r\nok\r\ntest c ... ";
        assert_eq!(failures(tests), ["a::two", "says::two", "c"]);
    }

    #[test]
    fn a_pass_needs_tests_that_ran() {
        let result = |passed, failed| Some(Counts { passed, failed });
        assert!(passed(Ending::Exit(0), result(40, 0)));
        assert!(!passed(Ending::Exit(0), result(40, 1)));
        assert!(!passed(Ending::Exit(0), result(0, 0)));
        assert!(!passed(Ending::Exit(0), None));
    }
}
