//! Rules about what runs, compared with what is written.

use crate::finding::define_rules;

define_rules! {
    product: None,
    BY_HAND = "EVK-005", Warning, "A server was taken out of rotation, or put into it, at run time";
    OTHER_SERVERS = "EVK-006", Warning, "The servers that run are not those of the configuration";
    NOT_WELL = "EVK-007", Warning, "A server is out of rotation because it is not well";
    ONE_ADDRESS = "GEN-002", Warning, "Several names of a pool lead to one address";
    CHECKS_FAIL = "GEN-005", Error, "Health checks find most servers wanting for the same reason";
    NOT_LOADED = "GEN-006", Warning, "What runs is not what the configuration says";
}
