//! Why a server does not come up or does not answer. Each message names the next step and never a password.

use std::path::{Path, PathBuf};

use cursor::{Driver, explain};

/// The result of anything that needs the server.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why there is no server, no connection or no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The search found no PostgreSQL that we may use.
    #[error("found no PostgreSQL server on this machine. Looked at:\n{}\n{hint}", indented(.tried))]
    NotFound {
        /// One line per place: where, and why not.
        tried: Vec<String>,
        /// What the user can do about it.
        hint: String,
    },
    /// There is no connection.
    #[error(transparent)]
    Connection(#[from] cursor::ConnectError),
    /// The server refused or failed a statement.
    #[error("{doing}: {reason}")]
    Database {
        /// What we were doing.
        doing: String,
        /// The server's message with its SQLSTATE.
        reason: String,
    },
    /// A table does not have the expected number of rows.
    #[error("{table} has {rows} rows instead of {expected}; load it again")]
    Rows {
        /// The table's qualified name.
        table: String,
        /// The number of rows that were loaded.
        expected: u64,
        /// Rows that the server counted.
        rows: u64,
    },
    /// The server's programs are there but do not come up.
    #[error("{doing} failed: {reason}. {hint}{}", quoted(.log))]
    Start {
        /// The program and what it was doing.
        doing: String,
        /// How it ended.
        reason: String,
        /// What the user can do about it.
        hint: String,
        /// The last lines of the server's log.
        log: String,
    },
    /// A file, folder or program of ours cannot be used.
    #[error("cannot {doing} {path}: {source}")]
    Io {
        /// A verb: "create", "read".
        doing: &'static str,
        /// What the verb applies to.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// One method of installing a server has failed.
    #[error(transparent)]
    Package(#[from] packages::Error),
    /// The set-up step could not install a server.
    #[error("cannot install PostgreSQL:\n{}\n{hint}", indented(.reasons))]
    Install {
        /// One for each method that was tried.
        reasons: Vec<String>,
        /// A command that installs a server by hand.
        hint: String,
    },
}

impl Error {
    /// For `.map_err(Error::io("read", &path))`.
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.to_path_buf();
        move |source| Error::Io { doing, path, source }
    }

    /// For `.map_err(Error::database("cannot count the rows"))`.
    pub(crate) fn database(doing: impl Into<String>) -> impl FnOnce(tokio_postgres::Error) -> Error {
        let doing = doing.into();
        move |error| Error::Database { doing, reason: explain(&error) }
    }

    /// As [`Error::database`], on a connection that may know better why it was closed.
    pub(crate) fn on(driver: &Driver, doing: impl Into<String>) -> impl FnOnce(tokio_postgres::Error) -> Error {
        let doing = doing.into();
        move |error| Error::Database { doing, reason: driver.explain(&error) }
    }
}

fn indented(lines: &[String]) -> String {
    lines.iter().map(|line| format!("  - {line}")).collect::<Vec<_>>().join("\n")
}

fn quoted(log: &str) -> String {
    if log.is_empty() { String::new() } else { format!("\nThe server's last lines:\n{log}") }
}
