//! The `bpf(2)` calls that aya does not offer, or only with other types: tables, stacks, iterators that
//! are run again and again, and the programs attached to a cgroup.

use std::fs::File;
use std::io;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use evenkeel_abi::{Key, Seat, Settings};

const BPF_MAP_LOOKUP_ELEM: libc::c_int = 1;
const BPF_MAP_UPDATE_ELEM: libc::c_int = 2;
const BPF_MAP_DELETE_ELEM: libc::c_int = 3;
const BPF_PROG_QUERY: libc::c_int = 16;
const BPF_MAP_LOOKUP_AND_DELETE_ELEM: libc::c_int = 21;
const BPF_LINK_CREATE: libc::c_int = 28;
const BPF_ITER_CREATE: libc::c_int = 33;

/// The commands that are used after the programs are attached; none of them makes or loads anything.
pub(crate) const STEADY_COMMANDS: [libc::c_int; 5] = [
    BPF_MAP_LOOKUP_ELEM,
    BPF_MAP_UPDATE_ELEM,
    BPF_MAP_DELETE_ELEM,
    BPF_MAP_LOOKUP_AND_DELETE_ELEM,
    BPF_ITER_CREATE,
];

const BPF_NOEXIST: u64 = 1;
const BPF_CGROUP_SOCK_OPS: u32 = 3;
const BPF_TRACE_ITER: u32 = 28;

/// Types that are the same bytes in the kernel and here.
///
/// # Safety
/// The type must be `repr(C)` or primitive, without padding, and valid for every bit pattern.
pub(super) unsafe trait Plain: Copy {}

// SAFETY: a primitive.
unsafe impl Plain for u32 {}
// SAFETY: a primitive.
unsafe impl Plain for u64 {}
// SAFETY: `repr(C)`, integers only, padding explicit; asserted by the crate that defines it.
unsafe impl Plain for Seat {}
// SAFETY: as above.
unsafe impl Plain for Settings {}

// SAFETY: as above.
unsafe impl Plain for Key {}

/// A map of the kernel, with typed keys and values.
#[derive(Debug)]
pub(super) struct Table<K, V> {
    fd: OwnedFd,
    types: PhantomData<(K, V)>,
}

#[repr(C)]
#[derive(Default)]
struct ElementAttr {
    map_fd: u32,
    padding: u32,
    key: u64,
    value: u64,
    flags: u64,
}

#[repr(C)]
#[derive(Default)]
struct QueryAttr {
    target_fd: u32,
    attach_type: u32,
    query_flags: u32,
    attach_flags: u32,
    prog_ids: u64,
    prog_count: u32,
    padding: u32,
}

#[repr(C)]
#[derive(Default)]
struct LinkAttr {
    program_fd: u32,
    target_fd: u32,
    attach_type: u32,
    flags: u32,
}

#[repr(C)]
#[derive(Default)]
struct IterAttr {
    link_fd: u32,
    flags: u32,
}

/// An iterator program, ready to be run: running it again needs no capability.
#[derive(Debug)]
pub(super) struct Iterator(OwnedFd);

impl Iterator {
    /// Of a loaded program.
    pub(super) fn new(program: BorrowedFd<'_>) -> io::Result<Self> {
        let attr = LinkAttr {
            program_fd: fd_number(program.as_raw_fd()),
            attach_type: BPF_TRACE_ITER,
            ..LinkAttr::default()
        };
        // SAFETY: the command reads integers alone.
        unsafe { open(BPF_LINK_CREATE, &raw const attr) }.map(Self)
    }

    /// Reading the file to its end runs the program over all that the calling thread's network namespace has.
    pub(super) fn begin(&self) -> io::Result<File> {
        let attr = IterAttr {
            link_fd: fd_number(self.0.as_raw_fd()),
            ..IterAttr::default()
        };
        // SAFETY: as above.
        unsafe { open(BPF_ITER_CREATE, &raw const attr) }.map(File::from)
    }
}

impl<K: Plain, V: Plain> Table<K, V> {
    /// A map by a file descriptor of its own.
    ///
    /// # Safety
    /// The map's key and value must have the size and meaning of `K` and `V`.
    pub(super) unsafe fn new(fd: BorrowedFd<'_>) -> io::Result<Self> {
        Ok(Self {
            fd: fd.try_clone_to_owned()?,
            types: PhantomData,
        })
    }

