//! The maps, and the few ways in which they are changed.

use core::intrinsics::{AtomicOrdering, atomic_xadd};

use aya_ebpf::bindings::{BPF_F_MMAPABLE, BPF_NOEXIST, BPF_SK_STORAGE_GET_F_CREATE};
use aya_ebpf::btf_maps::{Array, HashMap, SkStorage, Stack};
use aya_ebpf::helpers::generated::bpf_sk_storage_get;
use aya_ebpf::macros::btf_map;
use core::ffi::c_void;
use core::ptr;
use evenkeel_abi::{CELL_PAIRS, Counters, Key, Mark, ROLE_UPSTREAM, Seat, Settings, event};

/// Where watched endpoints are counted. The agent has these pages in its own memory and reads them without asking the kernel.
/// Like the next two, it is allocated in full when it is made, so that nothing on the hook waits for memory; the agent sets
/// the real size when it loads the program.
#[btf_map]
static SEATS: Array<Seat, 1024, { BPF_F_MMAPABLE as usize }> = Array::new();

/// The seat of each watched endpoint.
#[btf_map]
static SEAT_OF: HashMap<Key, u32, 1024> = HashMap::new();

/// The seats that nobody has, for whoever watches a new endpoint: the agent, or the hook when it learns one.
#[btf_map]
static FREE_SEATS: Stack<u32, 1024> = Stack::new();

/// What the agent tells the program.
#[btf_map]
static SETTINGS: Array<Settings, 1> = Array::new();

/// What is counted of the hook itself.
#[btf_map]
static EVENTS: Array<u64, { event::SLOTS as usize }, { BPF_F_MMAPABLE as usize }> = Array::new();

/// The walk that last saw each port in state LISTEN; tells accepted connections from opened ones.
#[btf_map]
static LISTENING: Array<u32, 65536> = Array::new();

/// Connections accepted, by the hashed address of the client: two cells in each element.
#[btf_map]
static CLIENTS: Array<u64, CELL_PAIRS, { BPF_F_MMAPABLE as usize }> = Array::new();

/// What walks remember of open connections. Connections shorter than the walks' interval never get one.
#[btf_map]
static MARKS: SkStorage<Mark> = SkStorage::new();

const EEXIST: i32 = -17;

/// Adds to a counter that all CPUs share.
#[inline(always)]
pub fn add(counter: *mut u64, amount: u64) {
    // SAFETY: `counter` points into a map value, which the kernel keeps valid and aligned while the program runs.
    unsafe { atomic_xadd::<u64, u64, { AtomicOrdering::Relaxed }>(counter, amount) };
}

/// Whether an endpoint is watched.
#[inline(always)]
pub fn is_watched(key: &Key) -> bool {
    SEAT_OF.get_ptr(key).is_some()
}

/// Whether an endpoint is watched. It becomes a watched one if it is not yet and the agent wants to learn.
#[inline(always)]
pub fn is_watched_or_learned(key: &Key) -> bool {
    is_watched(key) || learn(key)
}

/// The counters of a watched endpoint.
#[inline(always)]
pub fn counters(key: &Key) -> Option<*mut Counters> {
    let number = SEAT_OF.get_ptr(key)?;
    // SAFETY: the pointer is to a value of the map, which is written before it can be found.
    let seat = SEATS.get_ptr_mut(unsafe { *number })?;
    // SAFETY: the pointer is to a whole element of the array.
    Some(unsafe { &raw mut (*seat).counters })
}

/// The counters of an endpoint, which becomes a watched one if it is not yet and the agent wants to learn.
#[inline(always)]
pub fn counters_or_learn(key: &Key) -> Option<*mut Counters> {
    if let Some(known) = counters(key) {
        return Some(known);
    }
    learn(key).then(|| counters(key)).flatten()
}

/// Watches an endpoint from now on, if the agent wants that. Whether it is watched then.
#[inline(always)]
fn learn(key: &Key) -> bool {
    let wanted = key.role == ROLE_UPSTREAM && settings().is_some_and(|wish| wish.learning != 0);
    wanted && seat(key)
}

/// Gives an endpoint a seat. Runs once per endpoint.
#[inline(never)]
fn seat(key: &Key) -> bool {
    let number = match FREE_SEATS.pop() {
        Ok(Some(number)) => number,
        Ok(None) => return lost(event::MAP_FULL),
        Err(_) => return lost(event::INSERT_REFUSED),
    };
    let Some(seat) = SEATS.get_ptr_mut(number) else {
        return lost(event::INSERT_REFUSED);
    };
    // SAFETY: the seat is an element of the array, and nobody else's: it was on the stack.
    unsafe { (*seat).key = *key };
    let Err(reason) = SEAT_OF.insert(key, number, BPF_NOEXIST.into()) else {
        note(event::LEARNED);
        return true;
    };
    // SAFETY: as above.
    unsafe { (*seat).key.role = 0 };
    // The stack has room for what came from it.
    let _given_back = FREE_SEATS.push(number, 0);
    // Another CPU may have been faster.
    reason == EEXIST || lost(event::INSERT_REFUSED)
}

/// Counts an event that could not be counted where it belongs, and is not.
#[inline(always)]
fn lost(slot: u32) -> bool {
    note(slot);
    false
}

/// Counts an event of the hook itself.
#[inline(always)]
pub fn note(slot: u32) {
    if let Some(counter) = EVENTS.get_ptr_mut(slot) {
        add(counter, 1);
    }
}

/// What the agent wants now.
#[inline(always)]
pub fn settings() -> Option<&'static Settings> {
    SETTINGS.get(0)
}

/// Counts a connection of the clients in `cell`.
#[inline(always)]
pub fn add_client(cell: u32) {
    if let Some(pair) = CLIENTS.get_ptr_mut(cell / 2) {
        add(pair, 1 << (32 * (cell & 1)));
    }
}

/// Notes that `walk` met a listener on `port`.
#[inline(always)]
pub fn note_listener(port: u16, walk: u32) {
    if let Some(slot) = LISTENING.get_ptr_mut(port.into()) {
        // SAFETY: the pointer is into an array map; only this walk writes to the slot.
        unsafe { *slot = walk };
    }
}

/// Whether `walk` met a listener on `port`.
#[inline(always)]
pub fn is_listening(port: u16, walk: u32) -> bool {
    LISTENING.get(port.into()).is_some_and(|seen| *seen == walk)
}

/// The mark of a connection, if a walk has met it.
#[inline(always)]
pub fn mark(socket: *mut c_void) -> Option<*mut Mark> {
    storage(socket, ptr::null_mut(), 0)
}

/// The mark of a connection, made of `first` if there is none; `None` if the kernel refuses.
#[inline(always)]
pub fn mark_or(socket: *mut c_void, first: &mut Mark) -> Option<*mut Mark> {
    storage(socket, first, BPF_SK_STORAGE_GET_F_CREATE.into())
}

#[inline(always)]
fn storage(socket: *mut c_void, first: *mut Mark, flags: u64) -> Option<*mut Mark> {
    let map = ptr::from_ref(&MARKS).cast_mut().cast();
    // SAFETY: the map is a socket storage whose value is a `Mark`; the verifier admits only sockets here.
    let mark = unsafe { bpf_sk_storage_get(map, socket, first.cast(), flags) }.cast::<Mark>();
    (!mark.is_null()).then_some(mark)
}
