//! How a configuration of Apache httpd is read: lines, conditions, included files, servers; and the pools that come of it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::path::Path;

use evenkeel_balancers::model::{Class, Comparability, Origin, Pool, State, Target};
use evenkeel_balancers::source::MemoryFiles;
use evenkeel_balancers::{
    Configuration, Options, Product, ReadError, Version, detect, read, read_any,
};

const PATH: &str = "/etc/apache2/apache2.conf";

fn try_read(text: &str) -> Result<Configuration, ReadError> {
    let files = MemoryFiles::new().with(PATH, text);
    read(
        Product::Apache,
        &files,
        Path::new(PATH),
        &Options::default(),
    )
}

fn config(text: &str) -> Configuration {
    try_read(text).unwrap()
}

/// The addresses of a pool's servers, as they are written.
fn servers(pool: &Pool) -> Vec<&str> {
    let servers = pool.servers.iter();
    servers
        .map(|server| server.address.written.as_str())
        .collect()
}

/// The hosts of all members of all pools.
fn hosts(text: &str) -> Vec<String> {
    let config = config(text);
    let written = config.pools.iter().flat_map(servers);
    let hosts = written.map(|url| url.split_once("://").unwrap().1.to_owned());
    hosts.collect()
}

fn member(host: &str) -> String {
    format!("BalancerMember balancer://a http://{host}\n")
}

#[test]
fn lines_are_joined_and_words_told_apart() {
    let read = config(
        "<Proxy \\\n  \"balancer://Shop/\">\n\tBalancerMember 'http://192.0.2.1' load\\\nfactor=3\n# not read \\\nBalancerMember http://192.0.2.9\n  balancermember HTTP://App.Example:8080/x ROUTE=\"a\\\"b\"\n</PROXY>",
    );
    let pool = &read.pools[0];
    assert_eq!(pool.name, "shop");
    assert_eq!(read.sources.locate(pool.place), format!("{PATH}:2:3"));
    assert_eq!(
        servers(pool),
        ["http://192.0.2.1", "HTTP://App.Example:8080/x"]
    );
    assert_eq!(pool.servers[0].weight.to_string(), "3");
    assert_eq!(
        pool.servers[1].address.target,
        Target::Name {
            host: "app.example".to_owned(),
            port: Some(8080)
        }
    );
    // Within a word quotes are what they are.
    assert_eq!(pool.servers[1].labels["route"], "\"a\\\"b\"");
    let place = pool.servers[1].place;
    assert_eq!(read.sources.locate(place), format!("{PATH}:7:18"));
}

#[test]
fn what_breaks_the_grammar_has_its_place() {
    for (text, error) in [
        ("<Proxy *>\n", "1:1: this `<proxy>` is not closed"),
        ("a\n</Proxy>", "2:1: there is no `<proxy>` before this"),
        (
            "<Location /a>\n<IfModule a>\n</Location>",
            "3:1: this should close `<ifmodule>`",
        ),
        (
            "LoadModule a b\n<IfModule b>\n<IfModule c>\n</IfModule>\n",
            "2:1: this `<ifmodule>` is not closed",
        ),
    ] {
        let said = try_read(text).unwrap_err().to_string();
        assert_eq!(said, format!("{PATH}:{error}"));
    }
    // What is not known is passed over.
    assert!(config("<Foo>\nBar baz\n</Foo>\nNonsense").pools.is_empty());
}

#[test]
fn modules_decide_once_any_is_loaded() {
    let text = |load: &str| {
        format!(
            "{load}<IfModule mod_foo.c>\n{}</IfModule>\n<IfModule !foo_module>\n{}</IfModule>\n",
            member("with"),
            member("without")
        )
    };
    // A part of a configuration is read as if its modules were there.
    assert_eq!(hosts(&text("")), ["with"]);
    assert_eq!(
        hosts(&text("LoadModule foo_module x/mod_foo.so\n")),
        ["with"]
    );
    assert_eq!(
        hosts(&text("LoadModule bar_module x/mod_bar.so\n")),
        ["without"]
    );
}

#[test]
fn definitions_and_versions_decide() {
    let text = format!(
        "<IfDefine A>\n{}</IfDefine>\nDefine A\nDefine HOST 192.0.2.1\n<IfDefine A>\n{}</IfDefine>\nUnDefine A\n<IfDefine !A>\n{}</IfDefine>\n",
        member("early"),
        member("${HOST}:80"),
        member("${OUTSIDE}:80"),
    );
    let read = config(&text);
    assert_eq!(
        servers(&read.pools[0]),
        ["http://192.0.2.1:80", "http://${OUTSIDE}:80"]
    );
    assert_eq!(read.pools[0].servers[1].address.target, Target::Unknown);

    let text = format!(
        "<IfVersion >= 2.4.30>\n{}</IfVersion>\n<IfVersion < 2.4.30>\n{}</IfVersion>\n",
        member("new"),
        member("old")
    );
    assert_eq!(hosts(&text), ["new"]);
    let options = Options {
        version: Some(Version(2, 4, 6)),
        ..Options::default()
    };
    let files = MemoryFiles::new().with(PATH, text);
    let old = read_any(&files, Path::new(PATH), &options).unwrap();
    assert_eq!(servers(&old.pools[0]), ["http://old"]);
}

