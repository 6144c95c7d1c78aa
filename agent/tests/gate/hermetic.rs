//! Without privileges: a real nginx with a copy of the configuration. Neither the kernel nor another network is needed.

use std::process::{Command, Stdio};

use evenkeel_lab::parts::require;
use tempfile::{TempDir, tempdir};

use crate::bed::{Answer, command, gate};
use crate::common::EVENKEEL;

/// What production has and a pipeline has not: certificates, names, users, other machines.
const CONFIGURATION: &str = "
user www-data;
worker_processes 2;
error_log /var/log/nginx/error.log;
events { worker_connections 512; }
http {
    include pools/*.conf;
    ssl_certificate /etc/tls/missing.pem;
    server {
        listen 443 ssl;
        server_name shop.example;
        auth_basic closed;
        auth_basic_user_file /etc/nginx/missing;
        location / { proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_pass https://shop; }
        location /old { proxy_pass http://sticky/; }
    }
}
";

const SHOP: &str = "upstream shop { server 203.0.113.1:8080 weight=2; server 203.0.113.2:8080; server app.invalid:8080; keepalive 8; }";
/// The third gets nothing: `ip_hash` has 6271 values, and 15000 are shared out.
const STICKY: &str = "upstream sticky { ip_hash; server 203.0.113.1:80 weight=5000; server 203.0.113.2:80 weight=5000; \
                      server 203.0.113.3:80 weight=5000; }";

fn configuration() -> (TempDir, String) {
    require("nginx").unwrap();
    let folder = tempdir().unwrap();
    std::fs::create_dir(folder.path().join("pools")).unwrap();
    std::fs::write(folder.path().join("pools/shop.conf"), SHOP).unwrap();
    std::fs::write(folder.path().join("pools/sticky.conf"), STICKY).unwrap();
    let file = folder.path().join("nginx.conf");
    std::fs::write(&file, CONFIGURATION).unwrap();
    let file = file.display().to_string();
    (folder, file)
}

#[test]
fn what_nginx_does_is_what_the_configuration_says() {
    let (_folder, file) = configuration();
    let answer = gate(&[
        "--hermetic",
        &file,
        "--max-to-mean",
        "1.2",
        "--gini",
        "0.1",
        "--output",
        "json",
    ]);
    assert_eq!(answer.code, 0, "{answer:?}");
    let report = answer.json();
    assert_eq!(report["configuration"], file.as_str());
    let [shop, sticky] = [&report["pools"][0], &report["pools"][1]];
    assert_eq!(shop["name"], "shop");
    assert_eq!(shop["signal"], "requests");
    // As they are written, not as they are replaced.
    assert_eq!(shop["backends"][2]["name"], "app.invalid:8080");
    let share = |index: usize| shop["backends"][index]["share"].as_f64().unwrap();
    assert!(
        (share(0) - 0.5).abs() < 0.01 && (share(2) - 0.25).abs() < 0.01,
        "{shop}"
    );
    assert!(
        sticky["notes"]
            .to_string()
            .contains("203.0.113.3:80 gets nothing"),
        "{sticky}"
    );
}

#[test]
fn what_weights_promise_and_the_algorithm_does_not_keep_is_skewed() {
    let (_folder, file) = configuration();
    let answer = gate(&[
        "--hermetic",
        &file,
        "--pool",
        "sticky",
        "--expect",
        "weights",
        "--max-to-mean",
        "1.2",
    ]);
    assert_eq!(answer.code, 3, "{answer:?}");
    assert!(
        answer.out.contains("broken by 203.0.113.1:80 (hot: "),
        "{}",
        answer.out
    );
    assert!(
        answer.out.contains("the same backends would carry 2."),
        "{}",
        answer.out
    );
}

#[test]
fn few_requests_are_inconclusive() {
    let (_folder, file) = configuration();
    let few = ["--connections", "20", "--max-to-mean", "1.05"];
    let answer = gate(&[&["--hermetic", &file], &few[..]].concat());
    assert_eq!(answer.code, 4, "{answer:?}");
}

#[test]
fn it_needs_no_privileges_and_leaves_nothing() {
    let (folder, file) = configuration();
    let nobody = ["--reuid", "65534", "--regid", "65534", "--clear-groups"];
    let temporary = tempdir().unwrap();
    // Where nobody may look: the program, the configuration, and a folder for the copy.
    let program = temporary.path().join("evenkeel");
    std::fs::copy(EVENKEEL, &program).unwrap();
    for path in [folder.path(), temporary.path()] {
        let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        std::fs::set_permissions(path, everybody).unwrap();
    }
    let copies = temporary.path().join("copies");
    std::fs::create_dir(&copies).unwrap();
    std::os::unix::fs::chown(&copies, Some(65534), Some(65534)).unwrap();
    let output = Command::new("setpriv")
        .args(nobody)
        .args(["timeout", "60"])
        .arg(&program)
        .args(["gate", "--hermetic", &file, "--max-to-mean", "1.2"])
        .env("TMPDIR", &copies)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let answer = Answer::of(&output);
    assert_eq!(answer.code, 0, "{answer:?}");
    assert_eq!(
        std::fs::read_dir(&copies).unwrap().count(),
        0,
        "the copy is gone"
    );
    assert!(!runs(&copies.display().to_string()), "nginx has ended");
}

#[test]
fn an_interrupted_one_leaves_nothing_either() {
    let (_folder, file) = configuration();
    let copies = tempdir().unwrap();
    let many = ["--connections", "1000000", "--max-to-mean", "1.2"];
    let mut gate = command(&[&["--hermetic", &file], &many[..]].concat())
        .env("TMPDIR", copies.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let name = copies.path().display().to_string();
    evenkeel_lab::wait::wait_until(std::time::Duration::from_secs(20), "nginx to run", || {
        runs(&name)
    })
    .unwrap();
    rustix::process::kill_process(
        rustix::process::Pid::from_child(&gate),
        rustix::process::Signal::TERM,
    )
    .unwrap();
    assert_eq!(gate.wait().unwrap().code(), Some(1));
    assert!(!runs(&name), "nginx has ended");
    assert_eq!(std::fs::read_dir(copies.path()).unwrap().count(), 0);
}

/// Whether a process has this text in its command line.
fn runs(text: &str) -> bool {
    let processes = std::fs::read_dir("/proc").unwrap();
    processes.flatten().any(|entry| {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(text)
    })
}

#[test]
fn what_cannot_be_replaced_is_told() {
    let folder = tempdir().unwrap();
    let of = |text: &str| {
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, text).unwrap();
        gate(&["--hermetic", &file.display().to_string()])
    };
    let servers = "server 203.0.113.1; server 203.0.113.2;";
    let lua = of(&format!(
        "http {{ upstream a {{ {servers} balancer_by_lua_block {{ x() }} }} }}"
    ));
    assert_eq!(lua.code, 2);
    assert!(
        lua.err.contains("a is left out: balancer_by_lua_block"),
        "{lua:?}"
    );
    let variable = of("http { server { location / { proxy_pass http://$arg_to; } } }");
    assert_eq!(variable.code, 2);
    assert!(
        variable
            .err
            .contains("`proxy_pass http://$arg_to` is left out"),
        "{variable:?}"
    );
    let unknown = of(&format!(
        "http {{ upstream a {{ hash $geoip_city_name; {servers} }} }}"
    ));
    assert_eq!(unknown.code, 2);
    assert!(
        unknown.err.contains("nginx refuses the copy") && unknown.err.contains("geoip_city_name"),
        "{unknown:?}"
    );
    let missing = of("http { include gone.conf; }");
    assert_eq!(missing.code, 2);
    assert!(missing.err.contains("gone.conf"), "{missing:?}");
    let program = folder.path().join("nginx.conf").display().to_string();
    std::fs::write(&program, format!("http {{ upstream a {{ {servers} }} server {{ location / {{ proxy_pass http://a; }} }} }}")).unwrap();
    let none = gate(&["--hermetic", &program, "--program", "/nowhere/nginx"]);
    assert_eq!(none.code, 1);
    assert!(
        none.err.contains("/nowhere/nginx") && none.err.contains("--program"),
        "{none:?}"
    );
}
