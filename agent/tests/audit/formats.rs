//! What each output looks like, as recorded; and the exit codes.

use tempfile::tempdir;

use crate::bed::{audit, audit_in, upstream, write};

/// Several severities, a comment that has expired, a related place, a long line.
const SEVERAL: [&str; 3] = ["NGX-002/bad.conf", "EVK-001/bad.conf", "NGX-008/bad.conf"];

fn several(options: &[&str]) -> String {
    let arguments: Vec<&str> = options.iter().chain(&SEVERAL).copied().collect();
    audit(&arguments).text(3)
}

#[test]
fn text_is_like_that_of_a_compiler() {
    let text = several(&[]);
    assert!(!text.contains('\x1b'), "colours are for terminals");
    assert!(
        text.lines().all(|line| line.chars().count() <= 100),
        "{text}"
    );
    insta::assert_snapshot!("text", text);
}

/// On a terminal, whose output `script` gives.
#[test]
fn colours_are_for_terminals_that_want_them() {
    let on_terminal = |environment: &str| {
        let program = env!("CARGO_BIN_EXE_evenkeel");
        let line = format!("env {environment} TERM=xterm {program} audit NGX-001/bad.conf");
        let mut command = std::process::Command::new("timeout");
        command.args(["30", "script", "-qec", &line, "/dev/null"]);
        let output = command
            .current_dir(crate::bed::fixtures())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(3));
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(on_terminal("-u NO_COLOR").contains("\x1b[1;33mwarning[NGX-001]\x1b[0m"));
    assert!(!on_terminal("NO_COLOR=1").contains('\x1b'));
}

#[test]
fn what_is_allowed_is_told_in_one_line() {
    let text = audit(&["NGX-001/good.conf"]).text(0);
    insta::assert_snapshot!("allowed", text);
}

#[test]
fn json_is_as_documented() {
    insta::assert_snapshot!("json", several(&["--output", "json"]));
}

#[test]
fn junit_has_a_suite_per_file_and_a_case_per_rule() {
    let text = audit(&["--output", "junit", "NGX-001/bad.conf", "NGX-001/good.conf"]).text(3);
    // Recorded without the cases that pass and their number, which grow with the rules.
    let passes = |line: &str| line.contains("<testcase") && line.ends_with("/>");
    let (cases, rest): (Vec<_>, Vec<_>) = text.lines().partition(|line| passes(line));
    let all = text.matches("<testcase ").count();
    assert!(cases.len() == all - 2 && all > 40, "{all}");
    let shown = rest.join("\n");
    let shown = shown.replace(&format!("tests=\"{all}\""), "tests=\"ALL\"");
    let shown = shown.replace(&format!("tests=\"{}\"", all / 2), "tests=\"RULES\"");
    insta::assert_snapshot!("junit", shown);
    // Each element is closed, and the numbers are those of what is there.
    let count = |what: &str| text.matches(what).count();
    assert_eq!(count("<testsuite "), count("</testsuite>"));
    assert_eq!(
        count("<testcase "),
        count("</testcase>") + count("\"/>\n    <testcase") + count("\"/>\n  </testsuite>")
    );
    let head = format!(
        "<testsuites name=\"evenkeel audit\" tests=\"{}\" failures=\"{}\" errors=\"0\">",
        count("<testcase "),
        count("<failure ")
    );
    assert!(text.contains(&head), "{head}");
    assert_eq!((count("<failure "), count("<skipped ")), (1, 1));
}

#[test]
fn junit_escapes_and_tells_what_cannot_be_read() {
    let folder = tempdir().unwrap();
    let text = "http { upstream \"a<b&\" { server 192.0.2.1; server 192.0.2.1; } }";
    write(
        folder.path(),
        &[
            ("a&b.conf", text.as_bytes()),
            ("bad.conf", b"http { \"\x01>"),
        ],
    );
    let answer = audit_in(
        folder.path(),
        &["--output", "junit", "a&b.conf", "bad.conf"],
    );
    assert_eq!(answer.code, 2);
    let out = &answer.out;
    assert!(out.contains("name=\"a&amp;b.conf\""), "{out}");
    assert!(
        out.contains("errors=\"1\"") && out.contains("<error message="),
        "{out}"
    );
    assert!(!out.contains("a<b") && !out.contains('\x01'), "{out}");
}

