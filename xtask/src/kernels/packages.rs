//! Kernels from Debian's packages: which one, and getting it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};

use crate::shell::{command, output, target};

/// A kind of kernel, of which the newest build is wanted.
#[derive(Debug)]
pub(super) struct Kernel {
    /// What the tests call it.
    pub(super) name: &'static str,
    /// What stands in the package's name before the build, which begins with a number.
    pub(super) series: &'static str,
    /// What stands behind it.
    pub(super) flavour: &'static str,
}

/// A kernel that is here.
#[derive(Debug)]
pub(super) struct Fetched {
    /// The package that it came from.
    pub(super) package: String,
    /// The file to boot.
    pub(super) image: PathBuf,
}

impl Kernel {
    /// The newest build that the package sources offer, from the target folder if it is there already.
    pub(super) fn fetch(&self) -> Result<Fetched> {
        let search = format!("^linux-image-{}", self.series.replace('.', "\\."));
        let offered = output(command("apt-cache").args(["search", "--names-only", &search]))?;
        let package = self.newest(&offered).with_context(|| {
            format!(
                "apt-cache offers no package linux-image-{}*{}: add Debian's bookworm and bookworm-security to the \
                 package sources, then run `apt-get update`",
                self.series, self.flavour
            )
        })?;
        let image = target().join("kernels").join(package);
        if !image.exists() {
            download(package, &image)?;
        }
        Ok(Fetched {
            package: package.to_owned(),
            image,
        })
    }

    /// The package with the highest build among the lines that `apt-cache search` prints.
    fn newest<'a>(&self, offered: &'a str) -> Option<&'a str> {
        let names = offered.lines().filter_map(|line| line.split(' ').next());
        let numbered = names.filter_map(|name| Some((self.build(name)?, name)));
        numbered.max().map(|(_, name)| name)
    }

    /// The number of a package's build, if the package is of this kind.
    fn build(&self, package: &str) -> Option<u32> {
        let build = package
            .strip_prefix("linux-image-")?
            .strip_prefix(self.series)?
            .strip_suffix(self.flavour)?;
        let digits = build
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(build.len());
        let (number, rest) = build.split_at(digits);
        // `+deb12` or nothing: what follows a hyphen would be another flavour.
        (!rest.contains('-')).then(|| number.parse().ok()).flatten()
    }
}

/// Downloads a package and keeps nothing but the kernel of it, as `image`.
fn download(package: &str, image: &Path) -> Result<()> {
    let folder = image.with_file_name(format!("{package}.download"));
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    println!("downloading {package}");
    output(
        command("apt-get")
            .args(["--quiet", "download", package])
            .current_dir(&folder),
    )?;
    unpack(&only_file(&folder)?, &folder)?;
    fs::rename(only_file(&folder.join("boot"))?, image)
        .with_context(|| format!("cannot write {}", image.display()))?;
    fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))
}

/// Unpacks the kernel itself: its modules are hundreds of megabytes, and nothing here needs one.
fn unpack(package: &Path, folder: &Path) -> Result<()> {
    let mut contents = command("dpkg-deb")
        .arg("--fsys-tarfile")
        .arg(package)
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start dpkg-deb")?;
    let mut tar = command("tar");
    tar.args(["--extract", "--wildcards", "./boot/vmlinuz-*"])
        .current_dir(folder);
    if let Some(pipe) = contents.stdout.take() {
        tar.stdin(pipe);
    }
    let unpacked = output(&mut tar);
    let read = contents.wait().context("cannot wait for dpkg-deb")?;
    unpacked.with_context(|| format!("cannot unpack {}", package.display()))?;
    ensure!(read.success(), "cannot read {} ({read})", package.display());
    Ok(())
}

fn only_file(folder: &Path) -> Result<PathBuf> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let paths: Vec<PathBuf> = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    let [path] = paths.as_slice() else {
        anyhow::bail!(
            "there should be one file in {}, not {paths:?}",
            folder.display()
        );
    };
    Ok(path.clone())
}

#[cfg(test)]
mod tests {
    use super::super::KERNELS;

    #[test]
    fn the_newest_build_of_each_kind_is_chosen_by_its_number() {
        let offered = "linux-image-6.1.0-9-cloud-amd64 - Linux 6.1 for x86-64 cloud (signed)\n\
                       linux-image-6.1.0-10-cloud-amd64 - Linux 6.1 for x86-64 cloud (signed)\n\
                       linux-image-6.1.0-11-cloud-amd64-unsigned - Linux 6.1 for x86-64 cloud\n\
                       linux-image-6.1.0-12-cloud-amd64-dbg - Debug symbols\n\
                       linux-image-6.1.0-13-rt-amd64 - Linux 6.1 for 64-bit PCs, PREEMPT_RT (signed)\n\
                       linux-image-6.12-cloud-amd64 - Linux for x86-64 cloud (meta-package)\n\
                       linux-image-6.12.99+deb12-cloud-amd64 - Linux 6.12 for x86-64 cloud (signed)\n\
                       linux-image-6.12.117+deb12-cloud-amd64 - Linux 6.12 for x86-64 cloud (signed)\n\
                       linux-image-6.12.48+deb13-rt-amd64 - Linux 6.12 for 64-bit PCs (signed), PREEMPT_RT\n";
        let chosen = KERNELS.each_ref().map(|kernel| kernel.newest(offered));
        let expected = [
            Some("linux-image-6.1.0-10-cloud-amd64"),
            Some("linux-image-6.12.117+deb12-cloud-amd64"),
            Some("linux-image-6.12.48+deb13-rt-amd64"),
        ];
        assert_eq!(chosen, expected);
        assert_eq!(
            KERNELS[0].newest("linux-image-5.10.0-1-cloud-amd64 - Linux 5.10\n"),
            None
        );
    }
}
