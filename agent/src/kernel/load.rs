//! Loading the programs and attaching the hook, with an error for every way in which a host can refuse.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use aya::maps::{Map, MapData};
use aya::programs::{CgroupAttachMode, Iter, ProgramError, SockOps};
use aya::{Btf, Ebpf, EbpfLoader};
use evenkeel_abi::{CELL_PAIRS, Offsets, Settings, event};

use super::capability::{Capabilities, Capability};
use super::host::{CgroupError, CgroupRoot, KernelVersion, OLDEST_KERNEL};
use super::identity::Identity;
use super::mapped::Mapped;
use super::offsets::{self, VMLINUX};
use super::seats::Seats;
use super::sys::{self, Iterator, Plain, Stack, Table};

const WALK: &str = "evenkeel_walk";

/// Why nothing can be counted on this host.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The kernel is older than the features that the programs use.
    #[error("this kernel is {running}; evenkeel needs {OLDEST_KERNEL} or later")]
    OldKernel {
        /// The kernel's version.
        running: KernelVersion,
    },
    /// The process may not load programs.
    #[error(
        "missing capabilities: {}. Run as root, or grant them (systemd: AmbientCapabilities=, Kubernetes: \
         securityContext.capabilities.add)",
        missing.join(", ")
    )]
    Capabilities {
        /// The names of those that are missing.
        missing: Vec<&'static str>,
    },
    /// A filter of system calls stands before the kernel.
    #[error(
        "a seccomp profile refuses bpf(2) although CAP_BPF is there: the default profiles of containerd before 1.7 and of \
         Docker before 23 do. Use a later one, or a profile that allows it (Kubernetes: securityContext.seccompProfile); \
         the agent sets a filter of its own once it counts"
    )]
    Filtered,
    /// No usable cgroup hierarchy.
    #[error(transparent)]
    Cgroup(#[from] CgroupError),
    /// The network namespace's cookie is not available.
    #[error("the kernel does not tell the cookie of the network namespace")]
    NetnsCookie(#[source] io::Error),
    /// The kernel refused the maps or the program.
    #[error("the kernel refused the program: {}", shorten(&chain(.0.as_ref())))]
    Refused(Box<dyn std::error::Error + Send + Sync>),
    /// The root cgroup carries a program that tolerates no other.
    #[error(
        "a program attached to the root cgroup without BPF_F_ALLOW_MULTI lets no other program in: find it with \
         `bpftool cgroup tree` and detach it or change how its owner attaches it"
    )]
    NotShared,
    /// The kernel admits 64 programs a cgroup and kind.
    #[error(
        "64 sock_ops programs are attached to the root cgroup already, which is the kernel's limit"
    )]
    TooMany,
    /// Two agents would both be right, and everything that adds their numbers up would be wrong.
    #[error(
        "another evenkeel {} counts on this host already (program {program} {process}): {}",
        identity.noun(),
        match identity {
            Identity::Agent => "stop it first, or use it",
            Identity::Gate => "wait for it to end",
            Identity::Top => "end it first, or start an agent, which all of them can ask",
        }
    )]
    Second {
        /// What there may be one of.
        identity: Identity,
        /// The kernel's id of its program.
        program: u32,
        /// Whose it is, in words.
        process: String,
    },
    /// A map could not be written or read.
    #[error("cannot use the kernel's maps")]
    Map(#[source] io::Error),
}

/// A whole chain of causes, once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}

/// The first line and the last ones: in between the verifier prints every instruction that it looked at.
fn shorten(text: &str) -> String {
    const LAST: usize = 6;
    let lines: Vec<&str> = text.lines().collect();
    match lines.as_slice() {
        [first, middle @ ..] if middle.len() > LAST => {
            let last = &middle[middle.len() - LAST..];
            format!(
                "{first}\n[{} lines]\n{}",
                middle.len() - LAST,
                last.join("\n")
            )
        }
        _ => text.to_owned(),
    }
}

fn refused(error: impl std::error::Error + Send + Sync + 'static) -> LoadError {
    LoadError::Refused(Box::new(error))
}

/// The programs and maps in the kernel.
#[derive(Debug)]
pub(super) struct Loaded {
    /// Every watched endpoint, with its counts.
    pub(super) seats: Seats,
    /// Connections accepted, by the hashed address of the client.
    pub(super) clients: Mapped<u64>,
    settings: Table<u32, Settings>,
    identity: Identity,
    /// Keeps programs, maps and links: dropping it detaches the hook.
    programs: Ebpf,
}

