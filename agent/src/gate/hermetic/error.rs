//! Why a hermetic gate comes to no judgement.

use std::io;
use std::path::Path;

use evenkeel_balancers::ReadError;

/// Why there is no judgement.
#[derive(Debug, thiserror::Error)]
pub enum HermeticError {
    /// The configuration cannot be read.
    #[error("{0}")]
    Read(#[source] Box<ReadError>),
    /// A part of the configuration is not there.
    #[error("the configuration is not complete: {0}")]
    Missing(String),
    /// It has nothing to be judged.
    #[error("{0} has no upstream to be judged{1}")]
    NoPool(String, String),
    /// No such upstream.
    #[error("there is no upstream `{0}` to be judged{1}")]
    Unknown(String, String),
    /// nginx does not take the copy.
    #[error("nginx refuses the copy of the configuration (docs/gate.md says what is copied): {0}")]
    Refused(String),
    /// There is no nginx.
    #[error("cannot start {program}: {error} (install nginx, or name it by --program)")]
    Program {
        /// Where it was looked for.
        program: String,
        /// What the system says.
        error: io::Error,
    },
    /// It does not run.
    #[error("nginx does not listen; it says: {0}")]
    NotListening(String),
    /// No files can be written.
    #[error("cannot write the copy of the configuration")]
    Folder(#[source] io::Error),
    /// No listeners.
    #[error("cannot listen on 127.0.0.1")]
    Listen(#[source] io::Error),
    /// Nothing is answered.
    #[error("{0}: no request was answered: {1}")]
    NoAnswer(String, String),
}

impl From<ReadError> for HermeticError {
    fn from(error: ReadError) -> Self {
        Self::Read(Box::new(error))
    }
}

impl HermeticError {
    pub(super) fn program(program: &Path, error: io::Error) -> Self {
        Self::Program {
            program: program.display().to_string(),
            error,
        }
    }

    /// Whether another command line or another configuration is the way out.
    pub const fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Read(_)
                | Self::Missing(_)
                | Self::NoPool(..)
                | Self::Unknown(..)
                | Self::Refused(_)
        )
    }
}
