//! The settings that the database server reports.

use postgres::{connect_within, explain};
use std::time::Duration;

/// How long the doctor waits for a connection, and then for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The settings of a PostgreSQL server that change how fast it reads a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The size of the server's buffers, in bytes.
    pub buffer_bytes: u64,
    /// The size of the table, in bytes. `None` if there is no table yet.
    pub table_bytes: Option<u64>,
    /// The statements that the server logs: `none`, `ddl`, `mod` or `all`.
    pub logged: String,
}

impl Settings {
    /// Asks the server at `url` for its settings and the size of `table`.
    ///
    /// # Errors
    /// When the server gives no answer. The error is the reason.
    pub fn ask(url: &str, table: Option<&str>) -> Result<Self, String> {
        let (client, mut driver) = connect_within(PATIENCE, url).map_err(|error| error.to_string())?;
        driver.limit_silence(PATIENCE);
        // The size of a missing table is NULL, which is not an error here.
        let query = "SELECT pg_size_bytes(current_setting('shared_buffers')), \
                     pg_total_relation_size(to_regclass($1)), current_setting('log_statement')";
        let row = driver.block_on(client.query_one(query, &[&table])).map_err(|error| driver.explain(&error))?;
        let (buffers, table, logged): (i64, Option<i64>, String) =
            (|| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)))().map_err(|error| explain(&error))?;
        let bytes = |size: i64| u64::try_from(size).unwrap_or_default();
        Ok(Settings { buffer_bytes: bytes(buffers), table_bytes: table.map(bytes), logged })
    }
}
