//! The files of a server that was loaded and stopped in good order, kept so that the next server with the same table needs
//! neither `initdb` nor a load.
//!
//! They are kept as one archive. `tar` reads and writes the server's files as the server's user, and this process only
//! passes the archive through: if it is root, a link that a process of that user plants among the files leads to nothing
//! that the user could not reach anyway.
//!
//! An archive appears under its name only when it is complete. The name holds the archive's digest, so a changed archive is
//! noticed and not used. A failure never removes an archive, because its reason may lie elsewhere, such as a full disk; a new
//! archive of the same table replaces the old one. Keeping is an optimisation: if the files cannot be written or read, the
//! next server makes and loads its own.

use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use crate::contents::Contents;
use crate::discovery::Installation;
use crate::processes;
use crate::user::User;

/// How the name of each archive begins; a hash of what the files follow from, a dash and the archive's digest follow.
const PREFIX: &str = "postgres-";

/// How the name of each archive ends.
const ARCHIVE: &str = ".tar";

/// The end of the name of an archive that is not complete.
const PARTIAL: &str = ".partial";

/// How many archives are kept, the newest.
const MOST: usize = 4;

/// The age after which a partial archive counts as abandoned, because no program writes on one for so long.
const ABANDONED: Duration = Duration::from_secs(3600);

/// How long `tar` may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// The archive of one server's files, whether it exists or not.
#[derive(Debug)]
pub(crate) struct KeptFiles {
    folder: PathBuf,
    /// The name up to the digest.
    name: String,
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
        KeptFiles { folder: folder.into(), name: format!("{PREFIX}{}-", hexadecimal(&hash.finalize()[..8])) }
    }

    /// The archives of these files: one, or two after two programs have kept the same files at the same time.
    fn archives(&self) -> Vec<PathBuf> {
        let archives = complete(&self.folder).into_iter().map(|(_, path)| path);
        archives.filter(|path| name_of(path).starts_with(&self.name)).collect()
    }

    pub(crate) fn exist(&self) -> bool {
        !self.archives().is_empty()
    }

    /// Unpacks the files into the empty folder `to`, which belongs to `user`. `log` gets what `tar` reports.
    pub(crate) fn restore(&self, to: &Path, user: Option<&User>, log: &File) -> io::Result<()> {
        let path = self.archives().pop().ok_or(io::ErrorKind::NotFound)?;
        let mut archive = File::open(&path)?;
        if name_of(&path) != self.file_name(&digest(&mut archive)?) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the archive was changed after it was written"));
        }
        let mut tar = processes::tool("tar", user);
        tar.args(["-x", "-f", "-"]).current_dir(to).stdin(archive).stdout(log.try_clone()?);
        processes::run(&mut tar, user, log, PATIENCE)
    }

    /// Keeps an archive of the files in `from`, whose server has been stopped. It replaces an earlier one.
    pub(crate) fn keep(&self, from: &Path, user: Option<&User>, log: &File) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let mut archive = tempfile::Builder::new().prefix(PREFIX).suffix(PARTIAL).tempfile_in(&self.folder)?;
        let mut tar = processes::tool("tar", user);
        tar.args(["-c", "-f", "-", "."]).current_dir(from).stdout(archive.as_file().try_clone()?);
        processes::run(&mut tar, user, log, PATIENCE)?;
        let name = self.file_name(&digest(archive.as_file_mut())?);
        archive.persist(self.folder.join(&name))?;
        self.archives().into_iter().filter(|path| name_of(path) != name).for_each(remove);
        tidy(&self.folder);
        Ok(())
    }

    fn file_name(&self, digest: &str) -> String {
        format!("{}{digest}{ARCHIVE}", self.name)
    }
}

/// The digest of a whole file, whose position is its start afterwards.
fn digest(file: &mut File) -> io::Result<String> {
    file.rewind()?;
    let (mut hash, mut block) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut block)? {
            0 => break,
            read => hash.update(&block[..read]),
        }
    }
    file.rewind()?;
    Ok(hexadecimal(&hash.finalize()[..16]))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// What this file has written into `folder` whose name has this end, the oldest first.
fn ours(folder: &Path, end: &str) -> Vec<(SystemTime, PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let dated = entries.filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())));
    let ours = dated.filter(|(_, path)| name_of(path).starts_with(PREFIX) && name_of(path).ends_with(end));
    let mut ours: Vec<_> = ours.collect();
    ours.sort();
    ours
}

fn complete(folder: &Path) -> Vec<(SystemTime, PathBuf)> {
    ours(folder, ARCHIVE)
}

/// Removes abandoned archives, and the oldest beyond [`MOST`].
fn tidy(folder: &Path) {
    let complete = complete(folder);
    let too_many = complete.len().saturating_sub(MOST);
    let partial = ours(folder, PARTIAL).into_iter();
    let abandoned = partial.filter(|(made, _)| made.elapsed().is_ok_and(|age| age > ABANDONED));
    complete.into_iter().take(too_many).chain(abandoned).for_each(|(_, path)| remove(path));
}

/// Removes a file. If this fails, the next call meets the same file.
fn remove(path: PathBuf) {
    let _ = fs::remove_file(path);
}
