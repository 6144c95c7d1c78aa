//! What of nginx' configuration decides who gets a request: the upstreams with all that belongs to them, the variables they may
//! choose by, and how nginx speaks to them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use evenkeel_balancers::NginxStatement as Statement;
use evenkeel_balancers::model::Traffic;

use super::passes::{Pass, SPEAKING, entry_server, find_passes};
use crate::gate::hermetic::copy::{CopiedPool, Places};

/// What stands around the blocks in the copy.
const TOP: [&str; 2] = ["worker_processes", "pcre_jit"];
const EVENTS: [&str; 4] = ["worker_connections", "multi_accept", "accept_mutex", "use"];
/// What makes variables: taken from `http` or `stream`, as is how nginx speaks to backends, which is also taken from the server
/// and the location that pass to the upstream.
const VARIABLES: [&str; 7] = [
    "map",
    "geo",
    "split_clients",
    "map_hash_bucket_size",
    "map_hash_max_size",
    "variables_hash_bucket_size",
    "variables_hash_max_size",
];

/// The copy of nginx' configuration.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    /// Of which only what differs by host is missing: where files go.
    pub(super) text: String,
    /// Modules that it loads, as written.
    pub(super) modules: Vec<String>,
    pub(super) pools: Vec<CopiedPool>,
    /// What was left out that may matter.
    pub(super) notes: Vec<String>,
}

/// Makes the copy of those upstreams that `wants` names.
pub(super) fn copy(
    statements: &[Statement],
    wants: &dyn Fn(&str) -> bool,
    places: &mut dyn Places,
) -> std::io::Result<Blocks> {
    let mut copy = Blocks::default();
    let mut events = None;
    for statement in statements {
        match statement.name() {
            "http" => copy.block(statement, Traffic::Requests, wants, places)?,
            "stream" => copy.block(statement, Traffic::Connections, wants, places)?,
            "load_module" => copy.modules.extend(statement.arg(0).map(str::to_owned)),
            "events" => events = Some(only(statement.children(), &EVENTS)),
            name if TOP.contains(&name) => copy.add(statement),
            _ => {}
        }
    }
    let events = events.unwrap_or_default();
    copy.text = format!("events {{\n{events}}}\n{}", copy.text);
    Ok(copy)
}

impl Blocks {
    fn add(&mut self, statement: &Statement) {
        self.text.push_str(&statement.to_string());
    }

    fn block(
        &mut self,
        block: &Statement,
        traffic: Traffic,
        wants: &dyn Fn(&str) -> bool,
        places: &mut dyn Places,
    ) -> std::io::Result<()> {
        let mut text = only(block.children(), &VARIABLES);
        text.push_str(&only(block.children(), &SPEAKING));
        let mut passes = Vec::new();
        find_passes(block.children(), &mut Vec::new(), &mut passes);
        self.tell_variables(&passes);
        for upstream in block
            .children()
            .iter()
            .filter(|line| line.name() == "upstream")
        {
            let Some(name) = upstream.arg(0).filter(|name| wants(name)) else {
                continue;
            };
            if let Some(lua) = upstream.children().iter().find(|line| is_lua(line)) {
                self.notes.push(format!(
                    "{name} is left out: {} chooses its servers, and is not run here",
                    lua.name()
                ));
                continue;
            }
            let entry = places.entry()?;
            let (written, servers) = self.upstream(upstream, places)?;
            text.push_str(&written);
            text.push_str(&entry_server(name, traffic, entry, &passes));
            self.pools.push(CopiedPool {
                name: name.to_owned(),
                traffic,
                entry,
                servers,
                notes: Vec::new(),
            });
        }
        // A block without a server is fine; one without anything is left out, so that its module is not asked for.
        if self.pools.iter().any(|pool| pool.traffic == traffic) {
            let name = block.name();
            let written = writeln!(self.text, "{name} {{\n@{name}@{text}}}");
            debug_assert!(written.is_ok(), "a String takes anything");
        }
        Ok(())
    }

    /// An upstream whose servers are listeners of the gate's own.
    fn upstream(
        &mut self,
        upstream: &Statement,
        places: &mut dyn Places,
    ) -> std::io::Result<(String, BTreeMap<SocketAddr, String>)> {
        let mut copied = upstream.clone();
        let mut servers = BTreeMap::new();
        // Each writing is one backend, so that a server that stands there twice stays one.
        let mut known: BTreeMap<String, SocketAddr> = BTreeMap::new();
        let mut lines = Vec::new();
        for mut line in copied.block.take().unwrap_or_default() {
            match line.name() {
                "server" => {
                    let written = line.arg(0).unwrap_or_default().to_owned();
                    let address = match known.get(&written) {
                        Some(address) => *address,
                        None => places.backend()?,
                    };
                    known.insert(written.clone(), address);
                    servers.insert(address, written);
                    if let Some(word) = line.words.get_mut(1) {
                        *word = address.to_string();
                    }
                    line.words
                        .retain(|word| word != "resolve" && !word.starts_with("service="));
                }
                "resolver" | "resolver_timeout" | "state" => continue,
                _ => {}
            }
            lines.push(line);
        }
        let ring = lines.iter().any(|line| {
            line.name() == "hash" && line.words.iter().any(|word| word == "consistent")
        });
        if ring {
            let name = upstream.arg(0).unwrap_or_default();
            self.notes.push(format!(
                "{name}: the arcs of its hash ring follow from the addresses of its servers, which are others here: \
                 `evenkeel audit --pools` computes the arcs of the real ones"
            ));
        }
        copied.block = Some(lines);
        Ok((copied.to_string(), servers))
    }

