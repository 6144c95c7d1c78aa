//! A connection: TLS, requests one after the other, and who may ask for what.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use rustls::{ServerConnection, StreamOwned};
use serde_json::Value;

use super::credentials::Credentials;
use super::listing::{list, status};
use super::request::{Request, Verb};
use super::store::Store;
use super::watching::{self, Watch};

/// How long a connection may idle.
const IDLE: Duration = Duration::from_secs(120);

/// Answers requests until the client goes, or all connections are cut.
pub(super) fn talk(stream: TcpStream, store: &Store, credentials: &Credentials) -> Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(IDLE))?;
    let cuts = store.state().cuts;
    let tls = ServerConnection::new(Arc::clone(&credentials.tls))?;
    let mut stream = StreamOwned::new(tls, stream);
    while let Some(request) = Request::read(&mut stream)? {
        if store.state().cuts != cuts {
            break;
        }
        answer(&request, store, cuts, &mut stream)?;
    }
    Ok(())
}

fn answer(
    request: &Request,
    store: &Store,
    cuts: u64,
    out: &mut (impl Read + Write),
) -> Result<()> {
    let delay = store.state().faults.delay;
    // The server that is to be slow is.
    std::thread::sleep(delay);
    let Some((kind, namespace)) = request.objects() else {
        return send(
            out,
            404,
            &status(
                404,
                "NotFound",
                "the server could not find the requested resource",
            ),
        );
    };
    let authorization = request.headers.get("authorization").map(String::as_str);
    let refusal = if Credentials::accept(authorization) {
        store.state().refusal(&request.path)
    } else {
        Some(401)
    };
    if let Some(code) = refusal {
        note(request, store, code);
        return send(out, code, &refused(code, &kind));
    }
    let selector = match request.selector() {
        Ok(selector) => selector,
        Err(error) => return send(out, 400, &status(400, "BadRequest", &error.to_string())),
    };
    let namespace = namespace.as_deref();
    if request
        .asked(200)
        .is_some_and(|asked| asked.verb == Verb::List)
    {
        let (code, body) = list(&store.state(), request, &kind, namespace, &selector);
        note(request, store, code);
        return send(out, code, &body);
    }
    let gone = watching::refused(&store.state(), request);
    if let Some((code, body)) = gone {
        note(request, store, code);
        return send(out, code, &body);
    }
    note(request, store, 200);
    out.write_all(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
    )?;
    out.flush()?;
    let watch = Watch {
        request,
        kind: &kind,
        namespace,
        selector: &selector,
        cuts,
    };
    watch.run(store, out)
}

fn note(request: &Request, store: &Store, status: u16) {
    if let Some(asked) = request.asked(status) {
        store.note(asked);
    }
}

fn refused(code: u16, kind: &str) -> Value {
    match code {
        401 => status(401, "Unauthorized", "Unauthorized"),
        403 => {
            let message = format!(
                "{kind} is forbidden: User \"system:serviceaccount:monitoring:evenkeel\" cannot list resource \"{kind}\" at the cluster scope"
            );
            status(403, "Forbidden", &message)
        }
        429 => status(
            429,
            "TooManyRequests",
            "too many requests, please try again later",
        ),
        code => status(
            code,
            "InternalError",
            "an error on the server has prevented the request from succeeding",
        ),
    }
}

fn send(out: &mut impl Write, code: u16, body: &Value) -> Result<()> {
    let body = body.to_string();
    let length = body.len();
    write!(
        out,
        "HTTP/1.1 {code} Status\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )?;
    out.flush()?;
    Ok(())
}
