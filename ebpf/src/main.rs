//! evenkeel's kernel program.
//!
//! [`hook`] counts connections as they open and close; it runs for every connection of the host and keeps no state of
//! its own per connection. [`walk`] visits the connections that stay open, a few seconds apart. Both add to the
//! one map of [`maps`].
#![no_std]
#![no_main]
#![feature(core_intrinsics)]
#![allow(
    internal_features,
    reason = "the kernel's atomic add has no stable name on this target"
)]

mod endpoint;
mod hook;
mod maps;
mod payload;
mod walk;

/// The kernel lets only programs under the GPL use all of its helpers.
#[unsafe(no_mangle)]
#[unsafe(link_section = "license")]
static LICENSE: [u8; 4] = *b"GPL\0";

/// Never reached: a panic that could be reached would be a loop that the verifier refuses.
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
