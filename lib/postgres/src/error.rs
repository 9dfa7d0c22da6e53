//! What can go wrong with a server, in sentences that name the next step and never a password.

use std::path::{Path, PathBuf};

use cursor::explain;

/// The result of anything that needs the server.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why there is no server, no connection or no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No PostgreSQL on this machine that we may use.
    #[error("found no PostgreSQL server on this machine. Looked at:\n{}\n{advice}", indented(.tried))]
    NotFound {
        /// One line per place: where, and why not.
        tried: Vec<String>,
        /// What the user can do about it.
        advice: String,
    },
    /// There is no connection.
    #[error(transparent)]
    Connection(#[from] cursor::connection_error::Error),
    /// The server refused or failed a statement.
    #[error("{doing}: {reason}")]
    Database {
        /// What we were doing.
        doing: String,
        /// The server's message with its SQLSTATE.
        reason: String,
    },
    /// The table asked for cannot be made.
    #[error("{0}")]
    Products(String),
    /// The server's programs are there but do not come up.
    #[error("{doing} failed: {reason}. {advice}{}", quoted(.log))]
    Start {
        /// The program and what it was doing.
        doing: String,
        /// How it ended.
        reason: String,
        /// What the user can do about it.
        advice: String,
        /// The last lines of the server's log.
        log: String,
    },
    /// A file, folder or program of ours cannot be used.
    #[error("cannot {doing} {path}: {source}")]
    Io {
        /// A verb: "create", "read".
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// One way to install a server has failed.
    #[error(transparent)]
    Package(#[from] packages::Error),
    /// The set-up step could not install a server.
    #[error("cannot install PostgreSQL:\n{}\n{advice}", indented(.reasons))]
    Install {
        /// One for each way that was tried.
        reasons: Vec<String>,
        /// The line to type instead.
        advice: String,
    },
}

impl Error {
    /// For `.map_err(Error::io("read", &path))`.
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.to_path_buf();
        move |source| Error::Io { doing, path, source }
    }

    /// For `.map_err(Error::database("count the rows"))`.
    pub(crate) fn database(doing: impl Into<String>) -> impl FnOnce(tokio_postgres::Error) -> Error {
        let doing = doing.into();
        move |error| Error::Database { doing, reason: explain(&error) }
    }
}

fn indented(lines: &[String]) -> String {
    lines.iter().map(|line| format!("  - {line}")).collect::<Vec<_>>().join("\n")
}

fn quoted(log: &str) -> String {
    if log.is_empty() { String::new() } else { format!("\nThe server's last lines:\n{log}") }
}
