//! Patterns of file names, as `glob(3)` understands them: `*`, `?` and `[...]` within one folder's names.

use std::io;
use std::path::{Component, Path, PathBuf};

/// Whether a path has characters that make it a pattern.
pub fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?', '['])
}

/// Whether a whole path matches; each part of the pattern matches one part of the path.
pub(super) fn matches_path(pattern: &str, path: &Path) -> bool {
    let mut pattern = Path::new(pattern).components();
    let mut path = path.components();
    loop {
        match (pattern.next(), path.next()) {
            (None, None) => return true,
            (Some(pattern), Some(path)) if matches_part(pattern, path) => {}
            _ => return false,
        }
    }
}

fn matches_part(pattern: Component<'_>, path: Component<'_>) -> bool {
    match (pattern, path) {
        (Component::Normal(pattern), Component::Normal(name)) => {
            matches_name(&pattern.to_string_lossy(), &name.to_string_lossy())
        }
        _ => pattern == path,
    }
}

/// The files of this host that match, sorted, `limit` + 1 at most.
pub(super) fn on_host(pattern: &str, limit: usize) -> io::Result<Vec<PathBuf>> {
    let mut found = vec![PathBuf::new()];
    for part in Path::new(pattern).components() {
        let text = part.as_os_str().to_string_lossy();
        if !is_pattern(&text) {
            for path in &mut found {
                path.push(part);
            }
            continue;
        }
        let mut matching = Vec::new();
        for folder in &found {
            names(folder, &text, &mut matching)?;
        }
        found = matching;
    }
    found.retain(|path| path.exists());
    found.sort();
    found.truncate(limit + 1);
    Ok(found)
}

/// Adds what in `folder` has a name that matches.
fn names(folder: &Path, pattern: &str, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let listed = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let entries = match std::fs::read_dir(listed) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Err(error),
        // A folder that is not there, or a file where a folder was expected, holds nothing.
        Err(_) => return Ok(()),
    };
    for entry in entries {
        let name = entry?.file_name();
        if matches_name(pattern, &name.to_string_lossy()) {
            found.push(folder.join(name));
        }
    }
    Ok(())
}

/// Whether the name of a file matches a pattern for one folder's names. A leading dot has to be written out.
///
/// Takes time in proportion to the product of both lengths at worst: after a mismatch only the last `*` is tried again.
pub fn matches_name(pattern: &str, name: &str) -> bool {
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut at, mut read) = (0, 0);
    let mut star = None;
    while read < name.len() {
        if pattern.get(at) == Some(&'*') {
            star = Some((at, read));
            at += 1;
        } else if let Some(width) = one(&pattern[at..], name[read]) {
            at += width;
            read += 1;
        } else if let Some((position, taken)) = star {
            star = Some((position, taken + 1));
            at = position + 1;
            read = taken + 1;
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|char| *char == '*')
}

/// How much of the pattern matches one character, if it does.
fn one(pattern: &[char], char: char) -> Option<usize> {
    match pattern.first()? {
        '?' => Some(1),
        '[' => match set(pattern, char) {
            Some((width, true)) => Some(width),
            Some((_, false)) => None,
            // Not closed: an ordinary character.
            None => (char == '[').then_some(1),
        },
        '\\' => (*pattern.get(1)? == char).then_some(2),
        plain => (*plain == char).then_some(1),
    }
}

/// The width of a set `[...]`, and whether `char` is in it; `None` if it does not end.
fn set(pattern: &[char], char: char) -> Option<(usize, bool)> {
    let negated = matches!(pattern.get(1), Some('!' | '^'));
    let first = if negated { 2 } else { 1 };
    // A bracket that comes first is a member.
    let end = pattern
        .iter()
        .skip(first + 1)
        .position(|char| *char == ']')?
        + first
        + 1;
    let members = &pattern[first..end];
    let mut within = false;
    let mut index = 0;
    while index < members.len() {
        if members.get(index + 1) == Some(&'-') && index + 2 < members.len() {
            within |= (members[index]..=members[index + 2]).contains(&char);
            index += 3;
        } else {
            within |= members[index] == char;
            index += 1;
        }
    }
    Some((end + 1, within != negated))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_as_in_the_shell() {
        for (pattern, name) in [
            ("*.conf", "site.conf"),
            ("*", "default"),
            ("site-?.conf", "site-a.conf"),
            ("[a-c]*[!0-9]", "bxy"),
            ("a*b*c", "aXbYbZc"),
            ("[]]x", "]x"),
            ("[x", "[x"),
            ("\\*", "*"),
        ] {
            assert!(matches_name(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("*.conf", ".hidden.conf"),
            ("*.conf", "site.conf~"),
            ("[!a]", "a"),
            ("?", ""),
            ("a*b", "aXc"),
            ("\\*", "x"),
        ] {
            assert!(!matches_name(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn a_star_stays_within_a_folder() {
        assert!(matches_path("/etc/*/x.conf", Path::new("/etc/a/x.conf")));
        assert!(!matches_path("/etc/*", Path::new("/etc/a/x.conf")));
    }

    #[test]
    fn the_host_lists_in_order() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.conf", "a.conf", "c.txt", ".d.conf"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let found = on_host(&format!("{}/*.conf", folder.path().display()), 10).unwrap();
        assert_eq!(
            found,
            [folder.path().join("a.conf"), folder.path().join("b.conf")]
        );
        assert!(on_host("/nowhere/at/all/*.conf", 10).unwrap().is_empty());
    }
}
