//! Files that are made once and kept: whole or absent, each with its metadata beside it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use system::atomic_file;

use crate::error::Error;

/// The metadata of a kept file, in `<file>.facts` beside it: lines of name, TAB, value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Metadata(Vec<(String, String)>);

impl Metadata {
    /// The metadata of `file`. `None` if it is missing or unreadable; then the file must be made again.
    pub(crate) fn read(file: &Path) -> Option<Self> {
        let text = fs::read_to_string(beside(file, "facts")).ok()?;
        text.lines()
            .map(|line| line.split_once('\t').map(|(name, value)| (name.to_owned(), value.to_owned())))
            .collect::<Option<_>>()
            .map(Self)
    }

    pub(crate) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.0.push((name.to_owned(), value.to_string()));
        self
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse().ok()
    }

    /// Replaces the metadata of `file`.
    pub(crate) fn write(&self, file: &Path) -> Result<(), Error> {
        let path = beside(file, "facts");
        let text: String = self.0.iter().map(|(name, value)| format!("{name}\t{value}\n")).collect();
        atomic_file::write(&path, text.as_bytes()).map_err(|cause| Error::file("write", &path, cause))
    }
}

/// How much is written at once, at a multiple of it. If the file system allows, Linux then keeps these bytes in one piece
/// of its page cache, and maps a piece of 2 MiB with one page fault; until it has to read the file from the disk again.
const BLOCK: usize = 2 << 20;

/// A file that gets its name only when it is whole, so that half a file never passes for it.
///
/// Unlike an [`atomic_file`] it is written under a fixed name, `<path>.partial`: what a killed process leaves behind may
/// be gigabytes, and the next attempt reuses the name. [`lock`] keeps a second process from it.
pub(crate) struct PartialFile {
    file: File,
    /// Bytes that are not written yet: less than a [`BLOCK`].
    block: Vec<u8>,
    /// Where the bytes are until [`finish`](Self::finish).
    pub(crate) partial: PathBuf,
    path: PathBuf,
}

impl PartialFile {
    /// Starts `<path>.partial` again.
    pub(crate) fn create(path: &Path) -> Result<Self, Error> {
        let partial = beside(path, "partial");
        // It must be another file: a process that still writes to the old one must not reach this one.
        match fs::remove_file(&partial) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::file("delete", &partial, error));
            }
            _ => (),
        }
        let file = File::create(&partial).map_err(|cause| Error::file("create", &partial, cause))?;
        Ok(Self { file, block: Vec::new(), partial, path: path.to_owned() })
    }

    /// Gives the file its name, in place of an earlier one.
    pub(crate) fn finish(mut self) -> Result<(), Error> {
        // Without `sync_all` a power cut could leave the name with other bytes than were written.
        let written = self.flush().and_then(|()| self.file.sync_all());
        written.map_err(|cause| Error::file("write", &self.partial, cause))?;
        fs::rename(&self.partial, &self.path).map_err(|cause| Error::file("create", &self.path, cause))
    }
}

impl Write for PartialFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = &bytes[..bytes.len().min(BLOCK - self.block.len())];
        self.block.extend_from_slice(taken);
        if self.block.len() == BLOCK {
            self.flush()?;
        }
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_all(&self.block)?;
        self.block.clear();
        self.file.flush()
    }
}

/// Creates `folder` if it is missing, and waits until no other process makes a file in it.
///
/// The lock ends when the returned file is closed, also when the process is killed.
pub(crate) fn lock(folder: &Path) -> Result<File, Error> {
    fs::create_dir_all(folder).map_err(|cause| Error::file("create", folder, cause))?;
    let path = folder.join(".lock");
    let file = File::create(&path).map_err(|cause| Error::file("create", &path, cause))?;
    flock(&file, FlockOperation::LockExclusive).map_err(|cause| Error::file("lock", &path, cause.into()))?;
    Ok(file)
}

/// The path of `file` with `.<ending>` after its whole name.
pub(crate) fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(".");
    path.push(ending);
    path.into()
}
