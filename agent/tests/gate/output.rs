//! What each format looks like, as recorded, of one report with all that can be in it.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use evenkeel::gate::report::{Counted, End, Format, PoolReport, Report, Row, Signal, Traffic};
use evenkeel::gate::{Limits, Observation, judge};
use evenkeel::model::{Algorithm, Counters};
use evenkeel_skew::Expected;

fn limits() -> Limits {
    Limits {
        max_to_mean: Some(1.2),
        gini: Some(0.1),
        tolerance: Some(0.25),
        no_failed: true,
        confidence: 0.99,
    }
}

/// A pool whose ticks are all alike, so that its noise is small if there are enough of them to tell.
fn pool(name: &str, weights: &[f64], number: usize, each: &[f64], failed: u64) -> PoolReport {
    let expected = Expected::from_weights(weights).unwrap();
    let ticks = vec![each.to_vec(); number];
    let loads: Vec<f64> = each.iter().map(|count| number as f64 * count).collect();
    let judgement = judge(
        &Observation {
            expected: &expected,
            algorithm: Algorithm::Rotation,
            schedulers: 2,
            countable: true,
            loads: &loads,
            ticks: &ticks,
            failed,
        },
        &limits(),
    );
    let row = |index: usize| Row {
        name: format!("192.0.2.{}:8080", index + 1),
        expected: expected.shares()[index],
        load: loads[index],
        bounds: judgement.bounds[index],
        counted: Some(counted(loads[index], if index == 0 { failed } else { 0 })),
    };
    PoolReport {
        name: name.to_owned(),
        algorithm: "round robin".to_owned(),
        signal: Signal::Opened,
        rows: (0..loads.len()).map(row).collect(),
        judgement,
        notes: vec!["not in rotation, and not counted: 192.0.2.9:8080".to_owned()],
    }
}

fn counted(load: f64, failed: u64) -> Counted {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole numbers"
    )]
    let opened = load as u64;
    Counted {
        counters: Counters {
            opened,
            failed,
            closed: opened,
            received: 1000 * opened,
            sent: 100 * opened,
            retransmits: 0,
            handshakes: opened,
            handshake_micros: 250 * opened,
        },
        open: 0,
    }
}

fn report() -> Report {
    Report {
        started: SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000),
        took: Duration::from_millis(10_200),
        traffic: Traffic::Command {
            line: "wrk -d10s http://127.0.0.1/?a=<b>&c".to_owned(),
            end: End::Code(0),
        },
        limits: limits(),
        pools: vec![
            pool("even", &[1.0, 1.0, 2.0], 40, &[50.0, 50.0, 100.0], 0),
            pool("checkout <&|>", &[1.0; 4], 40, &[80.0, 40.0, 40.0, 40.0], 3),
            pool("few", &[1.0; 4], 2, &[30.0, 20.0, 25.0, 25.0], 0),
            pool("silent", &[1.0; 2], 40, &[0.0, 0.0], 0),
        ],
        notes: vec![
            "connections still opened or closed when waiting ended: give them time by --settle"
                .to_owned(),
        ],
    }
}

fn written(format: Format) -> String {
    let mut text = Vec::new();
    report().write(format, &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

#[test]
fn text() {
    insta::assert_snapshot!(written(Format::Text { colour: false }));
    assert!(written(Format::Text { colour: true }).contains("\x1b[1;31mskewed\x1b[0m"));
}

#[test]
fn markdown() {
    insta::assert_snapshot!(written(Format::Markdown));
}

#[test]
fn html() {
    let page = written(Format::Html);
    // It needs nothing else.
    for outside in ["<script", "src=", "href=", "url(", "@import"] {
        assert!(!page.contains(outside), "{outside}");
    }
    insta::assert_snapshot!(page);
}

#[test]
fn json() {
    insta::assert_snapshot!(written(Format::Json));
}

#[test]
fn junit() {
    insta::assert_snapshot!(written(Format::Junit));
}

/// By another reader: the document is well-formed, and the numbers are those of what is there.
#[test]
fn junit_is_what_it_says() {
    const CHECK: &str = "
import sys, xml.etree.ElementTree as tree
root = tree.parse(sys.stdin).getroot()
assert root.tag == 'testsuites'
def hold(element, cases):
    for kind, found in (('tests', len(cases)), ('failures', sum(c.find('failure') is not None for c in cases)),
                        ('errors', sum(c.find('error') is not None for c in cases))):
        assert int(element.get(kind)) == found, (element.attrib, kind, found)
hold(root, list(root.iter('testcase')))
for suite in root:
    assert suite.tag == 'testsuite'
    hold(suite, suite.findall('testcase'))
print([suite.get('name') for suite in root])
";
    let mut python = Command::new("python3")
        .args(["-c", CHECK])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = python.stdin.take().unwrap();
    stdin.write_all(written(Format::Junit).as_bytes()).unwrap();
    drop(stdin);
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success());
    let suites = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        suites.trim(),
        "['even', 'checkout <&|>', 'few', 'silent', 'command']"
    );
}
