//! A request, read from a connection, and what of it the ledger keeps.

use std::collections::BTreeMap;
use std::io::Read;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};

use super::selector::Selector;

/// Longer heads are nobody's.
const LONGEST_HEAD: usize = 64 * 1024;

/// What a client wants of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// All that there are.
    List,
    /// What changes.
    Watch,
}

/// What was asked, for the ledger.
#[derive(Clone, Debug)]
pub struct Asked {
    /// When.
    pub at: Instant,
    /// What for.
    pub verb: Verb,
    /// `services`, `endpointslices` or `pods`.
    pub kind: String,
    /// Of one namespace, or of all.
    pub namespace: Option<String>,
    /// `labelSelector`.
    pub label_selector: Option<String>,
    /// `fieldSelector`.
    pub field_selector: Option<String>,
    /// `resourceVersion`.
    pub version: Option<String>,
    /// Whether a page was asked for that follows another.
    pub continued: bool,
    /// Whether metadata alone was wanted.
    pub metadata_alone: bool,
    /// The status of the answer.
    pub status: u16,
}

/// A request of HTTP.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) path: String,
    pub(super) query: BTreeMap<String, String>,
    pub(super) headers: BTreeMap<String, String>,
}

impl Request {
    /// The next request of a connection; `None` if there is none.
    pub(super) fn read(stream: &mut impl Read) -> Result<Option<Self>> {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            if stream.read(&mut byte)? == 0 {
                return Ok(None);
            }
            head.push(byte[0]);
            ensure!(head.len() < LONGEST_HEAD, "the head is too long");
        }
        let head = String::from_utf8(head)?;
        let mut lines = head.lines();
        let first = lines.next().context("no request")?;
        let target = first.split(' ').nth(1).context("no target")?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let parameters = query.split('&').filter_map(|it| it.split_once('='));
        let headers = lines.filter_map(|line| line.split_once(':'));
        Ok(Some(Self {
            path: path.to_owned(),
            query: parameters
                .map(|(name, value)| (decoded(name), decoded(value)))
                .collect(),
            headers: headers
                .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
                .collect(),
        }))
    }

    /// A parameter that is given and not empty.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let value = self.query.get(name)?;
        (!value.is_empty()).then_some(value)
    }

    /// Kind and namespace of the objects that are asked for; `None` if the path is of none.
    pub(super) fn objects(&self) -> Option<(String, Option<String>)> {
        let rest = ["/api/v1/", "/apis/discovery.k8s.io/v1/"]
            .iter()
            .find_map(|prefix| self.path.strip_prefix(prefix))?;
        let parts: Vec<&str> = rest.split('/').collect();
        let (kind, namespace) = match parts[..] {
            [kind] => (kind, None),
            ["namespaces", namespace, kind] => (kind, Some(namespace.to_owned())),
            _ => return None,
        };
        let group = if kind == "endpointslices" {
            "/apis/"
        } else {
            "/api/"
        };
        let known = matches!(kind, "endpointslices" | "pods" | "services");
        (known && self.path.starts_with(group)).then(|| (kind.to_owned(), namespace))
    }

    /// What the client selects.
    pub(super) fn selector(&self) -> Result<Selector> {
        Selector::parse(
            self.parameter("labelSelector"),
            self.parameter("fieldSelector"),
        )
    }

    /// Whether the client wants metadata alone.
    pub(super) fn metadata_alone(&self) -> bool {
        let accept = self.headers.get("accept");
        accept.is_some_and(|accept| accept.contains("as=PartialObjectMetadata"))
    }

    /// As the ledger keeps it.
    pub(super) fn asked(&self, status: u16) -> Option<Asked> {
        let (kind, namespace) = self.objects()?;
        let text = |name: &str| self.parameter(name).map(str::to_owned);
        let watch = matches!(self.parameter("watch"), Some("true" | "1"));
        Some(Asked {
            at: Instant::now(),
            verb: if watch { Verb::Watch } else { Verb::List },
            kind,
            namespace,
            label_selector: text("labelSelector"),
            field_selector: text("fieldSelector"),
            version: text("resourceVersion"),
            continued: self.parameter("continue").is_some(),
            metadata_alone: self.metadata_alone(),
            status,
        })
    }
}

/// Text as it was before it became part of a query.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut place = 0;
    while place < bytes.len() {
        let hex = bytes.get(place + 1..place + 3);
        let hex = hex.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match (bytes[place], hex) {
            (b'%', Some(byte)) => {
                plain.push(byte);
                place += 2;
            }
            (b'+', _) => plain.push(b' '),
            (byte, _) => plain.push(byte),
        }
        place += 1;
    }
    String::from_utf8_lossy(&plain).into_owned()
}
