//! The blocks of code in the documents: what can be done with each is done.
//!
//! The words behind the language say what a block is: `run` (done here, with its output compared), `tutorial` (see
//! `tutorial.rs`), `file=NAME` (a file that commands of the same page read), `audit=PRODUCT` (a whole configuration, without
//! findings), `needs=WHAT` (cannot be done here, because of that).

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use clap::Parser;
use evenkeel::commands::Cli;
use evenkeel::config::Config;

use crate::EVENKEEL;
use crate::pages::{self, Block, Page};
use crate::words::calls;

/// Why a block of commands cannot be run by a test.
const REASONS: [&str; 6] = [
    // To count, or to change the host.
    "root",
    // Other hosts.
    "network",
    // An agent that runs for longer, or what it has recorded.
    "agent",
    // A balancer, a cluster or a Prometheus that is the reader's.
    "site",
    // Files that are the reader's.
    "files",
    // A checkout, and minutes.
    "repository",
];

fn blocks(languages: &[&str]) -> Vec<Block> {
    let blocks = pages::all().into_iter().flat_map(|page| page.blocks);
    let blocks: Vec<Block> = blocks
        .filter(|block| languages.contains(&block.language.as_str()))
        .collect();
    assert!(!blocks.is_empty(), "{languages:?}");
    blocks
}

/// The lines that are typed.
pub(crate) fn typed(block: &Block) -> String {
    if block.language == "sh" {
        return block.text.clone();
    }
    let lines = block.text.lines();
    let typed = lines.filter_map(|line| line.strip_prefix("$ "));
    typed.flat_map(|line| [line, "\n"]).collect()
}

#[test]
fn every_language_is_known() {
    let known = [
        "apache", "console", "haproxy", "ini", "json", "nginx", "promql", "sh", "text", "yaml",
        "yml",
    ];
    for block in pages::all().into_iter().flat_map(|page| page.blocks) {
        assert!(
            known.contains(&block.language.as_str()),
            "{}: {:?}",
            block.place,
            block.language
        );
    }
}

#[test]
fn every_command_line_is_one_that_the_program_takes() {
    let mut checked = 0;
    for block in blocks(&["sh", "console"]) {
        for words in calls(&typed(&block), "evenkeel") {
            checked += 1;
            if let Err(error) = Cli::try_parse_from(&words) {
                let is_fine = error.exit_code() == 0;
                assert!(is_fine, "{}: {}\n{error}", block.place, words.join(" "));
            }
        }
    }
    assert!(checked > 40, "only {checked} commands were found");
}

#[test]
fn commands_that_are_not_run_say_why() {
    for block in blocks(&["sh", "console"]) {
        let reason = block.value("needs");
        let is_run =
            block.has("run") || block.words.iter().any(|word| word.starts_with("tutorial"));
        assert!(
            is_run || reason.is_some_and(|reason| REASONS.contains(&reason)),
            "{}: write `run`, or `needs=` and one of {REASONS:?}, behind the language",
            block.place
        );
    }
}

#[test]
fn configurations_of_the_agent_are_right() {
    let keys: BTreeSet<&str> = [
        "web",
        "interval",
        "window",
        "live_interval",
        "pools",
        "discovery",
        "detection",
        "alerting",
        "incidents",
    ]
    .into();
    let mut checked = 0;
    for block in blocks(&["yaml"]) {
        let value: Result<serde_json::Value, _> = serde_saphyr::from_str(&block.text);
        let Ok(serde_json::Value::Object(map)) = value else {
            continue;
        };
        if map.keys().all(|key| keys.contains(key.as_str())) {
            checked += 1;
            let parsed = Config::parse(&block.place, &block.text);
            parsed.unwrap_or_else(|error| panic!("{}: {error}", block.place));
        }
    }
    assert!(checked > 45, "only {checked} configurations were found");
}

