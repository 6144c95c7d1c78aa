//! Why a hermetic gate comes to no judgement.

use std::io;
use std::path::Path;

use evenkeel_balancers::ReadError;

use super::copy::Configuration;

/// Why there is no judgement.
#[derive(Debug, thiserror::Error)]
pub enum HermeticError {
    /// The configuration cannot be read.
    #[error("{0}")]
    Read(#[source] Box<ReadError>),
    /// A part of the configuration is not there.
    #[error("the configuration is not complete: {0}")]
    Missing(String),
    /// It is not there, or may not be read.
    #[error("cannot read {0}: {1}")]
    Unreadable(String, String),
    /// It looks like no product's.
    #[error(
        "{0} is not recognised as a configuration of nginx, HAProxy or Envoy: say which by `--as PRODUCT`"
    )]
    Unrecognised(String),
    /// A product that is not started here.
    #[error(
        "there is no hermetic gate for {0}, only for nginx, HAProxy and Envoy: start it yourself and use `--config`"
    )]
    Product(&'static str),
    /// It has nothing to be judged.
    #[error("{0} has no pool to be judged{1}")]
    NoPool(String, String),
    /// No such pool.
    #[error("there is no pool `{0}` to be judged{1}")]
    Unknown(String, String),
    /// The balancer does not take the copy.
    #[error("{0} refuses the copy of the configuration (docs/gate.md says what is copied): {1}")]
    Refused(&'static str, String),
    /// The balancer is not there.
    #[error("cannot start {program}: {error} (install {product}, or name it by --program)")]
    Program {
        /// Whose it is.
        product: &'static str,
        /// Where it was looked for.
        program: String,
        /// What the system says.
        error: io::Error,
    },
    /// It does not run.
    #[error("{0} does not listen; it says: {1}")]
    NotListening(&'static str, String),
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
    pub(super) fn program(
        configuration: &dyn Configuration,
        program: &Path,
        error: io::Error,
    ) -> Self {
        Self::Program {
            product: configuration.product().title(),
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
                | Self::Unreadable(..)
                | Self::Unrecognised(_)
                | Self::Product(_)
                | Self::NoPool(..)
                | Self::Unknown(..)
                | Self::Refused(..)
        )
    }
}
