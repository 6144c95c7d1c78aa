//! From a cause to what in the balancer's configuration brings it about.

use crate::model::{Cause, CauseId, Finding};

/// Findings that are told with a cause.
const MOST: usize = 3;

/// The rules whose findings explain a cause, the more telling first. `docs/audit` has a page for each.
const fn rules(cause: CauseId) -> &'static [&'static str] {
    match cause {
        CauseId::Refusing => &["EVK-007", "NGX-015", "HAP-012", "ENV-018", "K8S-009"],
        CauseId::NotInRotation => &[
            "EVK-005", "EVK-006", "NGX-005", "HAP-001", "NGX-004", "NGX-014", "ENV-006", "ENV-013",
            "ENV-011", "ENV-005",
        ],
        CauseId::NotRebalanced => &["GEN-001", "NGX-021", "ENV-010", "HAP-022", "K8S-006"],
        CauseId::PinnedConnections => &["NGX-021", "GEN-001", "ENV-010", "HAP-022", "HAP-010"],
        CauseId::SlowBackend => &["HAP-016", "HAP-017", "ENV-020", "IST-004"],
        CauseId::HeavyConnections => &["NGX-021", "GEN-001", "ENV-010", "K8S-006"],
        CauseId::Affinity => &[
            "NGX-009", "NGX-013", "NGX-019", "HAP-003", "HAP-020", "HAP-009", "HAP-011", "HAP-010",
            "ENV-003", "K8S-003",
        ],
        CauseId::WeightsDiffer => &[
            "GEN-006", "EVK-005", "EVK-006", "NGX-010", "NGX-011", "NGX-002", "NGX-003", "NGX-001",
            "HAP-005", "HAP-002", "HAP-001", "ENV-002", "ENV-004", "ENV-001", "IST-006",
        ],
        CauseId::WeightsLost => &[
            "GEN-006", "NGX-017", "HAP-015", "ENV-001", "ENV-007", "NGX-001",
        ],
        CauseId::FirstInList => &["NGX-008", "NGX-007", "HAP-004", "ENV-009"],
        CauseId::BetweenGroups => &[
            "ENV-016", "ENV-013", "ENV-014", "K8S-001", "K8S-005", "IST-001", "IST-003", "ENV-005",
        ],
        CauseId::Unexplained => &[
            "NGX-010", "NGX-011", "HAP-005", "HAP-002", "ENV-002", "ENV-004",
        ],
    }
}

/// Adds to a cause what was found in the configuration that explains it.
pub(super) fn explained(mut cause: Cause, findings: &[Finding]) -> Cause {
    let by_rule = rules(cause.id).iter();
    let of_rule =
        by_rule.flat_map(|rule| findings.iter().filter(move |found| found.rule == **rule));
    cause.findings = of_rule.take(MOST).cloned().collect();
    cause
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Severity;

    const ALL: [CauseId; 12] = [
        CauseId::Refusing,
        CauseId::NotInRotation,
        CauseId::NotRebalanced,
        CauseId::SlowBackend,
        CauseId::PinnedConnections,
        CauseId::HeavyConnections,
        CauseId::Affinity,
        CauseId::WeightsDiffer,
        CauseId::WeightsLost,
        CauseId::FirstInList,
        CauseId::BetweenGroups,
        CauseId::Unexplained,
    ];

    #[test]
    fn rules_exist() {
        for id in ALL.into_iter().flat_map(rules) {
            assert!(evenkeel_balancers::rule(id).is_some(), "{id}");
        }
    }

    #[test]
    fn a_cause_is_explained_by_few_findings_of_its_rules() {
        let finding = |rule: &str| Finding {
            rule: rule.to_owned(),
            severity: Severity::Warning,
            place: "/etc/nginx/nginx.conf:3:5".to_owned(),
            pool: None,
            message: "m".to_owned(),
            help: "h".to_owned(),
        };
        let findings = ["NGX-001", "NGX-013", "NGX-019", "NGX-009", "HAP-003"].map(finding);
        let cause = |id| Cause {
            id,
            text: String::new(),
            findings: Vec::new(),
        };
        let told = |id| -> Vec<String> {
            let explained = explained(cause(id), &findings).findings.into_iter();
            explained.map(|finding| finding.rule).collect()
        };
        assert_eq!(told(CauseId::Affinity), ["NGX-009", "NGX-013", "NGX-019"]);
        assert!(told(CauseId::Refusing).is_empty());
    }
}
