//! What `balance` looks at in a request, so that the gate's requests differ in it.

use evenkeel_balancers::HaproxyLine;

use crate::gate::hermetic::traffic::Keys;

/// Expressions whose values differ with address and path, which requests always differ in.
const ALWAYS: [&str; 17] = [
    "src",
    "path",
    "pathq",
    "url",
    "uri",
    "base",
    "base32",
    "base32+src",
    "url32",
    "url32+src",
    "rand",
    "uuid",
    "src_port",
    "capture.req.uri",
    "baseq",
    "fc_src",
    "unique-id",
];
/// Headers whose values mean something to `HAProxy`, or to HTTP.
const MEANINGFUL: [&str; 4] = [
    "connection",
    "upgrade",
    "content-length",
    "transfer-encoding",
];

/// What requests have to differ in for a `balance` line; an error says why they cannot.
pub(super) fn of(balance: Option<&HaproxyLine>, http: bool) -> Result<Keys, String> {
    let words: &[String] = balance.map_or(&[], |line| &line.words[1..]);
    let Some(first) = words.first() else {
        return Ok(Keys::default());
    };
    let argument = words.get(1).map_or("", String::as_str);
    let (name, _) = first.split_once('(').unwrap_or((first, ""));
    match name {
        // In `mode tcp` they are not looked at, and it is balanced in turn.
        "url_param" | "hdr" | "uri" if !http => Ok(Keys::default()),
        "url_param" => Ok(argued(argument)),
        "hdr" => expression(first),
        "hash" => expression(argument),
        "rdp-cookie" => {
            Err("it chooses by an RDP cookie, which the gate's requests have not".to_owned())
        }
        _ => Ok(Keys::default()),
    }
}

fn argued(name: &str) -> Keys {
    Keys {
        arguments: vec![name.to_owned()],
        ..Keys::default()
    }
}

/// A sample expression: a fetch with its argument, and converters, of which nothing is to be known.
fn expression(text: &str) -> Result<Keys, String> {
    let end = text.find([',', '(']).unwrap_or(text.len());
    let (fetch, rest) = text.split_at(end);
    let argument = rest
        .strip_prefix('(')
        .and_then(|rest| rest.split([')', ',']).next());
    let argument = argument.unwrap_or_default().to_owned();
    let unknown = || format!("it chooses by `{text}`, in which the gate's requests do not differ");
    match fetch {
        _ if ALWAYS.contains(&fetch) => Ok(Keys::default()),
        "url_param" | "urlp" if !argument.is_empty() => Ok(argued(&argument)),
        "cookie" | "req.cook" | "cook" if !argument.is_empty() => Ok(Keys {
            cookies: vec![argument],
            ..Keys::default()
        }),
        "hdr" | "req.hdr" | "req.fhdr" | "req.hdr_ip" | "hdr_ip" => header(argument, unknown),
        _ => Err(unknown()),
    }
}

fn header(name: String, unknown: impl Fn() -> String) -> Result<Keys, String> {
    let lower = name.to_ascii_lowercase();
    if lower == "host" {
        return Ok(Keys {
            hosts: true,
            ..Keys::default()
        });
    }
    if lower.is_empty() || lower == "cookie" || MEANINGFUL.contains(&lower.as_str()) {
        return Err(unknown());
    }
    Ok(Keys {
        headers: vec![name],
        ..Keys::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(balance: &str, http: bool) -> Result<Keys, String> {
        use evenkeel_balancers::source::{Limits, MemoryFiles};
        let files = MemoryFiles::new().with("a.cfg", format!("backend a\nbalance {balance}\n"));
        let path = std::path::Path::new("a.cfg");
        let text = evenkeel_balancers::haproxy_text(&files, path, Limits::default()).unwrap();
        of(text.proxies[0].lines.first(), http)
    }

    #[test]
    fn requests_differ_in_what_is_looked_at() {
        for always in [
            "roundrobin",
            "source",
            "uri whole",
            "hash path,lower",
            "random(3)",
        ] {
            let keys = keys(always, true).unwrap();
            assert!(keys.headers.is_empty() && !keys.hosts, "{always}: {keys:?}");
        }
        assert_eq!(
            keys("url_param id check_post", true).unwrap().arguments,
            ["id"]
        );
        assert_eq!(keys("hdr(X-Id)", true).unwrap().headers, ["X-Id"]);
        assert!(keys("hdr(X-Id)", false).unwrap().headers.is_empty());
        assert_eq!(
            keys("hash req.cook(sid),sdbm", true).unwrap().cookies,
            ["sid"]
        );
        assert_eq!(keys("hash req.hdr(x,-1)", true).unwrap().headers, ["x"]);
        assert!(keys("hdr(host) use_domain_only", true).unwrap().hosts);
    }

    #[test]
    fn what_they_cannot_differ_in_is_told() {
        for balance in [
            "hash var(txn.a)",
            "hdr(Connection)",
            "rdp-cookie(x)",
            "hash req.ssl_sni",
        ] {
            assert!(keys(balance, true).is_err(), "{balance}");
        }
        let reason = keys("hash var(txn.a),lower", true).unwrap_err();
        assert!(reason.contains("`var(txn.a),lower`"), "{reason}");
    }
}
