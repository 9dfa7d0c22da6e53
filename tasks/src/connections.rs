//! A pool of idle connections. With an idle connection, a run begins with its transaction, not with a login.

use postgres::{Driver, connect};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use strategies::{Error, Result};
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

/// A connection: the client and the driver.
pub(crate) type Connection = (Client, Driver);

/// The pool of connections to one server.
pub(crate) struct Connections {
    url: String,
    /// The time that the server may be silent during a query; `None` for no limit.
    silence: Option<Duration>,
    idle: Mutex<Vec<Connection>>,
}

impl Connections {
    pub(crate) fn to(url: String, silence: Option<Duration>) -> Self {
        Connections { url, silence, idle: Mutex::default() }
    }

    /// Returns an idle connection, or a new one.
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

    /// Keeps a connection for the next run. After an error the caller must drop the connection instead.
    pub(crate) fn give_back(&self, connection: Connection) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }
}

/// The error that stopped the reading of rows.
pub(crate) enum Trouble {
    /// An error of the cursor, the server or the connection.
    Cursor(cursor::Error),
    /// A row that cannot be read.
    Row(Error),
}

impl Trouble {
    /// Makes the error of a task that had received `rows` rows over the connection of `driver`.
    pub(crate) fn after(self, rows: u64, driver: &Driver) -> Error {
        let when = match (&self, rows) {
            (Trouble::Row(_), _) => format!("row {}", rows + 1),
            (_, 0) => "before the first row".to_owned(),
            (_, 1) => "after 1 row".to_owned(),
            (_, rows) => format!("after {rows} rows"),
        };
        Error::task(format!("{when}: {}", self.reason(driver)))
    }

    /// Describes the error on the connection of `driver` and the remedy.
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
