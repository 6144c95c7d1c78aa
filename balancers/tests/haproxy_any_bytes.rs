//! Any bytes are a configuration of `HAProxy`'s or an error with its place; nothing panics, and time grows with length
//! alone.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod common;

use std::fmt::Write as _;
use std::path::Path;

use evenkeel_balancers::source::{Limits, MemoryFiles};
use evenkeel_balancers::{Configuration, Options, Product, ReadError, Version, haproxy_text, read};
use proptest::prelude::*;

use common::bytes::{LENGTH, cases, repeated, time_grows_with_length};

fn read_text(
    text: impl Into<Vec<u8>>,
    version: Option<Version>,
) -> Result<Configuration, ReadError> {
    let files = MemoryFiles::new().with("haproxy.cfg", text);
    let options = Options {
        version,
        ..Options::default()
    };
    read(Product::Haproxy, &files, Path::new("haproxy.cfg"), &options)
}

fn exercise(bytes: &[u8], version: Option<Version>) {
    common::bytes::exercise(bytes, |bytes| {
        let read = read_text(bytes, version);
        if let Err(error) = &read {
            let placed = error.position.is_some() || error.to_string().contains("zero bytes");
            assert!(placed, "{error}");
        }
        // What is read can be copied; what is not copied has its place.
        let files = MemoryFiles::new().with("haproxy.cfg", bytes);
        let text = haproxy_text(&files, Path::new("haproxy.cfg"), Limits::default());
        assert!(text.is_ok() || read.is_err());
        for line in text
            .iter()
            .flat_map(|text| &text.proxies)
            .flat_map(|proxy| &proxy.own)
        {
            assert!(line.parameters().len() <= line.words.len() && !line.to_string().is_empty());
        }
        read
    });
}

/// Words that mean something to `HAProxy`, in any order.
fn words() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "global\n",
        "defaults\n",
        "defaults d\n",
        "defaults e from d\n",
        "backend a\n",
        "backend b from d\n",
        "listen c\n",
        "frontend f\n",
        "mode http\n",
        "mode tcp\n",
        "balance\n",
        "balance uri\n",
        "balance hdr(host)\n",
        "balance random\n",
        "balance random(0)\n",
        "balance first\n",
        "balance leastconn\n",
        "hash-type consistent\n",
        "hash-type map-based djb2\n",
        "hash-balance-factor 150\n",
        "server a 192.0.2.1:80",
        "server b b.example:80 check",
        "server c [2001:db8::1]:80",
        "server-template t 3 x:80",
        "server-template t 5-2 x",
        "server-template t 1-99999999999 x:80",
        "default-server check",
        "weight 0",
        "weight 256",
        "weight 300",
        "weight \"$W\"",
        "backup",
        "disabled",
        "id 7",
        "id 2147483647",
        "id 0",
        "maxconn 10",
        "maxqueue",
        "cookie x",
        "cookie S insert\n",
        "slowstart 3s",
        "inter 99999999999999999999d",
        "track a/b",
        "hash-key addr",
        "stick on src\n",
        "option allbackups\n",
        "no option redispatch\n",
        "use_backend a if x\n",
        "default_backend %[x]\n",
        ".if 1\n",
        ".if feature(X)\n",
        ".elif 0\n",
        ".else\n",
        ".endif\n",
        "setenv W 3\n",
        "setenv V \"$V$V\"\n",
        "\"${V-x}\"",
        "\"${V[*]}\"",
        "'",
        "\"",
        "\\",
        "\\x4",
        "#",
        "\n",
        "\n",
        "\n",
        "\r",
        "é",
        "\u{feff}",
        "bind :80 accept-proxy\n",
        "timeout tunnel 1h\n",
        "# evenkeel: allow HAP-001 because x\n",
        "nbproc 4\n",
    ]);
    prop::collection::vec(words, 0..60).prop_map(|words| words.join(" "))
}