/// Values are put in before words are told apart.
#[test]
fn a_variable_can_be_several_words() {
    let read = config(
        "Define MEMBER \"http://192.0.2.1 loadfactor=7\"\nBalancerMember balancer://a ${MEMBER}\n",
    );
    assert_eq!(read.pools[0].servers[0].weight.to_string(), "7");
}

#[test]
fn files_are_included_from_the_root() {
    let files = MemoryFiles::new()
        .with(PATH, "Include ports.conf\nIncludeOptional conf.d/*.conf\nServerRoot /srv/httpd\nInclude more\nIncludeOptional gone/*.conf\nIncludeOptional gone.conf\n")
        .with("/etc/apache2/ports.conf", member("1"))
        .with("/etc/apache2/conf.d/b.conf", member("3"))
        .with("/etc/apache2/conf.d/a.conf", member("2"))
        .with("/etc/apache2/conf.d/README", "<nonsense")
        .with("/srv/httpd/more/z", member("6"))
        .with("/srv/httpd/more/a", member("4"))
        .with("/srv/httpd/more/b/c", member("5"));
    let options = Options::default();
    let read = read(Product::Apache, &files, Path::new(PATH), &options).unwrap();
    let hosts = ["1", "2", "3", "4", "5", "6"].map(|host| format!("http://{host}"));
    assert_eq!(servers(&read.pools[0]), hosts);
    assert!(
        read.audit("2026-11-22".parse().unwrap())
            .findings
            .iter()
            .all(|finding| finding.rule.id == "APA-010")
    );
    let third = read.pools[0].servers[2].place;
    assert_eq!(
        read.sources.locate(third),
        "/etc/apache2/conf.d/b.conf:1:29"
    );
}

#[test]
fn members_and_passes_can_be_written_in_several_ways() {
    let read = config(
        "BalancerMember balancer://a http://192.0.2.1\n\
         <Proxy balancer://a>\n BalancerMember http://192.0.2.2\n</Proxy>\n\
         ProxySet balancer://a stickysession=S|s\n\
         ProxyPass /x balancer://A/x lbmethod=bybusyness\n\
         BalancerMember balancer://b ajp://192.0.2.3\n\
         RewriteEngine On\nRewriteRule ^/b balancer://b/ [L,P]\n\
         RewriteRule ^/c balancer://idle/ [R]\n\
         BalancerMember balancer://idle http://192.0.2.4\n\
         ProxyPass /one http://192.0.2.5:81/ max=7\n\
         ProxyPass /not !\n\
         <FilesMatch php>\nSetHandler \"proxy:unix:/run/php.sock|fcgi://localhost\"\n</FilesMatch>\n\
         LoadModule x y\n",
    );
    let names: Vec<&str> = read.pools.iter().map(|pool| pool.name.as_str()).collect();
    assert_eq!(
        names,
        ["a", "b", "idle", "192.0.2.5:81", "unix:/run/php.sock"]
    );
    let [a, b, idle, one, php] = &read.pools[..] else {
        unreachable!()
    };
    assert_eq!(servers(a), ["http://192.0.2.1", "http://192.0.2.2"]);
    assert_eq!(
        a.algorithm.name,
        "stickysession S|s, new sessions bybusyness"
    );
    assert_eq!(a.algorithm.class, Class::KeyDependent);
    assert!(a.used && b.used && !idle.used);
    assert_eq!(
        b.servers[0].address.target,
        Target::Ip("192.0.2.3:8009".parse().unwrap())
    );
    assert_eq!(one.origin, Origin::Implicit);
    assert_eq!(one.servers[0].max_connections, Some(7));
    assert_eq!(one.comparability, Comparability::Approximate);
    // FastCGI connections are closed unless the configuration says otherwise.
    assert_eq!(php.comparability, Comparability::Exact);
}

#[test]
fn states_are_told() {
    let read = config(
        "<Proxy balancer://a>\nBalancerMember http://192.0.2.1\nBalancerMember http://192.0.2.2 status=+D\nBalancerMember http://192.0.2.3 status=N\nBalancerMember http://192.0.2.4 status=+H lbset=3\nBalancerMember http://192.0.2.5 disablereuse=On\n</Proxy>\n",
    );
    let states: Vec<State> = read.pools[0]
        .servers
        .iter()
        .map(|server| server.state)
        .collect();
    assert_eq!(
        states,
        [
            State::InRotation,
            State::Down,
            State::Drained,
            State::Backup,
            State::InRotation
        ]
    );
    assert_eq!(read.pools[0].servers[3].labels["lbset"], "3");
    assert_eq!(
        read.pools[0].shares.exact().unwrap(),
        [0.5, 0.0, 0.0, 0.0, 0.5]
    );
}

