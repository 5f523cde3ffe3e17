//! Which kernels there are, and which of them to boot.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use super::version;

/// Debian's long-term kernels, and those at which what the tracer reads or hooks has changed. The
/// newest ones are added as they come.
const MILESTONES: [&str; 6] = ["5.10", "6.1", "6.12", "6.16", "6.18", "7.0"];
/// The release and the candidate.
const NEWEST: usize = 2;
/// It boots fastest, and has BTF and every hook.
const FLAVOUR: &str = "-cloud-amd64";
/// From 6.19 on the first is an empty shell around the second.
const PACKAGES: [&str; 2] = ["linux-image-", "linux-binary-"];

/// A package with a kernel in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Offer {
    /// `6.12` of 6.12.117.
    pub series: (u32, u32),
    pub package: String,
    pub version: String,
}

impl Offer {
    pub(super) fn name(&self) -> String {
        name(self.series)
    }
}

fn name((major, minor): (u32, u32)) -> String {
    format!("{major}.{minor}")
}

pub(super) fn series(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// Whether a package holds a kernel of our flavour; the names of metapackages have no number.
pub(super) fn is_kernel(package: &str) -> bool {
    let release = PACKAGES.iter().find_map(|prefix| package.strip_prefix(prefix));
    release.is_some_and(|release| {
        release.starts_with(|c: char| c.is_ascii_digit()) && release.ends_with(FLAVOUR)
    })
}

/// The newest kernel of each series, out of what `apt-cache madison` prints: lines of package,
/// version and origin.
pub(super) fn newest(madison: &str) -> BTreeMap<(u32, u32), Offer> {
    let mut offers = BTreeMap::<(u32, u32), Offer>::new();
    for line in madison.lines() {
        let mut words = line.split('|').map(str::trim);
        let (Some(package), Some(version)) = (words.next(), words.next()) else {
            continue;
        };
        let Some(series) = series(version).filter(|_| is_kernel(package)) else {
            continue;
        };
        let offer = Offer { series, package: package.to_owned(), version: version.to_owned() };
        let known = offers.entry(series).or_insert_with(|| offer.clone());
        let order = version::compare(&offer.version, &known.version);
        // Of an image and a binary of one version it is the binary that has the kernel.
        if order.then_with(|| kind(&offer.package).cmp(&kind(&known.package))).is_gt() {
            *known = offer;
        }
    }
    offers
}

fn kind(package: &str) -> Option<usize> {
    PACKAGES.iter().position(|prefix| package.starts_with(prefix))
}

/// The kernels that were asked for, or else those of the matrix that can be had; and the
/// milestones that cannot.
pub(super) fn choose(
    offers: &BTreeMap<(u32, u32), Offer>,
    asked: &[String],
) -> Result<(Vec<Offer>, Vec<&'static str>)> {
    let find = |text: &str| series(text).and_then(|series| offers.get(&series)).cloned();
    if asked.is_empty() {
        let newest = offers.values().rev().take(NEWEST).cloned();
        let mut chosen: Vec<Offer> = MILESTONES.iter().filter_map(|name| find(name)).collect();
        chosen.extend(newest);
        chosen.sort_by_key(|offer| offer.series);
        chosen.dedup();
        let absent = MILESTONES.into_iter().filter(|name| find(name).is_none()).collect();
        return Ok((chosen, absent));
    }
    let mut chosen = Vec::new();
    for text in asked {
        let Some(offer) = find(text) else {
            let known: Vec<String> = offers.keys().map(|series| name(*series)).collect();
            bail!("no kernel {text}; there are {}", known.join(", "));
        };
        if !chosen.contains(&offer) {
            chosen.push(offer);
        }
    }
    Ok((chosen, Vec::new()))
}

/// These and the newest there is. Where no suite has one of them any more, the one that is `kept` from when
/// there was; which those are.
pub(super) fn gate(
    offers: &BTreeMap<(u32, u32), Offer>,
    kept: &BTreeMap<(u32, u32), Offer>,
    names: &[&'static str],
) -> Result<(Vec<Offer>, Vec<&'static str>)> {
    let (mut chosen, mut from_kept) = (Vec::new(), Vec::new());
    for &name in names {
        let find =
            |all: &BTreeMap<_, Offer>| series(name).and_then(|series| all.get(&series).cloned());
        let offer = find(offers).or_else(|| {
            from_kept.push(name);
            find(kept)
        });
        let Some(offer) = offer else {
            bail!(
                "no suite has kernel {name} now, which the gate needs, and none was downloaded before"
            );
        };
        chosen.push(offer);
    }
    chosen.extend(offers.values().next_back().cloned());
    chosen.dedup();
    Ok((chosen, from_kept))
}

#[cfg(test)]
mod tests;
