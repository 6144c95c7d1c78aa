//! Any bytes are a configuration of Apache httpd's or an error with its place; nothing panics, and time grows with length
//! alone.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use evenkeel_balancers::source::MemoryFiles;
use evenkeel_balancers::{Configuration, Options, Product, ReadError, detect, read};
use proptest::prelude::*;

fn read_text(text: impl Into<Vec<u8>>) -> Result<Configuration, ReadError> {
    let files = MemoryFiles::new().with("/h/httpd.conf", text);
    let path = Path::new("/h/httpd.conf");
    read(Product::Apache, &files, path, &Options::default())
}

/// Reads, audits, and looks at everything that was found.
fn exercise(bytes: &[u8]) {
    let _ = detect(Path::new("x"), &String::from_utf8_lossy(bytes));
    match read_text(bytes) {
        Ok(configuration) => {
            let audit = configuration.audit("2026-11-22".parse().unwrap());
            for finding in &audit.findings {
                let excerpt = configuration.sources.excerpt(finding.place);
                assert!(excerpt.indent + excerpt.carets <= excerpt.line.chars().count() + 1);
                assert!(!finding.message.is_empty() && !finding.help.is_empty());
            }
            for pool in &configuration.pools {
                assert_eq!(pool.shares.servers.len(), pool.servers.len());
                if let Some(shares) = pool.shares.exact() {
                    let sum: f64 = shares.iter().sum();
                    assert!(sum < 1e-9 || (sum - 1.0).abs() < 1e-9, "{shares:?}");
                }
            }
            let names = configuration
                .pools
                .iter()
                .filter(|pool| pool.servers.len() > 1);
            let mut names: Vec<&str> = names.map(|pool| pool.name.as_str()).collect();
            names.sort_unstable();
            assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
            serde_json::to_string(&configuration.pools).unwrap();
            serde_json::to_string(&audit).unwrap();
        }
        Err(error) => assert!(
            error.position.is_some() || error.to_string().contains("zero bytes"),
            "{error}"
        ),
    }
}

/// Words that mean something to httpd, in any order.
fn words() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "<Proxy balancer://a>\n",
        "<Proxy \"balancer://b\" lbmethod=bytraffic>\n",
        "</Proxy>\n",
        "BalancerMember http://192.0.2.1\n",
        "BalancerMember http://192.0.2.2:80 loadfactor=3 status=+H\n",
        "BalancerMember http://192.0.2.2:80/x loadfactor=99.999 route=a\n",
        "BalancerMember balancer://a http://b.example lbset=3 status=DSNRHICE route=a\n",
        "BalancerMember",
        "unix:/x|http://y",
        "ProxySet lbmethod=bybusyness stickysession=S|s\n",
        "ProxySet balancer://a failonstatus=500 failontimeout=On nofailover=On\n",
        "ProxyPass / balancer://a/\n",
        "ProxyPass /x http://192.0.2.9/ retry=0\n",
        "ProxyPass balancer://b/ lbmethod=heartbeat\n",
        "ProxyPass ~ ^/(.*) balancer://$1/\n",
        "RewriteRule ^ balancer://a/ [P,L]\n",
        "SetHandler \"proxy:fcgi://192.0.2.1:9000\"\n",
        "<VirtualHost *:80>\n",
        "ServerName a\n",
        "</VirtualHost>\n",
        "<Location />\n",
        "</Location>\n",
        "<IfModule proxy_module>\n",
        "<IfModule !proxy_module>\n",
        "</IfModule>\n",
        "<IfDefine A>\n",
        "</IfDefine>\n",
        "<IfVersion >= 2.4>\n",
        "</IfVersion>\n",
        "<Macro A $b>\n",
        "</Macro>\n",
        "Use A 1\n",
        "LoadModule proxy_balancer_module modules/mod_proxy_balancer.so\n",
        "Define A ${A}http://192.0.2.7 x",
        "${A}",
        "${",
        "UnDefine A\n",
        "Include httpd.conf\n",
        "IncludeOptional *\n",
        "ServerRoot /h\n",
        "BalancerInherit Off\nProxyPassInherit Off\n",
        "retry=999999999999999999999",
        "max=1 acquire=1",
        "# evenkeel: allow APA-001 because x\n",
        "#",
        "\\\n",
        "\\",
        "\"",
        "'",
        ">",
        "<",
        "</",
        "\n",
        "\r\n",
        "é",
        "\u{feff}",
    ]);
    prop::collection::vec(words, 0..50).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(debug_assertions) { 400 } else { 20_000 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        exercise(&bytes);
    }

    #[test]
    fn texts_of_its_words(text in words()) {
        exercise(text.as_bytes());
    }

    #[test]
    fn texts_of_its_signs(text in "[aP<>/\"'\\\\#${}=! \n\r]{0,200}") {
        exercise(text.as_bytes());
        exercise(format!("<Proxy balancer://a>\nBalancerMember {text}").as_bytes());
    }
}

