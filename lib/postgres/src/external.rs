//! A place of our own on a server that somebody gave us: one schema, made by us and dropped by us; nothing else is
//! touched.

use std::hash::{BuildHasher, RandomState};

use tokio_postgres::error::SqlState;

use crate::discovery::OLDEST;
use crate::error::{Error, Result};
use cursor::connection::{connect, masked};
use cursor::explain;

/// Our schema on the server at `url`.
#[derive(Debug)]
pub(crate) struct Given {
    url: String,
    pub(crate) schema: String,
    /// The address without its password.
    pub(crate) shown: String,
    dropped: bool,
}

impl Given {
    /// Makes a schema with a name nobody else has.
    pub(crate) fn claim(url: &str) -> Result<Given> {
        let (client, mut driver) = connect(url)?;
        let shown = url.parse().map(|config| masked(&config)).unwrap_or_default();
        let row = driver
            .block_on(client.query_one(
                "SELECT current_setting('server_version_num')::int, current_user::text, current_database()::text",
                &[],
            ))
            .map_err(Error::database(format!("cannot ask {shown} for its version")))?;
        let (number, user, database): (i32, &str, &str) = (row.get(0), row.get(1), row.get(2));
        if number / 10_000 < OLDEST as i32 {
            let reason = format!("it is PostgreSQL {}, and at least {OLDEST} is needed", number / 10_000);
            return Err(cursor::connection_error::Error::Connect { address: shown, reason }.into());
        }
        let schema = format!("goldilocks_{}_{}", std::process::id(), unique());
        let statement =
            format!("CREATE SCHEMA {schema}; COMMENT ON SCHEMA {schema} IS 'goldilocks: dropped at its end'");
        driver.block_on(client.batch_execute(&statement)).map_err(|error| {
            let mut reason = explain(&error);
            if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) {
                reason.push_str(&format!(
                    ". Let the user make schemas: GRANT CREATE ON DATABASE \"{database}\" TO \"{user}\";"
                ));
            }
            Error::Database { doing: format!("cannot make a schema of our own on {shown}"), reason }
        })?;
        Ok(Given { url: url.into(), schema, shown, dropped: false })
    }

    /// Drops the schema and what is in it. Calling it again does nothing.
    pub(crate) fn release(&mut self) -> Result<()> {
        if std::mem::replace(&mut self.dropped, true) {
            return Ok(());
        }
        let doing = format!("cannot drop schema {} on {}; please drop it", self.schema, self.shown);
        let (client, mut driver) = connect(&self.url)?;
        driver
            .block_on(client.batch_execute(&format!("DROP SCHEMA IF EXISTS {} CASCADE", self.schema)))
            .map_err(Error::database(doing))
    }
}

impl Drop for Given {
    fn drop(&mut self) {
        if let Err(error) = self.release() {
            // Nobody is left to return it to, and the schema takes space on somebody's server.
            eprintln!("{error}");
        }
    }
}

/// Eight characters that differ from call to call: the standard library seeds its hashers from the system's randomness.
pub(crate) fn unique() -> String {
    format!("{:08x}", RandomState::new().hash_one(std::process::id()) as u32)
}
