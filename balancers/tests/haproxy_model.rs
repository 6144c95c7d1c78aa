//! What configurations of `HAProxy` mean: defaults, variables, conditions, versions, and errors with their places.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::path::Path;

use evenkeel_balancers::model::{
    Class, Comparability, Pool, Scheduling, Share, State, Target, Traffic, Workers,
};
use evenkeel_balancers::source::MemoryFiles;
use evenkeel_balancers::{Configuration, Options, Product, ReadError, Version, detect, read};

fn try_read(text: &str, version: Option<Version>) -> Result<Configuration, ReadError> {
    let files = MemoryFiles::new().with("haproxy.cfg", text);
    let options = Options {
        version,
        ..Options::default()
    };
    read(Product::Haproxy, &files, Path::new("haproxy.cfg"), &options)
}

fn pools(text: &str) -> Vec<Pool> {
    try_read(text, None).unwrap().pools
}

fn names(pools: &[Pool]) -> Vec<&str> {
    pools.iter().map(|pool| &*pool.algorithm.name).collect()
}

const TWO: &str = " server x 192.0.2.1:80\n server y 192.0.2.2:80\n";

#[test]
fn defaults_are_taken_from_the_last_or_the_named() {
    let text = format!(
        "defaults base\n mode http\n balance leastconn\n option http-server-close\n\
         defaults heavy from base\n balance source\n hash-type consistent\n\
         backend a\n{TWO}\
         backend b from base\n{TWO}\
         backend c from base\n no option http-server-close\n balance static-rr\n{TWO}\
         defaults\n\
         backend d\n{TWO}"
    );
    let pools = pools(&text);
    assert_eq!(
        names(&pools),
        [
            "source, hash-type consistent",
            "leastconn",
            "static-rr",
            "roundrobin"
        ]
    );
    assert_eq!(pools[0].algorithm.class, Class::KeyDependent);
    assert_eq!(pools[1].algorithm.class, Class::LoadDependent);
    assert_eq!(pools[2].algorithm.class, Class::Rotation);
    let comparable = pools.iter().map(|pool| pool.comparability);
    let expected = [
        Comparability::Exact,
        Comparability::Exact,
        Comparability::Approximate,
        Comparability::Exact,
    ];
    assert_eq!(comparable.collect::<Vec<_>>(), expected);
    assert_eq!(pools[2].traffic, Traffic::Requests);
    assert_eq!(pools[3].traffic, Traffic::Connections);
}

#[test]
fn servers_have_what_default_server_says_unless_they_say_otherwise() {
    let pools = pools(
        "backend a\n default-server weight 10 maxconn 50\n server w 192.0.2.1:80\n server x ipv4@192.0.2.2:80 weight 30\n\
         server y [2001:db8::1]:80 weight 0 cookie backup\n server z unix@/run/z.sock disabled\n\
         default-server weight 1\n server s s.example:80 backup weight 256 maxconn 0\n",
    );
    let pool = &pools[0];
    let weights: Vec<f64> = pool.servers.iter().map(|server| server.weight).collect();
    assert_eq!(weights, [10.0, 30.0, 0.0, 10.0, 256.0]);
    let states: Vec<State> = pool.servers.iter().map(|server| server.state).collect();
    // `backup` is the value of `cookie` there.
    let expected = [
        State::InRotation,
        State::InRotation,
        State::Drained,
        State::Down,
        State::Backup,
    ];
    assert_eq!(states, expected);
    assert_eq!(pool.shares.exact().unwrap(), [0.25, 0.75, 0.0, 0.0, 0.0]);
    assert_eq!(pool.servers[0].max_connections, Some(50));
    assert_eq!(pool.servers[4].max_connections, None);
    assert_eq!(pool.servers[2].labels["cookie"], "backup");
    let unix = Target::Unix("/run/z.sock".to_owned());
    assert_eq!(pool.servers[3].address.target, unix);
    assert_eq!(pool.servers[0].title(), "w");
}

