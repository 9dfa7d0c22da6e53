//! Removes a server and its directory however its owner ends: by itself, by a panic, by Ctrl-C or by `kill -9`.
//!
//! `Drop` does not run when a signal ends a process, so somebody else has to tidy up: a shell that reads from a pipe
//! whose other end, the lifeline, only the owner holds. Whatever ends the owner closes the lifeline, and the shell does
//! its work (`watchdog.sh`). An orderly stop goes the same way, so the emergency exit is in daily use.
//!
//! A shell and not a second copy of this program: a copy would need a hook in the `main` of every program, test and
//! bench that owns a server. Its own process group and ignored signals keep it alive through a Ctrl-C meant for the
//! owner. A watchdog that was killed itself is made up for by [`sweep`] at the next start.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};

use crate::error::{Error, Result};

/// What the directories of our servers are called: this and eight characters.
pub(crate) const PREFIX: &str = "goldilocks-pg-";

/// A directory without this file is not ours and is never removed. Its owner keeps it locked: a lock ends with its
/// holder, also in another container, where a process number would mean nothing.
const MARKER: &str = "goldilocks-owner";

const SCRIPT: &str = include_str!("watchdog.sh");

/// Longer than the script takes when a server ignores everything but the last signal.
const PATIENCE: Duration = Duration::from_secs(10);

/// Holds a directory that vanishes with this process, and the programs started in it with it.
#[derive(Debug)]
pub(crate) struct Watchdog {
    directory: PathBuf,
    shell: Child,
    /// Closing it is the order to tidy up. The standard library opens it so that no child inherits it.
    lifeline: Option<ChildStdin>,
    /// Locked as long as we live.
    _marker: File,
}

impl Watchdog {
    /// Starts the shell, which creates `directory` (it must not exist), readable by us alone.
    pub(crate) fn create(directory: &Path) -> Result<Watchdog> {
        let mut shell = script(directory, "create")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(Error::io("start", Path::new("/bin/sh")))?;
        let lifeline = shell.stdin.take();
        let said = first_line(&mut shell);
        if said != "ready" {
            drop(lifeline);
            let _ = shell.wait();
            return Err(Error::io("create", directory)(io::Error::other(said)));
        }
        match mark(directory) {
            Ok(marker) => Ok(Watchdog { directory: directory.into(), shell, lifeline, _marker: marker }),
            Err(error) => {
                drop(lifeline);
                let _ = shell.wait();
                Err(Error::io("mark", directory)(error))
            }
        }
    }

    /// The directory: removed when this ends.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Has everything ended and removed, and collects the programs that ran there. Calling it again does nothing.
    pub(crate) fn end(&mut self, mut server: Option<&mut Child>) -> Result<()> {
        if self.lifeline.take().is_none() {
            return Ok(());
        }
        let deadline = Instant::now() + PATIENCE;
        let over = |child: &mut Child| !matches!(child.try_wait(), Ok(None));
        // Both are asked each time: without /proc the shell sees the server's end only once we have collected it.
        loop {
            let server_over = server.as_deref_mut().is_none_or(over);
            if over(&mut self.shell) && server_over || Instant::now() > deadline {
                break;
            }
            thread::sleep(Duration::from_millis(2));
        }
        // Still there? Then the shell was killed: another one does its work.
        for left in [self.directory.clone(), closed(&self.directory)] {
            if left.exists() {
                tidy(&left);
            }
        }
        if let Some(server) = server
            && !over(server)
        {
            let _ = server.kill();
            let _ = server.wait();
        }
        let left = [self.directory.clone(), closed(&self.directory)].into_iter().find(|path| path.exists());
        match left {
            None => Ok(()),
            Some(path) => Err(Error::io("remove", &path)(io::Error::other("the watchdog could not; please remove it"))),
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        // What is left after a failure here, the next start sweeps.
        let _ = self.end(None);
    }
}

/// Removes what owners that are dead, and whose watchdog is dead as well, have left in `folder`.
pub(crate) fn sweep(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX)) {
        if is_orphaned(&entry.path()).unwrap_or(false) {
            tidy(&entry.path());
        }
    }
}

/// Whether `directory` is ours (same user, marked) and nobody holds its marker any more.
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

/// Runs the script on a directory without waiting for anybody's end.
fn tidy(directory: &Path) {
    // Failure shows in the directory that is still there.
    let _ = script(directory, "sweep").stdin(Stdio::null()).stdout(Stdio::null()).status();
}

fn script(directory: &Path, mode: &str) -> Command {
    // The tools of the script are wherever the user has them, and otherwise where every system has them.
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

/// The name the script gives to a directory it is about to remove.
fn closed(directory: &Path) -> PathBuf {
    let mut name = directory.as_os_str().to_os_string();
    name.push(".closed");
    name.into()
}

fn first_line(shell: &mut Child) -> String {
    let mut said = Vec::new();
    if let Some(mut output) = shell.stdout.take() {
        let mut letter = [0];
        while matches!(output.read(&mut letter), Ok(1)) && letter != *b"\n" {
            said.push(letter[0]);
        }
    }
    String::from_utf8_lossy(&said).into_owned()
}

fn mark(directory: &Path) -> io::Result<File> {
    let mut marker = OpenOptions::new().write(true).open(directory.join(MARKER))?;
    flock(&marker, FlockOperation::NonBlockingLockExclusive)?;
    writeln!(marker, "{}", std::process::id())?;
    Ok(marker)
}
