//! From a cause to what in the balancer's configuration brings it about.

use crate::model::{Cause, CauseId, Finding};

/// Findings that are told with a cause.
const MOST: usize = 3;

/// The rules whose findings explain a cause, the more telling first. `docs/audit` has a page for each.
const fn rules(cause: CauseId) -> &'static [&'static str] {
    match cause {
        CauseId::Refusing => &[
            "EVK-007", "NGX-015", "HAP-012", "ENV-018", "APA-009", "CAD-008", "TRF-007", "TRF-013",
            "K8S-009", "L5D-002",
        ],
        CauseId::NotInRotation => &[
            "EVK-005", "EVK-006", "NGX-005", "HAP-001", "APA-002", "TRF-002", "CAD-001", "APA-014",
            "APA-013", "NGX-004", "APA-010", "NGX-014", "APA-007", "APA-008", "APA-016", "CAD-009",
            "TRF-005", "CAD-005", "ENV-006", "ENV-013", "ENV-011", "CAD-012", "TRF-014", "ENV-005",
        ],
        CauseId::NotRebalanced => &["GEN-001", "NGX-021", "ENV-010", "HAP-022", "K8S-006"],
        CauseId::PinnedConnections => &[
            "NGX-021", "GEN-001", "ENV-010", "HAP-022", "HAP-010", "CAD-011", "TRF-009",
        ],
        CauseId::SlowBackend => &[
            "HAP-016", "HAP-017", "ENV-020", "IST-004", "TRF-005", "APA-016",
        ],
        CauseId::HeavyConnections => &["NGX-021", "GEN-001", "ENV-010", "APA-004", "K8S-006"],
        CauseId::Affinity => &[
            "NGX-009", "NGX-013", "NGX-019", "HAP-003", "HAP-020", "HAP-009", "HAP-011", "HAP-010",
            "ENV-003", "APA-005", "APA-003", "CAD-004", "CAD-010", "CAD-011", "TRF-006", "TRF-009",
            "K8S-003",
        ],
        CauseId::WeightsDiffer => &[
            "GEN-006", "EVK-005", "EVK-006", "NGX-010", "NGX-011", "NGX-002", "NGX-003", "NGX-001",
            "HAP-005", "HAP-002", "HAP-001", "ENV-002", "ENV-004", "ENV-001", "APA-019", "APA-006",
            "APA-001", "CAD-001", "CAD-014", "CAD-002", "CAD-007", "CAD-006", "TRF-016", "TRF-010",
            "TRF-015", "TRF-012", "IST-006", "CIL-001",
        ],
        CauseId::WeightsLost => &[
            "GEN-006", "NGX-017", "HAP-015", "ENV-001", "ENV-007", "APA-012", "APA-011", "APA-017",
            "TRF-001", "CAD-014", "NGX-001",
        ],
        CauseId::FirstInList => &[
            "NGX-008", "NGX-007", "HAP-004", "CAD-005", "CAD-003", "ENV-009",
        ],
        CauseId::BetweenGroups => &[
            "ENV-016", "ENV-013", "ENV-014", "K8S-001", "K8S-005", "AWS-001", "IST-001", "IST-003",
            "ENV-005",
        ],
        CauseId::OneBalancerDiffers | CauseId::SumSkewed => &["EVK-005", "EVK-006", "GEN-006"],
        CauseId::Unexplained => &[
            "NGX-010", "NGX-011", "HAP-005", "HAP-002", "ENV-002", "ENV-004", "CAD-013", "CAD-003",
            "TRF-016", "CIL-001",
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

    const ALL: [CauseId; 14] = [
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
        CauseId::OneBalancerDiffers,
        CauseId::SumSkewed,
        CauseId::Unexplained,
    ];

    #[test]
    fn rules_exist() {
        for id in ALL.into_iter().flat_map(rules) {
            assert!(evenkeel_balancers::rule(id).is_some(), "{id}");
        }
    }

    /// What every balancer can be told to do wrong.
    #[test]
    fn every_balancer_has_rules_for_the_usual_causes() {
        let usual = [
            CauseId::Refusing,
            CauseId::NotInRotation,
            CauseId::Affinity,
            CauseId::WeightsDiffer,
        ];
        for cause in usual {
            for of in ["NGX-", "HAP-", "ENV-", "APA-", "CAD-", "TRF-"] {
                let explained = rules(cause).iter().any(|rule| rule.starts_with(of));
                assert!(explained, "{cause:?}: {of}");
            }
        }
    }

    #[test]
    fn a_rule_is_told_once_for_a_cause() {
        for cause in ALL {
            let distinct: std::collections::BTreeSet<_> = rules(cause).iter().collect();
            assert_eq!(distinct.len(), rules(cause).len(), "{cause:?}");
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
