//! The kernel programs, as built by `cargo xtask ebpf` and committed: users need no eBPF toolchain.

/// The programs, for little-endian machines.
pub(super) const OBJECT: &[u8] = aya::include_bytes_aligned!(env!("EVENKEEL_OBJECT"));
