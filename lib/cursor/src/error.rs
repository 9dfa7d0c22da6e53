//! Why there is no connection, or a cursor has stopped. No message holds a password.

use std::fmt;

/// Why a cursor has stopped. After it there are no rows.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The server or the connection; [`tokio_postgres::Error::as_db_error`] has the SQLSTATE, if there is one.
    Postgres(tokio_postgres::Error),
    /// A page came with more rows than were asked for.
    Overrun {
        /// How many rows were asked for.
        asked: u32,
    },
    /// The server does not list the portal among its cursors, so that it cannot be moved by name.
    Unlisted,
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // tokio-postgres itself says "db error" of everything that a server reports.
            Error::Postgres(error) => match error.as_db_error() {
                Some(reported) => {
                    let hint = reported.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
                    write!(out, "{} ({}{hint})", reported.message(), reported.code().code())
                }
                None => write!(out, "{error}"),
            },
            Error::Overrun { asked } => write!(
                out,
                "a page of {asked} rows was asked for and more came: something between here and the server, a proxy \
                 perhaps, ignores the size of a page; connect to the server itself"
            ),
            Error::Unlisted => write!(
                out,
                "the server does not show this cursor in pg_cursors, so that it cannot be told to skip rows: read past \
                 them instead"
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
    /// The address cannot be read. It is not repeated here, since it may hold a password.
    #[error("cannot read the database address: {reason}. Expected postgresql://user:password@host:port/database")]
    Address {
        /// What is wrong with it.
        reason: String,
    },
    /// Nobody answers at the address, or the server turned us away.
    #[error("cannot connect to {address}: {reason}")]
    Server {
        /// The address without its password.
        address: String,
        /// The server's message with its SQLSTATE, or the operating system's.
        reason: String,
    },
}
