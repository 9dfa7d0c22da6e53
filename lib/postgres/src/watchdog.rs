//! Removes a server and its directory however the owner ends: normally, by a panic, by Ctrl-C or by `kill -9`.
//!
//! `Drop` does not run when a signal ends a process, so a second process must tidy up: a shell that reads from a pipe, the
//! lifeline, whose other end only the owner holds. Whatever ends the owner closes the lifeline, and then the shell runs the
//! rest of `watchdog.sh`. An orderly stop takes the same path, so every stop tests it.
//!
//! The watchdog is a shell and not a second copy of this program, because a copy would need a hook in the `main` of every
//! program, test and bench that owns a server. Its own process group and ignored signals keep it alive through a Ctrl-C
//! meant for the owner. If the watchdog itself is killed, [`sweep`] does its work at the next start.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};

use crate::error::{Error, Result};

/// How the name of each private server's directory begins; eight characters follow.
pub(crate) const PREFIX: &str = "goldilocks-pg-";

/// The file that marks a directory as ours; a directory without it is never removed. Its owner keeps it locked: a lock
/// ends with its holder, also in another container, where a process number would mean nothing.
const MARKER: &str = "goldilocks-owner";

const SCRIPT: &str = include_str!("watchdog.sh");

/// Longer than the script takes when a server ignores every signal but the last.
const PATIENCE: Duration = Duration::from_secs(10);

/// A directory that is removed when this process ends, after the programs started in it have been ended.
#[derive(Debug)]
pub(crate) struct Watchdog {
    directory: PathBuf,
    shell: Child,
    /// Closing it makes the shell tidy up. The standard library opens it so that no child inherits it.
    lifeline: Option<ChildStdin>,
    /// Locked as long as this process lives.
    _marker: File,
}

impl Watchdog {
    /// Starts the shell, which creates `directory` (it must not exist) with access for its owner alone.
    pub(crate) fn create(directory: &Path) -> Result<Watchdog> {
        let mut shell = script(directory, "create")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(Error::io("start", Path::new("/bin/sh")))?;
        let lifeline = shell.stdin.take();
        let answer = first_line(&mut shell);
        let marked = match answer.as_str() {
            "ready" => mark(directory).map_err(Error::io("mark", directory)),
            _ => Err(Error::io("create", directory)(io::Error::other(answer))),
        };
        match marked {
            Ok(marker) => Ok(Watchdog { directory: directory.into(), shell, lifeline, _marker: marker }),
            Err(error) => {
                drop(lifeline);
                let _ = shell.wait();
                Err(error)
            }
        }
    }

    /// The directory.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Ends the programs, removes the directory and reaps the server. Calling it again does nothing.
    pub(crate) fn end(&mut self, mut server: Option<&mut Child>) -> Result<()> {
        if self.lifeline.take().is_none() {
            return Ok(());
        }
        let deadline = Instant::now() + PATIENCE;
        let ended = |child: &mut Child| !matches!(child.try_wait(), Ok(None));
        // Each turn polls both: without /proc the shell sees the server's end only once this process has reaped it.
        loop {
            let server_ended = server.as_deref_mut().is_none_or(ended);
            if ended(&mut self.shell) && server_ended || Instant::now() > deadline {
                break;
            }
            thread::sleep(Duration::from_millis(2));
        }
        let places = [self.directory.clone(), closed(&self.directory)];
        // If a directory is still there, the shell was killed: another shell does its work.
        places.iter().filter(|place| place.exists()).for_each(|place| tidy(place));
        if let Some(server) = server
            && !ended(server)
        {
            let _ = server.kill();
            let _ = server.wait();
        }
        match places.iter().find(|place| place.exists()) {
            None => Ok(()),
            Some(path) => Err(Error::io("remove", path)(io::Error::other("the watchdog failed; please remove it"))),
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        // What is left after a failure here, the next start sweeps.
        let _ = self.end(None);
    }
}

/// Removes directories in `folder` whose owner and whose watchdog have both ended.
pub(crate) fn sweep(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX)) {
        if is_orphaned(&entry.path()).unwrap_or(false) {
            tidy(&entry.path());
        }
    }
}

/// Whether `directory` is ours (same user, marked) and no owner holds its marker.
fn is_orphaned(directory: &Path) -> io::Result<bool> {
    let we = rustix::process::geteuid().as_raw();
    let marker = directory.join(MARKER);
    let (about_directory, about_marker) = (directory.symlink_metadata()?, marker.symlink_metadata()?);
    let ours =
        about_directory.is_dir() && about_marker.is_file() && about_directory.uid() == we && about_marker.uid() == we;
    // An empty marker belongs to an owner that is about to lock it.
    if !ours || about_marker.len() == 0 {
        return Ok(false);
    }
    Ok(flock(File::open(&marker)?, FlockOperation::NonBlockingLockExclusive).is_ok())
}

/// Runs the script on a directory at once, without a lifeline.
fn tidy(directory: &Path) {
    // If it fails, the directory is still there.
    let _ = script(directory, "sweep").stdin(Stdio::null()).stdout(Stdio::null()).status();
}

fn script(directory: &Path, mode: &str) -> Command {
    // The script finds its tools where the user has them, and then where every machine has them.
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    path.push(":/usr/bin:/bin");
    let mut shell = Command::new("/bin/sh");
    shell
        .args([OsStr::new("-c"), OsStr::new(SCRIPT), OsStr::new("goldilocks-watchdog")])
        .args([directory.as_os_str(), OsStr::new(MARKER), OsStr::new(mode)])
        .env("PATH", path)
        .current_dir("/")
        .process_group(0)
        .stderr(Stdio::null());
    shell
}

/// The name that the script gives to a directory before it removes it.
fn closed(directory: &Path) -> PathBuf {
    let mut name = directory.as_os_str().to_os_string();
    name.push(".closed");
    name.into()
}

fn first_line(shell: &mut Child) -> String {
    let mut line = Vec::new();
    if let Some(output) = shell.stdout.take() {
        let _ = BufReader::new(output).read_until(b'\n', &mut line);
    }
    String::from_utf8_lossy(&line).trim_end().to_owned()
}

fn mark(directory: &Path) -> io::Result<File> {
    let mut marker = OpenOptions::new().write(true).open(directory.join(MARKER))?;
    flock(&marker, FlockOperation::NonBlockingLockExclusive)?;
    writeln!(marker, "{}", std::process::id())?;
    Ok(marker)
}
