//! Users and builds that cannot trace: exit status 4, what is missing, and what can be done.

use std::{fs::Permissions, os::unix::fs::PermissionsExt as _, path::Path};

use super::program::{HAS_PROGRAMS, run, tracer, unprivileged};

#[test]
fn a_user_without_privileges_is_told_what_to_do() {
    for arguments in [&["trace"][..], &["run", "--", "echo", "it ran"]] {
        let done = run(&mut unprivileged(arguments));
        assert_eq!((done.status, done.stdout.as_str()), (Some(4), ""), "{arguments:?}");
        for part in
            ["needs root", "CAP_BPF", "remedy: ", "`tracer zombies`", "`tracer trace --from FILE`"]
        {
            assert!(done.stderr.contains(part), "{part:?} in {}", done.stderr);
        }
    }
}

#[test]
fn a_recording_that_cannot_begin_leaves_nothing_behind() {
    let folder = std::env::temp_dir().join(format!("tracer-{}-blank", std::process::id()));
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::set_permissions(&folder, Permissions::from_mode(0o777)).expect("it is ours");
    let [blank, full] = ["blank", "full"].map(|name| folder.join(name));
    std::fs::write(&full, "it was there").expect("a file");
    std::fs::set_permissions(&full, Permissions::from_mode(0o666)).expect("it is ours");
    for file in [&blank, &full] {
        let done = run(&mut unprivileged(&["record", "-o", file.to_str().expect("UTF-8")]));
        assert_eq!(done.status, Some(4), "{}", done.stderr);
    }
    assert!(!blank.exists());
    assert_eq!(std::fs::read_to_string(&full).expect("it is left"), "it was there");
    std::fs::remove_dir_all(folder).expect("it is there");
}

#[test]
fn wrong_usage_is_told_before_missing_privileges() {
    let done = run(&mut unprivileged(&["trace", "--duration", "soon"]));
    assert_eq!(done.status, Some(2), "{}", done.stderr);
}

#[test]
fn trace_runs_where_doctor_says_so_and_gives_its_reason_where_not() {
    for command in [tracer, unprivileged] {
        let doctor = run(&mut command(&["doctor", "--format", "json"]));
        let report = &doctor.lines()[0];
        let done = run(&mut command(&["trace", "--duration", "0s"]));
        assert_eq!(done.status, doctor.status, "{report}: {}", done.stderr);
        let checks = report["checks"].as_array().expect("checks");
        let told = checks.iter().filter(|check| check["available"] == false).any(|check| {
            let parts = [&check["why"], &check["remedy"]];
            parts.iter().all(|part| done.stderr.contains(part.as_str().expect("words")))
        });
        assert_eq!(told, report["works"] == false, "{report}: {}", done.stderr);
    }
}

#[test]
fn a_build_without_programs_says_so() {
    if !Path::new("/sys/kernel/btf/vmlinux").exists() {
        return; // What is said of the kernel comes first.
    }
    let doctor = run(&mut tracer(&["doctor"]));
    let says = doctor.stdout.contains("this build of tracer has no BPF programs in it");
    assert_eq!(says, !HAS_PROGRAMS, "{}", doctor.stdout);
}
