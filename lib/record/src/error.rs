//! Errors of reading and writing records: what happened, to which file, and what to do next.

use std::path::{Path, PathBuf};

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// An error while reading a record, or while writing a file made from one.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be opened, read, written or renamed.
    #[error("cannot {action} {}: {cause}", path.display())]
    File {
        /// The failed action, as a verb such as `read` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The operating system's error. Not named `source`, because error chains would print it twice.
        cause: std::io::Error,
    },
    /// A line of a record breaks the format's rules.
    #[error("{}, line {line}: {reason}", path.display())]
    Line {
        /// The record.
        path: PathBuf,
        /// The line's number, from 1.
        line: usize,
        /// What is wrong with the line.
        reason: String,
    },
    /// A newer program wrote the record.
    #[error(
        "{} has format version {found}, and this program reads versions up to {known}: use the program that wrote it, \
         or a newer one",
        path.display()
    )]
    Newer {
        /// The record.
        path: PathBuf,
        /// The record's version.
        found: u64,
        /// The newest version that this program reads.
        known: u32,
    },
}

impl Error {
    pub(crate) fn file(action: &'static str, path: &Path, cause: std::io::Error) -> Self {
        Self::File { action, path: path.to_owned(), cause }
    }
}
