//! Why a program cannot be installed, and what to do next.

use std::io;
use std::path::{Path, PathBuf};

/// Why a program cannot be installed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder cannot be used.
    #[error("cannot {action} {}: {cause}; check that the folder may be written and the disk has room", path.display())]
    File {
        /// A verb, as in "cannot write".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's reason. It is not named `source`, because then error chains would print it twice.
        cause: io::Error,
    },

    /// A program that the set-up step runs has failed.
    #[error("`{line}` failed: {reason}")]
    Program {
        /// The program and its arguments.
        line: String,
        /// How the program ended.
        reason: String,
    },

    /// There is no browser, and none can be installed.
    #[error(
        "cannot install a browser: {reason}. Install Chromium, or set CHROMIUM to a browser's path; without one, \
         everything works except the tests of the report in a browser"
    )]
    NoBrowser {
        /// What prevents it.
        reason: String,
    },
}

impl Error {
    pub(crate) fn cannot(action: &'static str, path: &Path, cause: io::Error) -> Self {
        Self::File { action, path: path.to_owned(), cause }
    }
}
