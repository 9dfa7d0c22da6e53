//! Why a program could not be installed, and what to do next.

use std::io;
use std::path::{Path, PathBuf};

/// Why a program is not there.
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

    /// A program of this machine that the set-up step needs did not do its work.
    #[error("`{line}` failed: {reason}")]
    Program {
        /// What was typed, so to say.
        line: String,
        /// How it ended.
        reason: String,
    },

    /// There is no browser and no way to get one.
    #[error(
        "cannot install a browser: {reason}. Install Chromium, or set CHROMIUM to a browser's path; without one the \
         report cannot be tested in a browser, and everything else works"
    )]
    NoBrowser {
        /// What stands in the way.
        reason: String,
    },
}

impl Error {
    pub(crate) fn cannot(action: &'static str, path: &Path, cause: io::Error) -> Self {
        Self::File { action, path: path.to_owned(), cause }
    }
}
