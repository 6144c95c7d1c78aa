//! One watch: all objects are listed once, and from then on the API server tells what changes. After a disconnect it goes on from the
//! last version; all are listed again only if the server does not know that version any longer (410 Gone).
//!
//! The protocol: <https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes>. kube-runtime has a
//! watcher too, but keeps bookmarks to itself: that nothing has changed and that nothing comes any longer look the same then.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::TryStreamExt as _;
use kube::Client;
use kube::core::params::{ListParams, VersionMatch, WatchParams};
use kube::core::{Request, WatchEvent};
use serde::Deserialize;
use tokio::time::{sleep, timeout};
use tracing::debug;

use super::backoff::Backoff;
use super::client::{Access, told};
use super::feed::Feed;
use super::objects::{Kept, Key};

/// Objects that are listed at once.
const PAGE: u32 = 500;
/// How long an answer may take to begin, and a page to come.
const PATIENCE: Duration = Duration::from_secs(60);
/// After so long a time without a word a watch is dead: the server sends bookmarks once a minute.
const SILENCE: Duration = Duration::from_secs(180);
/// A watch that lasted so long was one.
const LASTED: Duration = Duration::from_secs(5);
/// How long the server is left alone after it failed: at first, and at most.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A page of a list.
#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "W: serde::de::DeserializeOwned"))]
struct Page<W> {
    metadata: PageMeta,
    /// The language that the server is written in has lists that are `null`.
    items: Option<Vec<W>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PageMeta {
    resource_version: String,
    #[serde(rename = "continue")]
    next: Option<String>,
}

/// How a watch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The server closed it, as it does every few minutes.
    Closed,
    /// The version that it went on from is not known any longer.
    Gone,
}

/// Watches for ever.
pub(super) async fn follow<T: Kept + PartialEq>(feed: Arc<Feed<T>>, access: Arc<Access>) {
    let mut pause = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
    // What the server has in memory will do for a start, and costs its database nothing.
    let mut consistent = false;
    loop {
        match once(&feed, &access, consistent, &mut pause).await {
            Ok(()) => consistent = true,
            Err(error) => {
                feed.broken(error);
                sleep(pause.next()).await;
            }
        }
    }
}

/// Lists all, and watches until that has to be done again.
async fn once<T: Kept + PartialEq>(
    feed: &Feed<T>,
    access: &Access,
    consistent: bool,
    pause: &mut Backoff,
) -> Result<(), String> {
    let mut client = access.client().await?;
    let mut version = list(feed, &client, consistent).await?;
    debug!(watch = feed.name, version, "listed");
    loop {
        let since = Instant::now();
        let ended = watch(feed, &client, &mut version).await;
        if since.elapsed() >= LASTED {
            pause.reset();
        }
        match ended {
            Ok(End::Gone) => {
                // Many agents are told so at once.
                sleep(pause.next()).await;
                return Ok(());
            }
            Ok(End::Closed) if since.elapsed() >= LASTED => {}
            Ok(End::Closed) => sleep(pause.next()).await,
            Err(error) => {
                feed.broken(error);
                sleep(pause.next()).await;
                // Authorities and certificates may have been renewed.
                if let Ok(renewed) = access.client().await {
                    client = renewed;
                }
            }
        }
    }
}

/// Lists all objects; gives the version that a watch goes on from.
async fn list<T: Kept + PartialEq>(
    feed: &Feed<T>,
    client: &Client,
    consistent: bool,
) -> Result<String, String> {
    let mut objects: HashMap<Key, T> = HashMap::new();
    let mut params = ListParams {
        label_selector: feed.label_selector.clone(),
        field_selector: feed.field_selector.clone(),
        // The server's memory gives all at once, whatever the limit.
        limit: consistent.then_some(PAGE),
        version_match: (!consistent).then_some(VersionMatch::NotOlderThan),
        resource_version: (!consistent).then(|| "0".to_owned()),
        ..ListParams::default()
    };
    loop {
        let request = Request::new(feed.path.as_str());
        let request = if T::METADATA_ALONE {
            request.list_metadata(&params)
        } else {
            request.list(&params)
        };
        let request = request.map_err(|error| told(&feed.name, &error))?;
        let page = timeout(PATIENCE, client.request::<Page<T::Wire>>(request)).await;
        let page = page.map_err(|_late| slow(feed, "listed"))?;
        let Page { metadata, items } = page.map_err(|error| told(&feed.name, &error))?;
        for wire in items.into_iter().flatten() {
            let (key, kept) = feed.kept(wire);
            objects.extend(kept.map(|kept| (key, kept)));
        }
        let next = metadata.next.filter(|next| !next.is_empty());
        if next.is_none() {
            feed.replace(objects);
            return Ok(metadata.resource_version);
        }
        params.continue_token = next;
        (params.version_match, params.resource_version) = (None, None);
    }
}

fn slow<T>(feed: &Feed<T>, what: &str) -> String {
    let name = &feed.name;
    format!("{name} cannot be {what}: the API server does not answer")
}

/// Takes in what the server tells, from `version` on, until it ends.
async fn watch<T: Kept + PartialEq>(
    feed: &Feed<T>,
    client: &Client,
    version: &mut String,
) -> Result<End, String> {
    let params = WatchParams {
        label_selector: feed.label_selector.clone(),
        field_selector: feed.field_selector.clone(),
        bookmarks: true,
        ..WatchParams::default()
    };
    let request = Request::new(feed.path.as_str());
    let request = if T::METADATA_ALONE {
        request.watch_metadata(&params, version)
    } else {
        request.watch(&params, version)
    };
    let request = request.map_err(|error| told(&feed.name, &error))?;
    let begun = timeout(PATIENCE, client.request_events::<T::Wire>(request)).await;
    let events = match begun.map_err(|_late| slow(feed, "watched"))? {
        Ok(events) => events,
        Err(error) if is_gone(&error) => return Ok(End::Gone),
        Err(error) => return Err(told(&feed.name, &error)),
    };
    let mut events = pin!(events);
    feed.live();
    loop {
        let next = timeout(SILENCE, events.try_next()).await;
        let next = next.map_err(|_late| slow(feed, "watched"))?;
        let Some(event) = next.map_err(|error| told(&feed.name, &error))? else {
            return Ok(End::Closed);
        };
        match event {
            WatchEvent::Added(wire) | WatchEvent::Modified(wire) => {
                advance(version, T::meta(&wire).resource_version.as_ref());
                feed.apply(wire);
            }
            WatchEvent::Deleted(wire) => {
                advance(version, T::meta(&wire).resource_version.as_ref());
                feed.delete(&wire);
            }
            WatchEvent::Bookmark(bookmark) => {
                version.clone_from(&bookmark.metadata.resource_version);
            }
            WatchEvent::Error(status) if status.code == 410 => return Ok(End::Gone),
            WatchEvent::Error(status) => {
                return Err(told(&feed.name, &kube::Error::Api(status)));
            }
        }
    }
}

fn advance(version: &mut String, new: Option<&String>) {
    if let Some(new) = new {
        version.clone_from(new);
    }
}

fn is_gone(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 410)
}
