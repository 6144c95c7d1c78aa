//! `HAProxy`: what of its configuration is copied, and how it runs.

mod key;
mod proxy;

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use evenkeel_balancers::source::{HostFiles, Limits};
use evenkeel_balancers::{HaproxyLine, HaproxyText, Product, haproxy_text};

use super::HermeticError;
use super::copy::{Configuration, Copy, Places, Site};
use super::traffic::Keys;

/// Of `global`: how many threads share the account of who is next.
const GLOBAL: [&str; 2] = ["nbthread", "thread-groups"];

/// Copies the wanted backends of a configuration: a file, or all `*.cfg` of a folder.
pub(super) fn copy(
    path: &Path,
    wants: &dyn Fn(&str) -> bool,
    places: &mut dyn Places,
) -> Result<Copy, HermeticError> {
    let text = haproxy_text(&HostFiles, path, Limits::default())?;
    // What is wrong in it is told with its place, as `audit` does.
    evenkeel_balancers::read(
        Product::Haproxy,
        &HostFiles,
        path,
        &evenkeel_balancers::Options::default(),
    )?;
    copied(&text, wants, places)
}

fn copied(
    text: &HaproxyText,
    wants: &dyn Fn(&str) -> bool,
    places: &mut dyn Places,
) -> Result<Copy, HermeticError> {
    let mut copy = Haproxy(global(text));
    let (mut pools, mut notes, mut keys) = (Vec::new(), Vec::new(), Keys::default());
    for proxy in text.proxies.iter().filter(|proxy| wants(&proxy.name)) {
        let is_server = |line: &HaproxyLine| line.name().starts_with("server");
        if proxy.kind == "frontend" || !proxy.lines.iter().any(is_server) {
            continue;
        }
        match proxy::copied(proxy, places).map_err(HermeticError::Listen)? {
            Ok(copied) => {
                copy.0.push_str(&copied.text);
                keys.add(copied.keys);
                pools.push(copied.pool);
            }
            Err(reason) => notes.push(format!("{} is left out: {reason}", proxy.name)),
        }
    }
    Ok(Copy {
        pools,
        notes,
        keys,
        configuration: Box::new(copy),
    })
}

/// No more connections than everybody may have files open, and none of what needs privileges.
fn global(text: &HaproxyText) -> String {
    let mut lines = String::from("global\n    maxconn 200\n    no strict-limits\n");
    for line in &text.global {
        if GLOBAL.contains(&line.name()) && !line.undecided {
            let written = writeln!(lines, "    {line}");
            debug_assert!(written.is_ok(), "a String takes anything");
        }
    }
    lines
}

struct Haproxy(String);

impl Configuration for Haproxy {
    fn product(&self) -> Product {
        Product::Haproxy
    }

    fn program(&self) -> (&'static str, &'static str) {
        ("haproxy", "/usr/sbin/haproxy")
    }

    fn file(&self) -> &'static str {
        "haproxy.cfg"
    }

    fn text(&self, _site: Option<&Site<'_>>) -> Result<String, HermeticError> {
        Ok(self.0.clone())
    }

    fn run(&self, site: &Site<'_>) -> Command {
        let mut command = Command::new(site.program);
        // In the foreground, whatever is written.
        command.arg("-db").arg("-f").arg(site.file(self));
        command
    }

    fn check(&self, site: &Site<'_>) -> Command {
        let mut command = self.run(site);
        command.arg("-c");
        command
    }

    fn complaint(&self) -> &'static str {
        "[ALERT]"
    }
}

#[cfg(test)]
mod tests {
    use evenkeel_balancers::source::MemoryFiles;

    use super::*;
    use crate::gate::hermetic::numbered::Numbered;

    fn copied(configuration: &str) -> Copy {
        let files = MemoryFiles::new().with("haproxy.cfg", configuration);
        let read = haproxy_text(&files, Path::new("haproxy.cfg"), Limits::default()).unwrap();
        super::copied(&read, &|_| true, &mut Numbered::default()).unwrap()
    }

    const EVERYTHING: &str = "
global
    log /dev/log local0
    chroot /var/lib/haproxy
    user haproxy
    daemon
    stats socket /run/haproxy/admin.sock mode 660 level admin
    nbthread 4
    ca-base /etc/ssl/certs
defaults
    log global
    mode http
    option httplog
    option redispatch
    timeout connect 5s
    errorfile 503 /etc/haproxy/errors/503.http
    default-server inter 2s weight 10 check ssl verify required ca-file /etc/ca.pem resolvers dns
resolvers dns
    nameserver one 192.0.2.53:53
peers others
    peer a 192.0.2.1:1024
frontend in
    bind :443 ssl crt /etc/tls/site.pem
    http-request auth unless { http_auth(people) }
    use_backend %[req.hdr(host),lower]
    default_backend shop
backend shop
    balance hdr(X-Tenant)
    hash-type consistent
    option httpchk GET /health
    http-check expect status 204
    http-request set-header X-Tenant a
    stick-table type ip size 1m peers others
    stick on src
    server a 192.0.2.1:80 weight 3 cookie a
    server b app.internal:80 backup agent-check agent-port 81
    server c unix@/run/c.sock disabled track other/a
    server-template t 2-3 slots.internal:80 maxconn 5 id 7
backend by-variable
    balance hash var(txn.tenant)
    server a 192.0.2.1:80
    server b 192.0.2.2:80
listen db
    mode tcp
    bind :5432
    balance leastconn
    server a 192.0.2.5:5432 send-proxy-v2
    server b 192.0.2.6:5432
backend none
    http-request return status 404
.if defined(X)
backend maybe
    server a 192.0.2.1:80
.endif
";

    #[test]
    fn the_copy_has_what_decides_and_nothing_else() {
        let copy = copied(EVERYTHING);
        let text = copy.configuration.text(None).unwrap();
        insta::assert_snapshot!(text);
        for real in [
            "192.0.2.",
            "internal",
            "/run/",
            "ssl",
            "/etc/",
            "check",
            "resolvers",
            "track",
        ] {
            assert!(!text.contains(real), "{real}: {text}");
        }
        let servers: Vec<&String> = copy.pools[0].servers.values().collect();
        assert_eq!(
            servers,
            [
                "a (192.0.2.1:80)",
                "b (app.internal:80)",
                "c (unix@/run/c.sock)",
                "t2 (slots.internal:80)",
                "t3 (slots.internal:80)",
            ]
        );
        assert_eq!(copy.keys.headers, ["X-Tenant"]);
        insta::assert_snapshot!(format!(
            "{}\n\n{}",
            copy.pools[0].notes.join("\n"),
            copy.notes.join("\n")
        ));
    }
}
