//! Why there is no connection, or a cursor has stopped. No message holds a password.

use std::fmt;

/// Why a cursor has stopped. It has no more rows.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The server or the connection; [`tokio_postgres::Error::as_db_error`] has the SQLSTATE, if there is one.
    Postgres(tokio_postgres::Error),
    /// A page has more rows than were requested.
    Overrun {
        /// How many rows were requested.
        requested: u32,
    },
    /// The server does not list the portal among its cursors, so it cannot be moved by name.
    Unlisted,
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // tokio-postgres itself prints "db error" for every error that a server reports.
            Error::Postgres(error) => match error.as_db_error() {
                Some(reported) => {
                    let hint = reported.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
                    write!(out, "{} ({}{hint})", reported.message(), reported.code().code())
                }
                None => write!(out, "{error}"),
            },
            Error::Overrun { requested } => write!(
                out,
                "a page has more than the {requested} rows requested: a program between here and the server, such as a proxy, \
                 ignores the size of a page; connect to the server itself"
            ),
            Error::Unlisted => write!(
                out,
                "the server does not list this cursor in pg_cursors and so cannot skip rows; read and discard them instead"
            ),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Postgres(error) => Some(error),
            Error::Overrun { .. } | Error::Unlisted => None,
        }
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        Error::Postgres(error)
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address cannot be parsed. The message does not repeat it, because it may hold a password.
    #[error("cannot read the database address: {reason}. Write it as postgresql://user:password@host:port/database")]
    Address {
        /// What is wrong with the address.
        reason: String,
    },
    /// No server answers at the address, or the server rejected the connection.
    #[error("cannot connect to {address}: {reason}")]
    Server {
        /// The address without its password.
        address: String,
        /// The server's message with its SQLSTATE, or the operating system's.
        reason: String,
    },
}
