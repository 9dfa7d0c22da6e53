//! Clusters that were loaded once: the files of a server that was stopped in good order, kept so that the next server
//! with the same table need neither `initdb` nor a load.
//!
//! A server never works on the kept files but on a copy. A cluster appears under its name at once and complete. What is
//! kept is only ever a saving: if it cannot be written or read, there is a fresh cluster and a load, as without it.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, chown};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use crate::discovery::Found;
use crate::external::unique;
use crate::user::User;
use datasets::products::{DEFINITION, Products};

/// What the folders of kept clusters are called: this, and what their tables follow from.
const PREFIX: &str = "postgres-";

/// The end of the name of a cluster that is not complete.
const PARTIAL: &str = ".partial";

/// So many clusters are kept, the newest.
const MOST: usize = 4;

/// Nobody writes so long on one cluster: what is older was broken off.
const BROKEN_OFF: Duration = Duration::from_secs(3600);

/// The place of one kept cluster.
#[derive(Debug)]
pub(crate) struct Cluster {
    path: PathBuf,
}

impl Cluster {
    /// The cluster of that table in `folder`, there or not. `arguments` are those of `initdb`.
    ///
    /// The name follows from all that the files follow from: the server's programs, how they were told to make a
    /// cluster, the table's definition, and its rows as they are made today.
    pub(crate) fn of(folder: &Path, found: &Found, arguments: &[String], products: Products) -> Cluster {
        let mut hash = Sha256::new();
        for part in [found.programs.as_os_str().as_encoded_bytes(), found.version.as_bytes(), DEFINITION.as_bytes()] {
            hash.update(part);
            hash.update([0]);
        }
        arguments.iter().for_each(|argument| hash.update(argument));
        hash.update(format!("{products:?}"));
        products.copy_stream().take(1).for_each(|rows| hash.update(&rows));
        let name: String = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Cluster { path: folder.join(format!("{PREFIX}{name}")) }
    }

    /// Whether it is there.
    pub(crate) fn is_kept(&self) -> bool {
        self.path.is_dir()
    }

    /// Copies it into the empty folder `to`, for a server that runs as `user`.
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
            // Also where another program has just kept the same.
            let _ = fs::remove_dir_all(&partial);
        }
        tidy(folder);
        kept
    }

    /// Removes it: it was no good.
    pub(crate) fn forget(&self) {
        // If that fails, it is found to be no good the next time too.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Removes what is too much or was broken off.
fn tidy(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let ours = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX));
    let dated = ours.filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())));
    let (partial, mut whole): (Vec<_>, Vec<(SystemTime, PathBuf)>) =
        dated.partition(|(_, path)| path.to_string_lossy().ends_with(PARTIAL));
    whole.sort();
    let too_many = whole.len().saturating_sub(MOST);
    let broken_off = partial.into_iter().filter(|(made, _)| made.elapsed().is_ok_and(|age| age > BROKEN_OFF));
    for (_, path) in whole.into_iter().take(too_many).chain(broken_off) {
        // A cluster that is being read at this moment cannot be restored then, and is made again.
        let _ = fs::remove_dir_all(path);
    }
}

/// Copies what is in one folder into another, which is there; it all belongs to `user` then.
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
