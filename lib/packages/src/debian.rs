//! Debian's packages: root installs them; other users unpack them into a folder of their own.
//!
//! Only the set-up step calls this. Nothing is fetched during a measurement.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::{Error, Host, expand, shell};
use system::printing::say;

/// Whether this is Debian or a derivative, with the programs that [`unpack`] runs.
pub fn is_here(host: &Host) -> bool {
    host.root.join("etc/debian_version").exists() && host.has("apt-get") && host.has("dpkg-deb")
}

/// Installs packages for the whole machine; only root can.
pub fn install(packages: &[&str]) -> Result<(), Error> {
    let apt = ["apt-get", "--option", "Dpkg::Options::=--force-confold"];
    let install = || apt_install(&apt, &[], packages, "to install it on this machine");
    // Package lists are often missing in new containers and old elsewhere. Fetching them first would slow every installation.
    install().or_else(|_| {
        say("fetching new package lists");
        shell::run_quietly(&["apt-get", "update"])?;
        install()
    })
}

/// Fetches packages with apt, and installs them unless `options` prevent that. Says beforehand how much it fetches; `purpose`
/// ends that sentence.
fn apt_install(apt: &[&str], options: &[&str], packages: &[&str], purpose: &str) -> Result<(), Error> {
    let line = [apt, &["install", "--yes", "--no-install-recommends"], options, packages].concat();
    let archives = shell::run_quietly(&[&line[..], &["--print-uris"]].concat())?;
    // One line for each archive: its address in quotes, its name, its size and its checksum.
    let sizes = archives.lines().filter(|line| line.starts_with('\''));
    let sizes: Vec<u64> = sizes.filter_map(|line| line.split(' ').nth(2)?.parse().ok()).collect();
    let megabytes = sizes.iter().sum::<u64>().div_ceil(1_000_000);
    say(format_args!("fetching {}, {megabytes} MB, {purpose}", packages[0]));
    shell::run_quietly(&line).map(drop)
}

/// The folder in which a package stays unpacked: `<cache>/debian/<package>`.
pub fn folder(cache: &Path, package: &str) -> PathBuf {
    cache.join("debian").join(package)
}

/// Packages that are unpacked and not installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unpacked {
    /// The folder in place of `/`: what a package installs in `/usr/bin` is in `usr/bin` below it.
    pub root: PathBuf,
    /// The folders of shared libraries in it. Its programs need them when they start; see [`set_library_path`].
    pub libraries: Vec<PathBuf>,
}

impl Unpacked {
    /// The packages that an earlier [`unpack`] put into `folder`; `None` if it did not finish.
    pub fn at(folder: &Path) -> Option<Unpacked> {
        folder.is_dir().then(|| Unpacked { root: folder.into(), libraries: libraries(folder) })
    }
}

/// Fetches packages and their dependencies, and unpacks them into `folder`, without root's rights; prints what it does on
/// standard error.
///
/// - Only installing needs root, because it changes the machine. apt resolves dependencies, fetches packages and checks
///   signatures for any user who gives it folders to write to. A package is an archive that any user can unpack.
/// - apt does not fetch what is installed on this machine, so the programs use those libraries together with the unpacked
///   ones.
/// - The packages' set-up scripts do not run. So this works for programs that find their files relative to themselves, as
///   PostgreSQL and Chromium do.
/// - It replaces `folder`, which appears under its name only when it is complete.
///
/// # Errors
///
/// The package does not exist, the network or the disk fails, or everything is installed and there is nothing to unpack.
pub fn unpack(packages: &[&str], folder: &Path) -> Result<Unpacked, Error> {
    let above = folder.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(above).map_err(|error| Error::cannot("create", above, error))?;
    let lock = File::open(above).map_err(|error| Error::cannot("read", above, error))?;
    // Any other error means a file system without locks; there two set-ups at the same time may disturb each other.
    if flock(&lock, FlockOperation::NonBlockingLockExclusive) == Err(Errno::WOULDBLOCK) {
        say(format_args!("waiting for another set-up that unpacks into {}", above.display()));
        flock(&lock, FlockOperation::LockExclusive).map_err(|error| Error::cannot("lock", above, error.into()))?;
        if let Some(unpacked) = Unpacked::at(folder) {
            return Ok(unpacked);
        }
    }
    let workspace = Workspace::create(folder.with_extension("partial"))?;
    workspace.fetch(packages)?;
    workspace.extract(packages)?;
    remove(folder)?;
    fs::rename(workspace.root(), folder).map_err(|error| Error::cannot("create", folder, error))?;
    say(format_args!("unpacked into {}", folder.display()));
    Ok(Unpacked { root: folder.into(), libraries: libraries(folder) })
}