/// Texts that are costly for one or the other part, all of the same length.
#[test]
fn time_grows_with_length_alone() {
    const LENGTH: usize = 300_000;
    let repeated = |head: &str, part: &str, tail: &str| {
        let mut text = head.to_owned();
        text.push_str(&part.repeat((LENGTH - head.len()) / part.len()));
        text.push_str(tail);
        text
    };
    let numbered = |head: &str, part: &dyn Fn(usize) -> String, tail: &str| {
        let mut text = head.to_owned();
        let mut number = 0;
        while text.len() < LENGTH {
            text.push_str(&part(number));
            number += 1;
        }
        text + tail
    };
    let proxy = "<Proxy balancer://a>\n";
    for (name, text) in [
        ("one word", repeated("", "a", "")),
        ("one line", repeated("", "aé ", "")),
        ("continued", repeated("", "a\\\n", "")),
        ("quotes", repeated("", "\"\\\"", "")),
        ("open variables", repeated("a ", "${", "")),
        ("variables", repeated("Define A b\n", "${A}", "")),
        (
            "comments",
            repeated("", "# evenkeel: allow APA-001 because x\n", "\na b\n"),
        ),
        ("skipped", repeated("<IfDefine A>\n", "<IfDefine A>\n", "")),
        ("sections", repeated("", "<Location />\n</Location>\n", "")),
        (
            "members",
            numbered(
                proxy,
                &|n| format!("BalancerMember http://a/{n}\n"),
                "</Proxy>\nProxyPass / balancer://a/\n",
            ),
        ),
        (
            "one member",
            repeated(
                proxy,
                "BalancerMember http://a/ loadfactor=2\n",
                "</Proxy>\n",
            ),
        ),
        (
            "long members",
            repeated(
                proxy,
                &format!("BalancerMember http://a/{}\n", "a/".repeat(2000)),
                "</Proxy>\n",
            ),
        ),
        (
            "routes",
            repeated(
                &format!("{proxy}ProxySet stickysession=S\n"),
                "BalancerMember http://a route=a status=+D\n",
                "</Proxy>\n",
            ),
        ),
        (
            "sets",
            numbered(
                proxy,
                &|n| format!("BalancerMember http://a{n} lbset={} status=+D\n", n % 100),
                "</Proxy>\n",
            ),
        ),
        (
            "balancers",
            numbered(
                "",
                &|n| {
                    format!(
                        "BalancerMember balancer://a{n} http://a\nProxyPass /{n} balancer://a{n}/\n"
                    )
                },
                "",
            ),
        ),
        (
            "empty balancers",
            numbered(
                "LoadModule a b\n",
                &|n| format!("ProxyPass /{n} balancer://a{n}/\n"),
                "",
            ),
        ),
        (
            "hosts",
            numbered(
                "BalancerMember balancer://a http://a\n",
                &|n| {
                    format!(
                        "<VirtualHost *:80>\nServerName a{n}\nProxyPass / balancer://a/\n</VirtualHost>\n"
                    )
                },
                "",
            ),
        ),
        (
            "lost members",
            repeated(
                "BalancerMember balancer://a http://a\n",
                "<VirtualHost *:80>\nBalancerMember balancer://a http://b\nProxyPass / balancer://a/\n</VirtualHost>\n",
                "",
            ),
        ),
        (
            "paths",
            repeated(
                "ProxyPass / http://a/\n",
                &format!("ProxyPass /{} http://b/\n", "a/".repeat(2000)),
                "",
            ),
        ),
        ("patterns", repeated("", "IncludeOptional /h/*/*/x\n", "")),
    ] {
        let began = Instant::now();
        exercise(text.as_bytes());
        let took = began.elapsed();
        // Without optimisation, on a busy machine: a quadratic step would take minutes.
        assert!(took < Duration::from_secs(20), "{name}: {took:?}");
        println!("{name}: {took:?}");
    }
}

/// Files that include each other, and more than they should.
#[test]
fn inclusions_are_bounded() {
    let error = |files: &MemoryFiles| {
        let path = Path::new("/h/httpd.conf");
        read(Product::Apache, files, path, &Options::default())
            .unwrap_err()
            .to_string()
    };
    let cycle = MemoryFiles::new()
        .with("/h/httpd.conf", "# x\nInclude a.conf\n")
        .with(
            "/h/a.conf",
            "<Location /a>\nInclude /h/httpd.conf\n</Location>\n",
        );
    assert_eq!(
        error(&cycle),
        "/h/a.conf:2:9: /h/httpd.conf includes itself"
    );

    // Each file twice what the next is: 2^15 inclusions.
    let mut doubling = MemoryFiles::new().with("/h/httpd.conf", "Include 0.conf\n");
    for level in 0..15 {
        let next = level + 1;
        doubling.insert(
            format!("/h/{level}.conf"),
            format!("Include {next}.conf\nInclude {next}.conf\n"),
        );
    }
    doubling.insert("/h/15.conf", "");
    assert!(
        error(&doubling).ends_with("files are included more than 10000 times"),
        "{}",
        error(&doubling)
    );

    let mut deep = String::new();
    let mut growing = String::from("Define A 0123456789\n");
    for level in 0..70 {
        writeln!(deep, "<Location /{level}>").unwrap();
        growing.push_str("Define A ${A}${A}\n");
    }
    let deep = MemoryFiles::new().with("/h/httpd.conf", deep);
    assert!(
        error(&deep).contains("blocks are more than 64 deep"),
        "{}",
        error(&deep)
    );
    let growing = MemoryFiles::new().with("/h/httpd.conf", growing);
    assert!(
        error(&growing).contains("longer than 16777216 bytes"),
        "{}",
        error(&growing)
    );
}
