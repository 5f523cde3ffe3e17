//! What a session needs and which hooks it has, and what it and doctor say where that is missing.

use std::{fs, process::Command};

use serde_json::{Value, json};

use crate::{
    common,
    story::{has, output, scratch, tracer},
};

/// Runs a shell with mounts of its own, in which the program is `$0`.
fn with_mounts(script: &str) -> std::process::Output {
    let mut command = Command::new("unshare");
    output(command.args(["--mount", "sh", "-c", script, env!("CARGO_BIN_EXE_tracer")]))
}

#[test]
fn without_btf_it_says_what_is_missing() {
    let garbage = scratch("btf");
    fs::write(&garbage, "no types at all, but as long as a header").expect("garbage");
    for (mount, why) in [
        ("mount -t tmpfs none /sys/kernel/btf", "CONFIG_DEBUG_INFO_BTF"),
        (
            &format!("mount -o bind {} /sys/kernel/btf/vmlinux", garbage.display()),
            "not BTF of this",
        ),
    ] {
        let told = with_mounts(&format!("{mount} && exec $0 trace"));
        let said = String::from_utf8_lossy(&told.stderr);
        assert_eq!(told.status.code(), Some(4), "{said}");
        assert!(said.contains(why) && said.contains("remedy: "), "{said}");
        let told = with_mounts(&format!("{mount} && exec $0 doctor --format json"));
        assert_eq!(told.status.code(), Some(4));
        let report = common::check(std::str::from_utf8(&told.stdout).expect("UTF-8").trim_end());
        let all = report["checks"].as_array().expect("checks").iter();
        let hooks: Vec<&Value> = all.filter(|check| check["tier"].is_string()).collect();
        assert_eq!(hooks.len(), 14, "each hook of both sets: {report}");
        for hook in hooks {
            has(hook, &[("available", json!(false)), ("why", json!("not tried: no kernel types"))]);
        }
    }
    fs::remove_file(garbage).expect("garbage");
}

/// What doctor says of something.
fn checked(told: &std::process::Output, name: &str) -> Value {
    let report = common::check(std::str::from_utf8(&told.stdout).expect("UTF-8").trim_end());
    let mut checks = report["checks"].as_array().expect("checks").iter();
    checks.find(|check| check["name"] == name).unwrap_or_else(|| panic!("no {name}")).clone()
}

#[test]
fn a_process_table_of_ones_own_processes_is_told() {
    let doctor = "setpriv --reuid=65534 --regid=65534 --clear-groups $0 doctor";
    let hidden = format!("mount -t proc -o hidepid=2 none /proc && {doctor}");
    let table = checked(&with_mounts(&format!("{hidden} --format json")), "process table");
    has(&table, &[("available", json!(false)), ("optional", json!(true))]);
    assert!(table["remedy"].as_str().expect("words").contains("hidepid"), "{table}");
    let text = with_mounts(&hidden).stdout;
    assert!(!String::from_utf8_lossy(&text).contains("`tracer zombies` works"));
}

#[test]
fn which_hooks_run_and_why_not_the_exact_ones_is_said_in_few_lines() {
    let file = scratch("why.trec");
    let mut trace = tracer();
    trace.args(["-v", "trace", "--format", "json", "--duration", "0s", "--record"]).arg(&file);
    let told = output(&mut trace);
    let first = |told: &std::process::Output| {
        let text = String::from_utf8(told.stdout.clone()).expect("UTF-8");
        common::check(text.lines().next().expect("a line"))
    };
    let session = first(&told);
    let said = String::from_utf8_lossy(&told.stderr);
    let ours: Vec<&str> =
        said.lines().filter_map(|line| line.strip_prefix("tracer: info: ")).collect();
    // A refusal has its remedy, and one by the verifier the end of its log.
    let most = if session["tier"] == "fentry" { 1 } else { 25 };
    assert!(said.lines().count() <= most, "{said}");
    let attached = format!("the {} hooks are attached", session["tier"].as_str().expect("a name"));
    assert_eq!(ours.last(), Some(&attached.as_str()), "{said}");
    if session["tier"] == "fentry" {
        assert!(session["tier_why"].is_null(), "{session}");
    } else {
        let why = session["tier_why"].as_str().expect("a reason");
        assert!(ours[0].starts_with(&format!("not the fentry hooks: {why}")), "{why}: {said}");
        assert!(why.starts_with("fentry/release_task: "), "{why}");
    }
    let replayed = output(tracer().args(["trace", "--format", "json", "--from"]).arg(&file));
    assert_eq!(first(&replayed), session);
    fs::remove_file(file).expect("the recording");
    for tier in ["fentry", "tracepoint"] {
        let asked = ["trace", "--format", "json", "--duration", "0s", "--hooks", tier];
        let told = output(tracer().args(asked));
        assert!(!told.status.success() || first(&told)["tier_why"].is_null());
    }
}

