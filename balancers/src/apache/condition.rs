//! What decides whether a part of the configuration is read: modules, definitions, the version.

use std::cmp::Ordering;
use std::collections::HashSet;

use super::environment::Environment;
use super::line::Word;
use crate::version::Version;

/// The version whose conditions hold if none is known: later than all of 2.4.
const NEWEST: Version = Version(2, 4, 999);

/// Modules that are in the program itself, however it was built.
const BUILT_IN: [&str; 4] = ["core", "so", "http", "http_core"];

/// The modules that were loaded so far.
#[derive(Debug, Default)]
pub(super) struct Modules {
    loaded: HashSet<String>,
}

impl Modules {
    /// `LoadModule proxy_module modules/mod_proxy.so`.
    pub(super) fn load(&mut self, name: &Word, file: Option<&Word>) {
        self.loaded.insert(bare(&name.text).to_owned());
        let stem = file.and_then(|file| file.text.rsplit('/').next());
        let stem = stem.and_then(|name| name.strip_suffix(".so"));
        if let Some(stem) = stem {
            self.loaded.insert(bare(stem).to_owned());
        }
    }

    /// Whether a module was loaded, by any of its names: `proxy_module`, `mod_proxy.c`.
    pub(super) fn has(&self, name: &str) -> bool {
        let bare = bare(name);
        self.loaded.contains(bare) || BUILT_IN.contains(&bare)
    }

    /// Whether a module was loaded by a `LoadModule`.
    pub(super) fn loaded(&self, name: &str) -> bool {
        self.loaded.contains(bare(name))
    }

    /// Whether any was: then those that are not are taken to be absent.
    pub(super) fn any(&self) -> bool {
        !self.loaded.is_empty()
    }
}

/// `proxy` of all names of this module.
fn bare(name: &str) -> &str {
    let name = name.strip_suffix("_module").unwrap_or(name);
    let name = name.strip_suffix(".c").unwrap_or(name);
    name.strip_prefix("mod_").unwrap_or(name)
}

/// Whether a section's content is read; `section` is its name without `<`, in lower case. Of what only the host knows (files)
/// it is taken to be so.
pub(super) fn holds(
    section: &str,
    args: &[Word],
    environment: &Environment,
    modules: &Modules,
    version: Option<Version>,
) -> bool {
    let Some(first) = args.first() else {
        return true;
    };
    let (negated, name) = match first.text.strip_prefix('!') {
        Some(name) => (true, name),
        None => (false, first.text.as_str()),
    };
    match section {
        "ifmodule" if modules.any() => modules.has(name) != negated,
        "ifdefine" => environment.has(name) != negated,
        "ifversion" => version_holds(name, args.get(1), version) != negated,
        // A part of a configuration is read as if the modules that it is for were there.
        _ => !negated,
    }
}

fn version_holds(first: &str, second: Option<&Word>, version: Option<Version>) -> bool {
    let version = version.unwrap_or(NEWEST);
    let (operator, wanted) = match second {
        Some(wanted) => (first, wanted.text.as_str()),
        None => ("=", first),
    };
    // Regular expressions are not decided.
    let Some(wanted) = Version::parse(wanted).filter(|_| operator != "~") else {
        return true;
    };
    let order = version.cmp(&wanted);
    match operator {
        ">" => order == Ordering::Greater,
        ">=" => order != Ordering::Less,
        "<" => order == Ordering::Less,
        "<=" => order != Ordering::Greater,
        _ => order == Ordering::Equal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_have_several_names() {
        for name in ["proxy_http_module", "mod_proxy_http.c", "proxy_http"] {
            assert_eq!(bare(name), "proxy_http");
        }
    }

    #[test]
    fn versions_are_compared() {
        let word = |text: &str| Word {
            text: text.to_owned(),
            place: crate::source::Place {
                file: crate::source::Sources::default().add("", ""),
                start: 0,
                line: 1,
                column: 1,
                length: 1,
            },
            unresolved: false,
        };
        let holds = |operator, wanted: &str| {
            version_holds(operator, Some(&word(wanted)), Some(Version(2, 4, 58)))
        };
        assert!(holds(">=", "2.4") && holds("<", "2.5.0") && !holds(">", "2.4.58"));
        assert!(holds("<=", "2.4.58") && holds("=", "2.4.58") && holds("~", "/^2\\.4/"));
        assert!(!version_holds("2.2.3", None, None));
    }
}