/// The same name in two virtual hosts is two balancers; pools have names of their own.
#[test]
fn virtual_hosts_have_balancers_of_their_own() {
    let host = |name: &str, host: &str| {
        format!(
            "<VirtualHost *:443>\nServerName {name}\n{}ProxyPass / balancer://a/\n</VirtualHost>\n",
            member(host)
        )
    };
    let text = host("x.example", "1") + &host("y.example", "2") + &host("y.example", "3");
    let read = config(&text);
    let names: Vec<&str> = read.pools.iter().map(|pool| pool.name.as_str()).collect();
    assert_eq!(
        names,
        ["a (x.example)", "a (y.example)", "a (y.example) #2"]
    );

    let inherited = member("main") + &host("x.example", "1");
    assert_eq!(hosts(&inherited), ["main"]);
    let off = inherited.replace(
        "ServerName",
        "BalancerInherit Off\nProxyPassInherit Off\nServerName",
    );
    assert_eq!(hosts(&off), ["main", "1"]);
}

/// Sessions that a virtual host binds are bound in the main server's balancer.
#[test]
fn a_virtual_host_can_bind_sessions() {
    let text = "<Proxy balancer://a>\nBalancerMember http://192.0.2.1 route=x\nBalancerMember http://192.0.2.2 route=x\n</Proxy>\n<VirtualHost *:80>\nProxyPass / balancer://a/ stickysession=S\n</VirtualHost>\n";
    let read = config(text);
    assert_eq!(
        read.pools[0].algorithm.name,
        "stickysession S, new sessions byrequests"
    );
    let audit = read.audit("2026-11-22".parse().unwrap());
    let found = audit.findings.iter().map(|finding| finding.rule.id);
    assert_eq!(found.collect::<Vec<_>>(), ["APA-005"]);
}

/// What only a request or a macro knows is told, and not guessed.
#[test]
fn what_is_not_known_is_unresolved() {
    let read = config(
        "<Macro Member $host>\nBalancerMember balancer://a http://$host\n</Macro>\nUse Member 192.0.2.1\nProxyPassMatch ^/(.*?)/ balancer://$1/\nRewriteRule ^ http://%{HTTP_HOST}/ [P]\nBalancerMember balancer://a http://192.0.2.2\nLoadModule x y\n",
    );
    let written: Vec<&str> = read
        .unresolved
        .iter()
        .map(|word| word.written.as_str())
        .collect();
    assert_eq!(
        written,
        [
            "balancer://$1/",
            "http://%{HTTP_HOST}/",
            "Use Member 192.0.2.1"
        ]
    );
    assert_eq!(servers(&read.pools[0]), ["http://192.0.2.2"]);
    // A variable may name it.
    assert!(read.pools[0].used);
}

#[test]
fn comments_cover_the_next_directive_or_section() {
    let allow = "# evenkeel: allow APA-001 because it is larger\n";
    let uneven = |before: &str, within: &str| {
        format!(
            "{before}<Proxy balancer://a>\nBalancerMember http://192.0.2.1\n{within}BalancerMember http://192.0.2.2 loadfactor=8\n</Proxy>\n"
        )
    };
    for (text, found, allowed) in [
        (uneven("", ""), 1, 0),
        (uneven(allow, ""), 0, 1),
        (uneven("", allow), 0, 1),
        // One that nothing follows covers nothing, and is found unused.
        (uneven("", "") + allow, 2, 0),
        // What is not read has no comments.
        (
            uneven("", "") + "<IfDefine X>\n" + allow + "</IfDefine>\n",
            1,
            0,
        ),
    ] {
        let audit = config(&text).audit("2026-11-22".parse().unwrap());
        assert_eq!(
            (audit.findings.len(), audit.allowed.len()),
            (found, allowed),
            "{text}"
        );
    }
}

#[test]
fn configurations_are_recognised() {
    let looks = |name: &str, text: &str| detect(Path::new(name), text);
    for text in [
        "<VirtualHost *:80>\n</VirtualHost>",
        "# x\n  <Proxy \"balancer://a\">\n</Proxy>",
        "ProxyPass / http://a/\n",
        "LoadModule a b",
    ] {
        assert_eq!(looks("x.conf", text), Some(Product::Apache), "{text}");
    }
    assert_eq!(
        looks("/etc/httpd/conf/httpd.conf", "Listen 80"),
        Some(Product::Apache)
    );
    assert_eq!(
        looks("a.conf", "http { server { listen 80; } }"),
        Some(Product::Nginx)
    );
    assert_eq!(
        looks("a.cfg", "listen web\n bind :80\n"),
        Some(Product::Haproxy)
    );
    assert_eq!(looks("a.xml", "<Proxy name=\"a\"/>"), None);
}
