//! The maps, and the few ways in which they are changed.

use core::intrinsics::{AtomicOrdering, atomic_xadd};

use aya_ebpf::bindings::{BPF_NOEXIST, BPF_SK_STORAGE_GET_F_CREATE};
use aya_ebpf::btf_maps::{Array, HashMap, SkStorage};
use aya_ebpf::helpers::generated::bpf_sk_storage_get;
use aya_ebpf::macros::btf_map;
use core::ffi::c_void;
use core::ptr;
use evenkeel_abi::{CELL_PAIRS, Counters, Key, Mark, ROLE_UPSTREAM, Settings, loss};

/// Every watched endpoint. Allocated in full when it is made, so that nothing on the hook waits for memory; the
/// agent sets the real size when it loads the program.
#[btf_map]
static COUNTERS: HashMap<Key, Counters, 1024> = HashMap::new();

/// What the agent tells the program.
#[btf_map]
static SETTINGS: Array<Settings, 1> = Array::new();

/// Events that could not be counted, by reason.
#[btf_map]
static LOSSES: Array<u64, { loss::SLOTS as usize }> = Array::new();

/// The walk that last saw each port in state LISTEN; tells accepted connections from opened ones.
#[btf_map]
static LISTENING: Array<u32, 65536> = Array::new();

/// Connections accepted, by the hashed address of the client: two cells in each element.
#[btf_map]
static CLIENTS: Array<u64, CELL_PAIRS> = Array::new();

/// What walks remember of open connections. Connections shorter than the walks' interval never get one.
#[btf_map]
static MARKS: SkStorage<Mark> = SkStorage::new();

const E2BIG: i32 = -7;
const EEXIST: i32 = -17;

/// Adds to a counter that all CPUs share.
#[inline(always)]
pub fn add(counter: *mut u64, amount: u64) {
    // SAFETY: `counter` points into a map value, which the kernel keeps valid and aligned while the program runs.
    unsafe { atomic_xadd::<u64, u64, { AtomicOrdering::Relaxed }>(counter, amount) };
}

/// The counters of a watched endpoint.
#[inline(always)]
pub fn counters(key: &Key) -> Option<*mut Counters> {
    COUNTERS.get_ptr_mut(key)
}

/// The counters of an endpoint, which becomes a watched one if it is not yet and the agent wants to learn.
#[inline(always)]
pub fn counters_or_learn(key: &Key) -> Option<*mut Counters> {
    if let Some(known) = counters(key) {
        return Some(known);
    }
    if key.role != ROLE_UPSTREAM || settings()?.learning == 0 {
        return None;
    }
    learn(key)
}

/// What a new endpoint begins with. Not made on the stack: clearing it there is a loop, whose pointer arithmetic the
/// verifier forbids to loaders without `CAP_PERFMON`.
static NOTHING: Counters = Counters {
    opened: 0,
    handshakes: 0,
    handshake_micros: 0,
    closed: 0,
    received: 0,
    sent: 0,
    failed: 0,
    retransmits: 0,
    met: 0,
    met_older: 0,
    older_closed: 0,
    padding: [0; 3],
};

/// Runs once per endpoint.
#[inline(never)]
fn learn(key: &Key) -> Option<*mut Counters> {
    match COUNTERS.insert(key, &NOTHING, BPF_NOEXIST.into()) {
        // Another CPU may have been faster.
        Ok(()) | Err(EEXIST) => {}
        Err(E2BIG) => lose(loss::MAP_FULL),
        Err(_) => lose(loss::INSERT_REFUSED),
    }
    counters(key)
}

/// Counts an event that could not be counted where it belongs.
#[inline(always)]
pub fn lose(slot: u32) {
    if let Some(counter) = LOSSES.get_ptr_mut(slot) {
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