fn audit(product: &str, folder: &Path, file: &str) -> (i32, String) {
    let output = Command::new(EVENKEEL)
        .args(["audit", "--severity", "note", "--as", product, file])
        .current_dir(folder)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.code().unwrap(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

#[test]
fn recommended_configurations_have_no_findings() {
    let mut checked = BTreeSet::new();
    for block in blocks(&["nginx", "haproxy", "yaml", "json", "apache"]) {
        let Some(product) = block.value("audit") else {
            continue;
        };
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("configuration"), &block.text).unwrap();
        let (code, text) = audit(product, folder.path(), "configuration");
        assert!(
            code == 0 && text.contains("1 pool"),
            "{}: {text}",
            block.place
        );
        checked.insert(product.to_owned());
    }
    assert_eq!(checked.len(), 7, "{checked:?}");
}

#[test]
fn balancers_take_the_recommended_configurations() {
    let envoy = evenkeel_lab::parts::envoy().unwrap();
    let folder = tempfile::tempdir().unwrap();
    // Envoy tells YAML by the name.
    let file = folder.path().join("configuration.yaml");
    let path = file.to_str().unwrap();
    for block in blocks(&["nginx", "haproxy", "yaml", "apache"]) {
        let mut command = match block.value("audit") {
            Some("nginx") => program("nginx", &["-t", "-q", "-c", path]),
            Some("haproxy") => program("haproxy", &["-c", "-q", "-f", path]),
            Some("envoy") => program(envoy.to_str().unwrap(), &["--mode", "validate", "-c", path]),
            Some("apache") => program("apache2", &["-t", "-f", path]),
            _ => continue,
        };
        let text = match block.language.as_str() {
            "apache" => format!("{APACHE_MODULES}{}", block.text),
            _ => block.text.clone(),
        };
        std::fs::write(&file, text).unwrap();
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {said}", block.place);
    }
}

/// What Debian's httpd loads by files of its own.
const APACHE_MODULES: &str = "ServerRoot /etc/apache2\n\
    PidFile /tmp/evenkeel-documents.pid\n\
    ErrorLog /dev/stderr\n\
    LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so\n\
    LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so\n\
    LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so\n\
    LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so\n\
    LoadModule slotmem_shm_module /usr/lib/apache2/modules/mod_slotmem_shm.so\n\
    LoadModule proxy_balancer_module /usr/lib/apache2/modules/mod_proxy_balancer.so\n\
    LoadModule lbmethod_byrequests_module /usr/lib/apache2/modules/mod_lbmethod_byrequests.so\n\
    LoadModule proxy_hcheck_module /usr/lib/apache2/modules/mod_proxy_hcheck.so\n";

fn program(name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("timeout");
    command.arg("60").arg(name).args(arguments);
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    command
}

#[test]
fn parts_of_configurations_in_the_pages_of_rules_are_understood() {
    let folder = tempfile::tempdir().unwrap();
    let mut failed = Vec::new();
    let pages = pages::of_the_book().into_iter();
    for page in pages.filter(|page| page.name.starts_with("docs/audit/")) {
        for block in &page.blocks {
            if block.language == "json" {
                let whole = format!("{{{}}}", block.text);
                let part: Result<serde_json::Value, _> = serde_json::from_str(&whole);
                let alone = serde_json::from_str(&block.text);
                let _: serde_json::Value = part
                    .or(alone)
                    .unwrap_or_else(|error| panic!("{}: {error}", block.place));
            }
            let Some(product) = product(&page.name, &block.language) else {
                continue;
            };
            // Lines of a server alone belong to a section.
            let is_line = product == "haproxy" && block.text.starts_with("server ");
            let section = if is_line { "backend shop\n" } else { "" };
            std::fs::write(
                folder.path().join("part"),
                format!("{section}{}", block.text),
            )
            .unwrap();
            let (code, text) = audit(product, folder.path(), "part");
            if !matches!(code, 0 | 3) {
                failed.push(format!("{}: {text}", block.place));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Whose configuration a block on the page of a rule is a part of.
fn product(page: &str, language: &str) -> Option<&'static str> {
    let rule = page.trim_start_matches("docs/audit/");
    match (language, &rule[..3]) {
        ("nginx", _) => Some("nginx"),
        ("haproxy", _) => Some("haproxy"),
        ("apache", _) => Some("apache"),
        ("yaml", "ENV") => Some("envoy"),
        ("yaml", "K8S" | "IST") => Some("kubernetes"),
        ("yaml", "TRF") => Some("traefik"),
        _ => None,
    }
}

#[test]
fn queries_are_promql() {
    for block in blocks(&["promql"]) {
        // Rules are what promtool of every version checks.
        let indented = block.text.trim().replace('\n', "\n      ");
        let rules = format!(
            "groups:\n- name: documents\n  rules:\n  - record: it\n    expr: |-\n      {indented}\n"
        );
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rules.yaml");
        std::fs::write(&file, rules).unwrap();
        let output = program("promtool", &["check", "rules", file.to_str().unwrap()])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {said}", block.place);
    }
}

#[test]
fn what_is_shown_to_be_printed_is_printed() {
    let mut compared = 0;
    for page in pages::all() {
        let folder = tempfile::tempdir().unwrap();
        for block in &page.blocks {
            if let Some(name) = block.value("file") {
                std::fs::write(folder.path().join(name), &block.text).unwrap();
            }
            if block.has("run") {
                compared += compare(&page, block, folder.path());
            }
        }
    }
    assert!(compared > 5, "only {compared} outputs were compared");
}

/// Runs the commands of a block, each of which is followed by what it prints.
fn compare(page: &Page, block: &Block, folder: &Path) -> usize {
    let sessions = block.text.split("$ ").skip(1);
    let mut count = 0;
    for session in sessions {
        let (line, shown) = session.split_once('\n').unwrap();
        let printed = shell(folder, line);
        assert!(
            is_like(shown, &printed),
            "{} of {}: {line}\nshown:\n{shown}printed:\n{printed}",
            block.place,
            page.name
        );
        count += 1;
    }
    count
}

fn shell(folder: &Path, line: &str) -> String {
    let program = Path::new(EVENKEEL).parent().unwrap().display();
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("timeout")
        .args(["60", "bash", "-c", line])
        .current_dir(folder)
        .env("PATH", format!("{program}:{path}"))
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    // 3 is findings.
    let is_fine = matches!(output.status.code(), Some(0 | 3)) && said.is_empty();
    assert!(is_fine, "{line}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// Whether a text is as it is shown; the line `...` stands for any others.
pub(crate) fn is_like(shown: &str, text: &str) -> bool {
    let shown: Vec<&str> = shown.lines().collect();
    let lines: Vec<&str> = text.lines().collect();
    matches(&shown, &lines)
}

fn matches(shown: &[&str], lines: &[&str]) -> bool {
    match shown {
        [] => lines.is_empty(),
        ["...", rest @ ..] => (0..=lines.len()).any(|skipped| matches(rest, &lines[skipped..])),
        [first, rest @ ..] => lines
            .split_first()
            .is_some_and(|(line, lines)| line == first && matches(rest, lines)),
    }
}

#[test]
fn shown_texts_may_leave_lines_out() {
    assert!(is_like("a\n...\nd\n", "a\nb\nc\nd\n"));
    assert!(is_like("a\n...\n", "a\n"));
    assert!(!is_like("a\n...\nd\n", "a\nb\n"));
    assert!(!is_like("a\n", "a\nb\n"));
}
