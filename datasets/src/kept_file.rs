//! Files that are made once and kept. A kept file is complete or absent, and has a metadata file beside it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use system::atomic_file;

use crate::error::Error;

/// The metadata of a kept file. They are in `<file>.facts`, as lines of name, TAB, value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Metadata(Vec<(String, String)>);

impl Metadata {
    /// Reads the metadata of `file`. `None` if the metadata are missing or unreadable. The file must then be made
    /// again.
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

/// The size of one write in bytes. Each write begins at a multiple of this size. If the file system allows, Linux then
/// keeps each block in one piece of the page cache, and maps 2 MiB with one page fault. This ends when Linux reads the
/// file from the disk again.
const BLOCK: usize = 2 << 20;

/// A file that gets its final name only when it is complete, so that an incomplete file never has that name.
///
/// Unlike an [`atomic_file`], the file has a fixed temporary name, `<path>.partial`. A killed process may leave
/// gigabytes behind, and the next attempt reuses that name. [`lock`] excludes a second process.
pub(crate) struct PartialFile {
    file: File,
    /// The bytes that are not yet written, fewer than [`BLOCK`].
    block: Vec<u8>,
    /// The path of the bytes until [`finish`](Self::finish).
    pub(crate) partial: PathBuf,
    path: PathBuf,
}

impl PartialFile {
    /// Creates `<path>.partial` and deletes an earlier one.
    pub(crate) fn create(path: &Path) -> Result<Self, Error> {
        let partial = beside(path, "partial");
        // This must be a new file, because another process may still write to the old one.
        match fs::remove_file(&partial) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::file("delete", &partial, error));
            }
            _ => (),
        }
        let file = File::create(&partial).map_err(|cause| Error::file("create", &partial, cause))?;
        Ok(Self { file, block: Vec::new(), partial, path: path.to_owned() })
    }

    /// Gives the file its final name and replaces an earlier file.
    pub(crate) fn finish(mut self) -> Result<(), Error> {
        // Without `sync_all`, the file could have wrong contents under the final name after a power cut.
        let written = self.flush().and_then(|()| self.file.sync_all());
        written.map_err(|cause| Error::file("write", &self.partial, cause))?;
        // The metadata of an earlier file must never describe this file.
        let _ = fs::remove_file(beside(&self.path, "facts"));
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

/// Lets `make` make the file `path`, unless the metadata of an earlier file satisfy `is_kept`. If two processes call
/// this at the same time, the second waits.
///
/// A file that is there needs no lock, so its folder need not be writable.
pub(crate) fn keep(
    path: &Path,
    is_kept: impl Fn(&Metadata) -> bool,
    make: impl FnOnce() -> Result<(), Error>,
) -> Result<(), Error> {
    let is_there = || Metadata::read(path).is_some_and(|metadata| is_kept(&metadata));
    if is_there() {
        return Ok(());
    }
    let _lock = lock(path.parent().unwrap_or(Path::new(".")))?;
    if is_there() { Ok(()) } else { make() }
}

/// Creates `folder` if it is missing, and waits until no other process makes a file there.
///
/// The lock ends when the returned file is closed or the process ends. `None` if the folder is read-only, because making
/// a file there fails with a message that names the file.
fn lock(folder: &Path) -> Result<Option<File>, Error> {
    fs::create_dir_all(folder).map_err(|cause| Error::file("create", folder, cause))?;
    let path = folder.join(".lock");
    let file = match File::create(&path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) => {
            return Ok(None);
        }
        Err(error) => return Err(Error::file("create", &path, error)),
    };
    flock(&file, FlockOperation::LockExclusive).map_err(|cause| Error::file("lock", &path, cause.into()))?;
    Ok(Some(file))
}

/// Returns the path of `file` with `.<ending>` appended.
pub(crate) fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(".");
    path.push(ending);
    path.into()
}
