//! What an init has to do before anything else runs, and at the end.

use std::fs;
use std::net::UdpSocket;

use anyhow::{Context as _, Result};
use rustix::ioctl::{Opcode, Setter, ioctl};
use rustix::mount::{MountFlags, mount};
use rustix::system::{RebootCommand, reboot};

/// File systems that a user's machine has: type and place.
const MOUNTS: [(&str, &str); 5] = [
    ("proc", "/proc"),
    ("sysfs", "/sys"),
    ("devtmpfs", "/dev"),
    ("cgroup2", "/sys/fs/cgroup"),
    ("tmpfs", "/tmp"),
];

/// Where the kernel shows the types that the live view needs.
const KERNEL_TYPES: &str = "/sys/kernel/btf";

/// Mounts what a machine has mounted, and brings the loopback interface up.
pub(super) fn prepare() -> Result<()> {
    for (kind, place) in MOUNTS {
        fs::create_dir_all(place).with_context(|| format!("cannot make {place}"))?;
        mounted(kind, place)?;
    }
    raise_loopback().context("cannot bring the loopback interface up")
}

/// Makes this kernel look like one that was built without type information (BTF), to everything started from now on.
pub(super) fn hide_kernel_types() -> Result<()> {
    mounted("tmpfs", KERNEL_TYPES)
}

fn mounted(kind: &str, place: &str) -> Result<()> {
    mount(kind, place, kind, MountFlags::empty(), None)
        .with_context(|| format!("cannot mount {kind} at {place}"))
}

/// The kernel's `struct ifreq`, as far as flags need it.
#[repr(C)]
struct InterfaceFlags {
    name: [u8; 16],
    flags: u16,
    unused: [u8; 22],
}

/// `SIOCSIFFLAGS` of the kernel's `sockios.h`: sets the flags of an interface.
const SET_FLAGS: Opcode = 0x8914;

/// `IFF_UP` of the kernel's `if.h`.
const UP: u16 = 1;

fn raise_loopback() -> Result<()> {
    let mut request = InterfaceFlags {
        name: [0; 16],
        flags: UP,
        unused: [0; 22],
    };
    request.name[..2].copy_from_slice(b"lo");
    // Any socket will do; binding to no address works while no interface is up.
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    // SAFETY: the request has the layout and size of `struct ifreq`, which is what SIOCSIFFLAGS reads.
    unsafe { ioctl(&socket, Setter::<SET_FLAGS, InterfaceFlags>::new(request)) }?;
    Ok(())
}

/// Turns the machine off; returns only if the kernel refuses.
pub(super) fn power_off() -> Result<()> {
    reboot(RebootCommand::PowerOff).context("cannot turn the machine off")
}
