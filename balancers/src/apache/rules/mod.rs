//! What in a configuration of Apache httpd skews traffic.

mod failure;
mod hosts;
mod members;
mod method;
mod modules;
mod names;
mod passes;
mod sticky;
mod weights;

use super::condition::Modules;
use super::config::Config;
use super::pools::View;
use crate::finding::{Report, define_rules};
use crate::product::Product;

define_rules! {
    product: Some(Product::Apache),
    WEIGHTS = "APA-001", Warning, "Members of one balancer have different load factors";
    RESERVE = "APA-002", Warning, "Members are out of rotation, or in reserve";
    NO_ROUTE = "APA-003", Warning, "Sessions cannot be bound to a member";
    BY_TRAFFIC = "APA-004", Note, "bytraffic evens out bytes since the start";
    SAME_ROUTE = "APA-005", Error, "Two members have the same route";
    TWICE = "APA-006", Error, "A member stands in a balancer more than once";
    ONE_ANSWER = "APA-007", Warning, "One answer takes a member out";
    LONG_RETRY = "APA-008", Warning, "One failed attempt takes a member out for long";
    NEVER_FAILS = "APA-009", Warning, "A member that fails keeps its share";
    RESOLVED_ONCE = "APA-010", Warning, "A name stands for its first address, and is resolved once";
    BUSY_WEIGHTS = "APA-011", Warning, "bybusyness leaves load factors aside under load";
    METHOD_LOST = "APA-012", Warning, "A virtual host falls back to byrequests";
    MEMBERS_LOST = "APA-013", Error, "Members in a virtual host are replaced by those of the main server";
    NOBODY = "APA-014", Error, "A balancer has no member that takes requests";
    HIDDEN = "APA-015", Warning, "A ProxyPass is hidden by another";
    ACQUIRE = "APA-016", Warning, "A member whose connections are all busy is taken out";
    NO_MODULE = "APA-017", Error, "The module of the balancing method is not loaded";
    NO_FAILOVER = "APA-018", Note, "Sessions of a member that fails fail with it";
    PERSIST = "APA-019", Note, "What was changed at runtime outlives the file";
}

/// Rules that look at one balancer.
const LOOKS: [fn(&View<'_>, &mut Report); 17] = [
    weights::different,
    weights::busy,
    members::out,
    members::reserve,
    members::later_sets,
    members::nobody,
    members::repeated,
    members::twice,
    sticky::no_route,
    sticky::same_route,
    sticky::no_failover,
    method::by_traffic,
    failure::one_answer,
    failure::long_retry,
    failure::never_fails,
    failure::acquire,
    members::long_lived,
];

/// Applies all rules.
pub(super) fn check(config: &Config, modules: &Modules, views: &[View<'_>], report: &mut Report) {
    for view in views {
        for look in LOOKS {
            look(view, report);
        }
        names::members(view, report);
        hosts::method_lost(config, view, report);
    }
    hosts::members_lost(config, report);
    hosts::empty(config, report);
    names::passes(config, report);
    passes::hidden(config, report);
    modules::missing(config, modules, views, report);
    method::persist(config, report);
}

/// ` (3 more likewise)`.
fn likewise(others: usize) -> String {
    match others {
        0 => String::new(),
        others => format!(" ({others} more likewise)"),
    }
}
