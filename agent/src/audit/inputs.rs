//! Configurations by path: files, folders, standard input.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use evenkeel_balancers::source::{Files, HostFiles, Limits};
use evenkeel_balancers::{
    Configuration, Options, Product, ReadError, Why, detect, read, read_any, read_haproxy,
};

use super::{folder, instances};

/// What stands for standard input among paths, as in other programs.
const STDIN: &str = "-";
/// The name under which standard input is reported.
const STDIN_NAME: &str = "<stdin>";

/// What was read, and what could not be.
#[derive(Debug, Default)]
pub struct Inputs {
    /// In the order in which they were asked for; the files of a folder by name.
    pub read: Vec<Configuration>,
    /// In the same order.
    pub failed: Vec<ReadError>,
}

/// The name of the file that a configuration begins with.
pub fn root_name(configuration: &Configuration) -> &str {
    let first = configuration.sources.iter().next();
    first.map_or("", |source| source.name.as_str())
}

impl Inputs {
    /// Reads all `paths`, as configurations of `product` or of whichever each looks like; `-` is what `stdin` gives.
    pub fn read(paths: &[PathBuf], product: Option<Product>, stdin: &mut dyn Read) -> Self {
        let mut inputs = Self::default();
        for path in paths {
            if path.as_os_str() == STDIN {
                inputs.add(from_stream(Path::new(STDIN_NAME), product, stdin));
            } else if path.is_dir() {
                inputs.add_folder(path, product);
            } else if is_stream(path) {
                inputs.add(match File::open(path) {
                    Ok(mut stream) => from_stream(path, product, &mut stream),
                    Err(error) => Err(unreadable(path, error)),
                });
            } else {
                inputs.add(one(&HostFiles, path, product));
            }
        }
        inputs
    }

    /// Reads all `paths` as one configuration of HAProxy, in their order, as it reads several `-f`.
    pub fn read_together(paths: &[PathBuf]) -> Self {
        let mut inputs = Self::default();
        inputs.add(together(paths));
        inputs
    }

    fn add(&mut self, result: Result<Configuration, ReadError>) {
        match result {
            Ok(configuration) => self.read.push(configuration),
            Err(error) => self.failed.push(error),
        }
    }

    /// Reads each file of a folder that looks like a configuration and is not a part of another; those of HAProxy together
    /// that [`instances`] puts together.
    fn add_folder(&mut self, path: &Path, product: Option<Product>) {
        let files = match folder::files(path) {
            Ok(files) => files,
            Err(error) => return self.failed.push(unreadable(path, error)),
        };
        let found: Vec<(PathBuf, Product)> = files
            .into_iter()
            .filter_map(|file| recognised(&file).map(|found| (file, found)))
            .filter(|(_, found)| product.is_none_or(|product| product == *found))
            .collect();
        if found.is_empty() {
            let known = product.map_or_else(titles, |product| product.title().to_owned());
            let nothing = format!(
                "no file in it looks like a configuration of {known}; name the file, and the product with --as"
            );
            return self
                .failed
                .push(unreadable(path, io::Error::other(nothing)));
        }
        let mut inputs = Self::default();
        let split = |(file, product): &(PathBuf, Product)| {
            *product == Product::Haproxy && instances::is_taken(file)
        };
        let (parts, whole): (Vec<_>, Vec<_>) = found.into_iter().partition(split);
        for (file, product) in whole {
            inputs.add(read(product, &HostFiles, &file, &Options::default()));
        }
        let parts: Vec<PathBuf> = parts.into_iter().map(|(file, _)| file).collect();
        for files in instances::instances(&parts, text) {
            inputs.add(together(&files));
        }
        inputs
            .read
            .sort_by(|a, b| Path::new(root_name(a)).cmp(Path::new(root_name(b))));
        self.take_whole(inputs);
    }

