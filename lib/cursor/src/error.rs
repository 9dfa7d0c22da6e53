//! Errors of connections and cursors. No message contains a password.

use system::printable::printable;

/// The error that stopped a cursor. After any of these errors the cursor returns no more rows.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server reported an error, or the connection failed. [`tokio_postgres::Error::as_db_error`] returns the SQLSTATE,
    /// if any.
    #[error("{}", message(.0))]
    Postgres(#[from] tokio_postgres::Error),
    /// A page has more rows than were requested.
    #[error(
        "a page has more than the {requested} rows requested: a program between here and the server, such as a proxy, \
         ignores the size of a page; connect to the server itself"
    )]
    Overrun {
        /// The number of requested rows.
        requested: u32,
    },
    /// The server does not list the portal among its cursors, so it cannot be moved by name.
    #[error(
        "the server does not list this cursor in pg_cursors and so cannot skip rows; read and discard them instead"
    )]
    Unlisted,
}

/// The server's message, SQLSTATE and hint. tokio-postgres itself prints "db error" for every error that a server reports.
fn message(error: &tokio_postgres::Error) -> String {
    let Some(reported) = error.as_db_error() else { return error.to_string() };
    let hint = reported.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
    let message = format!("{} ({}{hint})", reported.message(), reported.code().code());
    printable(&message).into_owned()
}

/// The error that prevented a connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address cannot be used. The message does not repeat it, because it may hold a password.
    #[error("cannot use the database address: {reason}")]
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
