//! The files of a server that was loaded and stopped in good order, kept so that the next server with the same table needs
//! neither `initdb` nor a load.
//!
//! A server never works on the kept files but on a copy. A folder of kept files appears under its name only when it is
//! complete. Keeping is an optimisation: if the files cannot be written or read, the next server makes and loads its own.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, chown};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use crate::contents::Contents;
use crate::discovery::Installation;
use crate::unique::unique;
use crate::user::User;

/// How the name of each folder begins; a hash follows.
const PREFIX: &str = "postgres-";

/// The end of the name of a folder that is not complete.
const PARTIAL: &str = ".partial";

/// How many folders are kept, the newest.
const MOST: usize = 4;

/// The age after which a partial folder counts as abandoned, because no program writes on one for so long.
const ABANDONED: Duration = Duration::from_secs(3600);

/// The folder of one server's kept files, whether it exists or not.
#[derive(Debug)]
pub(crate) struct KeptFiles {
    path: PathBuf,
}

impl KeptFiles {
    /// The files in `folder` of a server with these contents. `arguments` are those of `initdb`.
    ///
    /// The name follows from all that the files follow from: the server's programs, the arguments of `initdb`, and the
    /// table's columns and rows.
    pub(crate) fn of<C: Contents>(
        folder: &Path,
        installation: &Installation,
        arguments: &[String],
        contents: &C,
    ) -> KeptFiles {
        let mut hash = Sha256::new();
        let programs = installation.programs.as_os_str().as_encoded_bytes();
        let texts = [installation.version.as_str(), C::TABLE, C::COLUMNS].map(str::as_bytes);
        let arguments = arguments.iter().map(|argument| argument.as_bytes());
        for part in [programs].into_iter().chain(texts).chain(arguments) {
            hash.update(part);
            hash.update([0]);
        }
        hash.update(contents.identity());
        let name: String = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        KeptFiles { path: folder.join(format!("{PREFIX}{name}")) }
    }

    pub(crate) fn exist(&self) -> bool {
        self.path.is_dir()
    }

    /// Copies the files into the empty folder `to`, for a server that runs as `user`.
    pub(crate) fn restore(&self, to: &Path, user: Option<&User>) -> io::Result<()> {
        copy(&self.path, to, user)
    }

    /// Keeps a copy of the files in `from`, whose server has been stopped.
    pub(crate) fn keep(&self, from: &Path) -> io::Result<()> {
        let folder = self.path.parent().ok_or(io::ErrorKind::NotFound)?;
        fs::create_dir_all(folder)?;
        let partial = folder.join(format!("{PREFIX}{}{PARTIAL}", unique()));
        DirBuilder::new().mode(0o700).create(&partial)?;
        let kept = copy(from, &partial, None).and_then(|()| fs::rename(&partial, &self.path));
        if kept.is_err() {
            // Renaming also fails when another program has just kept the same files.
            let _ = fs::remove_dir_all(&partial);
        }
        tidy(folder);
        kept
    }

    /// Removes files that no server could start from.
    pub(crate) fn remove(&self) {
        // If this fails, the next server meets the same files and does the same.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Removes abandoned folders, and the oldest beyond [`MOST`].
fn tidy(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let ours = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX));
    let dated = ours.filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())));
    let (partial, mut complete): (Vec<_>, Vec<(SystemTime, PathBuf)>) =
        dated.partition(|(_, path)| path.to_string_lossy().ends_with(PARTIAL));
    complete.sort();
    let too_many = complete.len().saturating_sub(MOST);
    let abandoned = partial.into_iter().filter(|(made, _)| made.elapsed().is_ok_and(|age| age > ABANDONED));
    for (_, path) in complete.into_iter().take(too_many).chain(abandoned) {
        // A server that is just copying these files fails to restore them, and then makes its own.
        let _ = fs::remove_dir_all(path);
    }
}

/// Copies what is in one folder into another, existing one, and hands it to `user`.
fn copy(from: &Path, to: &Path, user: Option<&User>) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            DirBuilder::new().mode(0o700).create(&target)?;
            copy(&entry.path(), &target, user)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
        if let Some(user) = user {
            chown(&target, Some(user.uid), Some(user.gid))?;
        }
    }
    Ok(())
}