fn version() -> impl Strategy<Value = Option<Version>> {
    let versions = [
        None,
        Some(Version(1, 8, 0)),
        Some(Version(3, 3, 0)),
        Some(Version(3, 4, 0)),
    ];
    prop::sample::select(versions.to_vec())
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn bytes(bytes in prop::collection::vec(any::<u8>(), 0..400), version in version()) {
        exercise(&bytes, version);
    }

    #[test]
    fn texts_of_haproxy_words(text in words(), version in version()) {
        exercise(text.as_bytes(), version);
        exercise(format!("backend x\n {text}").as_bytes(), version);
    }

    #[test]
    fn texts_of_its_signs(text in "[a$.'\"\\\\#{}()\\[*\\] \n\r\tx0-]{0,200}", version in version()) {
        exercise(format!("backend x\n{text}").as_bytes(), version);
        exercise(format!("global\n.if {text}").as_bytes(), version);
    }
}

/// Texts that are costly for one or the other part, all of the same length.
#[test]
fn time_grows_with_length_alone() {
    let half = |head: &str, part: &str| head.to_owned() + &part.repeat(LENGTH / 2 / part.len());
    let mut many = String::new();
    for number in 0..LENGTH / 60 {
        writeln!(many, "backend b{number}\n server a x\n server b x").unwrap();
    }
    let texts = [
        ("lines", repeated("global\n", "a\n")),
        ("one word", repeated("global\n", "a")),
        ("words", repeated("global\n", "a ")),
        ("escapes", repeated("global\n", "\\x41")),
        ("conditions", repeated("global\n", ".if 0\n.endif\n")),
        ("a long condition", repeated(".if ", "!(")),
        ("a wide condition", repeated(".if ", "1||")),
        ("sections", repeated("", "global\n")),
        (
            "comments",
            repeated("global\n", "# evenkeel: allow HAP-001 because x\n"),
        ),
        (
            "servers",
            repeated("backend a\n", "server a x:1 weight 2\n"),
        ),
        (
            "rings",
            repeated("backend a\nbalance random\n", "server a x weight 256\n"),
        ),
        (
            "ids",
            repeated("backend a\n", "server a x id 1\nserver b x\n"),
        ),
        (
            "templates",
            repeated("backend a\n", "server-template a 99999999 x\n"),
        ),
        (
            "long balance",
            half("defaults\nbalance hash ", "a ") + "\n" + &many,
        ),
        (
            "long key",
            half("defaults\nbalance url_param ", "a") + "\n" + &many,
        ),
        (
            "long cookie",
            half("defaults\nmode http\ncookie ", "a") + " insert\n" + &many,
        ),
        (
            "wide cookie",
            half("defaults\nmode http\ncookie a ", "b ") + "\n" + &many,
        ),
        (
            "long value",
            half("defaults\nmode http\ncookie a\ndefault-server cookie ", "b") + "\n" + &many,
        ),
        (
            "long key of hashes",
            half("defaults\nbalance random\ndefault-server hash-key ", "b") + "\n" + &many,
        ),
        (
            "many options",
            half("defaults\n", "option redispatch\n") + &many,
        ),
    ];
    time_grows_with_length(texts, |bytes| exercise(bytes, None));
}

/// Variables made of variables do not grow without end.
#[test]
fn variables_are_bounded() {
    let mut text = "global\nsetenv A0 xxxxxxxxxxxxxxxx\n".to_owned();
    for level in 1..60 {
        let last = level - 1;
        writeln!(text, "setenv A{level} \"$A{last}$A{last}\"").unwrap();
    }
    let error = read_text(text, None).unwrap_err().to_string();
    assert!(
        error.ends_with("variables make this configuration longer than any may be"),
        "{error}"
    );
    let deep = ".if 1\n".repeat(Limits::default().block_depth + 1);
    let error = read_text(deep, None).unwrap_err().to_string();
    assert!(error.contains("blocks are more than 64 deep"), "{error}");
}
