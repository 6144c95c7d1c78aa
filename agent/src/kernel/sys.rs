//! The `bpf(2)` calls that aya does not offer: maps read in batches, and the programs attached to a cgroup.

use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use evenkeel_abi::{Counters, Key, Settings};

const BPF_MAP_LOOKUP_ELEM: libc::c_int = 1;
const BPF_MAP_UPDATE_ELEM: libc::c_int = 2;
const BPF_MAP_DELETE_ELEM: libc::c_int = 3;
const BPF_PROG_QUERY: libc::c_int = 16;
const BPF_MAP_LOOKUP_BATCH: libc::c_int = 24;

const BPF_NOEXIST: u64 = 1;
const BPF_CGROUP_SOCK_OPS: u32 = 3;

/// Entries asked for in one batch call: few calls even for large maps, and what the kernel wrote is still in the cache when it is
/// read.
const BATCH: usize = 512;

/// Types that are the same bytes in the kernel and here.
///
/// # Safety
/// The type must be `repr(C)` or primitive, without padding, and valid for every bit pattern.
pub(super) unsafe trait Plain: Copy + Default {}

// SAFETY: a primitive.
unsafe impl Plain for u32 {}
// SAFETY: a primitive.
unsafe impl Plain for u64 {}
// SAFETY: `repr(C)`, integers only, padding explicit; asserted by the crate that defines it.
unsafe impl Plain for Counters {}
// SAFETY: as above.
unsafe impl Plain for Settings {}

/// A key with a value for buffers; `Key` itself has no meaningful default.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub(super) struct KeyBytes(pub(super) Key);

impl Default for KeyBytes {
    fn default() -> Self {
        Self(Key {
            address: [0; 16],
            netns: 0,
            port: 0,
            role: 0,
            padding: 0,
        })
    }
}

// SAFETY: a transparent wrapper of a `repr(C)` type of integers with explicit padding.
unsafe impl Plain for KeyBytes {}

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
struct BatchAttr {
    in_batch: u64,
    out_batch: u64,
    keys: u64,
    values: u64,
    count: u32,
    map_fd: u32,
    elem_flags: u64,
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
        let mut value = V::default();
        let attr = self.element(key, &raw mut value, 0);
        // SAFETY: key and value live across the call and have the map's sizes (see `new`).
        match unsafe { bpf(BPF_MAP_LOOKUP_ELEM, &raw const attr) } {
            Ok(()) => Ok(Some(value)),
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sets the value of `key`.
    pub(super) fn set(&self, key: &K, mut value: V) -> io::Result<()> {
        let attr = self.element(key, &raw mut value, 0);
        // SAFETY: as in `get`.
        unsafe { bpf(BPF_MAP_UPDATE_ELEM, &raw const attr) }
    }

    /// Adds `key` with a value of zeros; leaves a key that is there alone.
    pub(super) fn add(&self, key: &K) -> io::Result<()> {
        let mut value = V::default();
        let attr = self.element(key, &raw mut value, BPF_NOEXIST);
        // SAFETY: as in `get`.
        match unsafe { bpf(BPF_MAP_UPDATE_ELEM, &raw const attr) } {
            Err(error) if error.raw_os_error() == Some(libc::EEXIST) => Ok(()),
            other => other,
        }
    }

    /// Removes `key`, if the map has it.
    pub(super) fn remove(&self, key: &K) -> io::Result<()> {
        let attr = self.element(key, std::ptr::null_mut(), 0);
        // SAFETY: the key lives across the call; no value is touched.
        match unsafe { bpf(BPF_MAP_DELETE_ELEM, &raw const attr) } {
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(()),
            other => other,
        }
    }

    fn element(&self, key: &K, value: *mut V, flags: u64) -> ElementAttr {
        ElementAttr {
            map_fd: fd_number(self.fd.as_raw_fd()),
            key: std::ptr::from_ref(key) as u64,
            value: value as u64,
            flags,
            ..ElementAttr::default()
        }
    }
}

/// Reads whole maps, a batch a call, into buffers that are kept.
#[derive(Debug)]
pub(super) struct BatchReader<K, V> {
    keys: Vec<K>,
    values: Vec<V>,
}

impl<K: Plain, V: Plain> BatchReader<K, V> {
    pub(super) fn new() -> Self {
        Self {
            keys: vec![K::default(); BATCH],
            values: vec![V::default(); BATCH],
        }
    }

    /// Shows every entry of a map to `each`. Entries added or removed meanwhile may or may not be shown.
    pub(super) fn read(
        &mut self,
        table: &Table<K, V>,
        mut each: impl FnMut(&K, &V),
    ) -> io::Result<()> {
        let (mut cursor, mut next) = (0_u64, 0_u64);
        let mut first = true;
        loop {
            let mut attr = BatchAttr {
                in_batch: if first { 0 } else { &raw mut cursor as u64 },
                out_batch: &raw mut next as u64,
                keys: self.keys.as_mut_ptr() as u64,
                values: self.values.as_mut_ptr() as u64,
                count: u32::try_from(self.keys.len()).unwrap_or(u32::MAX),
                map_fd: fd_number(table.fd.as_raw_fd()),
                ..BatchAttr::default()
            };
            // SAFETY: the buffers hold `count` keys and values; the cursors outlive the call.
            let outcome = unsafe { bpf(BPF_MAP_LOOKUP_BATCH, &raw mut attr) };
            let end = match outcome {
                Ok(()) => false,
                Err(error) => match error.raw_os_error() {
                    Some(libc::ENOENT) => true,
                    // One hash bucket holds more than a batch: only more room helps.
                    Some(libc::ENOSPC) if attr.count == 0 => {
                        self.grow();
                        continue;
                    }
                    Some(libc::ENOSPC) => false,
                    Some(libc::EINTR) => continue,
                    _ => return Err(error),
                },
            };
            let got = attr.count as usize;
            for (key, value) in self.keys.iter().zip(&self.values).take(got) {
                each(key, value);
            }
            if end {
                return Ok(());
            }
            (cursor, first) = (next, false);
        }
    }

    fn grow(&mut self) {
        let room = self.keys.len() * 2;
        self.keys.resize(room, K::default());
        self.values.resize(room, V::default());
    }
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
    // SAFETY: the caller's promise; the size is the structure's own.
    let outcome = unsafe { libc::syscall(libc::SYS_bpf, command, attr, size_of::<A>()) };
    if outcome < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// The kernel takes descriptors as unsigned numbers; an open one is never negative.
fn fd_number(fd: RawFd) -> u32 {
    fd.cast_unsigned()
}
