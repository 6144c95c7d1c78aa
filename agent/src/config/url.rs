//! Addresses of HTTP servers as users write them, and what is wrong with those that are none.

use std::net::{IpAddr, Ipv6Addr};

use hyper::Uri;

use super::address::{Fault, is_host_name};
use super::place::At;
use super::problems::{Noted, Problems, quote};
use super::shape::{Field, Scalar};
use super::value::Key;

/// What a URL stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The root of something, to which paths are appended: it has no query.
    Root,
    /// One address, which may have a query.
    Whole,
}

/// A URL that a request can be made to.
#[derive(Clone, Debug)]
pub(super) struct Url {
    /// As it was written, a root without slashes at its end.
    pub(super) text: String,
    /// Whether it is https.
    pub(super) secure: bool,
}

/// The value of a key that is a URL. One with a password in it is not shown.
pub(super) fn url(
    problems: &mut Problems<'_>,
    key: Key<'_>,
    field: Field<Scalar>,
    kind: Kind,
) -> Result<At<Url>, Noted> {
    let name = field.key;
    let At { value, place } = problems.line(key, field)?;
    if parts(&value).authority.contains('@') {
        return Err(problems.note_secret(
            name,
            format!("`{}` holds a user name or a password", key.name),
            "leave out what is before the `@`; receivers of alerts take it from `basic_auth`",
        ));
    }
    let value =
        parse(&value, kind).map_err(|fault| problems.note(place, fault.message, fault.help))?;
    Ok(At { value, place })
}

/// The pieces of a URL that are checked one by one.
struct Parts<'a> {
    /// Empty if there is none.
    scheme: &'a str,
    /// Host and port.
    authority: &'a str,
    /// Path, query and fragment.
    rest: &'a str,
}

fn parts(text: &str) -> Parts<'_> {
    let (scheme, after) = text.split_once("://").unwrap_or(("", text));
    let end = after.find(['/', '?', '#']).unwrap_or(after.len());
    let (authority, rest) = after.split_at(end);
    Parts {
        scheme,
        authority,
        rest,
    }
}

/// Reads a URL in which there is no user.
fn parse(text: &str, kind: Kind) -> Result<Url, Fault> {
    let Parts {
        scheme,
        authority,
        rest,
    } = parts(text);
    let secure = match scheme {
        "http" => false,
        "https" => true,
        "" => {
            // `http:/host` has lost a slash.
            let bare = text.split_once(":/").map_or(text, |(_, rest)| rest);
            return Err(Fault::new(
                format!("{} does not say whether it is http or https", quote(text)),
                format!("write {}", quote(&format!("http://{bare}"))),
            ));
        }
        other => {
            return Err(Fault::new(
                format!("{} is neither http nor https", quote(other)),
                "begin it with `http://` or `https://`",
            ));
        }
    };
    server(authority)?;
    if rest.contains('#') {
        return Err(Fault::new(
            format!(
                "{} has a fragment, which no server is ever sent",
                quote(text)
            ),
            "leave out the `#` and what is behind it",
        ));
    }
    if kind == Kind::Root && rest.contains('?') {
        return Err(Fault::new(
            format!("{} has a query, and paths are appended to it", quote(text)),
            "leave out the `?` and what is behind it",
        ));
    }
    if !rest.is_ascii() || text.parse::<Uri>().is_err() {
        return Err(Fault::new(
            format!("{} has characters that a URL cannot have", quote(text)),
            "write them as `%` and two hexadecimal digits for each byte of UTF-8: `%20` for a space",
        ));
    }
    let text = match kind {
        Kind::Root => text.trim_end_matches('/'),
        Kind::Whole => text,
    };
    Ok(Url {
        text: text.to_owned(),
        secure,
    })
}

/// Checks a host and its port, if it has one.
fn server(authority: &str) -> Result<(), Fault> {
    // The colons of an IPv6 address are within its brackets.
    let end = authority.rfind(']').map_or(0, |bracket| bracket + 1);
    let (host, port) = match authority[end..].find(':') {
        Some(colon) => (
            &authority[..end + colon],
            Some(&authority[end + colon + 1..]),
        ),
        None => (authority, None),
    };
    if host.is_empty() {
        return Err(Fault::new(
            "this URL has no host",
            "write it like `http://127.0.0.1:9093`",
        ));
    }
    let bracketed = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let sound = match bracketed {
        Some(inner) => inner.parse::<Ipv6Addr>().is_ok(),
        None => is_host_name(host) || host.parse::<IpAddr>().is_ok(),
    };
    if !sound {
        return Err(Fault::new(
            format!("{} is neither a host name nor an IP address", quote(host)),
            "write it like `http://127.0.0.1:9093` or `http://[2001:db8::1]:9093`",
        ));
    }
    match port.map(|port| (port, port.parse::<u16>())) {
        None | Some((_, Ok(1..))) => Ok(()),
        Some((port, _)) => Err(Fault::new(
            format!("{} is not a port", quote(port)),
            "a port is a number from 1 to 65535",
        )),
    }
}
