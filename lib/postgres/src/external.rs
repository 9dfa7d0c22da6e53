//! A schema of our own on an external server. Nothing else on that server is touched.

use tokio_postgres::error::SqlState;

use crate::error::{Error, Result};
use crate::places::OLDEST;
use crate::unique::unique;
use cursor::{ConnectError, connect, explain, masked};

/// A schema that we created on the server at `url`.
#[derive(Debug)]
pub(crate) struct ExternalSchema {
    url: String,
    pub(crate) name: String,
    /// The address without its password.
    pub(crate) shown: String,
    dropped: bool,
}

impl ExternalSchema {
    /// Creates a schema with a unique name.
    pub(crate) fn create(url: &str) -> Result<ExternalSchema> {
        let (client, mut driver) = connect(url)?;
        let shown = url.parse().map(|config| masked(&config)).unwrap_or_default();
        let row = driver
            .block_on(client.query_one(
                "SELECT current_setting('server_version_num')::int, current_user::text, current_database()::text",
                &[],
            ))
            .map_err(Error::database(format!("cannot read the version of {shown}")))?;
        let (number, user, database): (i32, &str, &str) = (row.get(0), row.get(1), row.get(2));
        let major = number / 10_000;
        if major < OLDEST as i32 {
            let reason = format!("it is PostgreSQL {major}; use {OLDEST} or newer");
            return Err(ConnectError::Server { address: shown, reason }.into());
        }
        let name = format!("goldilocks_{}_{}", std::process::id(), unique());
        let statement =
            format!("CREATE SCHEMA {name}; COMMENT ON SCHEMA {name} IS 'goldilocks: dropped when the program ends'");
        driver.block_on(client.batch_execute(&statement)).map_err(|error| {
            let mut reason = explain(&error);
            if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) {
                reason.push_str(&format!(". Run `GRANT CREATE ON DATABASE \"{database}\" TO \"{user}\";`"));
            }
            Error::Database { doing: format!("cannot create a schema on {shown}"), reason }
        })?;
        Ok(ExternalSchema { url: url.into(), name, shown, dropped: false })
    }

    /// Drops the schema and what is in it. Calling it again does nothing.
    pub(crate) fn drop_schema(&mut self) -> Result<()> {
        if std::mem::replace(&mut self.dropped, true) {
            return Ok(());
        }
        let doing = format!("cannot drop schema {} on {}; please drop it", self.name, self.shown);
        let (client, mut driver) = connect(&self.url)?;
        driver
            .block_on(client.batch_execute(&format!("DROP SCHEMA IF EXISTS {} CASCADE", self.name)))
            .map_err(Error::database(doing))
    }
}

impl Drop for ExternalSchema {
    fn drop(&mut self) {
        if let Err(error) = self.drop_schema() {
            // `drop` cannot return it, and the schema takes space on a server that is not ours.
            eprintln!("{error}");
        }
    }
}
