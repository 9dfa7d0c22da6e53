//! Starts one of the server's programs so that the watchdog finds it, as a user that PostgreSQL accepts.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::discovery::Installation;
use crate::error::{Error, Result};
use packages::debian;

/// Writes the shell's process number to the file named first, then becomes the program named second.
///
/// So the number is there before the program is. It appears under its name only when it is complete. The watchdog's first
/// act is to rename the directory; after that the number cannot be written, and the program does not start.
const NUMBERED: &str = r#"echo $$ >"$1.new" && mv "$1.new" "$1" && shift && exec "$@""#;

/// Starts the program `name` in `folder`; writes its output to `log` and its process number to `number_file`.
///
/// It gets a process group of its own, because a Ctrl-C at the terminal must reach the owner first, which still has a
/// summary to write.
pub(crate) fn start(
    installation: &Installation,
    name: &str,
    arguments: &[String],
    number_file: &Path,
    log: &File,
    folder: &Path,
) -> Result<Child> {
    let program = &installation.programs.join(name);
    let output = || log.try_clone().map(Stdio::from).map_err(Error::io("write", folder));
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", NUMBERED, "goldilocks"])
        .arg(number_file)
        .arg(program)
        .args(arguments)
        .current_dir(folder)
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(output()?)
        .stderr(output()?)
        .env("LC_ALL", "C");
    // The user's settings for clients (PGDATA, PGPORT, PGOPTIONS …) must not reach a private server.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
        command.env_remove(name);
    }
    debian::set_library_path(&mut command, &installation.libraries);
    if let Some(user) = &installation.runs_as {
        // The standard library also clears root's other groups before it becomes the user.
        command.uid(user.uid).gid(user.gid);
    }
    command.spawn().map_err(|source| match &installation.runs_as {
        // In a container with a single user, root cannot become another user by any means.
        Some(user) if matches!(source.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput) => {
            Error::Start {
                doing: format!("running {} as user {}", program.display(), user.name),
                reason: source.to_string(),
                hint: "PostgreSQL refuses to run as root, and root may not become another user here: run this as an \
                       ordinary user, or set DATABASE_URL to a running server"
                    .into(),
                log: String::new(),
            }
        }
        _ => Error::io("start", program)(source),
    })
}
