//! The archive that the kernel unpacks into memory and runs `/init` from: cpio in the format "newc", described in the
//! kernel's `early-userspace/buffer-format.rst`.

use anyhow::{Context, Result};

/// The kind and permissions of what an entry is, from `inode(7)`.
#[derive(Clone, Copy)]
enum Mode {
    Folder = 0o040_755,
    Program = 0o100_755,
    Link = 0o120_777,
    /// The entry that ends the archive is nothing.
    End = 0,
}

/// An archive in the making.
#[derive(Default)]
pub(super) struct Archive {
    bytes: Vec<u8>,
    entries: u32,
}

impl Archive {
    /// Adds a folder; those above it must be there.
    pub(super) fn folder(&mut self, path: &str) -> Result<()> {
        self.entry(path, Mode::Folder, &[])
    }

    /// Adds a file that can be run.
    pub(super) fn program(&mut self, path: &str, content: &[u8]) -> Result<()> {
        self.entry(path, Mode::Program, content)
    }

    /// Adds a symbolic link.
    pub(super) fn link(&mut self, path: &str, to: &str) -> Result<()> {
        self.entry(path, Mode::Link, to.as_bytes())
    }

    /// The whole archive.
    pub(super) fn finish(mut self) -> Result<Vec<u8>> {
        self.entry("TRAILER!!!", Mode::End, &[])?;
        Ok(self.bytes)
    }

    /// A header of numbers in hexadecimal, the name with a zero byte, the content; the latter two padded to four bytes.
    fn entry(&mut self, path: &str, mode: Mode, content: &[u8]) -> Result<()> {
        self.entries += 1;
        let too_large = || format!("{path} is too large for an archive of this format");
        let size = u32::try_from(content.len()).with_context(too_large)?;
        let name_size = u32::try_from(path.len() + 1).with_context(too_large)?;
        // Number, mode, user, group, links, time, size, two device numbers (major and minor each), name's size, checksum.
        let header = [
            self.entries,
            mode as u32,
            0,
            0,
            1,
            0,
            size,
            0,
            0,
            0,
            0,
            name_size,
            0,
        ];
        self.bytes.extend_from_slice(b"070701");
        for field in header {
            self.bytes
                .extend_from_slice(format!("{field:08x}").as_bytes());
        }
        self.bytes.extend_from_slice(path.as_bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend_from_slice(content);
        self.pad();
        Ok(())
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use super::Archive;

    #[test]
    fn cpio_reads_what_is_written() {
        let mut archive = Archive::default();
        archive.folder("bin").unwrap();
        archive.program("bin/evenkeel", b"12345").unwrap();
        archive.link("bin/sleep", "/init").unwrap();
        let bytes = archive.finish().unwrap();

        let mut cpio = Command::new("cpio")
            .args(["--list", "--verbose", "--quiet", "--numeric-uid-gid"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        cpio.stdin.take().unwrap().write_all(&bytes).unwrap();
        let listed = cpio.wait_with_output().unwrap();
        assert!(listed.status.success());
        let text = String::from_utf8(listed.stdout).unwrap();
        let seen: Vec<(&str, &str)> = text
            .lines()
            .map(|line| (&line[..10], line.split("1970 ").nth(1).unwrap()))
            .collect();
        let expected = [
            ("drwxr-xr-x", "bin"),
            ("-rwxr-xr-x", "bin/evenkeel"),
            ("lrwxrwxrwx", "bin/sleep -> /init"),
        ];
        assert_eq!(seen, expected);
        assert!(text.contains(" 5 Jan"), "{text}");
    }
}
