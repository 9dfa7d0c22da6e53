//! Starts one of the server's programs so that the watchdog can find it, as a user that PostgreSQL accepts.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::discovery::Found;
use crate::error::{Error, Result};
use crate::user::User;
use packages::debian;

/// Writes its own number to the file named first, then becomes the program named second.
///
/// The number is there before the program is. It appears under its name at once and complete, and if the directory has
/// been renamed meanwhile, which is the watchdog's first act, it cannot be written and the program does not start.
const NUMBERED: &str = r#"echo $$ >"$1.new" && mv "$1.new" "$1" && shift && exec "$@""#;

/// Starts the program `name`, its output going to `log`, its number to `number_file`.
///
/// It gets a process group of its own: a Ctrl-C at the terminal must reach the owner first, which still has a summary
/// to write.
pub(crate) fn start(
    found: &Found,
    name: &str,
    arguments: &[String],
    number_file: &Path,
    log: &File,
    folder: &Path,
    runs_as: Option<&User>,
) -> Result<Child> {
    let program = &found.programs.join(name);
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
    // The user's settings for clients (PGDATA, PGPORT, PGOPTIONS …) are not meant for a server of ours.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
        command.env_remove(name);
    }
    debian::lend(&found.libraries, &mut command);
    if let Some(user) = runs_as {
        // The standard library also clears root's other groups before it becomes the user.
        command.uid(user.uid).gid(user.gid);
    }
    command.spawn().map_err(|error| refused(program, runs_as, error))
}

fn refused(program: &Path, runs_as: Option<&User>, source: io::Error) -> Error {
    match runs_as {
        // In a container with a single user there is nobody root could become, by whatever tool.
        Some(user) if matches!(source.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput) => {
            Error::Start {
                doing: format!("running {} as user {}", program.display(), user.name),
                reason: source.to_string(),
                advice: "PostgreSQL refuses to run as root, and root may not become another user here: \
                     run this as an ordinary user, or set DATABASE_URL to a running server"
                    .into(),
                log: String::new(),
            }
        }
        _ => Error::io("start", program)(source),
    }
}
