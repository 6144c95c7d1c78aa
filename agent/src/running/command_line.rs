//! Which configuration a process uses, by its command line and what is built into its program.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::kind::Kind;
use super::process::Process;

/// The longest program that is searched for what is built in.
const MOST_BYTES: u64 = 64 << 20;

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
            let line = NginxLine::of(process);
            let paths = vec![line.configuration(&base, &BuiltIn::of(process))];
            return Self {
                paths,
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

/// What nginx' command line says of its configuration.
#[derive(Debug, Default, PartialEq)]
struct NginxLine {
    /// `-c`.
    file: Option<String>,
    /// `-p`.
    prefix: Option<String>,
}

impl NginxLine {
    /// The master's title holds its arguments, joined by spaces; a process without master has a line as usual.
    fn of(process: &Process) -> Self {
        match process.title().strip_prefix("nginx: master process ") {
            Some(title) => Self::parse(title.split_ascii_whitespace()),
            None => Self::parse(process.arguments.iter().map(String::as_str)),
        }
    }

    /// nginx takes `-c file` and `-cfile`.
    fn parse<'a>(arguments: impl Iterator<Item = &'a str>) -> Self {
        let mut line = Self::default();
        let mut arguments = arguments.skip(1);
        while let Some(argument) = arguments.next() {
            let (name, value) = argument.split_at_checked(2).unwrap_or((argument, ""));
            let given = match name {
                "-c" => &mut line.file,
                "-p" => &mut line.prefix,
                _ => continue,
            };
            *given = if value.is_empty() {
                arguments.next().map(str::to_owned)
            } else {
                Some(value.to_owned())
            };
        }
        line
    }

    /// The path: `-c` and what is built in are relative to the prefix, that to where nginx was started.
    fn configuration(&self, base: &Path, built: &BuiltIn) -> PathBuf {
        let prefix = self.prefix.as_deref().or(built.prefix.as_deref());
        let prefix = base.join(prefix.unwrap_or("/usr/local/nginx"));
        let file = self.file.as_deref().or(built.file.as_deref());
        prefix.join(file.unwrap_or("conf/nginx.conf"))
    }
}

/// What an nginx was built with, as it tells by `nginx -V`.
#[derive(Debug, Default, PartialEq)]
struct BuiltIn {
    file: Option<String>,
    prefix: Option<String>,
}

impl BuiltIn {
    /// Reads it from the program's file, which holds its own configure line.
    fn of(process: &Process) -> Self {
        let mut bytes = Vec::new();
        let read = File::open(process.program_file())
            .and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes));
        match read {
            Ok(_) => Self::in_program(&bytes),
            Err(_) => Self::default(),
        }
    }

    fn in_program(bytes: &[u8]) -> Self {
        Self {
            file: value(bytes, b"--conf-path="),
            prefix: value(bytes, b"--prefix="),
        }
    }
}

/// What follows `name` up to a space or the end of the text.
fn value(bytes: &[u8], name: &[u8]) -> Option<String> {
    let start = bytes.windows(name.len()).position(|part| part == name)? + name.len();
    let rest = &bytes[start..];
    let end = rest
        .iter()
        .position(|byte| *byte == 0 || byte.is_ascii_whitespace())?;
    let value = String::from_utf8(rest[..end].to_vec()).ok()?;
    (!value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nginx(title: &str, built: &BuiltIn) -> PathBuf {
        NginxLine::parse(title.split(' ')).configuration(Path::new("/start"), built)
    }

    #[test]
    fn nginx_reads_what_its_line_says_or_what_is_built_in() {
        let none = BuiltIn::default();
        let debian = BuiltIn::in_program(
            b"\0configure arguments: --prefix=/usr/share/nginx --conf-path=/etc/nginx/nginx.conf --http\0",
        );
        for (line, built, expected) in [
            ("nginx", &none, "/usr/local/nginx/conf/nginx.conf"),
            ("nginx", &debian, "/etc/nginx/nginx.conf"),
            ("nginx -g daemon on;", &debian, "/etc/nginx/nginx.conf"),
            ("nginx -c /a/b.conf -e stderr", &debian, "/a/b.conf"),
            ("nginx -c/a/b.conf", &debian, "/a/b.conf"),
            ("nginx -c b.conf", &debian, "/usr/share/nginx/b.conf"),
            ("nginx -p /srv -c b.conf", &debian, "/srv/b.conf"),
            ("nginx -p here/ -c b.conf", &none, "/start/here/b.conf"),
        ] {
            assert_eq!(nginx(line, built), Path::new(expected), "{line}");
        }
    }

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