/// The walking program, loaded; made by [`Loaded::load`] alone.
#[derive(Debug)]
pub(super) struct WalkProgram(Iterator);

impl WalkProgram {
    /// Runs it over all sockets of the calling thread's network namespace.
    pub(super) fn run(&self) -> io::Result<()> {
        drain(&mut self.0.begin()?)
    }
}

/// What is missing for the live view, and how to get it.
type NoLiveView = String;

impl Loaded {
    /// Loads both programs. That the walk could not be loaded is no error: the second value says why.
    pub(super) fn load(
        identity: Identity,
        capacity: u32,
    ) -> Result<(Self, Result<WalkProgram, NoLiveView>), LoadError> {
        check_host()?;
        // Three readings of the kernel's types, here, in the loader, and for the walk: each takes twenty megabytes for a
        // moment, so one after the other.
        let offsets = offsets::read(Path::new(VMLINUX));
        let words = words_of(offsets.as_ref().ok().copied().unwrap_or_default());
        let mut programs = EbpfLoader::new()
            .map_max_entries("SEATS", capacity)
            .map_max_entries("SEAT_OF", capacity)
            .map_max_entries("FREE_SEATS", capacity)
            .override_global("OFFSETS", words.as_slice(), true)
            .load(&identity.object())
            .map_err(refused)?;
        let hook: &mut SockOps = program(&mut programs, identity.program())?;
        hook.load().map_err(refused)?;
        let live = match offsets {
            Ok(_) => load_walk(&mut programs),
            Err(error) => Err(without_btf(&error)),
        };
        let loaded = Self {
            seats: seats(&programs, capacity)?,
            // SAFETY: type and size are those that the programs declare the map with, from the same crate.
            clients: unsafe { mapped(&programs, "CLIENTS", CELL_PAIRS)? },
            // SAFETY: as above.
            settings: unsafe { table(&programs, "SETTINGS")? },
            identity,
            programs,
        };
        give_memory_back();
        Ok((loaded, live))
    }

    /// Hands settings to the programs.
    pub(super) fn set_settings(&self, settings: Settings) -> io::Result<()> {
        self.settings.set(&0, settings)
    }

    /// Who counts.
    pub(super) const fn identity(&self) -> Identity {
        self.identity
    }

    /// The kernel's id of the hook.
    pub(super) fn hook_id(&self) -> Result<u32, LoadError> {
        let hook = self
            .programs
            .program(self.identity.program())
            .ok_or(LoadError::Map(io::ErrorKind::NotFound.into()))?;
        Ok(hook.info().map_err(refused)?.id())
    }

    /// Attaches the hook to the root cgroup; the link is closed by the kernel when this process ends.
    pub(super) fn attach(&mut self, root: &CgroupRoot) -> Result<(), LoadError> {
        let hook: &mut SockOps = program(&mut self.programs, self.identity.program())?;
        // Links are always shared; the kernel refuses the flag that says so (`cgroup_bpf_link_attach`).
        match hook.attach(&root.dir, CgroupAttachMode::Single) {
            Ok(_link) => Ok(()),
            Err(ProgramError::SyscallError(error)) => Err(match error.io_error.raw_os_error() {
                Some(libc::EPERM) => LoadError::NotShared,
                Some(libc::E2BIG) => LoadError::TooMany,
                _ => refused(error),
            }),
            Err(error) => Err(refused(error)),
        }
    }
}

/// Reads an iterator to its end. The program prints nothing; the kernel breaks off now and then all the same.
fn drain(iterator: &mut impl io::Read) -> io::Result<()> {
    // After a million sockets without output the kernel returns EAGAIN and goes on at the next read.
    const MOST_BREAKS: u32 = 1000;
    let mut nothing = [0_u8; 64];
    for _ in 0..MOST_BREAKS {
        match iterator.read(&mut nothing) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other(
        "the walk of the socket table does not end",
    ))
}

fn check_host() -> Result<(), LoadError> {
    if let Some(running) = KernelVersion::running().filter(|version| *version < OLDEST_KERNEL) {
        return Err(LoadError::OldKernel { running });
    }
    let missing = Capabilities::effective()
        .map(|held| held.missing(&[Capability::Bpf, Capability::NetAdmin]))
        .unwrap_or_default();
    if !missing.is_empty() {
        return Err(LoadError::Capabilities { missing });
    }
    if sys::is_filtered() {
        return Err(LoadError::Filtered);
    }
    Ok(())
}

