//! Debian's archive, read by apt with settings, lists and packages of its own: those of the machine
//! are only asked where the archive is.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};

use super::{
    mirror,
    offer::{Offer, is_kernel, newest},
};
use crate::{process, workspace::Workspace};

/// The lists name what was there when they were fetched; what is superseded vanishes.
const FRESH: Duration = Duration::from_hours(12);

/// What the name of a package and its version are followed by in the name of its kernel's image.
const IMAGE: &str = ".vmlinuz";

pub(super) struct Archive {
    dir: PathBuf,
}

impl Archive {
    pub(super) fn open(workspace: &Workspace) -> Result<Self> {
        let dir = workspace.target.join("vm").join("kernels");
        for folder in ["lists/partial", "cache/archives/partial", "parts"] {
            fs::create_dir_all(dir.join(folder)).with_context(|| dir.display().to_string())?;
        }
        let archive = Self { dir };
        archive.write("apt.conf", &settings(&archive.dir))?;
        archive.write("status", "")?;
        archive.refresh()?;
        Ok(archive)
    }

    fn refresh(&self) -> Result<()> {
        let fetched = self.dir.join("fetched");
        let age = fs::metadata(&fetched).and_then(|file| file.modified()).map(|at| at.elapsed());
        if age.is_ok_and(|age| age.is_ok_and(|age| age < FRESH)) {
            return Ok(());
        }
        self.write("sources.list", &mirror::sources(&mirror::find()?))?;
        // A suite that is gone, or a machine that is offline, leaves the others and what is there.
        match process::run(self.apt("apt-get").args(["--quiet", "update"])) {
            Ok(()) => {
                File::create(&fetched).map(drop).with_context(|| fetched.display().to_string())
            }
            Err(error) => {
                eprintln!("not all lists of kernels could be fetched: {error:#}");
                Ok(())
            }
        }
    }

    pub(super) fn offers(&self) -> Result<BTreeMap<(u32, u32), Offer>> {
        let names = process::output(self.apt("apt-cache").args(["pkgnames", "linux-"]))
            .context("apt-cache cannot read the lists of kernels")?;
        let kernels: Vec<&str> = names.lines().filter(|name| is_kernel(name)).collect();
        if kernels.is_empty() {
            bail!("there is no list of kernels; this step needs the network");
        }
        let madison = process::output(self.apt("apt-cache").arg("madison").args(kernels))
            .context("apt-cache cannot tell the versions of kernels")?;
        Ok(newest(&madison))
    }

    /// The newest of each series whose image is here, whatever the lists have.
    pub(super) fn kept(&self) -> Result<BTreeMap<(u32, u32), Offer>> {
        let mut images = String::new();
        for entry in fs::read_dir(&self.dir).with_context(|| self.dir.display().to_string())? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if let Some((package, version)) =
                name.strip_suffix(IMAGE).and_then(|name| name.rsplit_once('_'))
            {
                let _ = writeln!(images, "{package} | {version} | kept");
            }
        }
        Ok(newest(&images))
    }

    /// The kernel's image, downloaded unless it is there.
    pub(super) fn fetch(&self, offer: &Offer) -> Result<PathBuf> {
        let image = self.dir.join(format!("{}_{}{IMAGE}", offer.package, offer.version));
        if image.exists() {
            return Ok(image);
        }
        // In a folder of its own there is one package, however apt writes its name.
        let unpacked = self.dir.join("download");
        let _ = fs::remove_dir_all(&unpacked);
        fs::create_dir_all(&unpacked)?;
        process::run(
            self.apt("apt-get")
                .args(["--quiet", "download"])
                .arg(format!("{}={}", offer.package, offer.version))
                .current_dir(&unpacked),
        )?;
        let package = fs::read_dir(&unpacked)?.next().context("apt-get left no package")??;
        unpack(&package.path(), &unpacked.join("vmlinuz"))?;
        fs::rename(unpacked.join("vmlinuz"), &image)?;
        fs::remove_dir_all(&unpacked)?;
        Ok(image)
    }

    fn apt(&self, program: &str) -> Command {
        let mut apt = Command::new(program);
        apt.arg("--config-file").arg(self.dir.join("apt.conf"));
        apt
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.dir.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}

/// The kernel is the one file of that name in the package, in a place that has changed.
fn unpack(package: &Path, image: &Path) -> Result<()> {
    let mut files = Command::new("dpkg-deb")
        .arg("--fsys-tarfile")
        .arg(package)
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start dpkg-deb")?;
    let tar = Command::new("tar")
        .args(["--extract", "--to-stdout", "--wildcards", "*/vmlinuz*"])
        .stdin(files.stdout.take().context("dpkg-deb has no output")?)
        .stdout(File::create(image)?)
        .status();
    let unpacked = files.wait()?;
    if !unpacked.success() || !tar.context("cannot start tar")?.success() {
        bail!("{} has no kernel in it", package.display());
    }
    Ok(())
}

/// The machine's own settings hold as well, such as its proxy, but not what it runs after an update,
/// which works on its lists and packages.
fn settings(dir: &Path) -> String {
    let dir = dir.display();
    format!(
        "Dir::State \"{dir}\";\nDir::State::lists \"lists\";\nDir::State::status \"{dir}/status\";\n\
         Dir::Cache \"{dir}/cache\";\nDir::Etc::SourceList \"{dir}/sources.list\";\n\
         Dir::Etc::SourceParts \"{dir}/parts\";\nDir::Etc::Preferences \"{dir}/parts/none\";\n\
         Dir::Etc::PreferencesParts \"{dir}/parts\";\nAcquire::Languages \"none\";\n\
         #clear APT::Update;\n"
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Archive, settings};

    #[test]
    fn images_that_are_here_are_known_by_their_names() {
        let dir = std::env::temp_dir().join(format!("tracer-kept-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        for name in [
            "linux-image-6.1.0-56-cloud-amd64_6.1.192-2.vmlinuz",
            "linux-image-6.1.0-9-cloud-amd64_6.1.90-1.vmlinuz",
            "linux-image-6.12.0-cloud-amd64_6.12.1-1.deb",
            "apt.conf",
        ] {
            std::fs::write(dir.join(name), "").unwrap();
        }
        let kept = Archive { dir: dir.clone() }.kept().unwrap();
        std::fs::remove_dir_all(dir).unwrap();
        let versions: Vec<&str> = kept.values().map(|offer| offer.version.as_str()).collect();
        assert_eq!(versions, ["6.1.192-2"]);
    }

    /// What is not set would be the machine's own.
    #[test]
    fn every_place_apt_writes_to_or_reads_sources_from_is_ours() {
        let settings = settings(Path::new("/target/vm"));
        for place in [
            "Dir::State",
            "Dir::State::status",
            "Dir::Cache",
            "Dir::Etc::SourceList",
            "Dir::Etc::SourceParts",
            "Dir::Etc::Preferences",
            "Dir::Etc::PreferencesParts",
        ] {
            let ours = format!("{place} \"/target/vm");
            assert!(settings.lines().any(|line| line.starts_with(&ours)), "{place}: {settings}");
        }
    }
}
