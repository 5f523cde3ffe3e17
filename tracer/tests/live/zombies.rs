//! `tracer zombies` as root: ages, and what parents do, by what the programs themselves know.

use std::{
    collections::HashMap,
    process::{Command, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};

use crate::story::{Partner, fixture, has, output, tracer, until};

/// What `tracer zombies` lists, by pid: zombies, and parents.
fn listed(watch: &str) -> [HashMap<u64, Value>; 2] {
    let told = output(tracer().args(["zombies", "--watch", watch, "--format", "json"]));
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let text = String::from_utf8(told.stdout).expect("UTF-8");
    let lines: Vec<Value> = text.lines().map(crate::common::check).collect();
    ["zombie_found", "zombie_parent"].map(|kind| {
        let of_kind = lines.iter().filter(|line| line["type"] == kind);
        of_kind.map(|line| (line["pid"].as_u64().expect("a pid"), line.clone())).collect()
    })
}

fn numbers(partner: &Partner, name: &str) -> Vec<u64> {
    partner.facts[name].split(',').map(|number| number.parse().expect("a number")).collect()
}

#[test]
fn the_age_of_a_zombie_is_that_since_its_death() {
    let partner = Partner::start(&["crowd", "aged"], 4);
    let [found, _] = listed("0s");
    let [zombies, ends, seen] = ["zombies", "ends", "seen"].map(|name| numbers(&partner, name));
    let mut errors = Vec::new();
    for ((zombie, end), seen) in zombies.iter().zip(ends).zip(seen) {
        let line = &found[zombie];
        has(line, &[("precision", json!("last_run"))]);
        let number = |name: &str| line[name].as_u64().expect("a number");
        let (least, most) = (number("zombie_at_least_ns"), number("zombie_at_most_ns"));
        let now = number("at_ns");
        assert!(least <= now - end, "{least} of {}: {line}", now - end);
        assert!(most >= now - seen, "{most} of {}: {line}", now - seen);
        errors.push(now - end - least);
    }
    // Some may have waited for a CPU, or that was taken away since.
    errors.sort_unstable();
    println!("short of the truth by, ns: {errors:?}");
    assert!(errors[errors.len() / 2] < 100_000_000, "the most a busy machine adds: {errors:?}");
    let headless = &found[&partner.facts["headless"].parse().expect("a pid")];
    has(headless, &[("precision", json!("start")), ("zombie_at_least_ns", Value::Null)]);
    partner.end();
}

#[test]
fn what_a_parent_does_is_seen_and_judged() {
    let kinds = ["leaks", "lazy", "waits_for_other"];
    let partners = kinds.map(|kind| Partner::start(&["crowd", kind], 1));
    // The lazy one has no zombies for a moment, now and then, and on a slow machine takes longer.
    let [found, parents] = until("all three have zombies, and the lazy one has reaped", || {
        let listed = listed("3s");
        let seen = |one: &Partner| listed[1].get(&u64::from(one.pid()));
        let reaps = seen(&partners[1])?["watched"]["reaped"].as_u64() > Some(0);
        (reaps && partners.iter().all(|one| seen(one).is_some())).then_some(listed)
    });
    let [leaks, lazy, other] =
        [0, 1, 2].map(|which| &parents[&u64::from(partners[which].pid())]["watched"]);
    has(leaks, &[("verdict", json!("leaks")), ("reaped", json!(0)), ("waits", json!(0))]);
    assert_eq!((leaks["made"].as_u64() > Some(0), &leaks["growth"]), (true, &leaks["made"]));
    has(lazy, &[("verdict", json!("lazy"))]);
    assert_eq!(lazy["waits"], lazy["waits_for_any"], "{lazy}");
    has(other, &[("reaped", json!(0)), ("made", json!(0))]);
    let cause = |which: usize| {
        let zombie = partners[which].facts["zombie"].parse::<u64>().expect("a pid");
        let line = found.get(&zombie)?;
        assert_eq!(line["why"].as_array()?.len(), line["evidence"].as_array()?.len(), "{line}");
        Some((line["why"][0].clone(), line["remedy"].as_str()?.to_owned()))
    };
    assert_eq!(cause(0).expect("it is never reaped").0, "parent_never_waits");
    let (why, remedy) = cause(2).expect("it is never reaped");
    assert_eq!(why, "parent_waits_for_others");
    let zombie = &partners[2].facts["zombie"];
    assert!(remedy.contains(&format!("wait for {zombie}, or for any child")), "{remedy}");
    for partner in partners {
        partner.kill();
    }
}

#[test]
fn a_parent_that_did_nothing_while_it_was_watched_is_not_judged() {
    let partners =
        ["never_waits", "waits_for_others"].map(|kind| Partner::start(&["stage", kind], 1));
    let [found, parents] = listed("2s");
    for (partner, has_reaped) in partners.into_iter().zip([false, true]) {
        let watched = &parents[&u64::from(partner.pid())]["watched"];
        has(watched, &[("made", json!(0)), ("reaped", json!(0)), ("verdict", Value::Null)]);
        let zombie = &found[&partner.facts["zombie"].parse().expect("a pid")];
        assert!(zombie["zombie_at_least_ns"].as_u64() >= Some(1_000_000_000), "{zombie}");
        assert_eq!(zombie["parent"]["has_reaped"], has_reaped, "{zombie}");
        let never = json!(["parent_never_waits"]);
        assert_eq!(zombie["why"] == never, !has_reaped, "{zombie}");
        partner.kill();
    }
}

#[test]
fn what_is_to_be_done_about_three_zombies_is_said_of_all_three() {
    let partner = Partner::start(&["crowd", "waits_beside_three"], 1);
    let told = output(tracer().args(["zombies", "--watch", "0s"])).stdout;
    let text = String::from_utf8(told).expect("UTF-8");
    let parent = format!("3 zombies of fixture ({})", partner.pid());
    let family = text.split("\n\n").find(|one| one.starts_with(&parent));
    let family = family.unwrap_or_else(|| panic!("{text}"));
    let must = "  remedy   its parent must wait for each of them, or for any child";
    assert_eq!(
        family.lines().filter(|line| line.starts_with("  remedy")).collect::<Vec<_>>(),
        [must]
    );
    partner.kill();
}

#[test]
fn two_thousand_zombies_of_a_parent_are_few_lines() {
    let partner = Partner::start(&["crowd", "thousands"], 1);
    // There are more processes than it may have files open.
    let few = "ulimit -n 256; exec \"$0\" zombies --watch 0s";
    let told = output(Command::new("sh").args(["-c", few]).arg(tracer().get_program()));
    let said = String::from_utf8_lossy(&told.stderr);
    assert!(told.status.success(), "{:?}: {said}", told.status);
    let text = String::from_utf8(told.stdout).expect("UTF-8");
    let families = text.split("\n\n");
    let parent = format!("2000 zombies of fixture ({})", partner.pid());
    let family: Vec<&str> = families.filter(|one| one.starts_with(&parent)).collect();
    let [family] = family[..] else { panic!("{text}") };
    assert!(family.lines().count() < 10, "{family}");
    assert!(family.lines().all(|line| line.chars().count() <= 80), "{family}");
    assert!(family.contains("and 1997 more"), "{family}");
    let [found, parents] = listed("0s");
    let its = found.values().filter(|line| line["ppid"] == partner.pid());
    assert_eq!(its.count(), 2000);
    has(&parents[&u64::from(partner.pid())], &[("zombies", json!(2000))]);
    partner.kill();
}

#[test]
fn a_zombie_is_called_what_its_parent_in_a_namespace_calls_it() {
    let mut unshare = Command::new("unshare");
    unshare
        .args(["--pid", "--fork", "--mount-proc", fixture(), "crowd", "waits_for_other"])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut unshare = unshare.spawn().expect("unshare");
    let (init, zombie) = until("its init has a zombie", || {
        let [found, _] = listed("0s");
        let its = |line: &Value| line["parent"]["is_init"] == true && line["comm"] == "fixture";
        // One that an init has adopted is none of its.
        let one = found.into_values().find(|line| its(line) && line["ppid"] != 1)?;
        (one["why"] == json!(["parent_waits_for_others"])).then(|| (one["ppid"].clone(), one))
    });
    let pid = init.as_i64().expect("a pid") as i32;
    kill(Pid::from_raw(pid), Signal::SIGKILL).expect("kill");
    unshare.wait().expect("its end");
    let remedy = zombie["remedy"].as_str().expect("a remedy");
    let words = format!("must wait for 2, which is {} here, or for any child; ", zombie["pid"]);
    assert!(remedy.contains(&words), "{zombie}");
    assert!(remedy.contains(&format!("kill -9 {init} ")), "{zombie}");
}
