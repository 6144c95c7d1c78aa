//! `--running`: what HAProxy does now, against its configuration.

use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use evenkeel_lab::netns::Namespace;
use evenkeel_lab::parts::require;
use evenkeel_lab::process::Process;
use evenkeel_lab::wait::wait_for;
use serde_json::Value;
use tempfile::tempdir;

use crate::bed::{audit_in, write};
use crate::live_bed::{Bed, PATIENCE, differences, flowing, message};

const GLOBAL: &str = "global\n  stats socket FOLDER/socket mode 600 level admin\ndefaults\n  mode tcp\n  timeout connect 1s\n  \
                      timeout client 5s\n  timeout server 5s\nfrontend web\n  bind 127.0.0.1:8080\n  default_backend shop\n";
const SHOP: &str = "backend shop\n  balance roundrobin\n  server a 192.0.2.1:80 weight 10\n  server b 192.0.2.2:80 weight 10\n  \
                    server c 192.0.2.3:80 weight 10 disabled\n  server d 192.0.2.4:80 weight 10\n";

#[test]
fn what_was_done_to_haproxy_at_run_time_is_told() {
    let bed = Bed::haproxy(
        &["-db", "-f", "FOLDER/a.cfg", "-f", "FOLDER/conf.d"],
        &[("a.cfg", GLOBAL), ("conf.d/shop.cfg", SHOP)],
    );
    let [read] = &bed.told()[..] else {
        panic!("one configuration of two files")
    };
    let files = serde_json::json!([bed.file("a.cfg"), bed.file("conf.d/shop.cfg")]);
    assert_eq!(read["files"], files);
    assert_eq!(differences(read), [""; 0]);
    let state = &read["process"]["state"];
    assert_eq!(state["asked"], bed.file("socket").to_str().unwrap());
    assert_eq!(state["error"], Value::Null);
    let server = &state["pools"][0]["servers"][2];
    assert_eq!(
        (&server["name"], &server["condition"]),
        (&"c".into(), &"maintenance".into())
    );

    for command in [
        "set weight shop/a 50%",
        "set server shop/b state drain",
        "enable server shop/c",
        "set server shop/d addr 192.0.2.44 port 99",
        "add server shop/new 192.0.2.9:80 weight 20",
        "enable server shop/new",
    ] {
        bed.tell(command);
    }
    let [read] = &bed.told()[..] else {
        panic!("one configuration")
    };
    let expected = [
        "EVK-005 b",
        "EVK-005 c",
        "EVK-006 d",
        "EVK-006 new",
        "GEN-006 a",
    ];
    assert_eq!(differences(read), expected);
    let weight = message(read, "GEN-006");
    assert!(
        weight.starts_with("the weight of a is 5 (11.1 % of the weight"),
        "{weight}"
    );
    let text = flowing(&audit_in(bed.folder.path(), &["--running"]).out);
    let asked = format!("asked: at {}: version 2.", bed.file("socket").display());
    assert!(text.contains(&asked), "{text}");
    assert!(
        text.contains("1 pool with 5 servers, 4 of them in rotation"),
        "{text}"
    );
}

/// A port of its own loopback, written as one of all addresses; the first that answers counts.
#[test]
fn haproxy_is_asked_in_its_network() {
    let global = GLOBAL.replace(
        "stats socket FOLDER/socket mode 600 level admin",
        "stats socket FOLDER/socket\n  stats socket *:9999 level user",
    );
    let bed = Bed::haproxy(&["-db", "-f", "a.cfg"], &[("a.cfg", &(global + SHOP))]);
    std::fs::remove_file(bed.file("socket")).unwrap();
    let told = bed.told();
    let state = &told[0]["process"]["state"];
    assert_eq!(state["asked"], "127.0.0.1:9999", "{state}");
    assert_eq!(state["pools"][0]["servers"].as_array().unwrap().len(), 4);
}

