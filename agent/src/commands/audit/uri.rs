//! Names of files as URIs: relative to the current folder if they are in it.

use std::path::{Component, Path, PathBuf};

/// A reference to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Uri {
    /// Percent-encoded.
    pub(super) text: String,
    /// Whether it is relative to the current folder.
    pub(super) relative: bool,
}

impl Uri {
    /// The reference to a file with the name that it was read by.
    pub(super) fn of(name: &str) -> Self {
        let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
        Self::within(&here, name)
    }

    fn within(here: &Path, name: &str) -> Self {
        let whole = normal(&here.join(name));
        match whole.strip_prefix(here) {
            Ok(path) => Self {
                text: encoded(&path.to_string_lossy()),
                relative: true,
            },
            Err(_) => Self {
                text: format!("file://{}", encoded(&whole.to_string_lossy())),
                relative: false,
            },
        }
    }
}

/// Without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            part => normal.push(part),
        }
    }
    normal
}

/// What RFC 3986 allows in a path stays, the rest is percent-encoded.
fn encoded(path: &str) -> String {
    let one = |byte: u8| {
        if byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=@".contains(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    path.bytes().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_below_the_folder_are_relative() {
        let of = |name| {
            let uri = Uri::within(Path::new("/srv/shop"), name);
            (uri.text, uri.relative)
        };
        let relative = |text: &str| (text.to_owned(), true);
        assert_eq!(of("nginx.conf"), relative("nginx.conf"));
        assert_eq!(of("./a/../b/é x.conf"), relative("b/%C3%A9%20x.conf"));
        assert_eq!(of("/srv/shop/a.conf"), relative("a.conf"));
        assert_eq!(of("<stdin>"), relative("%3Cstdin%3E"));
        assert_eq!(of("../a.conf"), ("file:///srv/a.conf".to_owned(), false));
    }
}
