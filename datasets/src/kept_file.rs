//! Files that are made once and kept: whole or absent, each with a note of what it should be.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::error::Error;

/// What is known of a kept file, in `<file>.facts` beside it: lines of name, TAB, value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts(Vec<(String, String)>);

impl Facts {
    /// The facts about `file`; none when there is no note or it is not readable, which means: make the file anew.
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

    /// Replaces the note beside `file`.
    pub(crate) fn write(&self, file: &Path) -> Result<(), Error> {
        let mut note = NewFile::create(&beside(file, "facts"))?;
        let text: String = self.0.iter().map(|(name, value)| format!("{name}\t{value}\n")).collect();
        note.write_all(text.as_bytes()).map_err(|source| Error::cannot("write", note.partial(), source))?;
        note.finish()
    }
}

/// How much is written at once, to a place that is a multiple of it. What is written at once, Linux keeps in its page cache
/// in one piece, if the file system lets it; and pieces of 2 MiB are mapped with one page fault each. The page cache forgets
/// it when it reads the file again from the disk.
const BLOCK: usize = 2 << 20;

/// A file that gets its name only when it is finished, so that a half-written one is never taken for it.
pub(crate) struct NewFile {
    file: File,
    /// What has not been written yet: less than a [`BLOCK`].
    block: Vec<u8>,
    partial: PathBuf,
    path: PathBuf,
}

impl NewFile {
    /// Begins `<path>.partial` anew.
    pub(crate) fn create(path: &Path) -> Result<Self, Error> {
        let partial = beside(path, "partial");
        // Anew means another file under the name: what still writes to the old one must not reach this one.
        match fs::remove_file(&partial) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::cannot("delete", &partial, error));
            }
            _ => (),
        }
        let file = File::create(&partial).map_err(|source| Error::cannot("create", &partial, source))?;
        Ok(Self { file, block: Vec::new(), partial, path: path.to_owned() })
    }

    /// Where the bytes are before the end.
    pub(crate) fn partial(&self) -> &Path {
        &self.partial
    }

    /// Gives the file its name, in place of any earlier one.
    pub(crate) fn finish(mut self) -> Result<(), Error> {
        self.flush().map_err(|source| Error::cannot("write", &self.partial, source))?;
        // Without this a power cut could leave the name with other bytes than were written.
        self.file.sync_all().map_err(|source| Error::cannot("write", &self.partial, source))?;
        fs::rename(&self.partial, &self.path).map_err(|source| Error::cannot("create", &self.path, source))
    }
}

impl Write for NewFile {
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

/// Makes `folder` if need be, and waits until no other process is making a file in it.
///
/// The lock ends with the returned file, also when the process is killed.
pub(crate) fn lock(folder: &Path) -> Result<File, Error> {
    fs::create_dir_all(folder).map_err(|source| Error::cannot("create", folder, source))?;
    let path = folder.join(".lock");
    let file = File::create(&path).map_err(|source| Error::cannot("create", &path, source))?;
    flock(&file, FlockOperation::LockExclusive).map_err(|source| Error::cannot("lock", &path, source.into()))?;
    Ok(file)
}

/// The path of `file` with `.<ending>` after its whole name.
pub(crate) fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(".");
    path.push(ending);
    path.into()
}
