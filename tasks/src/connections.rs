//! Idle connections, kept so that a run begins with its transaction and not with a login.

use postgres::{Driver, connect};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use strategies::{Error, Result};
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

/// Both halves of a connection.
pub(crate) type Connection = (Client, Driver);

/// Connections to one server.
pub(crate) struct Connections {
    url: String,
    /// How long the server may be silent during a query; `None` waits for ever.
    silence: Option<Duration>,
    idle: Mutex<Vec<Connection>>,
}

impl Connections {
    pub(crate) fn to(url: String, silence: Option<Duration>) -> Self {
        Connections { url, silence, idle: Mutex::default() }
    }

    /// An idle connection, or a new one.
    pub(crate) fn take(&self) -> Result<Connection> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(connection) = idle {
            return Ok(connection);
        }
        let (client, mut driver) = connect(&self.url).map_err(Error::task)?;
        if let Some(silence) = self.silence {
            driver.limit_silence(silence);
        }
        Ok((client, driver))
    }

    /// Keeps a connection for the next run. A caller drops a connection after an error instead.
    pub(crate) fn give_back(&self, connection: Connection) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }
}

/// What stopped the reading of rows.
pub(crate) enum Trouble {
    /// The cursor, the server or the connection.
    Cursor(cursor::Error),
    /// A row that cannot be read.
    Row(Error),
}

impl Trouble {
    /// The error of a task that had received so many `rows` on the driver's connection.
    pub(crate) fn after(self, rows: u64, driver: &Driver) -> Error {
        let when = match (&self, rows) {
            (Trouble::Row(_), _) => format!("row {}", rows + 1),
            (_, 0) => "before the first row".to_owned(),
            (_, 1) => "after 1 row".to_owned(),
            (_, rows) => format!("after {rows} rows"),
        };
        Error::task(format!("{when}: {}", self.reason(driver)))
    }

    /// What has happened on the driver's connection, and what to do next.
    pub(crate) fn reason(self, driver: &Driver) -> String {
        match self {
            Trouble::Cursor(cursor::Error::Postgres(error)) => {
                let hint = match error.code() {
                    Some(&SqlState::UNDEFINED_COLUMN) => "; it needs product_id (integer) and product_name (text)",
                    _ if driver.timed_out() => " (--silence)",
                    _ => "",
                };
                format!("{}{hint}", driver.explain(&error))
            }
            Trouble::Cursor(error) => error.to_string(),
            Trouble::Row(error) => error.to_string(),
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