fn load_walk(programs: &mut Ebpf) -> Result<WalkProgram, NoLiveView> {
    let held = Capabilities::effective().map_err(|error| error.to_string())?;
    if !held.has(Capability::Perfmon) {
        return Err("walking the kernel's sockets needs CAP_PERFMON: grant it".to_owned());
    }
    let btf = Btf::from_sys_fs().map_err(|error| without_btf(&error))?;
    let walk: &mut Iter = program(programs, WALK).map_err(|error| error.to_string())?;
    let refused = |error: &dyn std::error::Error| {
        format!(
            "the kernel refused the walk of its sockets: {}",
            chain(error)
        )
    };
    walk.load("tcp", &btf).map_err(|error| refused(&error))?;
    let program = walk.fd().map_err(|error| refused(&error))?;
    let iterator = Iterator::new(program.as_fd()).map_err(|error| refused(&error))?;
    Ok(WalkProgram(iterator))
}

fn without_btf(error: &dyn std::error::Error) -> NoLiveView {
    format!(
        "{}; walking the kernel's sockets needs a kernel with CONFIG_DEBUG_INFO_BTF=y and /sys mounted",
        chain(error)
    )
}

fn program<'a, P>(programs: &'a mut Ebpf, name: &'static str) -> Result<&'a mut P, LoadError>
where
    &'a mut P: TryFrom<&'a mut aya::programs::Program, Error = ProgramError>,
{
    programs
        .program_mut(name)
        .ok_or_else(|| {
            refused(io::Error::other(format!(
                "the object has no program {name}"
            )))
        })?
        .try_into()
        .map_err(refused)
}

/// Returns what the reading of the kernel's types took: the allocator would keep it for the life of the agent.
fn give_memory_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: a call without arguments that matter, safe at any time on any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}

fn seats(programs: &Ebpf, capacity: u32) -> Result<Seats, LoadError> {
    // SAFETY: the type is that which the programs declare the map with, from the same crate, and the size was set.
    let seats = unsafe { mapped(programs, "SEATS", capacity as usize)? };
    // SAFETY: as above.
    let seat_of = unsafe { table(programs, "SEAT_OF")? };
    // SAFETY: as above.
    let free =
        unsafe { Stack::new(descriptor(programs, "FREE_SEATS")?) }.map_err(LoadError::Map)?;
    // SAFETY: as above.
    let events = unsafe { mapped(programs, "EVENTS", event::SLOTS as usize)? };
    Seats::new(seats, seat_of, free, events).map_err(LoadError::Map)
}

/// # Safety
/// The map's key and value must be `K` and `V`.
unsafe fn table<K: Plain, V: Plain>(
    programs: &Ebpf,
    name: &'static str,
) -> Result<Table<K, V>, LoadError> {
    // SAFETY: the caller's promise.
    unsafe { Table::new(descriptor(programs, name)?) }.map_err(LoadError::Map)
}

/// # Safety
/// The map must be an array of so many `T` that can be mapped.
unsafe fn mapped<T: Plain>(
    programs: &Ebpf,
    name: &'static str,
    elements: usize,
) -> Result<Mapped<T>, LoadError> {
    // SAFETY: the caller's promise.
    unsafe { Mapped::new(descriptor(programs, name)?, elements) }.map_err(LoadError::Map)
}

fn descriptor<'a>(programs: &'a Ebpf, name: &'static str) -> Result<BorrowedFd<'a>, LoadError> {
    let data: &MapData = match programs.map(name) {
        Some(Map::HashMap(data) | Map::Array(data) | Map::Stack(data)) => data,
        _ => {
            return Err(refused(io::Error::other(format!(
                "the object has no map {name}"
            ))));
        }
    };
    Ok(data.fd().as_fd())
}

/// The structure as the words that it consists of: aya takes only types that it knows to be plain.
fn words_of(offsets: Offsets) -> [u32; size_of::<Offsets>() / size_of::<u32>()] {
    // SAFETY: `Offsets` is `repr(C)` and made of as many `u32`, without padding.
    unsafe { std::mem::transmute(offsets) }
}
