//! Processes of the server's user. Root trusts nothing that such a process writes, and waits for none without a limit.

use std::env;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::user::User;

/// The most bytes of a program's output that are read, because an error quotes only its end.
const TAIL: u64 = 1 << 16;

/// A program that will run as `user`, or as the user of this process.
///
/// It gets a session of its own, because a Ctrl-C at the terminal must reach the owner first, which still has a summary to
/// write. So it has no terminal either: some kernels let a process type into its terminal, where a shell of root would run
/// what another user types. Another user gets none of root's variables, because they may hold secrets, and every process of
/// that user can read them.
pub(crate) fn command(program: impl AsRef<OsStr>, user: Option<&User>) -> Command {
    // The tools are where the user has them, or where every machine has them.
    let path: Vec<PathBuf> =
        packages::search_path().into_iter().chain(["/usr/bin", "/bin"].map(PathBuf::from)).collect();
    let mut command = match path.iter().map(|folder| folder.join("setsid")).find(|program| program.is_file()) {
        Some(setsid) => {
            let mut command = Command::new(setsid);
            command.arg(program);
            command
        }
        None => {
            let mut command = Command::new(program);
            command.process_group(0);
            command
        }
    };
    if let Some(user) = user {
        // The standard library also clears root's other groups before it becomes the user.
        command.env_clear().uid(user.uid).gid(user.gid);
        if let Some(libraries) = env::var_os("LD_LIBRARY_PATH") {
            command.env("LD_LIBRARY_PATH", libraries);
        }
    }
    if let Ok(path) = env::join_paths(path) {
        command.env("PATH", path);
    }
    command.env("LC_ALL", "C").stdin(Stdio::null());
    command
}

/// A [`command`] of the machine's tools, which get none of this process's variables: some change what a tool writes.
pub(crate) fn tool(program: &str, user: Option<&User>) -> Command {
    let mut command = command(program, user);
    for (name, _) in env::vars_os().filter(|(name, _)| name != "PATH" && name != "LC_ALL") {
        command.env_remove(name);
    }
    command
}

/// A file for the output of programs. It has no name, so no process can replace it, and needs no disk, so errors are read even
/// if the disk is full.
pub(crate) fn output_file() -> io::Result<File> {
    Ok(memfd_create("goldilocks", MemfdFlags::CLOEXEC)?.into())
}

/// Starts a [`command`].
pub(crate) fn start(command: &mut Command, user: Option<&User>) -> io::Result<Child> {
    command.spawn().map_err(|error| match user {
        // In a container with a single user, root cannot become another user by any means.
        Some(user) if matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput) => {
            let name = &user.name;
            io::Error::other(format!(
                "{error}. PostgreSQL refuses to run as root, and root may not become user {name} here: run this as an \
                 ordinary user, or set DATABASE_URL to a running server"
            ))
        }
        _ => error,
    })
}

/// Waits for a process that was started by [`start`]. After `patience` it kills the process group and returns `None`.
pub(crate) fn wait(process: &mut Child, patience: Duration) -> io::Result<Option<ExitStatus>> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(status) = process.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() > deadline {
            // Both fail only if they have ended in this moment; the group also if it has not begun.
            let _ = kill_process_group(Pid::from_child(process), Signal::KILL);
            let _ = process.kill();
            process.wait()?;
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// Runs a [`command`] to its end, and fails unless it succeeds within `patience`. The output goes to `log`.
pub(crate) fn run(command: &mut Command, user: Option<&User>, log: &File, patience: Duration) -> io::Result<()> {
    let mut process = start(command.stderr(log.try_clone()?), user)?;
    match wait(&mut process, patience)? {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(io::Error::other(format!("it ended with {status}. {}", tail(log)))),
        None => Err(io::Error::other(format!("it did not end within {} s. {}", patience.as_secs(), tail(log)))),
    }
}

/// The end of what programs have written to `log`.
pub(crate) fn tail(log: &File) -> String {
    let length = log.metadata().map_or(0, |metadata| metadata.len());
    let mut bytes = vec![0; length.min(TAIL) as usize];
    // Without the log, an error still has its reason.
    let read = log.read_at(&mut bytes, length.saturating_sub(TAIL)).unwrap_or_default();
    String::from_utf8_lossy(&bytes[..read]).trim().to_string()
}