#[test]
fn a_file_that_haproxy_has_not_loaded_is_told() {
    let mut bed = Bed::haproxy(
        &["-W", "-db", "-f", "a.cfg"],
        &[("a.cfg", &(GLOBAL.to_owned() + SHOP))],
    );
    let read = bed.await_told("the worker to be seen", |told| told.first().cloned());
    assert_eq!(differences(&read), [""; 0]);
    let text = std::fs::read_to_string(bed.file("a.cfg")).unwrap();
    std::fs::write(
        bed.file("a.cfg"),
        text.replace("a 192.0.2.1:80 weight 10", "a 192.0.2.1:80 weight 30"),
    )
    .unwrap();
    let later = SystemTime::now() + Duration::from_secs(1);
    let file = File::options()
        .append(true)
        .open(bed.file("a.cfg"))
        .unwrap();
    file.set_modified(later).unwrap();
    let told = bed.told();
    let path = bed.file("a.cfg").display().to_string();
    assert_eq!(
        differences(&told[0]),
        [format!("GEN-006 {path}"), "GEN-006 a".to_owned()]
    );
    assert_eq!(told[0]["process"]["changed"][0]["file"], path);

    // The master loads it, and its new worker is asked.
    File::options()
        .append(true)
        .open(bed.file("a.cfg"))
        .unwrap()
        .set_modified(SystemTime::now() - Duration::from_secs(1))
        .unwrap();
    let pid = rustix::process::Pid::from_raw(i32::try_from(bed.process.pid()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::USR2).unwrap();
    bed.await_told("the reload to be seen", |told| {
        let [read] = told else { return None };
        let pools = read["process"]["state"]["pools"].as_array()?;
        (!pools.is_empty() && differences(read).is_empty()).then_some(())
    });
}

/// Nothing listens in this namespace, and `localhost` is one address for all that are written so.
#[test]
fn what_servers_have_in_common_is_told() {
    let pools = "backend shop\n  default-server check inter 100ms fall 1\n  server a 127.0.0.1:81\n  server b 127.0.0.1:82\n  \
                 server c 127.0.0.1:83\nbackend names\n  server x localhost:80 weight 2\n  server y localhost:80\n  server z \
                 192.0.2.1:80\n";
    let mut bed = Bed::haproxy(
        &["-db", "-f", "a.cfg"],
        &[("a.cfg", &(GLOBAL.to_owned() + pools))],
    );
    let read = bed.await_told("all checks to fail", |told| {
        let read = told.first()?;
        (differences(read).len() >= 5).then(|| read.clone())
    });
    let address = read["process"]["state"]["pools"][1]["servers"][0]["address"].clone();
    let expected = [
        "EVK-007 a".to_owned(),
        "EVK-007 b".to_owned(),
        "EVK-007 c".to_owned(),
        format!("GEN-002 {}", address.as_str().unwrap()),
        "GEN-005 -".to_owned(),
    ];
    assert_eq!(differences(&read), expected);
    let checks = message(&read, "GEN-005");
    assert!(checks.contains("3 of 3 servers fail"), "{checks}");
    assert!(checks.contains("L4CON: Connection refused"), "{checks}");
    let names = message(&read, "GEN-002");
    assert!(
        names.starts_with("x and y have names that lead to"),
        "{names}"
    );
    assert!(names.contains("gets 75.0 %"), "{names}");
}

#[test]
fn a_haproxy_that_cannot_be_asked_is_audited_all_the_same() {
    let silent = GLOBAL.replace(
        "stats socket FOLDER/socket mode 600 level admin",
        "maxconn 100",
    );
    let mut bed = Bed::start(
        "HAProxy",
        require("haproxy").unwrap(),
        &["-db", "-f", "a.cfg"],
        &[("a.cfg", &(silent + SHOP))],
    );
    let read = bed.await_told("HAProxy to be seen", |told| told.first().cloned());
    let state = &read["process"]["state"];
    assert_eq!(state["asked"], Value::Null);
    assert!(
        state["error"]
            .as_str()
            .unwrap()
            .contains("no `stats socket`"),
        "{state}"
    );
    assert!(
        !read["findings"].as_array().unwrap().is_empty(),
        "HAP-001 of the server that is disabled"
    );
    let text = flowing(&audit_in(bed.folder.path(), &["--running"]).out);
    assert!(
        text.contains("not asked: its configuration has no `stats socket`"),
        "{text}"
    );
}

/// Its files, its socket and its network are seen from nowhere else.
#[test]
fn a_haproxy_in_a_container_is_asked_there() {
    let folder = tempdir().unwrap();
    let text = (GLOBAL.to_owned() + SHOP).replace("FOLDER/socket", "/etc/haproxy/here.sock");
    write(folder.path(), &[("haproxy.cfg", text.as_bytes())]);
    let script = format!(
        "mount --bind '{}' /etc/haproxy && exec {} -W -db -f /etc/haproxy",
        folder.path().display(),
        require("haproxy").unwrap().display()
    );
    let mut command = Command::new("unshare");
    let apart = [
        "--mount",
        "--net",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
    ];
    command.args(apart).args(["sh", "-c", &script]);
    let mut process = Process::spawn(&Namespace::current(), "HAProxy", &mut command).unwrap();
    let own = |json: &Value| {
        let all = json["configurations"].as_array().unwrap().clone();
        let here = |read: &Value| read["process"]["state"]["asked"] == "/etc/haproxy/here.sock";
        all.into_iter().find(here)
    };
    let read = wait_for(PATIENCE, "HAProxy in its container to answer", || {
        process.check()?;
        let answer = audit_in(folder.path(), &["--running", "--output", "json"]);
        Ok(own(&answer.json()))
    })
    .unwrap();
    assert_eq!(read["file"], "/etc/haproxy/haproxy.cfg");
    assert_eq!(read["process"]["state"]["pools"][0]["name"], "shop");
    assert_eq!(differences(&read), [""; 0]);
    assert!(
        !Path::new("/etc/haproxy/here.sock").exists(),
        "it is the container's"
    );
}

/// After `chroot` its root is an empty folder; what it read is where it was.
#[test]
fn a_haproxy_that_changed_its_root_is_read_and_asked() {
    let global = GLOBAL.replace("defaults", "  chroot FOLDER/empty\ndefaults");
    let bed = Bed::haproxy(
        &["-db", "-f", "FOLDER/a.cfg"],
        &[("a.cfg", &(global + SHOP)), ("empty/none", "")],
    );
    bed.tell("disable server shop/a");
    let told = bed.told();
    assert_eq!(differences(&told[0]), ["EVK-005 a"]);
}