#[test]
fn tracefs_is_not_needed() {
    let bare = format!(
        "umount --all --types tracefs,debugfs; test ! -e /sys/kernel/tracing/events && exec {} run -- true",
        env!("CARGO_BIN_EXE_tracer")
    );
    let told = output(Command::new("unshare").args(["--mount", "sh", "-c", &bare]));
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
}

/// The ends of single system calls take tracefs, which takes CAP_SYS_ADMIN: without, and with all, the
/// tracepoint hooks tell the same.
#[test]
fn without_tracefs_every_system_call_is_looked_at_and_no_less_is_told() {
    let told = output(tracer().args(["doctor", "--format", "json"]));
    let cheap = checked(&told, "tp/syscalls/sys_exit_*");
    let file = scratch("events.json");
    let script = format!(
        "exec $0 -v run --hooks tracepoint --format json --output {} -- sh -c 'sh -c \"exit 3\"; true'",
        file.display()
    );
    let names = enough().0;
    let more = format!("{names},+sys_admin");
    for (names, is_refused) in [(names, true), (&more, cheap["available"] == false)] {
        let told = with_capabilities(names, &[], &script);
        let said = String::from_utf8_lossy(&told.stderr);
        if is_before_5_11() {
            assert_eq!(told.status.code(), Some(4), "{said}");
            assert!(said.contains("the tracepoint hooks need Linux 5.11"), "{said}");
            continue;
        }
        let words = "a program runs at the end of every system call: tp/syscalls/sys_exit_*";
        assert_eq!(said.contains(words), is_refused, "{names}: {said}");
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{error}: {said}"));
        fs::remove_file(&file).expect("events");
        let events: Vec<Value> = text.lines().map(common::check).collect();
        let is_it =
            |event: &&Value| event["type"] == "reap" && event["status"] == json!({"code": 3});
        let reap = events.iter().find(is_it).unwrap_or_else(|| panic!("no reap: {text}{said}"));
        has(reap, &[("via", json!("wait4")), ("precision", json!("exact"))]);
        // Where it looks at every system call, it sees forks that fail, too.
        let failures = if is_refused { json!(0) } else { Value::Null };
        has(events.last().expect("a summary"), &[("fork_failures", failures)]);
    }
}

#[test]
fn root_without_its_capabilities_is_refused_with_the_remedy() {
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set=-all", "--inh-caps=-all"]).arg(env!("CARGO_BIN_EXE_tracer"));
    let told = output(command.arg("trace"));
    assert_eq!(told.status.code(), Some(4));
    let said = String::from_utf8_lossy(&told.stderr);
    assert!(said.contains("CAP_BPF") && said.contains("remedy"), "{said}");
}

/// `tracer trace` with exactly these capabilities, as root or as another user.
fn with_capabilities(names: &str, user: &[&str], script: &str) -> std::process::Output {
    let mut command = Command::new("setpriv");
    for set in ["--bounding-set", "--inh-caps", "--ambient-caps"] {
        command.arg(format!("{set}=-all,{names}"));
    }
    output(command.args(user).args(["sh", "-c", script, env!("CARGO_BIN_EXE_tracer")]))
}

/// Of the kernels of the gate: the one without the tracepoint hooks, where maps and programs are
/// locked memory, of which a user has 64 KiB.
fn is_before_5_11() -> bool {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").expect("a release");
    release.starts_with("5.10.")
}

/// Another user.
const OTHER: [&str; 3] = ["--reuid=65534", "--regid=65534", "--clear-groups"];

/// The capabilities that are enough, by name and as a set.
fn enough() -> (&'static str, u64) {
    if is_before_5_11() {
        ("+bpf,+perfmon,+sys_resource", 1 << 39 | 1 << 38 | 1 << 24)
    } else {
        ("+bpf,+perfmon", 1 << 39 | 1 << 38)
    }
}

