//! Runs the programs of this machine that the set-up step uses.

use std::process::{Command, Stdio};

use crate::Error;

/// Runs a program; prints the line and the program's output on standard error.
pub fn run(line: &[&str]) -> Result<(), Error> {
    eprintln!("running {}", line.join(" "));
    run_unannounced(line)
}

/// The same without printing the line, for a program that runs once for each of many files.
pub fn run_unannounced(line: &[&str]) -> Result<(), Error> {
    let failed = |reason: String| Error::Program { line: line.join(" "), reason };
    // The user that runs a server must be able to read what is installed, whatever this process's umask.
    let status = Command::new("/bin/sh")
        .args(["-c", "umask 022 && exec \"$@\" >&2", "goldilocks"])
        .args(line)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .status()
        .map_err(|error| failed(error.to_string()))?;
    if status.success() { Ok(()) } else { Err(failed(status.to_string())) }
}
