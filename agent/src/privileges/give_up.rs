//! Giving capabilities up, for the calling thread and all that it starts from then on.

use std::io;

use rustix::io::Errno;
use rustix::thread::{
    CapabilitySet, CapabilitySets, capability_is_in_bounding_set, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities, set_no_new_privs,
};

use super::{Kept, PrivilegesError};

/// Gives up all but what is kept, and the possibility to get any by starting a program.
///
/// Capabilities belong to threads: those that run already keep theirs. The bounding set, which says what could be got by
/// starting programs, is emptied where `CAP_SETPCAP` is there to do so; containers rarely have it, and need it not, as no
/// thread can get anything any more.
///
/// # Errors
/// If the kernel refuses, which it has no reason to.
pub fn give_up(kept: &Kept) -> Result<(), PrivilegesError> {
    let stuck = |what| move |error: Errno| PrivilegesError::Stuck(what, io::Error::from(error));
    // First, while the right to do so is there.
    empty_bounding_set().map_err(stuck("what could be got by starting a program"))?;
    clear_ambient_capability_set().map_err(stuck("what programs would be started with"))?;
    let left = CapabilitySet::from_bits_retain(kept.capabilities().bits());
    let sets = CapabilitySets {
        effective: left,
        permitted: left,
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, sets).map_err(stuck("capabilities"))?;
    set_no_new_privs(true).map_err(stuck("the chance of new privileges"))
}

fn empty_bounding_set() -> Result<(), Errno> {
    for bit in 0..u64::BITS {
        let one = CapabilitySet::from_bits_retain(1 << bit);
        match capability_is_in_bounding_set(one) {
            Ok(false) => continue,
            Ok(true) => {}
            // Past the last one that this kernel knows.
            Err(Errno::INVAL) => break,
            Err(error) => return Err(error),
        }
        match remove_capability_from_bounding_set(one) {
            Ok(()) => {}
            Err(Errno::PERM) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
