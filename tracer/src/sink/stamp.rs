//! Times and durations as text.

use std::fmt::{self, Display, Formatter};

use jiff::{Timestamp, tz::TimeZone};

const SECOND: u64 = 1_000_000_000;

/// Turns times of the boot clock into times of day. The calendar is asked once a second.
#[derive(Clone, Debug)]
pub struct Stamp {
    boot_to_unix: i64,
    zone: TimeZone,
    /// When the second began that the texts are of, on the boot clock.
    began: u64,
    utc: String,
    local: String,
    /// The last one that was asked for: there is one for every event.
    whole: String,
}

impl Stamp {
    /// For the local time zone.
    pub fn new(boot_to_unix: i64) -> Self {
        let zone = TimeZone::system();
        Self {
            boot_to_unix,
            zone,
            began: 0,
            utc: String::new(),
            local: String::new(),
            whole: String::new(),
        }
    }

    fn turn_to(&mut self, at: u64) -> u32 {
        // The second may have begun before the clock did.
        let since = at.wrapping_sub(self.began);
        if since < SECOND && !self.utc.is_empty() {
            return since as u32;
        }
        let unix = i128::from(at) + i128::from(self.boot_to_unix);
        let second = unix.div_euclid(SECOND.into()) as i64;
        let since = unix.rem_euclid(SECOND.into()) as u64;
        self.began = at.wrapping_sub(since);
        let time = Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH);
        self.utc = time.strftime("%Y-%m-%dT%H:%M:%S").to_string();
        self.local = time.to_zoned(self.zone.clone()).strftime("%H:%M:%S").to_string();
        since as u32
    }

    /// RFC 3339, UTC, nanoseconds.
    pub fn rfc3339(&mut self, at: u64) -> &str {
        let mut fraction = self.turn_to(at);
        let mut digits = *b".000000000Z";
        for digit in digits[1..=9].iter_mut().rev() {
            *digit += (fraction % 10) as u8;
            fraction /= 10;
        }
        self.whole.clear();
        self.whole.push_str(&self.utc);
        self.whole.push_str(str::from_utf8(&digits).expect("digits"));
        &self.whole
    }

    /// Local time of day to the microsecond.
    pub fn time_of_day(&mut self, at: u64) -> impl Display {
        let fraction = self.turn_to(at) / 1000;
        fmt::from_fn(move |to| write!(to, "{}.{fraction:06}", self.local))
    }
}

/// A duration as a person reads it: three significant digits and a unit.
pub fn duration(ns: u64) -> impl Display {
    fmt::from_fn(move |to| match to.width() {
        Some(_) => to.pad(&fmt::from_fn(|to| span(ns, to)).to_string()),
        None => span(ns, to),
    })
}

fn span(ns: u64, to: &mut Formatter<'_>) -> fmt::Result {
    let value = ns as f64;
    let (scaled, unit) = match ns {
        0..1_000 => return write!(to, "{ns}ns"),
        1_000..1_000_000 => (value / 1e3, "µs"),
        1_000_000..1_000_000_000 => (value / 1e6, "ms"),
        1_000_000_000..60_000_000_000 => (value / 1e9, "s"),
        60_000_000_000..3_600_000_000_000 => {
            let seconds = ns / 1_000_000_000;
            return write!(to, "{}m{:02}s", seconds / 60, seconds % 60);
        }
        _ => {
            let minutes = ns / 60_000_000_000;
            return write!(to, "{}h{:02}m", minutes / 60, minutes % 60);
        }
    };
    // By what it rounds to: 9.996 is shown as 10.0.
    let digits = if scaled < 9.995 { 2 } else { usize::from(scaled < 99.95) };
    write!(to, "{scaled:.digits$}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_three_digits() {
        for (ns, text) in [
            (0, "0ns"),
            (999, "999ns"),
            (1_000, "1.00µs"),
            (812_345, "812µs"),
            (47_100_000, "47.1ms"),
            (10_000_300_000, "10.0s"),
            (9_999_900_000, "10.0s"),
            (61_000_000_000, "1m01s"),
            (7_260_000_000_000, "2h01m"),
        ] {
            assert_eq!(duration(ns).to_string(), text);
            assert_eq!(format!("{:>8}", duration(ns)), format!("{text:>8}"));
        }
    }

    #[test]
    fn a_time_is_the_boot_clock_moved_to_the_epoch() {
        let mut stamp = Stamp::new(1_700_000_000_000_000_000);
        assert_eq!(stamp.rfc3339(5), "2023-11-14T22:13:20.000000005Z");
        assert_eq!(stamp.rfc3339(1_999_999_999), "2023-11-14T22:13:21.999999999Z");
        assert_eq!(stamp.rfc3339(999), "2023-11-14T22:13:20.000000999Z");
    }
}
