//! Which configuration a process uses, by its command line.

use std::path::{Path, PathBuf};

use super::kind::Kind;
use super::nginx_line;
use super::process::Process;

/// What a process was told of its configuration.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Told {
    /// The files and folders that together are its configuration, as the process sees them.
    pub(super) paths: Vec<PathBuf>,
    /// Configuration that stands in the command line itself, and is read after the files.
    pub(super) inline: Option<String>,
    /// The file into which it writes where it can be asked.
    pub(super) admin: Option<PathBuf>,
}

impl Told {
    /// What a process was told, and what it takes if it was not.
    pub(super) fn of(kind: Kind, process: &Process) -> Self {
        let base = process.working_folder().unwrap_or_else(|| "/".into());
        if kind == Kind::Nginx {
            return Self {
                paths: vec![nginx_line::configuration(process, &base)],
                ..Self::default()
            };
        }
        Self::by_line(kind, &process.arguments, &base)
    }

    fn by_line(kind: Kind, line: &[String], base: &Path) -> Self {
        let one = |names: &[&str], usual: &str| {
            let file = option(line, names).map(|file| base.join(file));
            vec![file.unwrap_or_else(|| PathBuf::from(usual))]
        };
        let paths = match kind {
            Kind::Envoy => return Self::envoy(line, base),
            Kind::Haproxy => haproxy(line, base),
            Kind::Apache => apache(line, base),
            Kind::Caddy => one(&["-c", "--config"], "/etc/caddy/Caddyfile"),
            Kind::Traefik => one(
                &["--configFile", "--configfile"],
                "/etc/traefik/traefik.yml",
            ),
            Kind::Nginx => Vec::new(),
        };
        Self {
            paths,
            ..Self::default()
        }
    }

    fn envoy(line: &[String], base: &Path) -> Self {
        let inline = option(line, &["--config-yaml"]);
        let file = option(line, &["-c", "--config-path"]).map(|file| base.join(file));
        let admin = option(line, &["--admin-address-path"]);
        let usual = "/etc/envoy/envoy.yaml";
        let paths: Vec<PathBuf> = file.into_iter().collect();
        Self {
            paths: if inline.is_none() {
                or_default(paths, usual)
            } else {
                paths
            },
            inline,
            admin: admin.map(|file| base.join(file)),
        }
    }
}

/// HAProxy reads each `-f`, a file or a folder, in its order, and whatever follows `--`. `-C` is where it goes before that.
fn haproxy(line: &[String], base: &Path) -> Vec<PathBuf> {
    let base = option(line, &["-C"]).map_or(base.to_owned(), |to| base.join(to));
    let (before, after) = match line.iter().position(|argument| argument == "--") {
        Some(end) => (&line[..end], &line[end + 1..]),
        None => (line, &[][..]),
    };
    let files = options(before, &["-f"]);
    let files = files.iter().chain(after).map(|file| base.join(file));
    or_default(files.collect(), "/etc/haproxy/haproxy.cfg")
}

/// `-f` is relative to the server root: `-d`, or what is built in.
fn apache(line: &[String], base: &Path) -> Vec<PathBuf> {
    let root = option(line, &["-d"]).map(|root| base.join(root));
    let debian = line
        .first()
        .is_some_and(|program| program.ends_with("apache2"));
    let (usual_root, usual) = if debian {
        ("/etc/apache2", "apache2.conf")
    } else {
        ("/etc/httpd", "conf/httpd.conf")
    };
    let root = root.unwrap_or_else(|| PathBuf::from(usual_root));
    let file = option(line, &["-f"]);
    vec![root.join(file.as_deref().unwrap_or(usual))]
}

/// Packages start these programs with the path; this is where they keep it.
fn or_default(files: Vec<PathBuf>, usual: &str) -> Vec<PathBuf> {
    if files.is_empty() {
        vec![PathBuf::from(usual)]
    } else {
        files
    }
}

/// The values of an option: `-f x`, `--file=x`.
fn options(arguments: &[String], names: &[&str]) -> Vec<String> {
    let mut values = Vec::new();
    let mut arguments = arguments.iter().skip(1);
    while let Some(argument) = arguments.next() {
        if names.contains(&argument.as_str()) {
            values.extend(arguments.next().cloned());
        } else if let Some((name, value)) = argument.split_once('=')
            && name.starts_with("--")
            && names.contains(&name)
        {
            values.push(value.to_owned());
        }
    }
    values
}

fn option(arguments: &[String], names: &[&str]) -> Option<String> {
    options(arguments, names).pop()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(kind: Kind, line: &str) -> Told {
        let line: Vec<String> = line.split(' ').map(str::to_owned).collect();
        Told::by_line(kind, &line, Path::new("/start"))
    }

    #[test]
    fn files_that_a_line_names_are_one_configuration() {
        for (kind, line, expected) in [
            (
                Kind::Haproxy,
                "haproxy -Ws",
                &["/etc/haproxy/haproxy.cfg"][..],
            ),
            (
                Kind::Haproxy,
                "haproxy -Ws -f /a.cfg -p pid -f conf.d",
                &["/a.cfg", "/start/conf.d"],
            ),
            (
                Kind::Haproxy,
                "haproxy -C /srv -f a.cfg -sf 12 -- b.cfg /c",
                &["/srv/a.cfg", "/srv/b.cfg", "/c"],
            ),
            (Kind::Envoy, "envoy", &["/etc/envoy/envoy.yaml"]),
            (
                Kind::Envoy,
                "envoy --config-path=e.yaml -l info",
                &["/start/e.yaml"],
            ),
            (Kind::Envoy, "envoy -c", &["/etc/envoy/envoy.yaml"]),
            (
                Kind::Apache,
                "/usr/sbin/apache2 -k start",
                &["/etc/apache2/apache2.conf"],
            ),
            (Kind::Apache, "httpd -d /srv -f my.conf", &["/srv/my.conf"]),
            (
                Kind::Apache,
                "/usr/sbin/httpd -DFOREGROUND",
                &["/etc/httpd/conf/httpd.conf"],
            ),
            (
                Kind::Caddy,
                "caddy run --environ --config /c/Caddyfile",
                &["/c/Caddyfile"],
            ),
            (Kind::Traefik, "traefik --configFile=/t.toml", &["/t.toml"]),
        ] {
            let expected: Vec<PathBuf> = expected.iter().map(PathBuf::from).collect();
            assert_eq!(told(kind, line).paths, expected, "{line}");
        }
    }

    #[test]
    fn envoy_takes_configuration_from_its_line() {
        let line = "envoy --config-yaml {} --admin-address-path /run/admin";
        let expected = Told {
            paths: Vec::new(),
            inline: Some("{}".to_owned()),
            admin: Some("/run/admin".into()),
        };
        assert_eq!(told(Kind::Envoy, line), expected);
        let both = told(Kind::Envoy, "envoy -c a.yaml --config-yaml {}");
        assert_eq!(both.paths, [PathBuf::from("/start/a.yaml")]);
    }
}
