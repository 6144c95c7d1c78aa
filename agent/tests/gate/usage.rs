//! Command lines and configurations that are wrong: code 2, a way out, and nothing is started.

use tempfile::tempdir;

use crate::bed::gate;

#[test]
fn wrong_command_lines_are_usage_errors() {
    for (arguments, told) in [
        (vec![], "COMMAND"),
        (vec!["--max-to-mean", "1", "--", "true"], "above 1"),
        (vec!["--gini", "1.5", "--", "true"], "between 0 and 1"),
        (vec!["--tolerance", "0", "--", "true"], "above 0"),
        (vec!["--confidence", "99", "--", "true"], "0.99"),
        (vec!["--report", "report.pdf", "--", "true"], ".xml (JUnit)"),
        (
            vec!["--hermetic", "nginx.conf", "--", "true"],
            "cannot be used with",
        ),
        (vec!["--connections", "100", "--", "true"], "--hermetic"),
        (vec!["--output", "sarif", "--", "true"], "junit"),
        (
            vec!["--config", "/nowhere/pools.yaml", "--", "true"],
            "/nowhere/pools.yaml",
        ),
        (
            vec!["--nginx", "/nowhere/nginx.conf", "--", "true"],
            "/nowhere/nginx.conf",
        ),
    ] {
        let answer = gate(&arguments);
        assert_eq!(
            (answer.code, answer.out.as_str()),
            (2, ""),
            "{arguments:?}: {answer:?}"
        );
        assert!(answer.err.contains(told), "{arguments:?}: {}", answer.err);
    }
}

#[test]
fn a_configuration_without_the_pool_is_a_usage_error() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("nginx.conf");
    let text = "http { upstream a { server 192.0.2.1; server 192.0.2.2; } server { location / { proxy_pass http://a; } } }";
    std::fs::write(&file, text).unwrap();
    let file = file.display().to_string();
    let other = gate(&["--nginx", &file, "--pool", "b", "--", "true"]);
    assert_eq!(other.code, 2, "{other:?}");
    let one = folder.path().join("one.conf");
    std::fs::write(&one, text.replace("server 192.0.2.2;", "")).unwrap();
    let nothing = gate(&["--nginx", &one.display().to_string(), "--", "true"]);
    assert_eq!(nothing.code, 2, "{nothing:?}");
    assert!(nothing.err.contains("nothing to judge"), "{nothing:?}");
}
