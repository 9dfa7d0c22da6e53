//! Starts one of the server's programs, as a user that PostgreSQL accepts.

use std::fs::File;
use std::path::Path;
use std::process::Child;

use crate::discovery::Installation;
use crate::error::{Error, Result};
use crate::processes;
use packages::debian;

/// Starts the program `name` in `folder` and writes its output to `log`.
///
/// The watchdog finds programs by their working directory. Before it looks for the last time, it renames the directory; after
/// that this folder cannot be entered, and the program does not start.
pub(crate) fn start(
    installation: &Installation,
    name: &str,
    arguments: &[String],
    log: &File,
    folder: &Path,
) -> Result<Child> {
    let program = &installation.programs.join(name);
    let user = installation.runs_as.as_ref();
    let output = || log.try_clone().map_err(Error::io("write", folder));
    let mut command = processes::command(program, user);
    command.args(arguments).current_dir(folder).stdout(output()?).stderr(output()?);
    // The user's settings for clients (PGDATA, PGPORT, PGOPTIONS …) must not reach a private server.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
        command.env_remove(name);
    }
    debian::set_library_path(&mut command, &installation.libraries);
    processes::start(&mut command, user).map_err(Error::io("start", program))
}
