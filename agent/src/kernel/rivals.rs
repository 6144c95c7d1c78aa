//! Other `sock_ops` programs on the host, and other agents among them.

use std::fs;
use std::io;

use super::host::CgroupRoot;
use super::identity::Identity;
use super::sys;

/// A `sock_ops` program attached to the root cgroup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// The kernel's id of the program.
    pub id: u32,
    /// The program's name, at most 15 characters; unknown without `CAP_SYS_ADMIN`.
    pub name: Option<String>,
    /// A process that holds the program, if one is visible.
    pub holder: Option<u32>,
}

impl Attached {
    /// Who counts with it, if it is one of evenkeel's.
    pub fn identity(&self) -> Option<Identity> {
        Identity::of(self.name.as_deref()?)
    }

    /// Whether it is an agent's hook.
    pub fn is_agent(&self) -> bool {
        self.identity() == Some(Identity::Agent)
    }
}

/// The `sock_ops` programs attached to the root cgroup, in the order in which they run.
pub fn attached_programs(root: &CgroupRoot) -> io::Result<Vec<Attached>> {
    let ids = sys::attached_sock_ops(&root.dir)?;
    let names: Vec<(u32, Option<String>)> = aya::programs::loaded_programs()
        .flatten()
        .filter(|program| ids.contains(&program.id()))
        .map(|program| (program.id(), program.name_as_str().map(str::to_owned)))
        .collect();
    let name_of = |id| names.iter().find(|(other, _)| *other == id)?.1.clone();
    Ok(ids
        .into_iter()
        .map(|id| Attached {
            id,
            name: name_of(id),
            holder: holder(id),
        })
        .collect())
}

/// A process with an open descriptor of the program, or of a link to it.
fn holder(id: u32) -> Option<u32> {
    let wanted = format!("prog_id:\t{id}\n");
    let holds = |pid: u32| {
        let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fdinfo")) else {
            return false;
        };
        descriptors.flatten().any(|descriptor| {
            fs::read_to_string(descriptor.path()).is_ok_and(|info| info.contains(&wanted))
        })
    };
    fs::read_dir("/proc")
        .ok()?
        .flatten()
        .filter_map(|process| process.file_name().to_str()?.parse().ok())
        .find(|pid| holds(*pid))
}
