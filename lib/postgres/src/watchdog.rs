//! Removes a server and its directory however the owner ends: normally, by a panic, by Ctrl-C or by `kill -9`.
//!
//! `Drop` does not run when a signal ends a process, so a second process must tidy up: a shell that reads from a pipe, the
//! lifeline, whose other end only the owner holds. Whatever ends the owner closes the lifeline, and then the shell runs the
//! rest of `watchdog.sh`. An orderly stop takes the same path, so every stop tests it.
//!
//! The watchdog is a shell and not a second copy of this program, because a copy would need a hook in the `main` of every
//! program, test and bench that owns a server. Its own process group and ignored signals keep it alive through a Ctrl-C
//! meant for the owner. If the watchdog itself is killed, [`sweep`] does its work at the next start.
//!
//! The shell runs as the server's user, and the directory belongs to that user. If this process is root, it neither reads nor
//! writes there: a process of that user could replace any file by a link, and root would follow it. It only opens the marker,
//! to lock it.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, OFlags, flock};

use crate::error::{Error, Result};
use crate::processes;
use crate::user::User;

/// How the name of each private server's directory begins; eight characters follow.
pub(crate) const PREFIX: &str = "goldilocks-pg-";

/// The file that marks a directory as ours; a directory without it is never removed. Its owner keeps it locked: a lock
/// ends with its holder, also in another container, where a process number would mean nothing.
const MARKER: &str = "goldilocks-owner";

const SCRIPT: &str = include_str!("watchdog.sh");

/// Longer than the script takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// A directory that is removed when this process ends, after the programs started in it have been ended.
#[derive(Debug)]
pub(crate) struct Watchdog {
    directory: PathBuf,
    /// The directory's owner, if it is not this process's user.
    user: Option<User>,
    shell: Child,
    /// Closing it makes the shell tidy up. The standard library opens it so that no child inherits it.
    lifeline: Option<ChildStdin>,
    /// Locked as long as this process lives.
    _marker: File,
}

impl Watchdog {
    /// Starts the shell, which creates `directory` (it must not exist) with access for its owner alone, and the folders `run` and
    /// `data` in it. `log` gets what the shell reports.
    pub(crate) fn create(directory: &Path, user: Option<&User>, log: &File) -> Result<Watchdog> {
        let output = log.try_clone().map_err(Error::io("write", directory))?;
        let mut command = script(directory, user, "create");
        let mut shell = processes::start(command.stdin(Stdio::piped()).stderr(output), user)
            .map_err(Error::io("start", Path::new("/bin/sh")))?;
        let mut lifeline = shell.stdin.take();
        match lock(directory, &mut shell, lifeline.as_mut()) {
            Ok(marker) => {
                Ok(Watchdog { directory: directory.into(), user: user.cloned(), shell, lifeline, _marker: marker })
            }
            Err(error) => {
                drop(lifeline);
                let _ = processes::wait(&mut shell, PATIENCE);
                let reason = format!("{error}. {}; set TMPDIR to another folder", processes::tail(log));
                Err(Error::io("create", directory)(io::Error::other(reason)))
            }
        }
    }

    /// The directory.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Ends the programs and empties the folders, for a new start in the same directory.
    pub(crate) fn clear(&self, log: &File) -> Result<()> {
        let (directory, user) = (&self.directory, self.user.as_ref());
        processes::run(&mut script(directory, user, "clear"), user, log, PATIENCE)
            .map_err(Error::io("clear", directory))
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
        places.iter().filter(|place| place.exists()).for_each(|place| tidy(place, self.user.as_ref()));
        // It has nothing left to do. This fails if it has ended, as it should have.
        let _ = self.shell.kill();
        let _ = self.shell.wait();
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

/// Removes directories in `folder` that belong to the server's user and whose owner and watchdog have both ended.
pub(crate) fn sweep(folder: &Path, user: Option<&User>) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX)) {
        if is_orphaned(&entry.path(), user).unwrap_or(false) {
            tidy(&entry.path(), user);
        }
    }
}

/// Whether `directory` is ours (the server's user's, marked) and no owner holds its marker.
fn is_orphaned(directory: &Path, user: Option<&User>) -> io::Result<bool> {
    let owner = user.map_or_else(|| rustix::process::geteuid().as_raw(), |user| user.uid);
    let about = directory.symlink_metadata()?;
    if !about.is_dir() || about.uid() != owner {
        return Ok(false);
    }
    let marker = open_marker(directory)?;
    let about = marker.metadata()?;
    // An empty marker belongs to an owner that is about to lock it.
    let ours = about.is_file() && about.uid() == owner && about.len() > 0;
    Ok(ours && flock(&marker, FlockOperation::NonBlockingLockExclusive).is_ok())
}

/// Runs the script on a directory at once, without a lifeline.
fn tidy(directory: &Path, user: Option<&User>) {
    // If it fails, the directory is still there.
    if let Ok(mut shell) = processes::start(&mut script(directory, user, "sweep"), user) {
        let _ = processes::wait(&mut shell, PATIENCE);
    }
}

fn script(directory: &Path, user: Option<&User>, mode: &str) -> Command {
    let mut shell = processes::tool("/bin/sh", user);
    shell
        .args([OsStr::new("-c"), OsStr::new(SCRIPT), OsStr::new("goldilocks-watchdog")])
        .args([directory.as_os_str(), OsStr::new(MARKER), OsStr::new(mode)])
        .current_dir("/")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    shell
}

/// The name that the script gives to a directory before it removes it.
fn closed(directory: &Path) -> PathBuf {
    let mut name = directory.as_os_str().to_os_string();
    name.push(".closed");
    name.into()
}

/// Opens the marker. A process of the server's user may have replaced it: a link is not followed, and a pipe does not block.
fn open_marker(directory: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(directory.join(MARKER))
}

/// Waits until the shell has made the directory, locks the marker, and tells the shell so.
fn lock(directory: &Path, shell: &mut Child, lifeline: Option<&mut ChildStdin>) -> io::Result<File> {
    let deadline = Instant::now() + PATIENCE;
    let marker = loop {
        match open_marker(directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => break opened?,
        }
        if shell.try_wait()?.is_some() || Instant::now() > deadline {
            return Err(io::Error::other("the watchdog failed"));
        }
        thread::sleep(Duration::from_millis(1));
    };
    flock(&marker, FlockOperation::NonBlockingLockExclusive)?;
    lifeline.ok_or(io::ErrorKind::BrokenPipe)?.write_all(b"locked\n")?;
    Ok(marker)
}
