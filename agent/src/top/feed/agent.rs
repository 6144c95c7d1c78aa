//! An agent that serves HTTP.

use axum::body::Body;
use axum::http::{Request, StatusCode, Uri};

use super::FeedError;
use crate::http_client::{self, Access, ClientError, Origin, Streaming, encoded};

/// The largest answer of `/api/v1/pools`, in bytes.
const LARGEST: usize = 512 << 20;

/// Where to ask, and how.
#[derive(Debug)]
pub(crate) struct Agent {
    origin: Origin,
    /// What is in front of `/api/v1`.
    root: String,
    access: Access,
}

/// An answer that is none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AgentError {
    #[error("it wants a name and a password: give them by --username and --password-file")]
    Unauthorized,
    #[error("it does not let us in (403)")]
    Forbidden,
    #[error("too many listen to it already, or it is stopping (503)")]
    Busy,
    #[error("it answered {0} and not as an agent does: is this the address of its page?")]
    NoAgent(StatusCode),
    #[error("its answer is larger than {} MiB", LARGEST >> 20)]
    TooLarge,
}

impl Agent {
    /// The one whose page is at `url`. The error says what is wrong with the address.
    pub(crate) fn new(url: &str, access: Access) -> Result<Self, &'static str> {
        let wrong = "is not an address of the form http://HOST:PORT";
        let uri: Uri = url.parse().or(Err(wrong))?;
        if uri.query().is_some() {
            return Err("has a query, and paths are appended to it");
        }
        let origin = Origin::of(&uri).map_err(|what| {
            if what.contains("basic_auth") {
                "holds a user name: give it by --username, and the password by --password-file"
            } else {
                what
            }
        })?;
        Ok(Self {
            origin,
            root: uri.path().trim_end_matches('/').to_owned(),
            access,
        })
    }

    /// Whether there is an agent that lets us in.
    pub(crate) async fn check(&self) -> Result<(), FeedError> {
        self.stream(None).await.map(drop)
    }

    pub(super) async fn stream(&self, pool: Option<&str>) -> Result<Streaming, FeedError> {
        let query = pool.map_or_else(String::new, |name| format!("?pool={}", encoded(name)));
        let request = self.request(&format!("/api/v1/stream{query}"))?;
        let streaming = http_client::open(&self.origin, &self.access, request).await?;
        accepted(streaming.status)?;
        Ok(streaming)
    }

    pub(super) async fn pools(&self) -> Result<Vec<u8>, FeedError> {
        let request = self.request("/api/v1/pools")?;
        // One byte more than is taken tells a larger answer.
        let wanted = |_: StatusCode| LARGEST + 1;
        let answer = http_client::send(&self.origin, &self.access, request, wanted).await?;
        accepted(answer.status)?;
        if answer.body.len() > LARGEST {
            return Err(AgentError::TooLarge.into());
        }
        Ok(answer.body)
    }

    fn request(&self, path: &str) -> Result<Request<Body>, ClientError> {
        let request = Request::builder().uri(format!("{}{path}", self.root));
        Ok(request.body(Body::empty())?)
    }
}

fn accepted(status: StatusCode) -> Result<(), AgentError> {
    match status {
        StatusCode::OK => Ok(()),
        StatusCode::UNAUTHORIZED => Err(AgentError::Unauthorized),
        StatusCode::FORBIDDEN => Err(AgentError::Forbidden),
        StatusCode::SERVICE_UNAVAILABLE => Err(AgentError::Busy),
        other => Err(AgentError::NoAgent(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn agent(url: &str) -> Result<Agent, &'static str> {
        let access = Access {
            credentials: None,
            tls: crate::model::Tls::default(),
            timeout: Duration::from_secs(1),
        };
        Agent::new(url, access)
    }

    #[test]
    fn an_address_may_have_a_path_and_no_secrets() {
        assert_eq!(agent("https://lb.example/keel/").unwrap().root, "/keel");
        assert!(agent("lb.example:9797").is_err());
        assert!(
            agent("http://me:secret@lb.example/")
                .unwrap_err()
                .contains("--username")
        );
    }

    #[test]
    fn names_of_pools_stay_one_value() {
        assert_eq!(encoded("a/b&c=d ü"), "a%2Fb%26c%3Dd%20%C3%BC");
    }
}
