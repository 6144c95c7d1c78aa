//! Any bytes are a configuration or an error with its place; nothing panics, and time grows with length alone.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod common;

use std::fmt::Write as _;
use std::path::Path;

use evenkeel_balancers::source::MemoryFiles;
use evenkeel_balancers::{Options, Product, read};
use proptest::prelude::*;

use common::bytes::{LENGTH, cases, read_text, repeated, time_grows_with_length};

fn exercise(bytes: &[u8]) {
    common::bytes::exercise(bytes, |bytes| {
        read_text(Product::Nginx, "nginx.conf", bytes)
    });
}

/// Words that mean something, so that much of what is made can be read.
fn words() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "http {",
        "stream {",
        "upstream a {",
        "server {",
        "}",
        ";",
        "server 192.0.2.1:80;",
        "server b.example;",
        "server 192.0.2.1",
        "weight=3",
        "weight=18446744073709551615",
        "backup;",
        "down;",
        "max_fails=0;",
        "ip_hash;",
        "hash $uri;",
        "hash $uri consistent;",
        "least_conn;",
        "keepalive 3;",
        "proxy_pass http://a;",
        "proxy_pass $x;",
        "proxy_pass 192.0.2.1:80;",
        "split_clients $x $y {",
        "50% a;",
        "* b;",
        "content_by_lua_block {",
        "[[",
        "]]",
        "'",
        "\"",
        "\\",
        "#",
        "\n",
        "# evenkeel: allow NGX-001 because x\n",
        "include nginx.conf;",
        "include *;",
        "${",
        "é",
        "\u{feff}",
        "unix:/x",
        "fail_timeout=9999999999999999999y;",
        "max_conns=1;",
        "map $a $b {",
        "location / {",
        "worker_processes auto;",
        "resolve",
    ]);
    prop::collection::vec(words, 0..60).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        exercise(&bytes);
    }

    #[test]
    fn texts_of_nginx_words(text in words()) {
        exercise(text.as_bytes());
    }

    #[test]
    fn texts_of_its_signs(text in "[a{};'\"\\\\#$ \n\\[\\]=-]{0,200}") {
        exercise(text.as_bytes());
        // Lua has signs of its own.
        exercise(format!("a_by_lua_block {{ {text} }}").as_bytes());
    }
}

/// Texts that are costly for one or the other part, all of the same length.
#[test]
fn time_grows_with_length_alone() {
    let texts = [
        ("blocks", repeated("", "a{")),
        ("directives", repeated("", "a;")),
        ("one word", repeated("", "a")),
        ("a long line", repeated("", "aé ;")),
        ("quotes", repeated("", "\"\\\"")),
        ("Lua brackets", repeated("a_by_lua_block {", "[=[")),
        ("Lua closes", repeated("a_by_lua_block {[[", "]=")),
        (
            "comments",
            repeated("", "# evenkeel: allow NGX-001 because x\n"),
        ),
        (
            "servers",
            repeated("upstream a {", "server a weight=2;\n") + "}",
        ),
        (
            "heavy rings",
            repeated(
                "",
                "upstream a{hash $uri consistent;server a weight=20000;server b;}\n",
            ),
        ),
        (
            "dead slots",
            repeated("", "upstream a{ip_hash;server a weight=2;server b down;}\n"),
        ),
        (
            "passes",
            repeated(
                "http{upstream a{server a;}server{listen 80;",
                "location /{proxy_pass http://a;}",
            ) + "}}",
        ),
        (
            "splits",
            repeated("", "split_clients $a $b{*a;}server{proxy_pass $b;}"),
        ),
        (
            "open names",
            (0..LENGTH / 60).fold(String::from("events {} http {"), |text, number| {
                text + &format!("upstream u{number} {{ server a; }} server {{ proxy_pass http://u{number}x$y; }}\n")
            }) + "}",
        ),
        (
            "idle splits",
            repeated("", "split_clients $a $b{*a;}server{proxy_pass $c;}"),
        ),
        (
            "scopes",
            repeated("", "server{listen 80;listen 81;a{proxy_pass $a;}}"),
        ),
        ("names", repeated("", "proxy_pass http://a.b;")),
    ];
    time_grows_with_length(texts, exercise);
}

/// Files that include each other, and more than they should.
#[test]
fn inclusions_are_bounded() {
    let options = Options::default();
    let error = |files: &MemoryFiles| {
        read(Product::Nginx, files, Path::new("/n/nginx.conf"), &options)
            .unwrap_err()
            .to_string()
    };
    let cycle = MemoryFiles::new()
        .with("/n/nginx.conf", "events {}\ninclude a.conf;")
        .with("/n/a.conf", "http { include /n/nginx.conf; }");
    assert_eq!(
        error(&cycle),
        "/n/a.conf:1:16: /n/nginx.conf includes itself"
    );

    // Each file twice what the next is: 2^15 inclusions.
    let mut doubling = MemoryFiles::new().with("/n/nginx.conf", "include 0.conf;");
    for level in 0..15 {
        let next = level + 1;
        doubling.insert(
            format!("/n/{level}.conf"),
            format!("include {next}.conf; include {next}.conf;"),
        );
    }
    doubling.insert("/n/15.conf", "");
    assert!(
        error(&doubling).ends_with("files are included more than 10000 times"),
        "{}",
        error(&doubling)
    );

    let mut deep = String::new();
    for _ in 0..70 {
        write!(deep, "a {{ ").unwrap();
    }
    let deep = MemoryFiles::new().with("/n/nginx.conf", deep);
    assert!(
        error(&deep).contains("blocks are more than 64 deep"),
        "{}",
        error(&deep)
    );
}