#[test]
fn variables_are_put_in_if_the_configuration_sets_them() {
    let pools = pools(
        "global\n setenv PORT 8080\n presetenv WEIGHT 3\n\
         backend known\n server x 192.0.2.1:\"$PORT\" weight \"${WEIGHT}\"\n server y 192.0.2.2:\"${OTHER-80}\"\n\
         backend unknown\n server x \"${HOST}:80\" weight \"${W}\"\n server y 192.0.2.2:80\n",
    );
    assert_eq!(pools[0].shares.exact().unwrap(), [0.75, 0.25]);
    assert_eq!(pools[0].servers[0].address.key(), "192.0.2.1:8080");
    assert_eq!(pools[0].servers[1].address.key(), "192.0.2.2:80");
    assert_eq!(pools[1].servers[0].address.written, "${HOST}:80");
    assert_eq!(pools[1].servers[0].address.target, Target::Unknown);
    assert_eq!(pools[1].shares.servers, [Share::UNKNOWN; 2]);
    assert!(pools[1].notes[0].contains("a variable whose value is not known"));
}

#[test]
fn conditions_are_decided_or_leave_shares_open() {
    let text = format!(
        "backend a\n.if version_atleast(3.0)\n balance leastconn\n.else\n balance static-rr\n.endif\n{TWO}\
         backend b\n.if defined(CANARY)\n server z 192.0.2.3:80\n.endif\n{TWO}\
         .if feature(LUA)\nbackend c\n{TWO}.else\nbackend c\n{TWO}.endif\n"
    );
    let new = try_read(&text, Some(Version(3, 0, 0))).unwrap().pools;
    assert_eq!(new[0].algorithm.name, "leastconn");
    let old = try_read(&text, Some(Version(2, 8, 3))).unwrap().pools;
    assert_eq!(old[0].algorithm.name, "static-rr");
    assert_eq!(old[0].shares.exact().unwrap(), [0.5, 0.5]);

    let unknown = pools(&text);
    assert_eq!(unknown[0].shares.servers, [Share::UNKNOWN; 2]);
    assert_eq!(unknown[1].servers.len(), 3);
    assert_eq!(unknown[1].shares.servers, [Share::UNKNOWN; 3]);
    assert!(unknown[1].notes[0].contains("a condition that is not known"));
    // One of two branches that make the same backend.
    assert_eq!(unknown.len(), 3);
    assert_eq!(unknown[2].shares.exact().unwrap(), [0.5, 0.5]);
}

#[test]
fn defaults_of_versions_differ() {
    let text =
        format!("global\n thread-groups 2\nbackend a\n balance roundrobin\n{TWO}backend b\n{TWO}");
    let of = |version| try_read(&text, Some(version)).unwrap().pools;
    let (old, new) = (of(Version(1, 8, 0)), of(Version(3, 3, 2)));
    assert_eq!(names(&old), ["roundrobin", "roundrobin"]);
    assert_eq!(names(&new), ["roundrobin", "random"]);
    assert_eq!(new[1].algorithm.class, Class::Random);
    assert_eq!(old[0].scheduling, Scheduling::Shared);
    let groups = Scheduling::PerWorker(Workers::Number(2));
    assert_eq!(new[0].scheduling, groups);
    // The ring of two servers gives bounds around one half.
    let share = new[1].shares.servers[0];
    assert!(share.low() < 0.5 && share.high() >= 0.5 && share.exact().is_none());
}

#[test]
fn what_is_used_is_what_a_frontend_names() {
    let text = |rule: &str| {
        format!(
            "frontend web\n bind :80\n {rule}\nbackend a\n{TWO}backend b\n{TWO}listen c\n bind :81\n{TWO}\
             backend logs\n mode log\n server x udp@192.0.2.9:514\nbackend off\n disabled\n{TWO}"
        )
    };
    let used = |rule: &str| -> Vec<(String, bool)> {
        let pools = pools(&text(rule));
        pools
            .into_iter()
            .map(|pool| (pool.name, pool.used))
            .collect()
    };
    let expected = |a, b| {
        [("a", a), ("b", b), ("c", true), ("off", false)]
            .map(|(name, used)| (name.to_owned(), used))
    };
    assert_eq!(used("default_backend a"), expected(true, false));
    assert_eq!(used("use_backend b if { path / }"), expected(false, true));
    assert_eq!(used("use_backend %[req.hdr(host)]"), expected(true, true));
    // A part of a configuration, whose frontends are elsewhere.
    assert!(pools(&format!("backend a\n{TWO}"))[0].used);
}

