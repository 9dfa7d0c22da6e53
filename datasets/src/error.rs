//! The errors of making and downloading data. Each message names the file or address and says what to do next.

use std::io;
use std::path::{Path, PathBuf};

/// The error of a data set that cannot be made or downloaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be used.
    #[error("cannot {action} {}: {cause}; check that the folder is writable and the disk has room", path.display())]
    File {
        /// The failed action as a verb, such as `write`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system. It is not named `source`, because error chains would then print it twice.
        cause: io::Error,
    },

    /// A file that the user named is not a file of 1-grams or cannot be read.
    #[error("{0}")]
    Input(String),

    /// The recipe is impossible.
    #[error("cannot make these 1-grams: {0}")]
    Recipe(String),

    /// There is no connection to the server. The network, the host name or the server program is missing.
    #[error(
        "cannot reach {address} ({reason}): the download is optional, use generated 1-grams instead, which need no network"
    )]
    Unreachable {
        /// The requested address.
        address: String,
        /// The reason why there is no connection.
        reason: String,
    },

    /// The server answered, but did not send the file.
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
        /// The number of cuts since the last new byte.
        attempts: u32,
        /// The number of compressed bytes received so far.
        at: u64,
        /// The error of the last attempt.
        reason: String,
        /// The file with the bytes received so far.
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
        /// The number of compressed bytes read before the error.
        at: u64,
        /// The error of the decompressor.
        source: io::Error,
    },

    /// The number of products exceeds the number of ids.
    #[error("{count} products are more than 32-bit ids allow: ask for at most {}", i32::MAX)]
    TooManyProducts {
        /// The requested number of products.
        count: u64,
    },
}

/// Shows a path without control characters, which a terminal would obey.
pub(crate) fn shown(path: &Path) -> String {
    let letters = path.display().to_string();
    let shown = letters.chars().map(|letter| match letter.is_control() {
        true => letter.escape_default().to_string(),
        false => letter.to_string(),
    });
    shown.collect()
}

impl Error {
    pub(crate) fn file(action: &'static str, path: &Path, cause: io::Error) -> Self {
        Self::File { action, path: path.to_owned(), cause }
    }
}
