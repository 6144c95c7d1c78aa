//! What a user relies on when nginx' configuration is read: files, places, pools, comments, differences.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on must fail"
)]

use std::path::Path;

use evenkeel_balancers::model::{Comparability, Origin, Scheduling, Share, State, Workers};
use evenkeel_balancers::source::MemoryFiles;
use evenkeel_balancers::{
    Configuration, Date, Options, Presence, Product, ReadError, Version, detect, diff, read,
};

fn try_read(
    files: &MemoryFiles,
    path: &str,
    options: &Options,
) -> Result<Configuration, ReadError> {
    read(Product::Nginx, files, Path::new(path), options)
}

fn read_text(text: &str) -> Configuration {
    let files = MemoryFiles::new().with("/n/nginx.conf", text);
    try_read(&files, "/n/nginx.conf", &Options::default()).unwrap()
}

fn today() -> Date {
    "2026-11-22".parse().unwrap()
}

/// The ids of what is found, and of what is allowed.
fn ids(configuration: &Configuration) -> (Vec<&'static str>, Vec<&'static str>) {
    let audit = configuration.audit(today());
    let found = audit.findings.iter().map(|finding| finding.rule.id);
    let allowed = audit.allowed.iter().map(|allowed| allowed.finding.rule.id);
    (found.collect(), allowed.collect())
}

const SITE: &str =
    "upstream shop { server 192.0.2.1:80; }\nserver { location / { proxy_pass http://shop; } }\n";

#[test]
fn includes_are_relative_to_the_first_file_and_in_order() {
    let files = MemoryFiles::new()
        .with(
            "/etc/nginx/nginx.conf",
            "events {} http { include conf.d/*.conf; }",
        )
        .with("/etc/nginx/conf.d/b.conf", "include sites/s;")
        .with(
            "/etc/nginx/conf.d/a.conf",
            "upstream a { server 192.0.2.9; }",
        )
        .with("/etc/nginx/conf.d/.hidden.conf", "}")
        .with("/etc/nginx/sites/s", SITE);
    let read = try_read(&files, "/etc/nginx/nginx.conf", &Options::default()).unwrap();
    let names: Vec<&str> = read
        .sources
        .iter()
        .map(|source| source.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "/etc/nginx/nginx.conf",
            "/etc/nginx/conf.d/a.conf",
            "/etc/nginx/conf.d/b.conf",
            "/etc/nginx/sites/s"
        ]
    );
    let pools: Vec<&str> = read.pools.iter().map(|pool| pool.name.as_str()).collect();
    assert_eq!(pools, ["a", "shop"]);
    assert_eq!(
        read.sources.locate(read.pools[1].servers[0].place),
        "/etc/nginx/sites/s:1:24"
    );
    assert_eq!((read.pools[0].used, read.pools[1].used), (false, true));
}

#[test]
fn a_dump_is_read_like_the_files_in_it() {
    let dump = "nginx: the configuration file /etc/nginx/nginx.conf syntax is ok\n\
                # configuration file /etc/nginx/nginx.conf:\n\
                events {}\nhttp { include conf.d/*.conf; }\n\n\
                # configuration file /etc/nginx/conf.d/site.conf:\n";
    let files = MemoryFiles::new().with("-", format!("{dump}{SITE}"));
    let read = try_read(&files, "-", &Options::default()).unwrap();
    let server = &read.pools[0].servers[0];
    assert_eq!(
        read.sources.locate(server.place),
        "/etc/nginx/conf.d/site.conf:1:24"
    );
    let excerpt = read.sources.excerpt(server.place);
    assert_eq!((excerpt.indent, excerpt.carets), (23, 12));
    assert!(excerpt.line.starts_with("upstream shop"));
}

