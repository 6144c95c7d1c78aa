//! One GET request.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};

use super::super::error::beginning;
use super::super::{Address, LONGEST, Reason};
use crate::http_client::{self, Access, Origin};
use crate::model::Tls;

/// The body of the answer at a path, which is no error of HTTP.
pub(super) async fn get(address: &Address, path: &str, limit: Duration) -> Result<Vec<u8>, Reason> {
    let failed = |error| Reason::http(path, &error);
    let request = Request::get(path)
        .body(Body::empty())
        .map_err(|error| failed(error.into()))?;
    // One byte more than is taken tells a larger answer.
    let wanted = |_: StatusCode| LONGEST + 1;
    let answer = match address {
        Address::Unix(socket) => http_client::send_to_socket(socket, limit, request, wanted).await,
        Address::Tcp { host, port } => {
            let origin = Origin {
                https: false,
                host: host.clone(),
                port: *port,
                authority: address.to_string(),
            };
            let access = Access {
                credentials: None,
                tls: Tls::default(),
                timeout: limit,
            };
            http_client::send(&origin, &access, request, wanted).await
        }
    };
    let answer = answer.map_err(failed)?;
    if answer.body.len() > LONGEST {
        return Err(Reason::TooLarge(path.to_owned()));
    }
    if !answer.status.is_success() {
        let text = String::from_utf8_lossy(&answer.body);
        return Err(Reason::Refused {
            asked: path.to_owned(),
            answer: format!("{} {}", answer.status, beginning(&text)),
            way_out: "name the `admin` address of its bootstrap",
        });
    }
    Ok(answer.body)
}
