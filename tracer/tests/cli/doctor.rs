//! `tracer doctor`

use serde_json::{Value, json};

use super::program::{run, tracer, unprivileged};

#[test]
fn text_json_and_exit_status_agree() {
    for command in [tracer, unprivileged] {
        let text = run(&mut command(&["doctor"]));
        let json = run(&mut command(&["doctor", "--format", "json"]));
        assert_eq!((text.stderr.as_str(), json.stderr.as_str()), ("", ""));
        let lines = json.lines();
        let [report] = lines.as_slice() else { panic!("one line: {}", json.stdout) };
        let works = report["works"].as_bool().expect("a verdict");
        let status = if works { 0 } else { 4 };
        assert_eq!((text.status, json.status), (Some(status), Some(status)));
        let checks = report["checks"].as_array().expect("checks");
        let all = |tier: &Value| {
            let needed = checks.iter().filter(|check| check["optional"] == false);
            let mut hooks = needed.filter(|check| check["tier"] == *tier).peekable();
            hooks.peek().is_some() && hooks.all(|check| check["available"] == true)
        };
        let best = ["fentry", "tracepoint"].into_iter().find(|tier| all(&json!(tier)));
        let best = best.filter(|_| all(&Value::Null));
        assert_eq!((works, &report["tier"]), (best.is_some(), &json!(best)));
        for check in checks {
            let verdict = if check["available"] == true { "ok" } else { "NO" };
            let row = format!("{verdict:<3} {} ", check["name"].as_str().expect("a name"));
            assert!(text.stdout.contains(&row), "{row:?} in {}", text.stdout);
            let remedy = check["remedy"].as_str().unwrap_or_default();
            assert!(text.stdout.contains(remedy), "{remedy:?} in {}", text.stdout);
        }
    }
}

#[test]
fn a_user_without_privileges_is_refused_them_and_left_the_process_table() {
    let json = run(&mut unprivileged(&["doctor", "--format", "json"]));
    let report = &json.lines()[0];
    let first = &report["checks"][0];
    assert_eq!((&first["name"], &first["available"]), (&json!("privileges"), &json!(false)));
    let all = report["checks"].as_array().expect("checks");
    let untried: Vec<&Value> =
        all.iter().filter(|check| check["why"] == "not tried: no privileges").collect();
    assert_eq!(
        untried.len(),
        17,
        "the hooks of both sets, those for failed forks and single system calls, and memory"
    );
    assert!(untried.iter().all(|check| check["remedy"] == first["remedy"]), "{report}");
    let table = all.iter().find(|check| check["name"] == "process table").expect("a check");
    assert_eq!((&table["available"], &table["optional"]), (&json!(true), &json!(true)));
    let text = run(&mut unprivileged(&["doctor"])).stdout;
    assert!(text.ends_with("`tracer zombies` works\n"), "{text}");
}
