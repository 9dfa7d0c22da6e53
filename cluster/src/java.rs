//! Java: found on this machine, or Debian's, installed or unpacked.

use anyhow::{Context, Result};
use packages::{Host, debian};
use std::env;
use std::path::{Path, PathBuf};

/// Debian's Java without a display. Debian 13 has no 17 and takes the second.
const PACKAGES: [&str; 2] = ["openjdk-17-jre-headless", "openjdk-21-jre-headless"];

/// The folder of a Java: `JAVA_HOME`, otherwise that of `java` on `PATH`, otherwise the one that [`install`] unpacked.
pub fn find() -> Option<PathBuf> {
    let host = Host::of_this_process();
    let named = env::var_os("JAVA_HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    let on_path = host.path.iter().filter_map(|folder| folder.join("java").canonicalize().ok());
    let on_path = on_path.filter_map(|java| Some(java.parent()?.parent()?.to_owned()));
    let unpacked = host.caches.iter().flat_map(|cache| {
        PACKAGES.iter().flat_map(|package| packages::expand(&debian::folder(cache, package), "usr/lib/jvm/*"))
    });
    named.into_iter().chain(on_path).chain(unpacked).find(|home| works(home))
}

/// Whether a Java starts. One that was unpacked lacks the links that its package's script would make.
fn works(home: &Path) -> bool {
    let output = std::process::Command::new(home.join("bin/java")).arg("-version").output();
    output.is_ok_and(|output| output.status.success())
}

/// Finds a Java, or installs Debian's as root, or unpacks it as another user.
///
/// # Errors
/// When this is not Debian, or the packages cannot be fetched.
pub fn install() -> Result<PathBuf> {
    if let Some(home) = find() {
        return Ok(home);
    }
    let host = Host::of_this_process();
    let mut failed = anyhow::anyhow!("no Java is installed, and only Debian's packages are known; install Java 17");
    for package in PACKAGES.iter().filter(|_| debian::is_here(&host)) {
        let done = match host.caches.first() {
            _ if host.we_are_root => debian::install(&[package]),
            Some(cache) => debian::unpack(&[package], &debian::folder(cache, package)).map(drop),
            None => break,
        };
        match done {
            Ok(()) => return find().with_context(|| format!("{package} is installed, but its java does not start")),
            Err(error) => failed = error.into(),
        }
    }
    Err(failed)
}
