//! Where the running kernel keeps the fields that a walk reads, from the kernel's own type information (BTF).

use std::path::Path;

use btf_rs::{Backend, Btf, Struct, Type};
use evenkeel_abi::Offsets;

/// Where the kernel describes its types.
pub(super) const VMLINUX: &str = "/sys/kernel/btf/vmlinux";

/// Why the offsets could not be had.
#[derive(Debug, thiserror::Error)]
pub enum OffsetError {
    /// The kernel was built without `CONFIG_DEBUG_INFO_BTF`, or /sys is not mounted.
    #[error("the kernel's type information {VMLINUX} cannot be read")]
    Unreadable(#[from] btf_rs::Error),
    /// The kernel has no such field, or keeps it where a load cannot reach.
    #[error("the kernel has no field `{structure}.{field}` that can be read")]
    Missing {
        /// The kernel's structure.
        structure: &'static str,
        /// The field.
        field: &'static str,
    },
}

/// Reads the offsets of the running kernel.
pub(super) fn read(vmlinux: &Path) -> Result<Offsets, OffsetError> {
    // Mapped rather than read, for it has five megabytes and more; kernels before 6.16 do not let it be mapped.
    let btf = Btf::from_file_with_backend(vmlinux, Backend::Mmap)
        .or_else(|_not_mappable| Btf::from_file_with_backend(vmlinux, Backend::Cache))?;
    let common = Layout::new(&btf, "sock_common")?;
    let tcp = Layout::new(&btf, "tcp_sock")?;
    Ok(Offsets {
        daddr: common.offset("skc_daddr")?,
        saddr: common.offset("skc_rcv_saddr")?,
        v6_daddr: common.offset("skc_v6_daddr")?,
        v6_saddr: common.offset("skc_v6_rcv_saddr")?,
        dport: common.offset("skc_dport")?,
        num: common.offset("skc_num")?,
        family: common.offset("skc_family")?,
        state: common.offset("skc_state")?,
        bytes_received: tcp.offset("bytes_received")?,
        bytes_acked: tcp.offset("bytes_acked")?,
        total_retrans: tcp.offset("total_retrans")?,
        snd_una: tcp.offset("snd_una")?,
        snd_nxt: tcp.offset("snd_nxt")?,
        cb_flags: tcp.offset("bpf_sock_ops_cb_flags")?,
    })
}

/// One structure of the kernel.
struct Layout<'a> {
    btf: &'a Btf,
    name: &'static str,
    structure: Struct,
}

impl<'a> Layout<'a> {
    fn new(btf: &'a Btf, name: &'static str) -> Result<Self, OffsetError> {
        let structure =
            btf.resolve_types_by_name(name)?
                .into_iter()
                .find_map(|found| match found {
                    Type::Struct(structure) => Some(structure),
                    _ => None,
                });
        match structure {
            Some(structure) => Ok(Self {
                btf,
                name,
                structure,
            }),
            None => Err(OffsetError::Missing {
                structure: name,
                field: "*",
            }),
        }
    }

    fn offset(&self, field: &'static str) -> Result<u32, OffsetError> {
        bit_offset(self.btf, &self.structure, field)?
            .filter(|bits| bits % 8 == 0)
            .map(|bits| bits / 8)
            .ok_or(OffsetError::Missing {
                structure: self.name,
                field,
            })
    }
}

/// The field's place in bits; looks into the unnamed structures and unions that the kernel groups fields by.
fn bit_offset(btf: &Btf, structure: &Struct, field: &str) -> Result<Option<u32>, btf_rs::Error> {
    for member in &structure.members {
        let name = btf.resolve_name(member)?;
        if name == field {
            let plain = member.bitfield_size().is_none_or(|bits| bits == 0);
            return Ok(plain.then(|| member.bit_offset()));
        }
        if !name.is_empty() {
            continue;
        }
        if let Type::Struct(inner) | Type::Union(inner) = btf.resolve_chained_type(member)?
            && let Some(bits) = bit_offset(btf, &inner, field)?
        {
            return Ok(Some(member.bit_offset() + bits));
        }
    }
    Ok(None)
}