    /// Passes to what only a request knows cannot be followed.
    fn tell_variables(&mut self, passes: &[Pass<'_>]) {
        for pass in passes.iter().filter(|pass| pass.target.contains('$')) {
            self.notes.push(format!(
                "`{} {}` is left out: where it leads is known when a request is there",
                pass.line.name(),
                pass.target
            ));
        }
    }
}

/// The statements of these names, as text.
pub(super) fn only(block: &[Statement], names: &[&str]) -> String {
    let kept = block.iter().filter(|line| names.contains(&line.name()));
    kept.map(ToString::to_string).collect()
}

fn is_lua(line: &Statement) -> bool {
    line.name().contains("_by_lua") || line.name().contains("_by_njs")
}

/// Names after a prefix of variables: `$arg_user` of `$arg_` gives `user`.
pub(super) fn variables(text: &str, prefix: &str) -> Vec<String> {
    let mut names: Vec<String> = text
        .match_indices(prefix)
        .map(|(at, _)| {
            let rest = &text[at + prefix.len()..];
            let end = rest
                .find(|char: char| !char.is_ascii_alphanumeric() && char != '_')
                .unwrap_or(rest.len());
            rest[..end].to_owned()
        })
        .filter(|name| !name.is_empty())
        .collect();
    names.sort();
    names.dedup();
    names
}

/// The copy as a file: where files go, and who nginx runs as, in place of the marks.
pub(super) fn text(copy: &Blocks, modules: &str, folder: &Path, user: Option<&str>) -> String {
    let folder = folder.display();
    let user = user.map_or(String::new(), |user| format!("user {user};\n"));
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path \"{folder}/{kind}\";\n"))
        .concat();
    let blocks = copy
        .text
        .replacen("@http@", &format!("access_log off;\n{temporary}"), 1)
        .replacen("@stream@", "", 1);
    format!(
        "{modules}{user}daemon off;\npid \"{folder}/nginx.pid\";\nerror_log stderr warn;\n{blocks}"
    )
}

#[cfg(test)]
mod tests {
    use evenkeel_balancers::nginx_text;
    use evenkeel_balancers::source::{Limits, MemoryFiles};

    use super::*;
    use crate::gate::hermetic::numbered::Numbered;

    fn copied(configuration: &str) -> Blocks {
        let files = MemoryFiles::new().with("nginx.conf", configuration);
        let read = nginx_text(&files, Path::new("nginx.conf"), Limits::default()).unwrap();
        copy(&read.statements, &|_| true, &mut Numbered::default()).unwrap()
    }

    const EVERYTHING: &str = r#"
user www-data;
worker_processes 4;
pid /run/nginx.pid;
error_log /var/log/nginx/error.log;
load_module modules/ngx_stream_module.so;
env SECRET;
events { worker_connections 768; debug_connection 192.0.2.1; }
http {
    access_log /var/log/nginx/access.log;
    ssl_certificate /etc/tls/site.pem;
    proxy_cache_path /var/cache/nginx keys_zone=one:10m;
    map $cookie_user $who { default $arg_user; "" "no one"; }
    upstream shop {
        hash $who$http_x_tenant;
        zone shop 64k;
        server app-1.internal:8080 weight=3 resolve;
        server 192.0.2.2:8080 max_fails=2;
        server unix:/run/app.sock backup;
        keepalive 16;
    }
    upstream php { server 192.0.2.9:9000; server 192.0.2.8:9000; }
    server {
        listen 443 ssl http2;
        server_name shop.example;
        auth_basic "closed";
        set $tenant x;
        location / {
            allow 192.0.2.0/24; deny all;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_pass https://shop/api;
        }
        location ~ \.php$ { fastcgi_pass php; }
        location /direct { proxy_pass http://192.0.2.77:3000; }
        location /where { proxy_pass http://$arg_host; }
        location /lua { content_by_lua_block { os.exit() } }
    }
}
stream {
    upstream db { server 192.0.2.5:5432; server 192.0.2.6:5432; }
    server { listen 5432; proxy_timeout 5s; proxy_pass db; }
}
"#;

    #[test]
    fn the_copy_has_what_decides_and_nothing_else() {
        let copy = copied(EVERYTHING);
        insta::assert_snapshot!(text(&copy, "", Path::new("/tmp/gate"), Some("root")));
        assert_eq!(copy.modules, ["modules/ngx_stream_module.so"]);
        let names: Vec<&str> = copy.pools.iter().map(|pool| pool.name.as_str()).collect();
        assert_eq!(names, ["shop", "php", "db"]);
        let servers: Vec<&String> = copy.pools[0].servers.values().collect();
        assert_eq!(
            servers,
            [
                "app-1.internal:8080",
                "192.0.2.2:8080",
                "unix:/run/app.sock"
            ]
        );
        assert_eq!(copy.notes.len(), 1);
        assert!(
            copy.notes[0].contains("http://$arg_host"),
            "{:?}",
            copy.notes
        );
        for real in ["192.0.2.", "internal", "/run/app", "ssl", "lua", "/var/"] {
            assert!(!copy.text.contains(real), "{real}");
        }
    }

    #[test]
    fn what_chooses_by_a_program_is_left_out() {
        let copy =
            copied("http { upstream a { server 192.0.2.1; balancer_by_lua_block { x = 1 } } }");
        assert!(copy.pools.is_empty());
        assert!(
            copy.notes[0].contains("balancer_by_lua_block"),
            "{:?}",
            copy.notes
        );
    }

    #[test]
    fn keys_are_found_by_their_variables() {
        let copy = copied(EVERYTHING);
        assert_eq!(variables(&copy.text, "$arg_"), ["user"]);
        assert_eq!(variables(&copy.text, "$cookie_"), ["user"]);
        assert_eq!(variables(&copy.text, "$http_"), ["x_tenant"]);
    }
}
