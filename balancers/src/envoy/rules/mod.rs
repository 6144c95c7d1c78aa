//! What in an Envoy configuration skews traffic.

mod failure;
mod hashing;
mod levels;
mod limits;
mod lived;
mod method;
mod names;
mod weights;

use super::pools::View;
use super::users::Users;
use crate::finding::{Report, define_rules};
use crate::product::Product;

define_rules! {
    product: Some(Product::Envoy),
    WEIGHTS = "ENV-001", Warning, "Hosts of one locality have different weights";
    SMALL_RING = "ENV-002", Warning, "The ring is small for the number of hosts";
    NO_KEY = "ENV-003", Warning, "A hashing policy gets nothing to hash";
    SMALL_TABLE = "ENV-004", Error, "The Maglev table is small for the number of hosts";
    PANIC = "ENV-005", Note, "When half the hosts fail, traffic returns to them";
    EJECTED = "ENV-006", Warning, "Outlier detection may eject much of the cluster, or for long";
    LEAST_WEIGHTED = "ENV-007", Warning, "LEAST_REQUEST with different weights is a rotation";
    TWO_CHOICES = "ENV-008", Note, "LEAST_REQUEST among two hosts often takes the busier one";
    PER_WORKER = "ENV-009", Note, "Each worker rotates connections for itself";
    MULTIPLEXED = "ENV-010", Warning, "Connections that carry many requests are balanced only once";
    LOGICAL = "ENV-011", Warning, "A name is one host, whatever the number of its addresses";
    SERVICE_NAME = "ENV-012", Note, "A Kubernetes Service's name may be one address";
    LOCALITY_WEIGHTS = "ENV-013", Error, "Weights of localities are ignored, or missing";
    SMALL_FAILOVER = "ENV-014", Warning, "The next priority level is smaller than the one it stands in for";
    PRIORITY_GAP = "ENV-015", Warning, "Priorities skip a number";
    ZONE_FORCED = "ENV-016", Warning, "Zone-aware routing keeps traffic in small zones";
    SMALL_SUBSETS = "ENV-017", Note, "A subset has one or two hosts, or another set stands in for it";
    NO_CHECKS = "ENV-018", Warning, "Hosts that fail keep their share";
    NO_HOST_LIMIT = "ENV-019", Note, "Circuit breakers count for the cluster, not for a host";
    SLOW_START = "ENV-020", Note, "Slow start gives new hosts little, then much";
    UNEVEN_START = "ENV-021", Note, "Light hosts wait long for their first request";
}

/// Rules that look at one cluster.
const LOOKS: [fn(&View<'_>, &mut Report); 21] = [
    weights::different,
    weights::least_request,
    weights::uneven_start,
    hashing::small_ring,
    hashing::small_table,
    hashing::no_key,
    failure::panic,
    failure::ejected,
    failure::no_checks,
    limits::per_host,
    limits::slow_start,
    method::two_choices,
    method::per_worker,
    method::subsets,
    lived::multiplexed,
    lived::known_port,
    names::logical,
    names::service,
    levels::localities,
    levels::priorities,
    levels::zones,
];

/// Applies all rules.
pub(super) fn check(views: &[View<'_>], users: &Users<'_>, report: &mut Report) {
    for view in views {
        for look in LOOKS {
            look(view, report);
        }
    }
    weights::splits(users, report);
}
