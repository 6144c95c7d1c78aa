//! With pools from the configurations of `HAProxy` and Envoy that run, and judged by bytes.

use evenkeel_lab::balancer::{Product, Setup};
use evenkeel_lab::parts;

use crate::bed::{Answer, backends, balancer, gate};
use crate::host::on_own_host;

fn option(product: Product) -> &'static str {
    match product {
        Product::Haproxy => "--haproxy",
        Product::Envoy => "--envoy",
        Product::Nginx => "--nginx",
    }
}

/// A load test of so many seconds with a balancer that is set up by `change`, and how many connections its backends accepted.
fn tested(
    product: Product,
    seconds: u32,
    options: &[&str],
    change: impl FnOnce(&mut Setup) + Send,
) -> (Answer, u64) {
    if product == Product::Envoy {
        // If it is to be fetched, then from where there is a network.
        parts::envoy().unwrap();
    }
    let mut result = None;
    on_own_host(|host| {
        let backend = backends(host);
        let balancer = balancer(product, host, change);
        let file = balancer.config_path().display().to_string();
        let time = format!("-d{seconds}s");
        let load = ["--", "wrk", "-t1", "-c8", &time, "http://127.0.0.1:8080/"];
        let first = [
            option(product),
            &file,
            "--pool",
            pool(product),
            "--output",
            "json",
        ];
        let answer = gate(&[&first, options, &load].concat());
        result = Some((answer, backend.ledger().total().opened));
    });
    result.unwrap()
}

fn pool(product: Product) -> &'static str {
    if product == Product::Haproxy {
        "lab"
    } else {
        "pool"
    }
}

fn opened(answer: &Answer) -> u64 {
    let report = answer.json();
    let all = report["pools"][0]["backends"].as_array().unwrap();
    all.iter()
        .map(|one| one["counted"]["connections"]["opened"].as_u64().unwrap())
        .sum()
}

#[test]
fn an_even_one_passes_and_all_connections_are_counted() {
    for product in [Product::Haproxy, Product::Envoy] {
        let (answer, accepted) =
            tested(product, 2, &["--max-to-mean", "1.2", "--no-failed"], |_| {});
        assert_eq!(answer.code, 0, "{product:?}: {answer:?}");
        assert_eq!(opened(&answer), accepted, "{product:?}");
        assert!(accepted > 100, "{product:?}: {accepted}");
    }
}

#[test]
fn weights_are_expected_where_they_are_written_and_skew_where_they_are_not() {
    for product in [Product::Haproxy, Product::Envoy] {
        let weighted = |setup: &mut Setup| setup.servers[0].weight = 3;
        let (kept, _) = tested(product, 2, &["--max-to-mean", "1.2"], weighted);
        assert_eq!(kept.code, 0, "{product:?}: {kept:?}");
        let share = kept.json()["pools"][0]["backends"][0]["expected_share"].clone();
        assert!(
            (share.as_f64().unwrap() - 0.5).abs() < 1e-9,
            "{product:?}: {share}"
        );
        let options = ["--max-to-mean", "1.2", "--expect", "equal"];
        let (broken, _) = tested(product, 2, &options, weighted);
        assert_eq!(broken.code, 3, "{product:?}: {broken:?}");
        let factor = broken.json()["pools"][0]["capacity"]["factor"]
            .as_f64()
            .unwrap();
        assert!((factor - 2.0).abs() < 0.1, "{product:?}: {factor}");
    }
}

/// With connections that are kept, their number says nothing, and their bytes do.
#[test]
fn kept_connections_are_judged_by_their_bytes() {
    let options = [
        "--signal",
        "bytes",
        "--tolerance",
        "0.4",
        "--expect",
        "equal",
    ];
    let (even, _) = tested(Product::Haproxy, 8, &options, |setup| {
        setup.keepalive = true;
    });
    assert_eq!(even.code, 0, "{even:?}");
    assert_eq!(even.json()["pools"][0]["signal"], "bytes");
    let (uneven, _) = tested(Product::Haproxy, 8, &options, |setup| {
        setup.keepalive = true;
        setup.servers[0].weight = 4;
    });
    assert_eq!(uneven.code, 3, "{uneven:?}");
    assert_eq!(uneven.json()["pools"][0]["backends"][0]["skewed"], 1);
}
