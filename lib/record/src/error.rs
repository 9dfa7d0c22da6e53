//! What can go wrong between a record and its page, said so that the reader knows what to do next.

use std::path::{Path, PathBuf};

/// What a function of this crate returns.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a record could not be read or its page not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be opened, read, written or renamed.
    #[error("cannot {action} {}: {cause}", path.display())]
    File {
        /// What was tried, as a verb: `read`, `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said. Not called the source, for then it would be told twice.
        cause: std::io::Error,
    },
    /// A line of a record is not what the format asks for.
    #[error("{}, line {line}: {reason}", path.display())]
    Line {
        /// The record.
        path: PathBuf,
        /// The line's number, counted from 1.
        line: usize,
        /// What is wrong with it, and what to do about it.
        reason: String,
    },
    /// The record was written by a newer program.
    #[error(
        "{} has format version {found}, and this program reads versions up to {known}: use the program that wrote it, \
         or a newer one",
        path.display()
    )]
    Newer {
        /// The record.
        path: PathBuf,
        /// The version it states.
        found: u64,
        /// The newest version that is known here.
        known: u32,
    },
}

impl Error {
    pub(crate) fn file(action: &'static str, path: &Path, cause: std::io::Error) -> Self {
        Self::File { action, path: path.to_owned(), cause }
    }
}
