//! Weights of routes: K8S-012.

use super::CANARY;
use crate::finding::Report;
use crate::kubernetes::objects::Objects;
use crate::shares::by_weight;
use crate::text::{list, percent};
use crate::yaml::Value;

const HELP: &str = "when the change is over give one backend all; if it is meant, say until when: `# evenkeel: allow K8S-012 until 2027-01-31 because ...`";

/// K8S-012: backends of unequal weight, of which more than one gets something.
pub(super) fn splits(objects: &Objects<'_>, report: &mut Report) {
    for split in &objects.splits {
        let mut some = split.parts.iter().filter(|part| part.weight > 0.0);
        let Some(first) = some.next() else { continue };
        let Some(other) = some.find(|part| (part.weight - first.weight).abs() > 1e-9) else {
            continue;
        };
        let shares = by_weight(
            &split
                .parts
                .iter()
                .map(|part| part.weight)
                .collect::<Vec<_>>(),
        );
        let told = split
            .parts
            .iter()
            .zip(shares)
            .map(|(part, share)| format!("{} {}", part.name, percent(share)));
        let odd = if other.weight < first.weight {
            other
        } else {
            first
        };
        report
            .add(
                &CANARY,
                odd.place,
                format!("traffic is shared out by weight: {}", list(told.collect())),
                HELP,
            )
            .pool(&split.name)
            .subject(odd.name);
    }
}

/// K8S-012 too: `canary-weight` of an Ingress.
pub(super) fn canaries(objects: &Objects<'_>, report: &mut Report) {
    for canary in &objects.canaries {
        let part = canary.weight.number().map(|weight| weight / canary.total);
        let Some(part) = part.filter(|part| *part > 0.0 && *part < 1.0) else {
            continue;
        };
        report
            .add(
                &CANARY,
                Value::place(canary.weight),
                format!(
                    "the canary gets {} of the requests, the main Ingress {}",
                    percent(part),
                    percent(1.0 - part)
                ),
                HELP,
            )
            .pool(&format!("{}/{}", canary.key.0, canary.key.1))
            .subject("canary-weight");
    }
}
