//! Where a configuration passes requests to, and the entry of the copy that does as it does.

use std::fmt::Write as _;
use std::net::SocketAddr;

use evenkeel_balancers::NginxStatement as Statement;
use evenkeel_balancers::model::Traffic;

use super::copy::only;

/// How nginx speaks to backends.
pub(super) const SPEAKING: [&str; 10] = [
    "proxy_http_version",
    "proxy_set_header",
    "proxy_next_upstream",
    "proxy_next_upstream_tries",
    "proxy_next_upstream_timeout",
    "proxy_connect_timeout",
    "proxy_read_timeout",
    "proxy_send_timeout",
    "proxy_timeout",
    "proxy_request_buffering",
];
/// What sends requests to backends.
const PASSES: [&str; 6] = [
    "proxy_pass",
    "grpc_pass",
    "fastcgi_pass",
    "uwsgi_pass",
    "scgi_pass",
    "memcached_pass",
];

/// A directive that passes requests on, with what stands around it.
pub(super) struct Pass<'a> {
    pub(super) line: &'a Statement,
    pub(super) target: &'a str,
    /// The servers and locations around it, from the outside inwards, each by its statements.
    around: Vec<&'a [Statement]>,
}

impl Pass<'_> {
    /// Whether it leads to the upstream of this name.
    fn leads_to(&self, name: &str) -> bool {
        let rest = self
            .target
            .split_once("://")
            .map_or(self.target, |(_, rest)| rest);
        let host = rest.split(['/', '?']).next().unwrap_or_default();
        host.eq_ignore_ascii_case(name)
    }
}

/// Finds all of them in a block; `around` is what stands around it.
pub(super) fn find_passes<'a>(
    block: &'a [Statement],
    around: &mut Vec<&'a [Statement]>,
    found: &mut Vec<Pass<'a>>,
) {
    for line in block {
        if line.name() == "upstream" {
            continue;
        }
        if let (true, Some(target)) = (PASSES.contains(&line.name()), line.arg(0)) {
            found.push(Pass {
                line,
                target,
                around: around.clone(),
            });
        } else if line.block.is_some() {
            around.push(line.children());
            find_passes(line.children(), around, found);
            around.pop();
        }
    }
}

/// The server through which an upstream is reached; it speaks to it as the first location does that passes there.
pub(super) fn entry_server(
    name: &str,
    traffic: Traffic,
    entry: SocketAddr,
    passes: &[Pass<'_>],
) -> String {
    let around = passes
        .iter()
        .find(|pass| pass.leads_to(name))
        .map(|pass| pass.around.as_slice())
        .unwrap_or_default();
    let taken = |block: &&[Statement]| only(block, &["set"]) + &only(block, &SPEAKING);
    let mut text = format!("server {{\nlisten {entry} backlog=4096;\n");
    let (server, location) = around
        .split_first()
        .map_or((None, around), |(first, rest)| (Some(first), rest));
    text.push_str(&server.map_or(String::new(), taken));
    let location: String = location.iter().map(taken).collect();
    // A String takes anything.
    let written = match traffic {
        Traffic::Requests => write!(
            text,
            "location / {{\n{location}proxy_pass http://{name};\n}}\n}}\n"
        ),
        Traffic::Connections => write!(text, "{location}proxy_pass {name};\n}}\n"),
    };
    debug_assert!(written.is_ok());
    text
}
