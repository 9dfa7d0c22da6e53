//! Runs the programs of this machine that the set-up step uses.

use std::env;
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::{Error, search_path};
use system::printing::say;

/// The time after which a program that prints nothing is reported as still running.
const SILENCE: Duration = Duration::from_secs(10);

/// Runs a program; prints the line and the program's output on standard error.
pub fn run(line: &[&str]) -> Result<(), Error> {
    say(format_args!("running {}", line.join(" ")));
    run_unannounced(line)
}

/// The same without printing the line, for a program that runs once for each of many files.
pub fn run_unannounced(line: &[&str]) -> Result<(), Error> {
    let failed = |reason: String| Error::Program { line: line.join(" "), reason };
    let status = command(">&2", line).status().map_err(|error| failed(error.to_string()))?;
    if status.success() { Ok(()) } else { Err(failed(status.to_string())) }
}

/// Runs a program without showing its output, and returns the output. An error has the last line of the output. While the
/// program runs, standard error gets a line every ten seconds.
pub fn run_quietly(line: &[&str]) -> Result<String, Error> {
    let failed = |reason: String| Error::Program { line: line.join(" "), reason };
    let child = command("2>&1", line).stdout(Stdio::piped()).spawn();
    let mut child = child.map_err(|error| failed(error.to_string()))?;
    let mut stdout = child.stdout.take().ok_or_else(|| failed("it has no output".into()))?;
    let reader = std::thread::spawn(move || {
        let mut all = Vec::new();
        let read = stdout.read_to_end(&mut all);
        read.map(|_| String::from_utf8_lossy(&all).into_owned())
    });
    let began = Instant::now();
    let mut said = began;
    while !reader.is_finished() {
        std::thread::sleep(Duration::from_millis(20));
        if said.elapsed() >= SILENCE {
            say(format_args!("still running {} after {} s", line[0], began.elapsed().as_secs()));
            said = Instant::now();
        }
    }
    let status = child.wait().map_err(|error| failed(error.to_string()))?;
    let output = reader.join().map_err(|_| failed("its output cannot be read".into()))?;
    let output = output.map_err(|error| failed(error.to_string()))?;
    match status.success() {
        true => Ok(output),
        false => Err(failed(output.lines().last().map_or_else(|| status.to_string(), str::to_owned))),
    }
}

/// A command for a program whose output the shell redirects.
fn command(redirection: &str, line: &[&str]) -> Command {
    let mut command = Command::new("/bin/sh");
    command
        // The user that runs a server must be able to read what is installed, whatever this process's umask.
        .args(["-c", &format!("umask 022 && exec \"$@\" {redirection}"), "goldilocks"])
        .args(line)
        .env("DEBIAN_FRONTEND", "noninteractive")
        // Package managers translate their messages.
        .env("LC_ALL", "C")
        .stdin(Stdio::null());
    if let Ok(path) = env::join_paths(search_path()) {
        command.env("PATH", path);
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quiet_program_returns_its_output_and_an_error_has_its_last_line() {
        assert_eq!(run_quietly(&["echo", "a b"]).unwrap(), "a b\n");
        let failed = run_quietly(&["sh", "-c", "echo first; echo no such package >&2; exit 3"]).unwrap_err();
        assert!(failed.to_string().ends_with("failed: no such package"), "{failed}");
    }
}