    /// Takes what is no part of another configuration: a file that is included is audited where it is included.
    fn take_whole(&mut self, inputs: Self) {
        let parts: BTreeSet<PathBuf> = inputs
            .read
            .iter()
            .filter(|configuration| configuration.product != Product::Haproxy)
            .flat_map(|configuration| configuration.sources.iter().skip(1))
            .filter_map(|source| std::fs::canonicalize(&source.name).ok())
            .collect();
        let whole =
            |name: &str| std::fs::canonicalize(name).map_or(true, |path| !parts.contains(&path));
        let read = inputs.read.into_iter();
        self.read
            .extend(read.filter(|configuration| whole(root_name(configuration))));
        for error in inputs.failed {
            // A part that breaks the grammar breaks what includes it as well, at the same place.
            let known = |other: &ReadError| other.to_string() == error.to_string();
            if !self.failed.iter().any(known) {
                self.failed.push(error);
            }
        }
    }
}

/// Files of HAProxy as one configuration.
fn together(paths: &[PathBuf]) -> Result<Configuration, ReadError> {
    let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
    read_haproxy(&HostFiles, &paths, &Options::default())
}

/// The text of a file that was recognised, and so can be read.
fn text(path: &Path) -> String {
    let bytes = HostFiles.read(path, Limits::default().file_bytes);
    String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
}

fn one(
    files: &dyn Files,
    path: &Path,
    product: Option<Product>,
) -> Result<Configuration, ReadError> {
    let options = Options::default();
    match product {
        Some(product) => read(product, files, path, &options),
        None => read_any(files, path, &options),
    }
}

/// Whether a path is a pipe or a device, which can be read once: the shell gives such a one for `<(command)`.
fn is_stream(path: &Path) -> bool {
    let kind = std::fs::metadata(path).map(|metadata| metadata.file_type());
    kind.is_ok_and(|kind| kind.is_fifo() || kind.is_char_device())
}

fn from_stream(
    name: &Path,
    product: Option<Product>,
    stream: &mut dyn Read,
) -> Result<Configuration, ReadError> {
    let mut bytes = Vec::new();
    stream
        .take(Limits::default().file_bytes + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(name, error))?;
    one(&Stream { name, bytes }, name, product)
}

/// What a stream held, and the host's files for what it includes: relative ones from the folder of its name, which for
/// standard input is the current one.
struct Stream<'a> {
    name: &'a Path,
    bytes: Vec<u8>,
}

impl Files for Stream<'_> {
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        if path == self.name {
            return Ok(self.bytes.clone());
        }
        HostFiles.read(path, limit)
    }

    fn glob(&self, pattern: &str, limit: usize) -> io::Result<Vec<PathBuf>> {
        HostFiles.glob(pattern, limit)
    }
}

/// Ends of names by which a file of a folder may be taken for what its name says: other files are named after balancers as
/// well (of init, of logrotate), and only their content counts.
const CONFIGURATIONS: [&str; 5] = ["conf", "cfg", "yaml", "yml", "json"];

/// The product that a file of a folder looks like. What cannot be read, is long or is no text, is none.
fn recognised(path: &Path) -> Option<Product> {
    let limit = Limits::default().file_bytes;
    let bytes = HostFiles.read(path, limit).ok()?;
    if bytes.len() as u64 > limit || bytes.contains(&0) {
        return None;
    }
    let end = path.extension().and_then(|end| end.to_str());
    let named = end.is_some_and(|end| CONFIGURATIONS.contains(&end));
    let name = if named { path } else { Path::new("") };
    detect(name, &String::from_utf8_lossy(&bytes))
}

fn titles() -> String {
    Product::ALL.map(Product::title).join(", ")
}

/// A path as a whole cannot be read.
pub(crate) fn unreadable(path: &Path, error: io::Error) -> ReadError {
    let name = path.display().to_string();
    ReadError {
        name: name.clone(),
        position: None,
        why: Why::Unreadable(name, error),
    }
}