#[test]
fn templates_leave_shares_open() {
    let pools = pools(
        "backend a\n server-template t 1-5 app.example:80\n server x 192.0.2.1:80\nbackend b\n server-template t 5 app.example:80\n",
    );
    assert_eq!(pools[0].shares.servers, [Share::UNKNOWN; 2]);
    assert_eq!(pools[0].servers[0].labels["slots"], "5");
    assert_eq!(pools[1].shares.exact().unwrap(), [1.0]);
}

#[test]
fn errors_name_the_place() {
    for (text, expected) in [
        (
            "mode http\n",
            "1:1: a section must begin before this: `global`, `defaults`, `frontend`, `backend` or `listen`",
        ),
        ("backend\n", "1:1: a name is expected after this"),
        (
            "backend a\n server x\n",
            "2:2: `server` needs a name and an address: `server app1 192.0.2.1:80`",
        ),
        (
            "backend a\n server x y:1 weight 257\n",
            "2:22: a number from 0 to 256 is expected",
        ),
        (
            "backend a\n server x y:1 weight\n",
            "2:15: `weight` needs a value",
        ),
        (
            "backend a\n balance random(0)\n",
            "2:2: the number of draws is 1 or more",
        ),
        (
            "backend a\n hash-type other\n",
            "2:2: `consistent` or `map-based` is expected after `hash-type`",
        ),
        (
            "backend a\nbackend a\n",
            "2:9: another backend has this name",
        ),
        (
            "backend a from b\n",
            "1:16: there is no `defaults` section of this name before",
        ),
        ("backend a\n x \"y\n", "2:4: this quote is not closed"),
        (".if 1\nbackend a\n", "1:1: this `.if` has no `.endif`"),
        (".endif\n", "1:1: there is no `.if` before this"),
        (
            "backend a\n server x y:1 slowstart soon\n",
            "2:25: a time is expected: `30s`, `500ms`",
        ),
    ] {
        let error = try_read(text, None).unwrap_err().to_string();
        assert_eq!(error, format!("haproxy.cfg:{expected}"));
    }
}

#[test]
fn comments_cover_the_line_or_the_section() {
    let audit = |text: &str| {
        let configuration = try_read(text, None).unwrap();
        let audit = configuration.audit("2026-11-22".parse().unwrap());
        let rules = audit.findings.iter().map(|finding| finding.rule.id);
        (rules.collect::<Vec<_>>(), audit.allowed.len())
    };
    let weights =
        " balance roundrobin\n server x 192.0.2.1:80 check\n server y 192.0.2.2:80 check weight 9";
    let comment = "# evenkeel: allow HAP-001 because it is larger";
    assert_eq!(
        audit(&format!("backend a\n{weights}\n")),
        (vec!["HAP-001"], 0)
    );
    assert_eq!(
        audit(&format!("backend a\n{weights} {comment}\n")),
        (vec![], 1)
    );
    let whole = format!("{comment}\nbackend a\n{weights}\nbackend b\n{weights}\n");
    assert_eq!(audit(&whole), (vec!["HAP-001"], 1));
}

#[test]
fn texts_are_recognised() {
    let detected = |text| detect(Path::new("x.conf"), text);
    assert_eq!(detected("global\n daemon\n"), Some(Product::Haproxy));
    assert_eq!(
        detected("# x\n\nbackend shop from base # y\n"),
        Some(Product::Haproxy)
    );
    assert_eq!(detected("listen: 80\nbackend: x\n"), None);
    assert_eq!(detected("events {}\nhttp {\n}\n"), Some(Product::Nginx));
    assert_eq!(
        detect(Path::new("/etc/haproxy/haproxy.cfg"), ""),
        Some(Product::Haproxy)
    );
}
