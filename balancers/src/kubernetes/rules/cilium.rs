//! Cilium's table of pods: CIL-001.

use std::collections::BTreeMap;

use super::SMALL_TABLE;
use crate::finding::{Report, Severity};
use crate::kubernetes::objects::{Endpoint, Objects};
use crate::text::{count, percent};
use crate::yaml::Value;

/// `bpf-lb-maglev-table-size` unless it is set.
const TABLE: u64 = 16_381;
/// How many entries each pod should have: below, shares differ by more than a percent.
const ENTRIES: u64 = 100;

/// CIL-001: a table with fewer entries than a hundred times the pods of the largest Service.
pub(super) fn small_table(objects: &Objects<'_>, report: &mut Report) {
    let pods = |endpoints: &Vec<Endpoint<'_>>| {
        let mut by_port: BTreeMap<Option<&str>, u64> = BTreeMap::new();
        for endpoint in endpoints.iter().filter(|endpoint| endpoint.ready) {
            *by_port.entry(endpoint.port).or_default() += 1;
        }
        by_port.into_values().max().unwrap_or(0)
    };
    let each = objects.endpoints.iter();
    let Some((service, most)) = each
        .map(|(key, all)| (key, pods(all)))
        .max_by_key(|(_, pods)| *pods)
    else {
        return;
    };
    for data in &objects.cilium {
        let Some(algorithm) = data
            .get("bpf-lb-algorithm")
            .filter(|word| word.text() == Some("maglev"))
        else {
            continue;
        };
        let written = data.get("bpf-lb-maglev-table-size");
        let size = written.and_then(Value::whole).unwrap_or(TABLE);
        let entries = size / most.max(1);
        if most < 2 || entries >= ENTRIES {
            continue;
        }
        // Each pod fills its entries in turn, so that one has at most one more than another.
        let uneven = 1.0 / entries.max(1) as f64;
        let severity = if size < most {
            Severity::Error
        } else {
            Severity::Warning
        };
        report
            .add(
                &SMALL_TABLE,
                written.unwrap_or(algorithm).place(),
                format!(
                    "a table of {size} entries has {entries} for each of {} of {}/{}: shares of connections from outside differ by up to {}, and a pod that comes or goes moves connections of others",
                    count(usize::try_from(most).unwrap_or(usize::MAX), "pod"),
                    service.0,
                    service.1,
                    percent(uneven),
                ),
                "set `maglev.tableSize` to a supported prime of at least 100 times the pods of the largest Service, the same on all nodes",
            )
            .severity(severity)
            .subject("bpf-lb-maglev-table-size");
    }
}
