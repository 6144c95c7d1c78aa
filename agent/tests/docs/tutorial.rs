//! docs/first-pool.md from the first command to the last, as its readers do it, in a network namespace of its own.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::EVENKEEL;
use crate::blocks::{is_like, typed};
use crate::pages::{self, Block};

/// Between the outputs of commands.
const MARK: &str = "====";

/// A shell that ends what it started, however it ends.
const BEGIN: &str = "
trap 'kill $(jobs -p) 2>/dev/null; [ -e nginx.pid ] && nginx -p . -c nginx.conf -s stop' EXIT
ip link set lo up
verdict() {
    # The rate is that of the window, which does not know at first that there are a hundred a second.
    curl -s http://127.0.0.1:9797/api/v1/pools/shop | jq -r '.pool | if (.detection_seconds // 1000) < 60 then .verdict else \"\" end'
}
until_verdict() {
    for _ in $(seq 600); do
        [ \"$(verdict)\" = \"$1\" ] && return
        sleep 0.1
    done
    echo \"the verdict is '$(verdict)', not '$1'\" >&2
    cat evenkeel.log >&2
    exit 1
}
";

/// The page as a script. Before a block that shows a verdict it waits for that.
fn script(blocks: &[Block]) -> String {
    let mut script = BEGIN.to_owned();
    for block in blocks {
        if let Some(verdict) = block.value("tutorial") {
            writeln!(script, "until_verdict {verdict}").unwrap();
        }
        if block.language == "sh" {
            script += &block.text;
        } else if block.value("tutorial").is_some() {
            for line in typed(block).lines() {
                writeln!(script, "echo {MARK}; {line}").unwrap();
            }
        }
    }
    script
}

/// A text without what differs from one time to the next.
fn without_digits(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '0'..='9' | '.' if out.ends_with('0') => {}
            '0'..='9' => out.push('0'),
            // How long something takes has one unit or two.
            c => out.push(c),
        }
    }
    out.replace("0m 0s", "0s")
}

#[test]
fn what_the_tutorial_says_happens() {
    let pages = pages::of_the_book();
    let page = pages.iter().find(|page| page.name == "docs/first-pool.md");
    let blocks = &page.unwrap().blocks;
    let folder = tempfile::tempdir().unwrap();
    for (block, name) in blocks
        .iter()
        .filter_map(|block| Some((block, block.value("file")?)))
    {
        // Its readers wait for the window of a minute; the test for one of five seconds.
        let faster = if name == "evenkeel.yaml" {
            "window: 5s\n"
        } else {
            ""
        };
        std::fs::write(folder.path().join(name), format!("{faster}{}", block.text)).unwrap();
    }
    std::fs::write(folder.path().join("script"), script(blocks)).unwrap();
    let _turn = crate::common::alone();
    let program = Path::new(EVENKEEL).parent().unwrap().display();
    let path = std::env::var("PATH").unwrap();
    let output = Command::new("timeout")
        .args(["150", "unshare", "--net", "bash", "script"])
        .current_dir(folder.path())
        .env("PATH", format!("{program}:{path}:/usr/sbin:/sbin"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    compare(blocks, &String::from_utf8(output.stdout).unwrap());
}

/// Compares what was printed with what the page shows, command by command.
fn compare(blocks: &[Block], printed: &str) {
    let mark = format!("{MARK}\n");
    let mut printed = printed.split(&mark).skip(1);
    let shown = blocks
        .iter()
        .filter(|block| block.value("tutorial").is_some())
        .flat_map(|block| {
            block
                .text
                .split("$ ")
                .skip(1)
                .map(|text| (&block.place, text))
        });
    let mut count = 0;
    for (place, text) in shown {
        let (line, shown) = text.split_once('\n').unwrap();
        let printed = printed.next().unwrap();
        assert!(
            is_like(&without_digits(shown), &without_digits(printed)),
            "{place}: {line}\nshown:\n{shown}printed:\n{printed}"
        );
        count += 1;
    }
    assert_eq!((count, printed.next()), (4, None));
}
