//! What can go wrong with data: to which file or address, and what to do next.

use std::io;
use std::path::{Path, PathBuf};

/// Why a data set is not there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be used.
    #[error("cannot {action} {}: {cause}; check that the folder may be written and the disk has room", path.display())]
    File {
        /// What was tried: a verb, as in "cannot write".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said. Not called the source, for then it would be told twice.
        cause: io::Error,
    },

    /// The recipe of a file asks for what cannot be.
    #[error("no 1-grams can be made so: {0}")]
    Recipe(String),

    /// There is no way to the server: no network, no such name, nobody listening.
    #[error(
        "cannot reach {address} ({reason}): the download is optional, and the generated 1-grams are the alternative that \
         needs no network"
    )]
    Unreachable {
        /// The address asked for.
        address: String,
        /// What stopped it.
        reason: String,
    },

    /// The server answered, and not with the file.
    #[error("{address} answered with status {status}: check the address, or use the generated 1-grams instead")]
    Refused {
        /// The address asked for.
        address: String,
        /// The HTTP status.
        status: u16,
    },

    /// The connection was cut again and again before the end.
    #[error(
        "{address} was cut off {attempts} times in a row, at byte {at} ({reason}): what came is kept in {}, so run the \
         same command again to go on from there",
        partial.display()
    )]
    CutOff {
        /// The address asked for.
        address: String,
        /// Cuts since the last new byte.
        attempts: u32,
        /// Compressed bytes received so far.
        at: u64,
        /// How the last attempt ended.
        reason: String,
        /// Where they are.
        partial: PathBuf,
    },

    /// What was downloaded is no gzip file.
    #[error(
        "{address} is not a whole gzip file ({source}, after {at} compressed bytes): what came has been deleted, so run \
         the same command again to download it anew"
    )]
    Corrupt {
        /// The address asked for.
        address: String,
        /// Compressed bytes read before.
        at: u64,
        /// What the decompressor said.
        source: io::Error,
    },

    /// More products than there are ids.
    #[error("{count} products are more than a 32-bit product_id can number: ask for {} at most", i32::MAX)]
    TooManyProducts {
        /// How many were asked for.
        count: u64,
    },
}

impl Error {
    pub(crate) fn cannot(action: &'static str, path: &Path, cause: io::Error) -> Self {
        Self::File { action, path: path.to_owned(), cause }
    }
}
