//! As much of HTTP/1.1 as a balancer needs to see in a backend.

use std::net::SocketAddr;
use std::ops::ControlFlow;

use super::wire::Then;

/// No request of the lab is longer.
const LONGEST: usize = 65_536;

/// Recognises requests without a body in a stream of bytes.
#[derive(Default)]
pub(super) struct Parser {
    text: Vec<u8>,
}

impl Parser {
    /// Takes bytes that have arrived. Breaks with the answer and what follows it, or with none if the request is too
    /// long or not a GET.
    pub(super) fn take(
        &mut self,
        bytes: &[u8],
        backend: SocketAddr,
    ) -> ControlFlow<Option<(Vec<u8>, Then)>> {
        self.text.extend_from_slice(bytes);
        if !self.text.ends_with(b"\r\n\r\n") {
            let hopeless = self.text.len() > LONGEST;
            return if hopeless {
                ControlFlow::Break(None)
            } else {
                ControlFlow::Continue(())
            };
        }
        let text = std::mem::take(&mut self.text);
        let text = String::from_utf8_lossy(&text);
        ControlFlow::Break(text.starts_with("GET ").then(|| answer(&text, backend)))
    }
}

fn answer(request: &str, backend: SocketAddr) -> (Vec<u8>, Then) {
    let keep = keeps_alive(request);
    let body = format!("{backend}\n");
    let connection = if keep { "keep-alive" } else { "close" };
    let text = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: {connection}\r\n\r\n{body}",
        body.len()
    );
    (
        text.into_bytes(),
        if keep { Then::Listen } else { Then::Close },
    )
}

/// HTTP/1.1 keeps a connection unless told otherwise, HTTP/1.0 the other way round (RFC 9112, section 9.3).
fn keeps_alive(request: &str) -> bool {
    let mut lines = request.lines();
    let modern = lines.next().is_some_and(|line| line.ends_with("HTTP/1.1"));
    let wish = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("connection")
            .then(|| value.trim().to_ascii_lowercase())
    });
    if modern {
        wish.as_deref() != Some("close")
    } else {
        wish.as_deref() == Some("keep-alive")
    }
}

#[cfg(test)]
mod tests {
    use super::keeps_alive;

    #[test]
    fn the_connection_is_kept_as_the_version_and_the_header_say() {
        assert!(keeps_alive("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert!(!keeps_alive("GET / HTTP/1.1\r\nconnection: close\r\n\r\n"));
        assert!(!keeps_alive("GET / HTTP/1.0\r\n\r\n"));
        assert!(keeps_alive(
            "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"
        ));
    }
}