#[test]
fn two_capabilities_are_enough() {
    let (names, held) = enough();
    for user in [&[][..], &OTHER[..]] {
        let status = with_capabilities(names, user, "cat /proc/self/status").stdout;
        let status = String::from_utf8(status).expect("UTF-8");
        assert!(status.contains(&format!("CapEff:\t{held:016x}")), "{status}");
        let told = with_capabilities(names, user, "exec $0 trace --format json --duration 300ms");
        let errors = String::from_utf8_lossy(&told.stderr);
        assert!(told.status.success(), "{user:?}: {errors}");
        let text = String::from_utf8(told.stdout).expect("UTF-8");
        let events: Vec<Value> = text.lines().map(common::check).collect();
        assert!(events[0]["existing"].as_u64() >= Some(1), "{}", events[0]);
        assert_eq!(events.last().expect("a line")["type"], "summary");
    }
}

#[test]
fn what_two_capabilities_leave_unknown_is_told_with_the_third_and_fourth() {
    let doctor = "exec $0 doctor --format json";
    let (names, _) = enough();
    let more = format!("{names},+sys_ptrace,+dac_read_search");
    let told = output(tracer().args(["doctor", "--format", "json"]));
    let few = |user| with_capabilities(names, user, doctor);
    let has_more = with_capabilities(&more, &OTHER, doctor);
    for (name, why, capability, lost) in [
        ("namespaces", "Permission denied", "CAP_SYS_PTRACE", "`pidns`"),
        ("cgroup paths", "open_by_handle_at", "CAP_DAC_READ_SEARCH", "`cgroup`"),
    ] {
        for full in [&told, &has_more] {
            has(&checked(full, name), &[("available", json!(true)), ("optional", json!(true))]);
        }
        for user in [&[][..], &OTHER[..]] {
            let told = few(user);
            assert_eq!(told.status.code(), Some(0), "a session is possible");
            let check = checked(&told, name);
            has(&check, &[("available", json!(false)), ("optional", json!(true))]);
            for (field, words) in [("why", why), ("remedy", capability), ("without", lost)] {
                assert!(check[field].as_str().expect("words").contains(words), "{check}");
            }
        }
    }
}

#[test]
fn a_namespace_that_may_not_be_seen_is_unknown() {
    let script = "exec $0 trace --duration 0s --no-summary --format json";
    for user in [&[][..], &OTHER[..]] {
        let told = with_capabilities(enough().0, user, script).stdout;
        let told = String::from_utf8(told).expect("UTF-8");
        let init = told.lines().map(common::check).find(|event| event["pid"] == 1);
        has(&init.expect("init was there"), &[("type", json!("existing")), ("pidns", Value::Null)]);
    }
}

#[test]
fn one_capability_is_not_and_its_lack_is_told() {
    let names: &[&str] = if is_before_5_11() {
        &["+bpf", "+perfmon", "+bpf,+perfmon"]
    } else {
        &["+bpf", "+perfmon"]
    };
    for names in names {
        // The limit is root's own otherwise, which may be none.
        let told = with_capabilities(names, &[], "ulimit -l 64; exec $0 trace --duration 0s");
        let errors = String::from_utf8_lossy(&told.stderr);
        assert_eq!(told.status.code(), Some(4), "{names}: {errors}");
        let needed =
            if names.contains(',') { "CAP_SYS_RESOURCE" } else { "CAP_BPF and CAP_PERFMON" };
        assert!(errors.contains(needed), "{names}: {errors}");
    }
}

#[test]
fn each_set_of_hooks_runs_or_is_refused_as_doctor_says() {
    let told = output(tracer().args(["doctor", "--format", "json"])).stdout;
    let report: Value = serde_json::from_slice(&told).expect("JSON");
    for tier in ["fentry", "tracepoint"] {
        let hooks = report["checks"].as_array().expect("checks").iter();
        let refused = hooks.filter(|check| check["tier"] == tier && check["available"] == false);
        let refused: Vec<&str> = refused.filter_map(|check| check["why"].as_str()).collect();
        let told = output(tracer().args(["trace", "--hooks", tier, "--duration", "0s"]));
        let errors = String::from_utf8_lossy(&told.stderr);
        let status = if refused.is_empty() { 0 } else { 4 };
        assert_eq!(told.status.code(), Some(status), "{tier}: {refused:?}: {errors}");
        if let Some(why) = refused.first() {
            assert!(errors.contains(why), "{why} in {errors}");
        }
    }
}