/// Makes a program, and the programs that it starts, search these folders of libraries first. Without folders it does nothing.
pub fn set_library_path(command: &mut Command, libraries: &[PathBuf]) {
    const VARIABLE: &str = "LD_LIBRARY_PATH";
    let present = env::var_os(VARIABLE).unwrap_or_default();
    let present = env::split_paths(&present).filter(|folder| !folder.as_os_str().is_empty());
    // A folder with a colon in its name cannot be listed; the program then reports the library that it lacks.
    if !libraries.is_empty()
        && let Ok(folders) = env::join_paths(libraries.iter().cloned().chain(present))
    {
        command.env(VARIABLE, folders);
    }
}

/// Every folder of shared libraries below `root`.
///
/// Most libraries are in the folder named for the machine, `usr/lib/x86_64-linux-gnu`. Some packages have folders of their own
/// inside it, which their programs know by the path of an installed package.
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

/// A temporary folder in which packages are fetched and unpacked. It is removed at the end, or by the next run.
struct Workspace(PathBuf);

/// apt's settings, with other folders than its usual ones. apt reads them after the machine's own settings.
const SETTINGS: &str = r#"
// apt reads what is installed here, and the machine's sources and keys.
Dir::State::status "/var/lib/dpkg/status";
// apt writes only here.
Dir::State "WORKSPACE/state/";
Dir::State::lists "LISTS";
Dir::Cache "WORKSPACE/cache/";
// The locks protect the machine's packages, which are only read.
Debug::NoLocking "true";
Acquire::Languages "none";
// The administrator's hooks after an update concern the machine's lists.
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
"#;

impl Workspace {
    fn create(place: PathBuf) -> Result<Workspace, Error> {
        remove(&place)?;
        let workspace = Workspace(place);
        for folder in ["root", "state/lists/partial", "cache/archives/partial"].map(|name| workspace.0.join(name)) {
            fs::create_dir_all(&folder).map_err(|error| Error::cannot("create", &folder, error))?;
        }
        Ok(workspace)
    }

    /// The folder in place of `/`.
    fn root(&self) -> PathBuf {
        self.0.join("root")
    }

    /// Fetches the archives by the machine's package lists; if that fails, by new lists.
    fn fetch(&self, packages: &[&str]) -> Result<(), Error> {
        let settings = self.0.join("apt.conf");
        let use_lists = |lists: &str| {
            let text = SETTINGS.replace("LISTS", lists).replace("WORKSPACE", &self.0.display().to_string());
            fs::write(&settings, text).map_err(|error| Error::cannot("write", &settings, error))
        };
        let settings = settings.display().to_string();
        let apt = ["apt-get", "--config-file", &settings];
        let purpose = format!("to unpack it below {}", self.0.parent().unwrap_or(&self.0).display());
        let fetch = || apt_install(&apt, &["--download-only"], packages, &purpose);
        use_lists("/var/lib/apt/lists/")?;
        fetch().or_else(|_| {
            say("fetching new package lists for this user alone");
            use_lists("WORKSPACE/state/lists/")?;
            shell::run_quietly(&[&apt[..], &["update"]].concat())?;
            fetch()
        })
    }

    /// Unpacks all archives into one root.
    fn extract(&self, packages: &[&str]) -> Result<(), Error> {
        let archives = expand(&self.0, "cache/archives/*.deb");
        if archives.is_empty() {
            let reason = "everything is installed already; there is nothing to unpack".into();
            return Err(Error::Program { line: format!("apt-get install {}", packages.join(" ")), reason });
        }
        let root = self.root().display().to_string();
        archives.iter().try_for_each(|archive| {
            shell::run_unannounced(&["dpkg-deb", "--extract", &archive.display().to_string(), &root])
        })
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        // What is left after a failure here, the next run removes.
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
