//! All objects are valid by the schemas of Kubernetes' versions, and the agent accepts its configurations.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use evenkeel_lab::parts;

use crate::objects::Objects;
use crate::{chart, kustomize};

/// The oldest version that the chart names, and those that are supported by their makers.
const VERSIONS: [&str; 6] = ["1.27", "1.33", "1.34", "1.35", "1.36", "1.37"];
/// Fields that a version does not know yet.
const TOO_NEW: &[(&str, &str)] = &[("1.27", "appArmorProfile")];

fn assert_valid(name: &str, yaml: &str) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), yaml).unwrap();
    for version in VERSIONS {
        if TOO_NEW
            .iter()
            .any(|(old, field)| *old == version && yaml.contains(field))
        {
            continue;
        }
        let mut validate = parts::kubernetes_validate().unwrap();
        validate.args(["--strict", "--kubernetes-version", version]);
        let output = validate
            .arg(file.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{name}, {version}: {said}");
        // Custom resources have no schema there; everything else has.
        let unknown = said.lines().filter(|line| line.contains("WARN"));
        for line in unknown {
            assert!(line.contains("monitoring.coreos.com"), "{name}: {line}");
        }
        let passed = said
            .lines()
            .filter(|line| line.contains(" passed "))
            .count();
        let custom = Objects::parse(yaml);
        let custom = custom.iter().filter(|one| is_custom(one)).count();
        assert_eq!(passed + custom, Objects::parse(yaml).iter().count());
    }
}

fn is_custom(object: &serde_json::Value) -> bool {
    object["apiVersion"] == "monitoring.coreos.com/v1"
}

fn assert_configuration(name: &str, objects: &Objects) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("evenkeel.yaml");
    std::fs::write(&file, objects.configuration()).unwrap();
    let mut check = Command::new(env!("CARGO_BIN_EXE_evenkeel"));
    let output = check
        .arg("check-config")
        .arg(&file)
        .env("NODE_NAME", "node-1")
        .output();
    let output = output.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {said}");
}

#[test]
fn what_kustomize_makes_is_valid() {
    for folder in kustomize::FOLDERS {
        let yaml = kustomize::render(folder);
        assert_valid(folder, &yaml);
        assert_configuration(folder, &Objects::parse(&yaml));
    }
}

#[test]
fn what_helm_makes_is_valid() {
    let yaml = chart::render(&[]);
    assert_valid("chart", &yaml);
    assert_configuration("chart", &Objects::parse(&yaml));
    for example in chart::examples() {
        let yaml = chart::render(&[&example]);
        assert_valid(&example, &yaml);
        assert_configuration(&example, &Objects::parse(&yaml));
    }
}

/// Clusters without the Prometheus operator would refuse all of it for one kind that they do not know.
#[test]
fn custom_resources_are_only_where_they_are_asked_for() {
    for yaml in [kustomize::render("base"), chart::render(&[])] {
        let kinds: BTreeSet<String> = Objects::parse(&yaml)
            .iter()
            .filter(|one| is_custom(one))
            .map(|one| one["kind"].to_string())
            .collect();
        assert!(kinds.is_empty(), "{kinds:?}");
    }
}
