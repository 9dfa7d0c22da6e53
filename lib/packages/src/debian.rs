//! Debian's packages: installed by root, and unpacked beside the system by everybody else.
//!
//! Only the set-up step comes here. Nothing is fetched while something is measured.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::{Error, Host, expand, shell};

/// Whether this is Debian or one of its children, with the programs that [`unpack`] uses.
pub fn is_here(host: &Host) -> bool {
    host.root.join("etc/debian_version").exists() && host.has("apt-get") && host.has("dpkg-deb")
}

/// Installs packages for the whole machine; needs root's rights.
pub fn install(packages: &[&str]) -> Result<(), Error> {
    let mut line = vec!["apt-get", "install", "--yes", "--no-install-recommends"];
    line.extend(["--option", "Dpkg::Options::=--force-confold"]);
    line.extend(packages);
    // Package lists are often missing in fresh containers and old elsewhere; fetching them first would cost everybody.
    shell::run(&line).or_else(|_| {
        shell::run(&["apt-get", "update"])?;
        shell::run(&line)
    })
}

/// The folder in which a package stays unpacked: `<cache>/debian/<package>`.
pub fn folder(cache: &Path, package: &str) -> PathBuf {
    cache.join("debian").join(package)
}

/// Packages that are unpacked and not installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unpacked {
    /// The folder that stands for `/`: what the system would have in `/usr/bin` is in `usr/bin` below it.
    pub root: PathBuf,
    /// The folders of shared libraries in it, which its programs must be told about when they are started.
    pub libraries: Vec<PathBuf>,
}

impl Unpacked {
    /// What an earlier [`unpack`] has left in `folder`; `None` if it did not finish.
    pub fn at(folder: &Path) -> Option<Unpacked> {
        folder.is_dir().then(|| Unpacked { root: folder.into(), libraries: libraries(folder) })
    }
}

/// Fetches packages and all they depend on, and unpacks them into `folder`, without root's rights.
///
/// Installing needs root because it changes the system. Working out what a package needs, fetching it and checking its
/// signatures changes nothing: apt does that for anybody who gives it a place for its notes. What this machine has
/// installed already is not fetched, so the programs use those libraries together with the unpacked ones. A package is
/// an archive, which anybody can unpack anywhere. Left out are the packages' own set-up scripts; so this is for programs
/// that find their files relative to themselves, as PostgreSQL and Chromium do.
///
/// What was in `folder` is replaced. The folder appears under its name when it is complete, so an interrupted run leaves
/// nothing that could be taken for whole. Says on standard error what it does.
///
/// # Errors
///
/// There is no such package, no network or no room; or all of it is installed, so there is nothing to unpack.
pub fn unpack(packages: &[&str], folder: &Path) -> Result<Unpacked, Error> {
    let above = folder.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(above).map_err(|error| Error::cannot("create", above, error))?;
    let lock = File::open(above).map_err(|error| Error::cannot("read", above, error))?;
    // Any other error means a file system without locks: then two set-ups at one moment are at their own risk.
    if flock(&lock, FlockOperation::NonBlockingLockExclusive) == Err(Errno::WOULDBLOCK) {
        eprintln!("waiting for another set-up, which is unpacking into {}", above.display());
        flock(&lock, FlockOperation::LockExclusive).map_err(|error| Error::cannot("lock", above, error.into()))?;
        if let Some(unpacked) = Unpacked::at(folder) {
            return Ok(unpacked);
        }
    }
    let workshop = Workshop::create(folder.with_extension("partial"))?;
    workshop.fetch(packages)?;
    workshop.extract(packages)?;
    remove(folder)?;
    fs::rename(workshop.root(), folder).map_err(|error| Error::cannot("create", folder, error))?;
    eprintln!("unpacked into {}", folder.display());
    Ok(Unpacked { root: folder.into(), libraries: libraries(folder) })
}

/// Has a program, and what it starts, find these libraries before the system's. Without libraries it does nothing.
pub fn set_library_path(command: &mut Command, libraries: &[PathBuf]) {
    const VARIABLE: &str = "LD_LIBRARY_PATH";
    let present = env::var_os(VARIABLE).unwrap_or_default();
    let present = env::split_paths(&present).filter(|folder| !folder.as_os_str().is_empty());
    // A folder with a colon in its name cannot be said; the program then complains about the library it misses.
    if !libraries.is_empty()
        && let Ok(folders) = env::join_paths(libraries.iter().cloned().chain(present))
    {
        command.env(VARIABLE, folders);
    }
}

