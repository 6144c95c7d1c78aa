//! The few `bpf(2)` calls of the bench: a program that does nothing to compare with, the kernel's accounting of what
//! programs take, and the list of programs on the hook.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use anyhow::{Context, Result, ensure};
use evenkeel_lab::cgroup;

const BPF_PROG_LOAD: libc::c_int = 5;
const BPF_PROG_GET_FD_BY_ID: libc::c_int = 13;
const BPF_PROG_QUERY: libc::c_int = 16;
const BPF_LINK_CREATE: libc::c_int = 28;
const BPF_ENABLE_STATS: libc::c_int = 32;

const BPF_PROG_TYPE_SOCK_OPS: u32 = 13;
const BPF_CGROUP_SOCK_OPS: u32 = 3;
const BPF_STATS_RUN_TIME: u32 = 0;

/// One instruction: operation, registers (destination in the lower half), offset, constant.
#[repr(C)]
struct Instruction(u8, u8, i16, i32);

/// `return 1;`
const NOTHING: [Instruction; 2] = [
    Instruction(0xb7, 0x00, 0, 1), // r0 = 1
    Instruction(0x95, 0x00, 0, 0), // exit
];

#[repr(C)]
struct LoadAttr {
    program_type: u32,
    instructions: u32,
    code: u64,
    license: u64,
    log: [u32; 4],
}

#[repr(C)]
struct IdAttr {
    id: u32,
    next: u32,
    flags: u32,
}

#[repr(C)]
struct LinkAttr {
    program: u32,
    target: u32,
    attach_type: u32,
    flags: u32,
}

#[repr(C)]
struct QueryAttr {
    target: u32,
    attach_type: u32,
    query_flags: u32,
    attach_flags: u32,
    ids: u64,
    count: u32,
    padding: u32,
}

/// A `sock_ops` program.
pub(super) struct Program(OwnedFd);

/// A program's place on the root cgroup's hook; it leaves that when the value is dropped.
pub(super) struct Attached {
    _link: OwnedFd,
}

impl Program {
    /// One that does nothing: the floor of the hook.
    pub(super) fn empty() -> Result<Self> {
        let load = LoadAttr {
            program_type: BPF_PROG_TYPE_SOCK_OPS,
            instructions: u32::try_from(NOTHING.len())?,
            code: NOTHING.as_ptr() as u64,
            license: c"GPL".as_ptr() as u64,
            log: [0; 4],
        };
        // SAFETY: code and license are constants.
        let program = unsafe { bpf_descriptor(BPF_PROG_LOAD, &load) };
        program
            .map(Self)
            .context("cannot load an empty sock_ops program")
    }

    /// One that another process has loaded, by the kernel's id. It stays loaded, with its maps, when that process ends.
    pub(super) fn loaded(id: u32) -> Result<Self> {
        let attr = IdAttr {
            id,
            next: 0,
            flags: 0,
        };
        // SAFETY: the structure has no pointers.
        let program = unsafe { bpf_descriptor(BPF_PROG_GET_FD_BY_ID, &attr) };
        program
            .map(Self)
            .with_context(|| format!("cannot open program {id}"))
    }

    /// Lets it run for all connections of the host.
    pub(super) fn attach(&self) -> Result<Attached> {
        let root = root_cgroup()?;
        let link = LinkAttr {
            program: number(&self.0),
            target: number(&root),
            attach_type: BPF_CGROUP_SOCK_OPS,
            flags: 0,
        };
        // SAFETY: the structure has no pointers.
        let link = unsafe { bpf_descriptor(BPF_LINK_CREATE, &link) };
        Ok(Attached {
            _link: link.context("cannot attach a program to the root cgroup")?,
        })
    }
}

/// While this lives the kernel accounts the run time of all programs (as with the sysctl `kernel.bpf_stats_enabled`).
pub(super) struct RunTimes {
    _descriptor: OwnedFd,
}

impl RunTimes {
    /// Switches the accounting on.
    pub(super) fn account() -> Result<Self> {
        // SAFETY: the structure is a number.
        let descriptor = unsafe { bpf_descriptor(BPF_ENABLE_STATS, &BPF_STATS_RUN_TIME) }
            .context("the kernel does not account the run time of programs (5.8 or later does)")?;
        Ok(Self {
            _descriptor: descriptor,
        })
    }
}

/// How many `sock_ops` programs are attached to the root cgroup.
pub(super) fn programs_on_the_hook() -> Result<u32> {
    let root = root_cgroup()?;
    let mut ids = [0_u32; 64];
    let mut attr = QueryAttr {
        target: number(&root),
        attach_type: BPF_CGROUP_SOCK_OPS,
        query_flags: 0,
        attach_flags: 0,
        ids: ids.as_mut_ptr() as u64,
        count: 64,
        padding: 0,
    };
    // SAFETY: `ids` has room for 64, which the kernel admits at most, and outlives the call.
    unsafe { bpf(BPF_PROG_QUERY, &raw mut attr) }
        .context("cannot list the programs on the hook")?;
    Ok(attr.count)
}

/// The root of the cgroup v2 hierarchy.
fn root_cgroup() -> Result<File> {
    let point = cgroup::root()?;
    File::open(&point).with_context(|| format!("cannot open {}", point.display()))
}

/// # Safety
/// As for [`bpf`]; the command must answer with a new descriptor.
unsafe fn bpf_descriptor<A>(command: libc::c_int, attr: &A) -> Result<OwnedFd> {
    // SAFETY: the caller's promise. The kernel does not write to the attributes of these commands.
    let descriptor = unsafe { bpf(command, std::ptr::from_ref(attr).cast_mut()) }?;
    ensure!(descriptor >= 0, "the kernel gave no descriptor");
    // SAFETY: the kernel has just given this descriptor to this process, and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(i32::try_from(descriptor)?) })
}

/// # Safety
/// `attr` must be the attribute structure of `command`, and its pointers valid for what the command does.
unsafe fn bpf<A>(command: libc::c_int, attr: *mut A) -> io::Result<libc::c_long> {
    // SAFETY: the caller's promise; the size is the structure's own.
    let outcome = unsafe { libc::syscall(libc::SYS_bpf, command, attr, size_of::<A>()) };
    if outcome < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(outcome)
}

fn number(descriptor: &impl AsRawFd) -> u32 {
    descriptor.as_raw_fd().cast_unsigned()
}
