//! Findings with what identifies them from one audit to the next.

use std::collections::BTreeMap;

use evenkeel_balancers::{Allowed, Finding};

use super::report::Item;
use super::uri::Uri;

/// A finding, and whether a comment allows it.
pub(super) struct Entry<'a> {
    pub(super) finding: &'a Finding,
    pub(super) allowed: Option<&'a Allowed>,
    /// The same in the next audit, wherever the lines have moved and whether or not it is allowed by then.
    pub(super) fingerprint: String,
}

/// All findings of a configuration in the order of places, also those that are allowed.
pub(super) fn entries<'a>(item: &'a Item) -> Vec<Entry<'a>> {
    let findings = item.audit.findings.iter().map(|finding| (finding, None));
    let allowed = item.audit.allowed.iter();
    let allowed = allowed.map(|allowed| (&allowed.finding, Some(allowed)));
    let mut all: Vec<_> = findings.chain(allowed).collect();
    all.sort_by_key(|(finding, _)| (finding.place, finding.rule.id));

    let root = Uri::of(item.name());
    let mut seen: BTreeMap<[&str; 3], usize> = BTreeMap::new();
    let entry = |(finding, allowed): (&'a Finding, Option<&'a Allowed>)| {
        let part = |text: &'a Option<String>| text.as_deref().unwrap_or("");
        let key = [finding.rule.id, part(&finding.pool), part(&finding.subject)];
        let ordinal = seen.entry(key).or_default();
        *ordinal += 1;
        Entry {
            finding,
            allowed,
            fingerprint: fingerprint(&root.text, key, *ordinal),
        }
    };
    all.into_iter().map(entry).collect()
}

/// Of the first file, rule, pool and subject; equal ones are numbered.
fn fingerprint(root: &str, key: [&str; 3], ordinal: usize) -> String {
    let [rule, pool, subject] = key;
    let text = format!("{root}\0{rule}\0{pool}\0{subject}\0{ordinal}");
    format!("{:016x}", fnv1a(text.as_bytes()))
}

/// FNV-1a with 64 bits (draft-eastlake-fnv): the same on every machine and in every version.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::fnv1a;

    /// Values from the draft's test vectors.
    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
