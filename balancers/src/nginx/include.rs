//! Follows `include`, and takes dumps of `nginx -T` apart.

use std::path::{Path, PathBuf};

use super::tree::{Directive, parse};
use crate::error::{ReadError, Why};
use crate::finding::{Report, Suppression, UNREAD_INCLUDE};
use crate::source::{Loader, MemoryFiles, is_pattern};

/// What `nginx -T` writes before each file.
const DUMP_MARK: &str = "# configuration file ";

/// All directives of a configuration, with included ones in the place of `include`.
pub(super) struct Included<'l, 'f> {
    loader: &'l mut Loader<'f>,
    /// The folder that relative paths start from: that of the first file.
    prefix: PathBuf,
    suppressions: Vec<Suppression>,
    report: &'l mut Report,
}

/// Reads the configuration that begins at `path`.
pub(super) fn read(
    loader: &mut Loader<'_>,
    path: &Path,
    report: &mut Report,
) -> Result<(Vec<Directive>, Vec<Suppression>), ReadError> {
    let mut included = Included {
        loader,
        prefix: path.parent().map(Path::to_owned).unwrap_or_default(),
        suppressions: Vec::new(),
        report,
    };
    let file = included.loader.enter(path, None)?;
    let (directives, suppressions) = parse(included.loader, file, 0)?;
    included.suppressions.extend(suppressions);
    let directives = included.expand(directives, 0)?;
    // A file that is included twice says everything twice.
    included.suppressions.sort_by_key(Suppression::place);
    included.suppressions.dedup_by_key(|found| found.place());
    Ok((directives, included.suppressions))
}

impl Included<'_, '_> {
    fn expand(
        &mut self,
        directives: Vec<Directive>,
        depth: usize,
    ) -> Result<Vec<Directive>, ReadError> {
        let mut expanded = Vec::with_capacity(directives.len());
        for mut directive in directives {
            if let Some(block) = directive.block.take() {
                directive.block = Some(self.expand(block, depth + 1)?);
            } else if directive.is("include") && directive.args.len() == 1 {
                self.include(&directive, depth, &mut expanded)?;
                continue;
            }
            expanded.push(directive);
        }
        Ok(expanded)
    }

    fn include(
        &mut self,
        directive: &Directive,
        depth: usize,
        expanded: &mut Vec<Directive>,
    ) -> Result<(), ReadError> {
        let Some(word) = directive.arg(0) else {
            return Ok(());
        };
        let path = self.prefix.join(&word.text);
        let pattern = path.to_string_lossy();
        let paths = if is_pattern(&pattern) {
            self.loader.glob(&pattern, word.place)?
        } else {
            vec![path]
        };
        for path in paths {
            let file = match self.loader.enter(&path, Some(word.place)) {
                Ok(file) => file,
                Err(ReadError {
                    why: Why::Unreadable(name, error),
                    ..
                }) => {
                    let message =
                        format!("{name} cannot be read ({error}): what it holds was not audited");
                    let help = "audit where the file is, or audit the output of `nginx -T`";
                    let found = self.report.add(&UNREAD_INCLUDE, word.place, message, help);
                    found.subject(&name);
                    continue;
                }
                Err(error) => return Err(error),
            };
            let (directives, suppressions) = parse(self.loader, file, depth)?;
            self.suppressions.extend(suppressions);
            expanded.extend(self.expand(directives, depth)?);
            self.loader.leave();
        }
        Ok(())
    }
}

/// Whether a text is a dump of `nginx -T`.
pub(super) fn is_dump(text: &str) -> bool {
    // nginx' own messages may come first, if both streams went into one file.
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let first = lines.find(|line| !line.starts_with("nginx: "));
    first.is_some_and(|line| marked(line).is_some())
}

/// The files in a dump, and the path of the first.
pub(super) fn dumped(text: &str) -> Option<(PathBuf, MemoryFiles)> {
    let mut files = MemoryFiles::new();
    let mut first = None;
    let mut current: Option<(PathBuf, String)> = None;
    for line in text.split_inclusive('\n') {
        if let Some(path) = marked(line.trim_end()) {
            if let Some((path, text)) = current.replace((path, String::new())) {
                files.insert(path, text);
            }
            first = first.or_else(|| current.as_ref().map(|(path, _)| path.clone()));
        } else if let Some((_, text)) = &mut current {
            text.push_str(line);
        }
    }
    let (path, text) = current?;
    files.insert(path, text);
    Some((first?, files))
}

fn marked(line: &str) -> Option<PathBuf> {
    let path = line.strip_prefix(DUMP_MARK)?.strip_suffix(':')?;
    Some(PathBuf::from(path))
}
