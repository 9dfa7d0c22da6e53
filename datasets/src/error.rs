//! Errors of making and downloading data: what happened, to which file or address, and what to do next.

use std::io;
use std::path::{Path, PathBuf};

/// Why a data set is not there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be used.
    #[error("cannot {action} {}: {cause}; check that the folder is writable and the disk has room", path.display())]
    File {
        /// The failed action, as a verb: `write`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the operating system reported. Not named `source`, because error chains would print it twice.
        cause: io::Error,
    },

    /// A recipe cannot be followed.
    #[error("cannot make these 1-grams: {0}")]
    Recipe(String),

    /// No connection to the server: no network, no such name, no program listening.
    #[error(
        "cannot reach {address} ({reason}): the download is optional, use generated 1-grams instead, which need no network"
    )]
    Unreachable {
        /// The requested address.
        address: String,
        /// Why there is no connection.
        reason: String,
    },

    /// The server answered without the file.
    #[error("{address} answered with status {status}: check the address, or use generated 1-grams instead")]
    Refused {
        /// The requested address.
        address: String,
        /// The HTTP status.
        status: u16,
    },

    /// The connection was cut too often.
    #[error(
        "{address} was cut off {attempts} times in a row, at byte {at} ({reason}): {} keeps the bytes so far, run the same \
         command again to resume",
        partial.display()
    )]
    CutOff {
        /// The requested address.
        address: String,
        /// Cuts since the last new byte.
        attempts: u32,
        /// Compressed bytes received so far.
        at: u64,
        /// How the last attempt ended.
        reason: String,
        /// The file with these bytes.
        partial: PathBuf,
    },

    /// The download is not a gzip file.
    #[error(
        "{address} is not a whole gzip file ({source}, after {at} compressed bytes): the bytes so far are deleted, run the \
         same command again to download it again"
    )]
    Corrupt {
        /// The requested address.
        address: String,
        /// Compressed bytes read before the error.
        at: u64,
        /// What the decompressor reported.
        source: io::Error,
    },

    /// More products than there are ids.
    #[error("{count} products are more than 32-bit ids allow: ask for at most {}", i32::MAX)]
    TooManyProducts {
        /// The requested number.
        count: u64,
    },
}

impl Error {
    pub(crate) fn file(action: &'static str, path: &Path, cause: io::Error) -> Self {
        Self::File { action, path: path.to_owned(), cause }
    }
}
