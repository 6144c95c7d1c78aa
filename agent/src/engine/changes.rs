//! What changed from one description of a pool to the next, and which change an incident follows.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::model::{BackendSpec, Change, Pool, PoolSpec, Source, Standby};

/// Changes that are kept of a pool.
const KEPT: usize = 20;
/// Members of a pool that are named one by one; of more, their number is told.
const NAMED: usize = 4;
/// A change is told of an incident that began within this time after it.
const RECENT: Duration = Duration::from_secs(15 * 60);
/// A change is noticed so late at most, so that what follows from it may seem to begin before it.
const NOTICED_WITHIN: Duration = Duration::from_secs(5);

/// A pool is described differently than before.
#[derive(Clone, Debug)]
pub struct PoolChange {
    /// As it is described now.
    pub pool: Arc<Pool>,
    /// What changed.
    pub change: Change,
}

/// The changes of one pool.
#[derive(Clone, Debug, Default)]
pub(super) struct Changes {
    /// The latest first.
    dated: Arc<[Change]>,
    /// What changed since the last tick.
    undated: Vec<String>,
}

impl Changes {
    /// The same, and then what is different in `new`. Pools of endpoints that come and go by themselves are described by nobody.
    pub(super) fn followed_by(&self, old: &PoolSpec, new: &PoolSpec) -> Self {
        let mut changes = self.clone();
        if new.source != Source::Auto {
            changes.undated.extend(texts(old, new));
        }
        changes
    }

    /// What changed since this was asked last, as of now.
    pub(super) fn date(&mut self, pool: &Arc<Pool>, now: SystemTime) -> Vec<PoolChange> {
        let dated = |text| PoolChange {
            pool: Arc::clone(pool),
            change: Change {
                at: now,
                source: pool.spec.source,
                text,
            },
        };
        let fresh: Vec<PoolChange> = self.undated.drain(..).map(dated).collect();
        if !fresh.is_empty() {
            let latest = fresh.iter().map(|fresh| &fresh.change);
            let all = latest.chain(self.dated.iter()).take(KEPT);
            self.dated = all.cloned().collect();
        }
        fresh
    }

    /// The latest change that an incident may follow from.
    pub(super) fn before(&self, started: SystemTime) -> Option<Change> {
        before(&self.dated, started)
    }

    /// Brings what readers see up to date.
    pub(super) fn write(&self, shown: &mut Arc<[Change]>) {
        if !Arc::ptr_eq(shown, &self.dated) {
            *shown = Arc::clone(&self.dated);
        }
    }
}

fn before(changes: &[Change], started: SystemTime) -> Option<Change> {
    let precedes = |change: &&Change| {
        let since = started
            .checked_add(NOTICED_WITHIN)?
            .duration_since(change.at);
        (since.ok()? <= RECENT + NOTICED_WITHIN).then_some(())
    };
    changes
        .iter()
        .filter(|change| precedes(change).is_some())
        .max_by_key(|change| change.at)
        .cloned()
}

/// Where a member of a pool stands.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place<'a> {
    InRotation(&'a BackendSpec),
    Standby(Standby),
}

/// What changed of a pool that is there before and after. Nothing if only labels did.
fn texts(old: &PoolSpec, new: &PoolSpec) -> Vec<String> {
    let mut texts = Vec::new();
    let mut setting = |name: &str, old: &dyn Display, new: &dyn Display| {
        let (old, new) = (old.to_string(), new.to_string());
        if old != new {
            texts.push(format!("{name} changed from {old} to {new}"));
        }
    };
    setting("role", &old.role, &new.role);
    setting("algorithm", &old.algorithm, &new.algorithm);
    setting("source", &old.source, &new.source);
    let (before, after) = (places(old), places(new));
    let mut members = Members::default();
    for member in all(new) {
        members.compare(&member, before.get(&member), after.get(&member));
    }
    let gone = all(old).filter(|member| !after.contains_key(member));
    gone.for_each(|member| members.compare(&member, before.get(&member), None));
    texts.extend(members.told());
    texts
}

/// The names of all members.
fn all(pool: &PoolSpec) -> impl Iterator<Item = String> {
    let backends = pool.backends.iter().map(BackendSpec::name);
    let standby = pool.standby.iter();
    backends.chain(standby.map(|member| member.address.to_string()))
}

fn places(pool: &PoolSpec) -> HashMap<String, Place<'_>> {
    let backends = pool.backends.iter().map(Place::InRotation);
    let standby = pool.standby.iter();
    let standby = standby.map(|member| Place::Standby(member.why));
    all(pool).zip(backends.chain(standby)).collect()
}

/// What changed of members, by kind.
#[derive(Debug, Default)]
struct Members {
    weights: Vec<String>,
    replaced: Vec<String>,
    added: Vec<String>,
    removed: Vec<String>,
    left: Vec<String>,
    came_back: Vec<String>,
}