#[test]
fn errors_have_places() {
    for (text, expected) in [
        ("http {", "/n/nginx.conf:1:6: this `{` is not closed"),
        ("http { } }", "/n/nginx.conf:1:10: this `}` closes nothing"),
        (
            "http {\n  upstream a {\n    server é b\n  }\n}",
            "/n/nginx.conf:3:14: `;` or `{` is missing after this",
        ),
        ("a 'b;\n", "/n/nginx.conf:1:3: this quote is not closed"),
        (
            "a 'b'c;",
            "/n/nginx.conf:1:6: a space, `;` or `{` is expected after a closing quote",
        ),
        ("a; ;", "/n/nginx.conf:1:4: this `;` ends nothing"),
        ("{", "/n/nginx.conf:1:1: this `{` belongs to no directive"),
        (
            "a_by_lua_block { '}' ",
            "/n/nginx.conf:1:16: this Lua block is not closed",
        ),
        (
            "a\0;",
            "/n/nginx.conf: /n/nginx.conf holds zero bytes: it is no configuration text",
        ),
    ] {
        let files = MemoryFiles::new().with("/n/nginx.conf", text);
        let error = try_read(&files, "/n/nginx.conf", &Options::default()).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    let missing = try_read(&MemoryFiles::new(), "/n/nginx.conf", &Options::default()).unwrap_err();
    assert_eq!(
        missing.to_string(),
        "/n/nginx.conf: cannot read /n/nginx.conf: entity not found"
    );
}

#[test]
fn lua_is_passed_over() {
    let read = read_text(
        "events {}\nhttp {\n  init_by_lua_block {\n    -- a comment with } and '\n    local s = [==[ } ]] ]==] .. \"}\" .. '\\'}'\n    --[[ } ]]\n\
         if x then y = { 1 } end\n  }\n  upstream a { server 192.0.2.1; balancer_by_lua_block { pick() } }\n}\n",
    );
    assert_eq!(read.pools.len(), 1);
    assert_eq!(read.pools[0].algorithm.name, "balancer_by_lua_block");
    assert_eq!(read.pools[0].shares.exact(), None, "only Lua knows");
}

#[test]
fn the_model_of_a_configuration() {
    let text = "worker_processes 4;\nevents {}\n\
        http {\n\
        split_clients $remote_addr $variant { 5% canary; * shop; }\n\
        upstream shop {\n  zone shop 64k;\n  least_conn;\n  server 192.0.2.1 weight=3 max_conns=9;\n  server [2001:db8::1]:81 down;\n\
        server unix:/run/app.sock route=a;\n  server 192.0.2.4 backup;\n  keepalive 8;\n}\n\
        upstream canary { hash $request_uri consistent; server app.example:8080; server 192.0.2.9:8080; }\n\
        server {\n  proxy_http_version 1.1;\n  proxy_set_header Connection \"\";\n\
        location / { proxy_pass http://shop; }\n  location /x { proxy_pass http://$variant/y; }\n\
        location /y { grpc_pass grpcs://y.example; }\n  location /z { fastcgi_pass unix:/run/php.sock; }\n}\n}\n\
        stream {\n  upstream shop { server 192.0.2.7:25; }\n  server { proxy_pass shop; }\n}\n";
    let read = read_text(text);
    insta::assert_json_snapshot!("model", (&read.pools, &read.unresolved));
}

#[test]
fn names_leave_shares_open() {
    let shares = |servers: &str| {
        let read = read_text(&format!("http {{ upstream a {{ {servers} }} }}"));
        let bounds = read.pools[0]
            .shares
            .servers
            .iter()
            .map(|share| (share.low(), share.high()));
        bounds.collect::<Vec<_>>()
    };
    assert_eq!(shares("server a.example;"), [(1.0, 1.0)]);
    assert_eq!(
        shares("server a.example; server 192.0.2.1 weight=3;"),
        [(0.25, 1.0), (0.0, 0.75)]
    );
    assert_eq!(
        shares("server a.example resolve; server 192.0.2.1;"),
        [(0.0, 1.0), (0.0, 1.0)]
    );
    assert_eq!(
        shares("server a.example; server b.example;"),
        [(0.0, 1.0), (0.0, 1.0)]
    );
    assert_eq!(
        shares("server a.example backup; server 192.0.2.1; server 192.0.2.2;"),
        [(0.0, 0.0), (0.5, 0.5), (0.5, 0.5)]
    );
    assert_eq!(
        shares("server 192.0.2.1 down; server 192.0.2.2 backup;"),
        [(0.0, 0.0), (1.0, 1.0)]
    );
    assert_eq!(shares("server 192.0.2.1 down;"), [(0.0, 0.0)]);
}

#[test]
fn names_that_were_resolved_have_shares() {
    let shares = |upstream: &str| {
        let read = read_text(&format!("http {{ upstream a {{ {upstream} }} }}"));
        let pool = read.pools[0].resolved(|host, port| match (host, port) {
            ("two.example", Some(80)) => vec![
                "192.0.2.8:80".parse().unwrap(),
                "192.0.2.9:80".parse().unwrap(),
            ],
            _ => Vec::new(),
        });
        (pool.servers.len(), pool.shares.exact().unwrap())
    };
    assert_eq!(
        shares("server two.example; server 192.0.2.1 weight=2;"),
        (3, vec![0.25, 0.25, 0.5])
    );
    assert_eq!(
        shares("server none.example resolve; server 192.0.2.1;"),
        (1, vec![1.0])
    );
    assert_eq!(
        shares("server two.example backup; server 192.0.2.1 down;"),
        (3, vec![0.5, 0.5, 0.0])
    );
    // On the ring the two share the points of the name.
    let (_, ring) = shares("hash $uri consistent; server two.example; server 192.0.2.1;");
    assert!(
        (ring[0] - ring[1]).abs() < 1e-12 && (ring[0] + ring[1] - 0.5).abs() < 0.2,
        "{ring:?}"
    );
}

#[test]
fn a_variable_may_name_any_upstream_that_begins_like_it() {
    let read = read_text(
        "http { upstream shop-a { server 192.0.2.1; } upstream mail { server 192.0.2.2; } server { proxy_pass http://shop-$zone; proxy_pass http://shop-0$zone; proxy_pass http://m$x; } }\n\
         stream { upstream shop-b { server 192.0.2.3:25; } }",
    );
    let used: Vec<bool> = read.pools.iter().map(|pool| pool.used).collect();
    assert_eq!(used, [true, true, false]);
    assert_eq!(read.unresolved[0].written, "http://shop-$zone");
}

#[test]
fn versions_and_processors_decide_what_is_left_open() {
    let text = "worker_processes auto; http { upstream a { server 192.0.2.1; } server { proxy_pass http://a; } }";
    let files = MemoryFiles::new().with("n", text);
    let pool = |version, cpus| {
        let options = Options {
            version,
            cpus,
            ..Options::default()
        };
        try_read(&files, "n", &options).unwrap().pools.remove(0)
    };
    let old = pool(Some(Version(1, 22, 1)), Some(6));
    assert_eq!(old.comparability, Comparability::Exact);
    assert_eq!(old.scheduling, Scheduling::PerWorker(Workers::Number(6)));
    let new = pool(Some(Version(1, 29, 7)), None);
    assert_eq!(new.comparability, Comparability::Approximate);
    assert_eq!(new.scheduling, Scheduling::PerWorker(Workers::PerCpu));
}

#[test]
fn parts_of_a_configuration_are_understood() {
    let http = read_text(
        "upstream a { server 192.0.2.1; }\nserver { location / { proxy_pass http://b; } }",
    );
    assert_eq!(http.pools[0].servers[0].address.key(), "192.0.2.1:80");
    assert!(http.pools[0].used, "another file may use it");
    assert_eq!(http.pools[1].origin, Origin::Implicit);
    assert!(
        http.audit(today()).findings.is_empty(),
        "another file may declare b"
    );
    let stream =
        read_text("upstream a { server 192.0.2.1:53 down; } server { listen 53; proxy_pass a; }");
    assert_eq!(stream.pools[0].comparability, Comparability::Exact);
    assert_eq!(stream.pools[0].servers[0].state, State::Down);
}

#[test]
fn comments_cover_lines_and_blocks() {
    let http = |upstream: &str| read_text(&format!("http {{\n{upstream}\n}}\n"));
    let comment = "# evenkeel: allow NGX-001 because of size\n";
    let servers = "server 192.0.2.1;\nserver 192.0.2.2;\nserver 192.0.2.3 weight=2;";
    for covering in [
        format!("upstream a {{\n{servers} {comment}}}"),
        format!("upstream a {{ {comment}{servers}\n}}"),
        format!("{comment}upstream a {{\n{servers}\n}}"),
        format!(
            "upstream a {{\nserver 192.0.2.1;\nserver 192.0.2.2;\n{comment}server 192.0.2.3\nweight=2;\n}}"
        ),
    ] {
        assert_eq!(
            ids(&http(&covering)),
            (vec![], vec!["NGX-001"]),
            "{covering}"
        );
    }
    for elsewhere in [
        format!(
            "upstream a {{\nserver 192.0.2.1; {comment}server 192.0.2.2;\nserver 192.0.2.3 weight=2;\n}}"
        ),
        format!("{comment}upstream b {{ server 192.0.2.9; }}\nupstream a {{\n{servers}\n}}"),
        format!("upstream a {{\n{servers}\n{comment}}}"),
    ] {
        let (mut found, allowed) = ids(&http(&elsewhere));
        found.sort_unstable();
        assert_eq!(
            (found, allowed),
            (vec!["EVK-003", "NGX-001"], vec![]),
            "{elsewhere}"
        );
    }
}

#[test]
fn the_last_day_of_an_allowance_counts() {
    let on = |day: &str| {
        let text = format!(
            "http {{ upstream a {{ server 192.0.2.1; server 192.0.2.2 down; # evenkeel: allow NGX-005 until {day} because disks\n}} }}"
        );
        ids(&read_text(&text))
    };
    assert_eq!(on("2026-11-22"), (vec![], vec!["NGX-005"]));
    assert_eq!(on("2026-11-21"), (vec!["NGX-005", "EVK-001"], vec![]));
}

#[test]
fn differences_are_told_by_pool_and_server() {
    let old = read_text(
        "http { upstream a { server 192.0.2.1; server 192.0.2.2; } upstream b { server 192.0.2.9; } }",
    );
    let new = read_text(
        "http { upstream a { random; server 192.0.2.1 weight=3; server 192.0.2.3:80; } upstream c { server 192.0.2.9; } }",
    );
    assert!(diff(&old.pools, &old.pools).is_empty());
    let changes = diff(&old.pools, &new.pools);
    let [a, b, c] = changes.as_slice() else {
        panic!("{changes:?}")
    };
    assert_eq!((b.name.as_str(), b.presence), ("b", Presence::Removed));
    assert_eq!((c.name.as_str(), c.presence), ("c", Presence::Added));
    assert_eq!(
        a.algorithm,
        Some(("round robin".to_owned(), "random".to_owned()))
    );
    let shares = a.servers.iter().map(|server| {
        let exact = |share: Option<Share>| share.and_then(Share::exact);
        (
            server.address.as_str(),
            exact(server.before),
            exact(server.after),
        )
    });
    assert_eq!(
        shares.collect::<Vec<_>>(),
        [
            ("192.0.2.1:80", Some(0.5), Some(0.75)),
            ("192.0.2.2:80", Some(0.5), None),
            ("192.0.2.3:80", None, Some(0.25)),
        ]
    );
}

#[test]
fn what_is_included_twice_is_told_once() {
    let files = MemoryFiles::new()
        .with(
            "/n/nginx.conf",
            "http { include a; }\nstream { include a; }",
        )
        .with(
            "/n/a",
            "upstream a { server 192.0.2.1:1; server 192.0.2.2:1 down; include missing; }",
        );
    let read = try_read(&files, "/n/nginx.conf", &Options::default()).unwrap();
    let (found, _) = ids(&read);
    assert_eq!(found.iter().filter(|id| **id == "EVK-004").count(), 1);
}

/// NGX-002: `localhost` is 127.0.0.1, and other names are what only DNS knows.
#[test]
fn localhost_is_an_address() {
    let found = |server: &str| {
        let text = format!("upstream a {{ server {server}:8080; server 127.0.0.1:8080; }}");
        ids(&read_text(&text)).0.contains(&"NGX-002")
    };
    assert!(found("localhost"));
    assert!(!found("local.example"));
}

#[test]
fn content_tells_the_product() {
    let nginx = Some(Product::Nginx);
    assert_eq!(detect(Path::new("x"), "# c\nupstream shop {\n"), nginx);
    assert_eq!(detect(Path::new("x"), "http {"), nginx);
    assert_eq!(detect(Path::new("x"), "server\n{"), None);
    assert_eq!(detect(Path::new("/etc/nginx/nginx.conf"), ""), nginx);
    assert_eq!(
        detect(
            Path::new("haproxy.cfg"),
            "backend shop\n  server a 192.0.2.1:80\n"
        ),
        Some(Product::Haproxy)
    );
}
