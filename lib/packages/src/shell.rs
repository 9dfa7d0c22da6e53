//! Runs the programs of this machine that the set-up step needs.

use std::process::{Command, Stdio};

use crate::Error;

/// Runs a program, showing the line and its output on standard error.
pub fn run(line: &[&str]) -> Result<(), Error> {
    eprintln!("running {}", line.join(" "));
    run_unannounced(line)
}

/// The same without showing the line, for programs that are run once for each of many files.
pub fn run_unannounced(line: &[&str]) -> Result<(), Error> {
    let failed = |reason: String| Error::Program { line: line.join(" "), reason };
    // What is installed must be readable for the user a server runs as, whatever this shell's mask.
    let status = Command::new("/bin/sh")
        .args(["-c", "umask 022 && exec \"$@\" >&2", "goldilocks"])
        .args(line)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .status()
        .map_err(|error| failed(error.to_string()))?;
    if status.success() { Ok(()) } else { Err(failed(status.to_string())) }
}
