//! `GET` of a collection: a page of its objects.

use serde_json::{Value, json};

use super::request::Request;
use super::selector::Selector;
use super::store::State;

/// The answer to a list: its status and body.
pub(super) fn list(
    state: &State,
    request: &Request,
    kind: &str,
    namespace: Option<&str>,
    selector: &Selector,
) -> (u16, Value) {
    let token = request.parameter("continue");
    if token.is_some() && request.parameter("resourceVersion").is_some() {
        let message = "specifying resource version is not allowed when using continue";
        return (400, status(400, "BadRequest", message));
    }
    let (version, after) = match token.map(parse) {
        None => (state.version, String::new()),
        Some(Some((version, _))) if version < state.oldest => {
            let message =
                "The provided continue parameter is too old to display a consistent list result.";
            return (410, status(410, "Expired", message));
        }
        Some(Some(token)) => token,
        Some(None) => return (400, status(400, "BadRequest", "continue key is not valid")),
    };
    // What the cache is asked for it gives as a whole.
    let cached = request.parameter("resourceVersion") == Some("0");
    let limit = request.parameter("limit").and_then(|it| it.parse().ok());
    let limit = limit
        .filter(|limit| *limit > 0 && !cached)
        .unwrap_or(usize::MAX);
    let of_kind = state.objects.iter().filter(|((its, within, _), object)| {
        its == kind && namespace.is_none_or(|it| it == within) && selector.matches(object)
    });
    let place = |namespace: &str, name: &str| format!("{namespace}/{name}");
    let mut rest = of_kind
        .filter(|((_, namespace, name), _)| after.is_empty() || place(namespace, name) > after)
        .peekable();
    let mut items = Vec::new();
    let mut last = String::new();
    while items.len() < limit
        && let Some(((_, namespace, name), object)) = rest.next()
    {
        last = place(namespace, name);
        items.push(shown(object, request.metadata_alone()));
    }
    let next = rest.peek().map(|_| format!("{version}:{last}"));
    let remaining = rest.count();
    let mut metadata = json!({"resourceVersion": version.to_string()});
    if let Some(next) = next {
        metadata["continue"] = json!(next);
        metadata["remainingItemCount"] = json!(remaining);
    }
    let (api, called) = names(kind, request.metadata_alone());
    // As the real server has it: an empty list is `null` where its Go slice was never made.
    let items = if items.is_empty() {
        Value::Null
    } else {
        Value::Array(items)
    };
    let body = json!({"kind": called, "apiVersion": api, "metadata": metadata, "items": items});
    (200, body)
}

fn parse(token: &str) -> Option<(u64, String)> {
    let (version, after) = token.split_once(':')?;
    Some((version.parse().ok()?, after.to_owned()))
}

fn names(kind: &str, metadata_alone: bool) -> (&'static str, &'static str) {
    match kind {
        _ if metadata_alone => ("meta.k8s.io/v1", "PartialObjectMetadataList"),
        "endpointslices" => ("discovery.k8s.io/v1", "EndpointSliceList"),
        "pods" => ("v1", "PodList"),
        _ => ("v1", "ServiceList"),
    }
}

/// An object as the client wants it.
pub(super) fn shown(object: &Value, metadata_alone: bool) -> Value {
    if !metadata_alone {
        return object.clone();
    }
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"]})
}

/// What the API says when it refuses.
pub(super) fn status(code: u16, reason: &str, message: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason, "code": code})
}