impl Members {
    fn compare(&mut self, name: &str, old: Option<&Place<'_>>, new: Option<&Place<'_>>) {
        match (old, new) {
            (Some(Place::InRotation(old)), Some(Place::InRotation(new))) => {
                if new.replaces(old) {
                    let text = format!("another backend took over the address {name}");
                    self.replaced.push(text);
                }
                let (old, new) = (old.weight.get(), new.weight.get());
                if old.total_cmp(&new).is_ne() {
                    let text = format!("weight of {name} changed from {old} to {new}");
                    self.weights.push(text);
                }
            }
            (Some(Place::Standby(_)), Some(Place::InRotation(_))) => {
                self.came_back.push(format!("{name} came into rotation"));
            }
            (Some(_), Some(Place::Standby(why))) if old != new => {
                let text = format!("{name} left the rotation ({})", why.as_str());
                self.left.push(text);
            }
            (None, Some(_)) => self.added.push(format!("{name} was added")),
            (Some(_), None) => self.removed.push(format!("{name} was removed")),
            _ => {}
        }
    }

    /// One text for each change; one for all of a kind if they are many.
    fn told(self) -> impl Iterator<Item = String> {
        [
            (self.weights, "weights changed"),
            (self.replaced, "addresses were taken over"),
            (self.left, "backends left the rotation"),
            (self.came_back, "backends came into rotation"),
            (self.removed, "backends were removed"),
            (self.added, "backends were added"),
        ]
        .into_iter()
        .flat_map(|(mut texts, of_many)| {
            if texts.len() > NAMED {
                let first = texts.swap_remove(0);
                texts = vec![format!(
                    "{} {of_many}, among them: {first}",
                    texts.len() + 1
                )];
            }
            texts
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::{Algorithm, Role, Source, StandbySpec, Weight};

    fn pool(weights: &[(u8, f64)], standby: &[(u8, Standby)]) -> PoolSpec {
        let address = |n: u8| std::net::SocketAddr::from(([192, 0, 2, n], 80));
        let backend = |(n, weight): &(u8, f64)| BackendSpec {
            identity: None,
            address: address(*n),
            netns: None,
            weight: Weight::new(*weight).unwrap(),
            share: None,
            labels: BTreeMap::new(),
        };
        let standby = standby.iter().map(|(n, why)| StandbySpec {
            identity: None,
            address: address(*n),
            netns: None,
            why: *why,
            labels: BTreeMap::new(),
        });
        PoolSpec {
            name: "checkout".to_owned(),
            role: Role::Upstream,
            source: Source::Nginx,
            tolerance: None,
            algorithm: Algorithm::Rotation,
            expected: None,
            backends: weights.iter().map(backend).collect(),
            standby: standby.collect(),
            findings: Vec::new(),
        }
    }

    #[test]
    fn each_change_is_told() {
        let old = pool(
            &[(1, 1.0), (2, 1.0), (3, 1.0), (4, 1.0)],
            &[(5, Standby::Backup)],
        );
        let mut new = pool(
            &[(1, 1.0), (3, 5.0), (5, 0.5), (6, 1.0)],
            &[(2, Standby::Drained)],
        );
        new.algorithm = Algorithm::LoadDependent;
        assert_eq!(
            texts(&old, &new),
            [
                "algorithm changed from rotation to load_dependent",
                "weight of 192.0.2.3:80 changed from 1 to 5",
                "192.0.2.2:80 left the rotation (drained)",
                "192.0.2.5:80 came into rotation",
                "192.0.2.4:80 was removed",
                "192.0.2.6:80 was added",
            ]
        );
        assert!(texts(&old, &old.clone()).is_empty());
    }

    #[test]
    fn many_changes_of_a_kind_are_counted() {
        let old: Vec<_> = (1..=9).map(|n| (n, 1.0)).collect();
        let new: Vec<_> = (1..=9).map(|n| (n, 2.0)).collect();
        assert_eq!(
            texts(&pool(&old, &[]), &pool(&new, &[])),
            ["9 weights changed, among them: weight of 192.0.2.1:80 changed from 1 to 2"]
        );
    }

    #[test]
    fn an_incident_follows_the_latest_change_before_it() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let change = |seconds| Change {
            at: at(seconds),
            source: Source::Nginx,
            text: seconds.to_string(),
        };
        let changes = [change(3000), change(2000), change(1000)];
        let told = |seconds| before(&changes, at(seconds)).map(|change| change.text);
        assert_eq!(told(2004).as_deref(), Some("2000"));
        // Noticed a little after what followed from it.
        assert_eq!(told(2996).as_deref(), Some("3000"));
        assert_eq!(told(990), None);
        assert_eq!(told(3000 + 16 * 60), None);
    }
}
