//! Names and passwords. A bcrypt hash takes a tenth of a second on purpose, so what was right once is remembered.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::HeaderValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use ring::rand::SystemRandom;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Hashes computed at once: whoever tries passwords must not keep the host busy.
const AT_ONCE: usize = 1;

/// How long a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// What became of a request's name and password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Known,
    Unknown,
    /// Others are being checked.
    Busy,
}

/// Who may come in.
#[derive(Debug)]
pub(super) struct Users {
    hashes: BTreeMap<String, String>,
    turns: Semaphore,
    memory: Option<Arc<Memory>>,
}

impl Default for Users {
    fn default() -> Self {
        Self::new(BTreeMap::new())
    }
}

impl Users {
    /// Users with the bcrypt hashes of their passwords.
    pub(super) fn new(hashes: BTreeMap<String, String>) -> Self {
        Self {
            hashes,
            turns: Semaphore::new(AT_ONCE),
            // Without randomness nothing is remembered, and each request is checked in full.
            memory: Memory::new().map(Arc::new),
        }
    }

    /// Whether nobody has to say who they are.
    pub(super) fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Checks the header `Authorization`.
    pub(super) async fn check(&self, header: Option<&HeaderValue>) -> Answer {
        let Some((name, password)) = header.and_then(parse) else {
            return Answer::Unknown;
        };
        if self
            .memory
            .as_ref()
            .is_some_and(|memory| memory.knows(&name, &password))
        {
            return Answer::Known;
        }
        let Ok(Ok(_turn)) = timeout(PATIENCE, self.turns.acquire()).await else {
            return Answer::Busy;
        };
        // An unknown name takes as long as a wrong password, so that names cannot be found out.
        let known = self.hashes.get(&name);
        let Some(hash) = known.or_else(|| self.hashes.values().next()).cloned() else {
            return Answer::Unknown;
        };
        let (known, memory) = (known.is_some(), self.memory.clone());
        let checked = tokio::task::spawn_blocking(move || {
            let right = bcrypt::verify(&password, &hash).unwrap_or(false) && known;
            if let (true, Some(memory)) = (right, memory) {
                memory.note(name, &password);
            }
            right
        });
        match checked.await {
            Ok(true) => Answer::Known,
            _ => Answer::Unknown,
        }
    }
}

/// Name and password of a header `Basic ...` (RFC 7617).
fn parse(header: &HeaderValue) -> Option<(String, Vec<u8>)> {
    let (scheme, encoded) = header.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = STANDARD.decode(encoded.trim()).ok()?;
    let colon = pair.iter().position(|byte| *byte == b':')?;
    let name = String::from_utf8(pair[..colon].to_vec()).ok()?;
    Some((name, pair[colon + 1..].to_vec()))
}

/// The password of each user that was right last, by a hash with a key that nobody knows.
struct Memory {
    key: hmac::Key,
    right: Mutex<HashMap<String, hmac::Tag>>,
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Memory")
    }
}

impl Memory {
    fn new() -> Option<Self> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).ok()?;
        Some(Self {
            key,
            right: Mutex::default(),
        })
    }

    fn knows(&self, name: &str, password: &[u8]) -> bool {
        let right = self.right.lock().unwrap_or_else(PoisonError::into_inner);
        right
            .get(name)
            .is_some_and(|tag| hmac::verify(&self.key, password, tag.as_ref()).is_ok())
    }

    fn note(&self, name: String, password: &[u8]) {
        let tag = hmac::sign(&self.key, password);
        let mut right = self.right.lock().unwrap_or_else(PoisonError::into_inner);
        right.insert(name, tag);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users() -> Users {
        let hash = bcrypt::hash("correct horse", 4).unwrap();
        Users::new([("prometheus".to_owned(), hash)].into())
    }

    fn basic(pair: &str) -> HeaderValue {
        HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair))).unwrap()
    }

    #[tokio::test]
    async fn only_the_right_password_of_a_known_name_is_let_in() {
        let users = users();
        for (header, answer) in [
            (Some(basic("prometheus:correct horse")), Answer::Known),
            (Some(basic("prometheus:wrong")), Answer::Unknown),
            (Some(basic("prometheus:")), Answer::Unknown),
            (Some(basic("nobody:correct horse")), Answer::Unknown),
            (Some(basic("prometheus")), Answer::Unknown),
            (
                Some(HeaderValue::from_static("Basic ????")),
                Answer::Unknown,
            ),
            (
                Some(HeaderValue::from_static("Bearer token")),
                Answer::Unknown,
            ),
            (None, Answer::Unknown),
            // Again, from memory.
            (Some(basic("prometheus:correct horse")), Answer::Known),
            (Some(basic("prometheus:wrong")), Answer::Unknown),
        ] {
            assert_eq!(users.check(header.as_ref()).await, answer, "{header:?}");
        }
    }

    #[tokio::test]
    async fn a_password_that_was_right_waits_for_nobody() {
        let users = users();
        let header = basic("prometheus:correct horse");
        assert_eq!(users.check(Some(&header)).await, Answer::Known);
        let _busy = users.turns.acquire().await.unwrap();
        assert_eq!(users.check(Some(&header)).await, Answer::Known);
    }
}
