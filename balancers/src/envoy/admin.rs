//! Where a running Envoy can be asked: `admin` in the bootstrap.

use super::cluster;
use crate::model::Address;
use crate::source::{Limits, Loader, MemoryFiles, Sources};
use crate::yaml;

/// The address of the administration interface, if there is one. Port 0 stands for one that Envoy chose.
pub(crate) fn admin(sources: &Sources) -> Vec<Address> {
    let Some(first) = sources.iter().next() else {
        return Vec::new();
    };
    let files = MemoryFiles::new().with(&first.name, first.text.as_str());
    let limits = Limits {
        file_bytes: u64::MAX,
        total_bytes: u64::MAX,
        ..Limits::default()
    };
    let mut loader = Loader::new(&files, limits);
    // It was read before, so that it can be read.
    let read = loader
        .enter(first.name.as_ref(), None)
        .and_then(|file| yaml::parse(&loader, file));
    let Ok((tree, _)) = read else {
        return Vec::new();
    };
    let admin = tree
        .documents()
        .filter_map(|document| document.at(&["admin", "address"]));
    admin.map(|value| cluster::read_address(value).0).collect()
}
