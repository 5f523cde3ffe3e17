//! The order of Debian's version numbers, deb-version(7).

use std::cmp::Ordering;

pub(super) fn compare(left: &str, right: &str) -> Ordering {
    let (left, right) = (split(left), split(right));
    part(left.0, right.0).then_with(|| part(left.1, right.1))
}

/// The upstream version and Debian's revision of it. Kernels have no epoch.
fn split(version: &str) -> (&str, &str) {
    version.rsplit_once('-').unwrap_or((version, ""))
}

/// Text and numbers take turns, text first.
fn part(mut left: &str, mut right: &str) -> Ordering {
    while !left.is_empty() || !right.is_empty() {
        let (left_text, right_text) = (text(&mut left), text(&mut right));
        let order = by_weight(left_text, right_text)
            .then_with(|| number(&mut left).cmp(&number(&mut right)));
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

/// `~` sorts before the end, so that a release candidate comes before its release.
fn by_weight(left: &str, right: &str) -> Ordering {
    let weight = |c: char| match c {
        '~' => 0,
        c if c.is_ascii_alphabetic() => c as u32 + 1,
        c => c as u32 + 0x100,
    };
    let weights = |text: &str| text.chars().map(weight).chain([1]).collect::<Vec<_>>();
    weights(left).cmp(&weights(right))
}

fn text<'a>(rest: &mut &'a str) -> &'a str {
    take(rest, |c| !c.is_ascii_digit())
}

fn number(rest: &mut &str) -> u64 {
    take(rest, |c| c.is_ascii_digit()).parse().unwrap_or(0)
}

fn take<'a>(rest: &mut &'a str, wanted: impl Fn(char) -> bool) -> &'a str {
    let end = rest.find(|c| !wanted(c)).unwrap_or(rest.len());
    let (taken, left) = rest.split_at(end);
    *rest = left;
    taken
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering::{Equal, Greater, Less};

    use super::compare;

    #[test]
    fn numbers_are_compared_as_numbers() {
        assert_eq!(compare("6.12.9-1", "6.12.117-1"), Less);
        assert_eq!(compare("6.12.117-1", "6.12.117-1"), Equal);
        assert_eq!(compare("6.12.115-2", "6.12.115-1"), Greater);
    }

    #[test]
    fn a_tilde_is_before_everything() {
        assert_eq!(compare("7.3~rc7-1~exp1", "7.3~rc10-1~exp1"), Less);
        assert_eq!(compare("7.3~rc7-1~exp1", "7.3-1"), Less);
        assert_eq!(compare("7.2.12-1", "7.2.12-1~bpo13+1"), Greater);
    }

    #[test]
    fn what_goes_on_is_later() {
        assert_eq!(compare("7.3-1", "7.3.1-1"), Less);
        assert_eq!(compare("6.1.90-1+b1", "6.1.90-1"), Greater);
    }
}