#[test]
fn pools_are_shown_with_their_shares() {
    let files = ["NGX-001/bad.conf", "NGX-003/bad.conf", "NGX-005/bad.conf"];
    let arguments: Vec<&str> = ["--pools"].iter().chain(&files).copied().collect();
    insta::assert_snapshot!("pools", audit(&arguments).text(0));
    let json = audit(&["--pools", "--output", "json", "NGX-001/bad.conf"]).text(0);
    insta::assert_snapshot!("pools_json", json);
}

#[test]
fn a_difference_is_a_table_in_three_forms() {
    let folder = tempdir().unwrap();
    let old = format!(
        "http {{ {} upstream gone {{ server 192.0.2.9; }} }}",
        upstream("shop", 1)
    );
    let new = format!(
        "http {{ {} upstream pay|new {{ least_conn; server 192.0.2.7; server app.example; }} }}",
        upstream("shop", 5).replace("192.0.2.2", "192.0.2.4")
    );
    write(
        folder.path(),
        &[("old.conf", old.as_bytes()), ("new.conf", new.as_bytes())],
    );
    for format in ["text", "markdown", "json"] {
        let arguments = ["--diff", "old.conf", "new.conf", "--output", format];
        let text = audit_in(folder.path(), &arguments).text(0);
        insta::assert_snapshot!(format!("diff_{format}"), text);
    }
    let same = audit_in(folder.path(), &["--diff", "old.conf", "old.conf"]).text(0);
    assert_eq!(same, "No expected share changes.\n");
}

#[test]
fn the_least_severity_that_counts_can_be_chosen() {
    for (file, note, warning, error) in [
        ("NGX-001/good.conf", 0, 0, 0),
        ("NGX-008/bad.conf", 3, 0, 0),
        ("NGX-001/bad.conf", 3, 3, 0),
        ("NGX-002/bad.conf", 3, 3, 3),
    ] {
        for (severity, code) in [("note", note), ("warning", warning), ("error", error)] {
            let answer = audit(&["--severity", severity, file]);
            assert_eq!(answer.code, code, "{severity} {file}");
        }
        assert_eq!(audit(&[file]).code, warning, "{file}");
    }
}

#[test]
fn comments_expire_with_the_day() {
    let comment = "# evenkeel: allow NGX-001 until 2027-01-31 because canary\n";
    let folder = tempdir().unwrap();
    let text = format!("http {{\n{comment}{}}}", upstream("shop", 8));
    write(folder.path(), &[("nginx.conf", text.as_bytes())]);
    for (day, code) in [("2027-01-31", 0), ("2027-02-01", 3)] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_evenkeel"));
        command.args(["audit", "--date", day]);
        let output = command
            .arg(folder.path().join("nginx.conf"))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(code), "{day}");
    }
}

#[test]
fn outputs_that_do_not_exist_are_refused() {
    for arguments in [
        &["--output", "markdown", "NGX-001/bad.conf"][..],
        &["--output", "sarif", "--pools", "NGX-001/bad.conf"],
        &["--output", "junit", "--list-rules"],
        &["--date", "2027-02-30", "NGX-001/bad.conf"],
        &["--as", "dns", "NGX-001/bad.conf"],
        &["--running", "NGX-001/bad.conf"],
        &["--diff", "NGX-001/bad.conf"],
        &["--explain", "NGX-999"],
        &[],
    ] {
        let answer = audit(arguments);
        assert_eq!((answer.code, answer.out.as_str()), (2, ""), "{arguments:?}");
        assert!(!answer.err.is_empty());
    }
}
