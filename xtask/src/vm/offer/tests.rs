use super::{choose, gate, is_kernel, newest, series};

const MADISON: &str = "\
linux-image-5.10.0-46-cloud-amd64 | 5.10.262-1 | http://host/security bullseye-security/main amd64 Packages
linux-image-6.12.95+deb13-cloud-amd64 | 6.12.95-1 | http://host/debian trixie/main amd64 Packages
linux-image-6.12.117+deb13-cloud-amd64 | 6.12.117-1 | http://host/security trixie-security/main amd64 Packages
linux-image-7.0.9+deb13-cloud-amd64 | 7.0.9-1~bpo13+1 | http://host/debian trixie-backports/main amd64 Packages
linux-binary-7.2.13+deb14-cloud-amd64 |   7.2.13-1 | http://host/debian sid/main amd64 Packages
linux-image-7.2.13+deb14-cloud-amd64 |   7.2.13-1 | http://host/debian sid/main amd64 Packages
linux-image-7.3-cloud-amd64 | 7.3~rc7-1~exp1 | http://host/debian experimental/main amd64 Packages
linux-binary-7.3-cloud-amd64 | 7.3~rc7-1~exp1 | http://host/debian experimental/main amd64 Packages
linux-doc | 9.9.9-1 | http://host/debian sid/main amd64 Packages
";

fn chosen(asked: &[&str]) -> Vec<String> {
    let asked: Vec<String> = asked.iter().map(ToString::to_string).collect();
    let (offers, _) = choose(&newest(MADISON), &asked).unwrap();
    offers.into_iter().map(|offer| format!("{} {}", offer.name(), offer.package)).collect()
}

#[test]
fn packages_with_a_kernel_are_told_from_those_about_kernels() {
    assert!(is_kernel("linux-image-6.1.0-56-cloud-amd64"));
    assert!(is_kernel("linux-binary-7.3-cloud-amd64"));
    for other in [
        "linux-image-cloud-amd64",
        "linux-image-6.1.0-56-amd64",
        "linux-image-6.1.0-56-cloud-amd64-dbg",
        "linux-image-6.1.0-56-cloud-amd64-unsigned",
        "linux-binary-unsigned-7.3-cloud-amd64",
        "linux-headers-6.1.0-56-cloud-amd64",
    ] {
        assert!(!is_kernel(other), "{other}");
    }
}

#[test]
fn the_newest_of_a_series_is_taken_and_the_package_that_holds_it() {
    assert_eq!(
        chosen(&["6.12", "7.2"]),
        [
            "6.12 linux-image-6.12.117+deb13-cloud-amd64",
            "7.2 linux-binary-7.2.13+deb14-cloud-amd64"
        ]
    );
    // In whichever order the two are listed.
    assert_eq!(chosen(&["7.3"]), ["7.3 linux-binary-7.3-cloud-amd64"]);
}

#[test]
fn without_a_wish_it_is_milestones_and_the_two_newest() {
    let (offers, absent) = choose(&newest(MADISON), &[]).unwrap();
    let names: Vec<String> = offers.iter().map(super::Offer::name).collect();
    assert_eq!(names, ["5.10", "6.12", "7.0", "7.2", "7.3"]);
    assert_eq!(absent, ["6.1", "6.16", "6.18"]);
}

#[test]
fn a_milestone_that_is_among_the_newest_is_booted_once() {
    let newest = newest(MADISON.lines().take(4).collect::<Vec<_>>().join("\n").as_str());
    let (offers, _) = choose(&newest, &[]).unwrap();
    assert_eq!(offers.len(), 3);
}

#[test]
fn what_was_asked_for_twice_is_booted_once() {
    assert_eq!(chosen(&["7.0", "7.0.9", "7.0-rc1"]).len(), 1);
}

#[test]
fn what_cannot_be_had_is_said_with_what_can() {
    let error = choose(&newest(MADISON), &["4.19".into()]).unwrap_err().to_string();
    assert_eq!(error, "no kernel 4.19; there are 5.10, 6.12, 7.0, 7.2, 7.3");
}

#[test]
fn the_gate_boots_its_own_and_the_newest_or_says_which_is_missing() {
    let offers = newest(MADISON);
    let kept = newest("linux-image-6.1.0-9-cloud-amd64 | 6.1.9-1 | kept");
    let chosen = |kept, names: &[&'static str]| {
        let (chosen, from_kept) = gate(&offers, kept, names)?;
        anyhow::Ok((chosen.iter().map(super::Offer::name).collect::<Vec<_>>().join(" "), from_kept))
    };
    let none = std::collections::BTreeMap::new();
    assert_eq!(chosen(&none, &["5.10", "6.12"]).unwrap(), ("5.10 6.12 7.3".into(), vec![]));
    assert_eq!(chosen(&none, &["7.3"]).unwrap(), ("7.3".into(), vec![]));
    assert_eq!(chosen(&kept, &["5.10", "6.1"]).unwrap(), ("5.10 6.1 7.3".into(), vec!["6.1"]));
    let error = chosen(&none, &["5.10", "6.1"]).unwrap_err().to_string();
    assert!(error.starts_with("no suite has kernel 6.1 now"), "{error}");
}

#[test]
fn a_series_is_the_first_two_numbers() {
    assert_eq!(series("7.3~rc7-1~exp1"), Some((7, 3)));
    assert_eq!(series("6.12"), Some((6, 12)));
    assert_eq!(series("6"), None);
    assert_eq!(series("sid"), None);
}
