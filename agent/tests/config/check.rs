//! `evenkeel check-config`.

use evenkeel::commands::check_config;
use serde_json::{Value, json};

use super::path;

/// The exit code and what was written to standard output and standard error.
fn run(file: &str, json: bool) -> (u8, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = check_config::run(&path(file), json, &mut out, &mut err).unwrap();
    // The place of the sources is not the same everywhere.
    let shown = |bytes| {
        String::from_utf8(bytes)
            .unwrap()
            .replace(path("").to_str().unwrap(), "")
    };
    (code, shown(out), shown(err))
}

#[test]
fn a_sound_file_is_summed_up() {
    let (code, out, err) = run("tests/config/good/everything.yaml", false);
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(
        out,
        "tests/config/good/everything.yaml: ok: 2 pools, 4 backends, pools of nginx, haproxy, envoy, file_sd, \
         listening on [::1]:0\n  \
         pools are judged by bytes, opened, with a tolerance of 0.1 and a false alarm every 30d\n  \
         incidents are sent to 2 Alertmanagers and 1 webhook\n"
    );
}

#[test]
fn a_file_without_pools_says_what_is_watched() {
    let (code, out, _) = run("tests/config/good/empty.yaml", false);
    assert_eq!(code, 0);
    assert_eq!(
        out,
        "tests/config/good/empty.yaml: ok: no pools, so those found on this host are watched, \
         listening on 127.0.0.1:9797\n  \
         pools are judged by opened, active, with a tolerance of 0.25 and a false alarm every 90d\n  \
         incidents are sent to nobody\n"
    );
}

#[test]
fn sources_of_pools_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("evenkeel.yaml");
    let text =
        "discovery: {nginx: {files: [nginx.conf]}, haproxy: {stats_socket: /run/haproxy.sock}}\n";
    std::fs::write(&file, text).unwrap();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = check_config::run(&file, false, &mut out, &mut err).unwrap();
    assert_eq!((code, err.as_slice()), (0, &[][..]));
    let out = String::from_utf8(out).unwrap();
    assert!(
        out.contains(": ok: pools of nginx, haproxy, listening on "),
        "{out}"
    );
}

#[test]
fn problems_go_to_standard_error() {
    let (code, out, err) = run("tests/config/bad/truth.yaml", false);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(
        err.starts_with("tests/config/bad/truth.yaml:2:9: error: "),
        "{err}"
    );
    assert!(err.ends_with('\n'));
}

#[test]
fn json_has_the_same_for_programs() {
    let (code, out, err) = run("tests/config/good/everything.yaml", true);
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(
        serde_json::from_str::<Value>(&out).unwrap(),
        json!({
            "file": "tests/config/good/everything.yaml",
            "ok": true,
            "pools": 2,
            "backends": 4,
            "problems": [],
        })
    );

    let (code, out, err) = run("tests/config/bad/truth.yaml", true);
    assert_eq!((code, err.as_str()), (2, ""));
    assert_eq!(
        serde_json::from_str::<Value>(&out).unwrap(),
        json!({
            "file": "tests/config/bad/truth.yaml",
            "ok": false,
            "pools": null,
            "backends": null,
            "problems": [{
                "line": 2,
                "column": 9,
                "message": "`yes` is neither `true` nor `false`",
                "help": "write `auto: true` or `auto: false`, without quotes",
            }],
        })
    );
}

#[test]
fn a_file_that_is_not_there_is_a_bad_configuration() {
    let (code, _, err) = run("tests/config/good/none.yaml", false);
    assert_eq!(code, 2);
    assert!(err.contains("there is no such file"), "{err}");
    let (code, out, _) = run("tests/config/good/none.yaml", true);
    assert_eq!(code, 2);
    let outcome: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(outcome["problems"][0]["line"], Value::Null);
}
