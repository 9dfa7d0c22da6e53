//! Connections that no run uses at the moment, so that a run begins with its transaction and not with a login.

use crate::cursor;
use datasets::postgres::{Driver, connect, explain};
use std::sync::{Mutex, PoisonError};
use strategies::{Error, Result};
use tokio_postgres::Client;

/// Both halves of a connection.
pub(crate) type Connection = (Client, Driver);

/// Connections to one server.
pub(crate) struct Connections {
    url: String,
    idle: Mutex<Vec<Connection>>,
}

impl Connections {
    pub(crate) fn to(url: String) -> Self {
        Connections { url, idle: Mutex::default() }
    }

    /// One that is idle, or a new one.
    pub(crate) fn take(&self) -> Result<Connection> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match idle {
            Some(connection) => Ok(connection),
            None => connect(&self.url).map_err(Error::task),
        }
    }

    /// Keeps a connection for the next run. One that has met an error is dropped instead.
    pub(crate) fn give_back(&self, connection: Connection) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }
}

/// What stopped the reading of rows.
pub(crate) enum Trouble {
    /// The cursor, the server or the connection.
    Cursor(cursor::Error),
    /// A row that is not what it should be.
    Row(Error),
}

impl Trouble {
    /// The error of a task that had read so many rows.
    pub(crate) fn after(self, rows: u64) -> Error {
        match self {
            Trouble::Cursor(cursor::Error::Postgres(error)) => {
                Error::task(format!("after {rows} rows: {}", explain(&error)))
            }
            Trouble::Cursor(error) => Error::task(format!("after {rows} rows: {error}")),
            Trouble::Row(error) => Error::task(format!("row {}: {error}", rows + 1)),
        }
    }
}

impl From<cursor::Error> for Trouble {
    fn from(error: cursor::Error) -> Self {
        Trouble::Cursor(error)
    }
}

impl From<tokio_postgres::Error> for Trouble {
    fn from(error: tokio_postgres::Error) -> Self {
        Trouble::Cursor(error.into())
    }
}
