//! What the agent may do, and what of it it gives up once it counts.
//!
//! Loading and attaching programs takes capabilities that nothing needs afterwards. They are therefore left with one thread
//! alone, the [`Loader`]'s, which does that and ends; all others come after the giving up and never have them. What is kept
//! is what the configuration goes on to need ([`Kept`]), mostly nothing. Then system calls that the agent does not make are
//! closed to the whole process, and it is looked at that every thread is as it should be.

mod filter;
mod give_up;
mod kept;
mod loader;
mod syscalls;
mod threads;

use std::io;

pub use self::filter::close_system_calls;
pub use self::give_up::give_up;
pub use self::kept::{Kept, Reason};
pub use self::loader::Loader;
pub use self::threads::{Standing, check_threads, standings};

/// Why rights could not be given up.
#[derive(Debug, thiserror::Error)]
pub enum PrivilegesError {
    /// The kernel does not tell what a thread may do.
    #[error("cannot read the rights of this process in /proc/self: is /proc mounted?")]
    Unknown(#[source] io::Error),
    /// A set of capabilities could not be made smaller, or new rights could not be ruled out.
    #[error("cannot give up {0}")]
    Stuck(&'static str, #[source] io::Error),
    /// The filter of system calls was refused.
    #[error(
        "cannot set the filter of system calls ({0}): the kernel needs CONFIG_SECCOMP_FILTER=y; start with \
         --unconfined to go without"
    )]
    Filter(String),
    /// A thread has more than it should.
    #[error(
        "thread {name} has rights that were to be given up: {what}. This is a fault of evenkeel: please report it; \
         --unconfined starts without this check"
    )]
    Left {
        /// The thread.
        name: String,
        /// What is left.
        what: String,
    },
}

/// Closes what this process needs no longer: system calls, on all its threads. Then looks at each of them.
///
/// # Errors
/// If the kernel refuses, or if a thread can do more than `kept` says.
pub fn confine(kept: &Kept) -> Result<(), PrivilegesError> {
    close_system_calls(kept)?;
    check_threads(kept)
}
