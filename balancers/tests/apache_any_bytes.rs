//! Any bytes are a configuration of Apache httpd's or an error with its place; nothing panics, and time grows with length
//! alone.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod common;

use std::fmt::Write as _;
use std::path::Path;

use evenkeel_balancers::model::Origin;
use evenkeel_balancers::source::MemoryFiles;
use evenkeel_balancers::{Configuration, Options, Product, read};
use proptest::prelude::*;

use common::bytes::{LENGTH, cases, read_text, time_grows_with_length};

/// Reads, audits, and looks at everything that was found; names of pools are unique.
fn exercise(bytes: &[u8]) {
    common::bytes::exercise(bytes, |bytes| {
        let read = read_text(Product::Apache, "/h/httpd.conf", bytes);
        match &read {
            Ok(configuration) => unique(configuration),
            Err(error) => {
                let placed = error.position.is_some() || error.to_string().contains("zero bytes");
                assert!(placed, "{error}");
            }
        }
        read
    });
}

fn unique(configuration: &Configuration) {
    let pools = configuration.pools.iter();
    let declared = pools.filter(|pool| pool.origin == Origin::Declared);
    let mut names: Vec<&str> = declared.map(|pool| pool.name.as_str()).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
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
    #![proptest_config(cases())]

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

/// What a text begins with, what is repeated in it (`%` stands for the number), what it ends with.
type Shape<'a> = (&'a str, &'a str, &'a str, &'a str);

const PROXY: &str = "<Proxy balancer://a>\n";
const END: &str = "</Proxy>\nProxyPass / balancer://a/\n";

/// Texts that are costly for lines, words and conditions.
const LINES: [Shape<'_>; 10] = [
    ("one word", "", "a", ""),
    ("one line", "", "aé ", ""),
    ("continued", "", "a\\\n", ""),
    ("quotes", "", "\"\\\"", ""),
    ("open variables", "a ", "${", ""),
    ("variables", "Define A b\n", "${A}", ""),
    (
        "comments",
        "",
        "# evenkeel: allow APA-001 because x\n",
        "\na b\n",
    ),
    ("skipped", "<IfDefine A>\n", "<IfDefine A>\n", ""),
    ("sections", "", "<Location />\n</Location>\n", ""),
    ("patterns", "", "IncludeOptional /h/*/*/x\n", ""),
];

/// Texts that are costly for balancers and rules.
const BALANCERS: [Shape<'_>; 9] = [
    ("members", PROXY, "BalancerMember http://a/%\n", END),
    (
        "one member",
        PROXY,
        "BalancerMember http://a/ loadfactor=2\n",
        END,
    ),
    (
        "routes",
        "ProxySet balancer://a stickysession=S\n",
        "BalancerMember balancer://a http://a% route=a status=+D\n",
        "",
    ),
    (
        "sets",
        PROXY,
        "BalancerMember http://a% lbset=9% status=+D\n",
        END,
    ),
    (
        "balancers",
        "",
        "BalancerMember balancer://a% http://a\nProxyPass /% balancer://a%/\n",
        "",
    ),
    (
        "empty balancers",
        "LoadModule a b\n",
        "ProxyPass /% balancer://a%/\n",
        "",
    ),
    (
        "hosts",
        "BalancerMember balancer://a http://a\n",
        "<VirtualHost *:80>\nServerName a%\nProxyPass / balancer://a/\n</VirtualHost>\n",
        "",
    ),
    (
        "lost members",
        "BalancerMember balancer://a http://a\n",
        "<VirtualHost *:80>\nBalancerMember balancer://a http://b\nProxyPass / balancer://a/\n</VirtualHost>\n",
        "",
    ),
    (
        "equal names",
        "",
        "<VirtualHost *:80>\nBalancerMember balancer://a http://b\n</VirtualHost>\n",
        "",
    ),
];

fn shaped((name, head, part, tail): Shape<'_>) -> (&str, String) {
    let mut text = head.to_owned();
    for number in 0.. {
        if text.len() >= LENGTH {
            break;
        }
        text.push_str(&part.replace('%', &number.to_string()));
    }
    (name, text + tail)
}

#[test]
fn time_grows_with_length_alone() {
    let parts = "a/".repeat(2000);
    let members = format!("BalancerMember http://a/{parts}%\n");
    let paths = format!("ProxyPass /{parts}% http://b/\n");
    let long = [
        ("long members", PROXY, members.as_str(), END),
        ("long paths", "ProxyPass / http://a/\n", &paths, ""),
    ];
    let shapes = LINES.into_iter().chain(BALANCERS).chain(long);
    time_grows_with_length(shapes.map(shaped), exercise);
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