/// Every folder of shared libraries below `root`.
///
/// Most are in the one named for the machine, `usr/lib/x86_64-linux-gnu`. Some packages have folders of their own inside
/// it, which their programs know by the full name they would have if they were installed.
fn libraries(root: &Path) -> Vec<PathBuf> {
    let is_library = |name: &str| name.starts_with("lib") && name.contains(".so");
    let mut folders: Vec<PathBuf> = ["lib/*", "usr/lib/*", "lib/*/*", "usr/lib/*/*"]
        .iter()
        .flat_map(|pattern| expand(root, pattern))
        .filter(|folder| {
            let mut entries = fs::read_dir(folder).into_iter().flatten().flatten();
            entries.any(|entry| is_library(&entry.file_name().to_string_lossy()))
        })
        .collect();
    folders.sort();
    folders
}

/// Where packages are fetched to and unpacked in. It is removed at the end, or by the next that needs the place.
struct Workshop(PathBuf);

/// What apt is told instead of its usual places. It reads this file after the system's own settings.
const SETTINGS: &str = r#"
// What is installed here is read, as are the system's sources and keys.
Dir::State::status "/var/lib/dpkg/status";
// All that apt writes.
Dir::State "WORKSHOP/state/";
Dir::State::lists "LISTS";
Dir::Cache "WORKSHOP/cache/";
// The locks protect the system's packages, which are only read.
Debug::NoLocking "true";
Acquire::Languages "none";
// What the administrator wants done after an update concerns the system's lists.
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
"#;

impl Workshop {
    fn create(place: PathBuf) -> Result<Workshop, Error> {
        remove(&place)?;
        let workshop = Workshop(place);
        for folder in ["root", "state/lists/partial", "cache/archives/partial"].map(|name| workshop.0.join(name)) {
            fs::create_dir_all(&folder).map_err(|error| Error::cannot("create", &folder, error))?;
        }
        Ok(workshop)
    }

    /// Stands for `/`.
    fn root(&self) -> PathBuf {
        self.0.join("root")
    }

    /// Fetches the archives, by the system's lists of packages if they will do, else by new ones.
    fn fetch(&self, packages: &[&str]) -> Result<(), Error> {
        let settings = self.0.join("apt.conf");
        let use_lists = |lists: &str| {
            let text = SETTINGS.replace("LISTS", lists).replace("WORKSHOP", &self.0.display().to_string());
            fs::write(&settings, text).map_err(|error| Error::cannot("write", &settings, error))
        };
        let settings = settings.display().to_string();
        let apt = ["apt-get", "--config-file", &settings];
        let mut line = apt.to_vec();
        line.extend(["install", "--download-only", "--yes", "--no-install-recommends"]);
        line.extend(packages);
        use_lists("/var/lib/apt/lists/")?;
        shell::run(&line).or_else(|_| {
            eprintln!("that did not do; fetching new lists of packages, for this user alone");
            use_lists("WORKSHOP/state/lists/")?;
            shell::run(&[&apt[..], &["update"]].concat())?;
            shell::run(&line)
        })
    }

    /// Unpacks all archives into one root.
    fn extract(&self, packages: &[&str]) -> Result<(), Error> {
        let archives = expand(&self.0, "cache/archives/*.deb");
        if archives.is_empty() {
            let reason = "everything is installed already, so there is nothing to unpack".into();
            return Err(Error::Program { line: format!("apt-get install {}", packages.join(" ")), reason });
        }
        eprintln!("unpacking {} packages", archives.len());
        let root = self.root().display().to_string();
        archives.iter().try_for_each(|archive| {
            shell::run_unannounced(&["dpkg-deb", "--extract", &archive.display().to_string(), &root])
        })
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        // What is left after a failure here, the next one removes.
        let _ = remove(&self.0);
    }
}

/// Removes a folder, if it is there.
fn remove(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::cannot("remove", folder, error)),
        _ => Ok(()),
    }
}
