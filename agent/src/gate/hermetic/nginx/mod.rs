//! nginx: what of its configuration is copied, and how it runs.

mod copy;
mod passes;

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use evenkeel_balancers::source::{HostFiles, Limits};
use evenkeel_balancers::{Product, nginx_text};

use self::copy::{Blocks, text, variables};
use super::HermeticError;
use super::copy::{Configuration, Copy, Places, Site};
use super::traffic::Keys;

/// Headers whose values mean something to nginx, or to HTTP.
const MEANINGFUL: [&str; 6] = [
    "host",
    "connection",
    "cookie",
    "upgrade",
    "content_length",
    "transfer_encoding",
];

/// Copies the wanted upstreams of a configuration, with all that it includes.
pub(super) fn copy(
    path: &Path,
    wants: &dyn Fn(&str) -> bool,
    places: &mut dyn Places,
) -> Result<Copy, HermeticError> {
    let text = nginx_text(&HostFiles, path, Limits::default())?;
    if let Some(missing) = text.missing.first() {
        return Err(HermeticError::Missing(missing.clone()));
    }
    let mut blocks = copy::copy(&text.statements, wants, places).map_err(HermeticError::Listen)?;
    Ok(Copy {
        pools: std::mem::take(&mut blocks.pools),
        notes: std::mem::take(&mut blocks.notes),
        keys: keys(&blocks.text),
        configuration: Box::new(Nginx(blocks)),
    })
}

/// What requests have to differ in: the variables of the copy.
fn keys(text: &str) -> Keys {
    let mut headers = variables(text, "$http_");
    headers.retain(|name| !MEANINGFUL.contains(&name.as_str()));
    Keys {
        arguments: variables(text, "$arg_"),
        cookies: variables(text, "$cookie_"),
        headers,
        hosts: false,
    }
}

struct Nginx(Blocks);

impl Configuration for Nginx {
    fn product(&self) -> Product {
        Product::Nginx
    }

    fn program(&self) -> (&'static str, &'static str) {
        ("nginx", "/usr/sbin/nginx")
    }

    fn file(&self) -> &'static str {
        "nginx.conf"
    }

    fn text(&self, site: Option<&Site<'_>>) -> Result<String, HermeticError> {
        let Some(site) = site else {
            return Ok(text(&self.0, "", Path::new("/"), None));
        };
        // Started by root, it would serve as somebody who cannot look into the folder.
        let user = rustix::process::geteuid().is_root().then_some("root");
        Ok(text(&self.0, &self.modules(site)?, site.folder, user))
    }

    fn run(&self, site: &Site<'_>) -> Command {
        let mut command = Command::new(site.program);
        // Without -e it opens the log that was compiled in, before it has read the configuration.
        command.args(["-e", "stderr", "-p"]).arg(site.folder);
        command.arg("-c").arg(site.file(self));
        command
    }

    fn check(&self, site: &Site<'_>) -> Command {
        let mut command = self.run(site);
        command.arg("-t");
        command
    }

    fn complaint(&self) -> &'static str {
        "[emerg]"
    }
}

impl Nginx {
    /// The lines that load modules which are there; relative ones are relative to where nginx was installed.
    fn modules(&self, site: &Site<'_>) -> Result<String, HermeticError> {
        if self.0.modules.is_empty() {
            return Ok(String::new());
        }
        let output = Command::new(site.program)
            .arg("-V")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| HermeticError::program(self, site.program, error))?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let prefix = said
            .split_whitespace()
            .find_map(|word| word.strip_prefix("--prefix="))
            .unwrap_or("/etc/nginx");
        let mut text = String::new();
        for module in &self.0.modules {
            let path = Path::new(prefix).join(module);
            if path.is_file() {
                let written = writeln!(text, "load_module \"{}\";", path.display());
                debug_assert!(written.is_ok(), "a String takes anything");
            }
        }
        Ok(text)
    }
}