    /// The value of `key`, if the map has it.
    pub(super) fn get(&self, key: &K) -> io::Result<Option<V>> {
        let mut value = MaybeUninit::<V>::uninit();
        let attr = ElementAttr::new(&self.fd, std::ptr::from_ref(key), value.as_mut_ptr(), 0);
        // SAFETY: key and value live across the call and have the map's sizes (see `new`).
        match unsafe { bpf(BPF_MAP_LOOKUP_ELEM, &raw const attr) } {
            // SAFETY: the kernel has written the value, and any bytes are one.
            Ok(()) => Ok(Some(unsafe { value.assume_init() })),
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sets the value of `key`.
    pub(super) fn set(&self, key: &K, mut value: V) -> io::Result<()> {
        let attr = ElementAttr::new(&self.fd, std::ptr::from_ref(key), &raw mut value, 0);
        // SAFETY: as in `get`.
        unsafe { bpf(BPF_MAP_UPDATE_ELEM, &raw const attr) }
    }

    /// Adds `key` with a value; `false` if the key is there already, which keeps its value.
    pub(super) fn add(&self, key: &K, mut value: V) -> io::Result<bool> {
        let attr = ElementAttr::new(
            &self.fd,
            std::ptr::from_ref(key),
            &raw mut value,
            BPF_NOEXIST,
        );
        // SAFETY: as in `get`.
        match unsafe { bpf(BPF_MAP_UPDATE_ELEM, &raw const attr) } {
            Ok(()) => Ok(true),
            Err(error) if error.raw_os_error() == Some(libc::EEXIST) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Removes `key`, if the map has it.
    pub(super) fn remove(&self, key: &K) -> io::Result<()> {
        let attr = ElementAttr::new(
            &self.fd,
            std::ptr::from_ref(key),
            std::ptr::null_mut::<V>(),
            0,
        );
        // SAFETY: the key lives across the call; no value is touched.
        match unsafe { bpf(BPF_MAP_DELETE_ELEM, &raw const attr) } {
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(()),
            other => other,
        }
    }
}

/// A stack of the kernel, from which its programs take too.
#[derive(Debug)]
pub(super) struct Stack<V> {
    fd: OwnedFd,
    types: PhantomData<V>,
}

impl<V: Plain> Stack<V> {
    /// A map by a file descriptor of its own.
    ///
    /// # Safety
    /// The map must be a stack of values of the size and meaning of `V`.
    pub(super) unsafe fn new(fd: BorrowedFd<'_>) -> io::Result<Self> {
        Ok(Self {
            fd: fd.try_clone_to_owned()?,
            types: PhantomData,
        })
    }

    /// Puts a value on top.
    pub(super) fn push(&self, mut value: V) -> io::Result<()> {
        let attr = ElementAttr::new(&self.fd, std::ptr::null::<()>(), &raw mut value, 0);
        // SAFETY: the value lives across the call and has the map's size (see `new`); a stack has no keys.
        unsafe { bpf(BPF_MAP_UPDATE_ELEM, &raw const attr) }
    }

    /// Takes the value on top, if there is one.
    pub(super) fn pop(&self) -> io::Result<Option<V>> {
        let mut value = MaybeUninit::<V>::uninit();
        let attr = ElementAttr::new(&self.fd, std::ptr::null::<()>(), value.as_mut_ptr(), 0);
        // SAFETY: as in `push`.
        match unsafe { bpf(BPF_MAP_LOOKUP_AND_DELETE_ELEM, &raw const attr) } {
            // SAFETY: the kernel has written the value, and any bytes are one.
            Ok(()) => Ok(Some(unsafe { value.assume_init() })),
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl ElementAttr {
    fn new<K, V>(map: &OwnedFd, key: *const K, value: *mut V, flags: u64) -> Self {
        Self {
            map_fd: fd_number(map.as_raw_fd()),
            key: key as u64,
            value: value as u64,
            flags,
            ..Self::default()
        }
    }
}

/// Whether a filter of system calls keeps `bpf(2)` from who has the right to it: the kernel itself calls a command that does not
/// exist invalid.
pub(super) fn is_filtered() -> bool {
    let attr = IterAttr::default();
    // SAFETY: the command does nothing, with whatever attribute.
    let outcome = unsafe { bpf(libc::c_int::MAX, &raw const attr) };
    outcome.is_err_and(|error| matches!(error.raw_os_error(), Some(libc::EPERM | libc::ENOSYS)))
}

/// The ids of the `sock_ops` programs that run for the cgroup, other agents' and ours.
pub(super) fn attached_sock_ops(cgroup: impl AsFd) -> io::Result<Vec<u32>> {
    // The kernel admits at most 64 programs a cgroup.
    let mut ids = vec![0_u32; 64];
    let mut attr = QueryAttr {
        target_fd: fd_number(cgroup.as_fd().as_raw_fd()),
        attach_type: BPF_CGROUP_SOCK_OPS,
        prog_ids: ids.as_mut_ptr() as u64,
        prog_count: 64,
        ..QueryAttr::default()
    };
    // SAFETY: `ids` has room for `prog_count` ids and outlives the call.
    unsafe { bpf(BPF_PROG_QUERY, &raw mut attr) }?;
    ids.truncate(attr.prog_count as usize);
    Ok(ids)
}

/// # Safety
/// `attr` must be the attribute structure of `command`, and its pointers valid for what the command does.
unsafe fn bpf<A>(command: libc::c_int, attr: *const A) -> io::Result<()> {
    // SAFETY: the caller's promise.
    unsafe { call(command, attr) }.map(drop)
}

/// A command that opens a descriptor.
///
/// # Safety
/// As for [`bpf`].
unsafe fn open<A>(command: libc::c_int, attr: *const A) -> io::Result<OwnedFd> {
    // SAFETY: the caller's promise.
    let opened = unsafe { call(command, attr) }?;
    let number = RawFd::try_from(opened).map_err(io::Error::other)?;
    // SAFETY: the kernel has just opened it for this call, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// # Safety
/// As for [`bpf`].
unsafe fn call<A>(command: libc::c_int, attr: *const A) -> io::Result<libc::c_long> {
    // SAFETY: the caller's promise; the size is the structure's own.
    let outcome = unsafe { libc::syscall(libc::SYS_bpf, command, attr, size_of::<A>()) };
    if outcome < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(outcome)
}

/// The kernel takes descriptors as unsigned numbers; an open one is never negative.
fn fd_number(fd: RawFd) -> u32 {
    fd.cast_unsigned()
}
