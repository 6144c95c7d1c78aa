//! Why a balancer's state is not known.

use std::io;
use std::time::Duration;

use super::{Address, LONGEST};
use crate::http_client::ClientError;

/// How much of an answer that is not understood is shown, in characters.
const MOST_SHOWN: usize = 200;

/// A balancer could not be asked, or its answer not be read.
#[derive(Debug, thiserror::Error)]
#[error("{product} at {address}: {reason}")]
pub struct AdminError {
    /// As users know it.
    pub product: &'static str,
    /// Where it was asked.
    pub address: Address,
    /// What went wrong.
    pub reason: Reason,
}

/// What went wrong when a balancer was asked.
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    /// No connection.
    #[error("cannot connect ({error}): {way_out}")]
    Unreachable {
        /// What the system says.
        error: io::Error,
        /// What to do.
        way_out: &'static str,
    },
    /// The connection broke.
    #[error(
        "no answer to `{asked}` ({error}): is it a socket of this product that takes commands?"
    )]
    Broken {
        /// The command.
        asked: String,
        /// What the system says.
        error: io::Error,
    },
    /// The HTTP request failed.
    #[error("no answer to {asked} ({why}): is that the `admin` address of its bootstrap?")]
    Http {
        /// The path.
        asked: String,
        /// What is wrong, in words.
        why: String,
    },
    /// It took too long.
    #[error("no answer within {0:?}: is it overloaded, or is that no admin interface?")]
    Late(Duration),
    /// More than is taken.
    #[error("the answer to {0} is longer than {mib} MiB, which is not read", mib = LONGEST >> 20)]
    TooLarge(String),
    /// It says no.
    #[error("refuses {asked}: {answer:?}; {way_out}")]
    Refused {
        /// The command or path.
        asked: String,
        /// The answer, or its beginning.
        answer: String,
        /// What to do.
        way_out: &'static str,
    },
    /// The answer is not of the documented form.
    #[error("the answer to {asked} is not understood: {what}")]
    NotUnderstood {
        /// The command or path.
        asked: String,
        /// What is missing or wrong.
        what: String,
    },
}

impl Reason {
    pub(super) fn not_understood(asked: &str, what: impl Into<String>) -> Self {
        Self::NotUnderstood {
            asked: asked.to_owned(),
            what: what.into(),
        }
    }

    pub(super) fn http(asked: &str, error: &ClientError) -> Self {
        match error {
            ClientError::Late(limit) => Self::Late(*limit),
            error => Self::Http {
                asked: asked.to_owned(),
                why: error.to_string(),
            },
        }
    }
}

/// The beginning of an answer, for a message.
pub(super) fn beginning(answer: &str) -> String {
    answer.trim().chars().take(MOST_SHOWN).collect()
}
