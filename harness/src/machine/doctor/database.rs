//! What the database server says of itself.

use super::{Observations, found};
use postgres::{connect, explain};
use record::{Check, Verdict};

/// The settings of a PostgreSQL server that change how fast a table is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// What it may keep in memory of its own, in bytes.
    pub buffer_bytes: u64,
    /// How large the table is, in bytes; nothing if none is named yet.
    pub table_bytes: Option<u64>,
    /// Which statements it writes to its log: `none`, `ddl`, `mod` or `all`.
    pub logged: String,
}

impl Settings {
    /// Asks the server at `url`, and how large `table` is.
    ///
    /// # Errors
    /// Why it cannot be asked.
    pub fn ask(url: &str, table: Option<&str>) -> Result<Self, String> {
        let (client, mut driver) = connect(url).map_err(|error| error.to_string())?;
        // A table that is not there has no size, and that is no error here.
        let wanted = "SELECT pg_size_bytes(current_setting('shared_buffers')), \
                      pg_total_relation_size(to_regclass($1)), current_setting('log_statement')";
        let row = driver.block_on(client.query_one(wanted, &[&table])).map_err(|error| explain(&error))?;
        let (buffers, table, logged): (i64, Option<i64>, String) =
            (|| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)))().map_err(|error| explain(&error))?;
        let bytes = |size: i64| u64::try_from(size).unwrap_or_default();
        Ok(Settings { buffer_bytes: bytes(buffers), table_bytes: table.map(bytes), logged })
    }
}

/// Whether the server is set up to answer from memory, without writing down what it is asked.
pub(super) fn check(observations: &Observations) -> Check {
    let settings = match &observations.database {
        None => return found("database", Verdict::Unknown, "no database server is running yet that could be asked"),
        Some(Err(reason)) => {
            return found("database", Verdict::Unknown, format!("the database server cannot be asked: {reason}"));
        }
        Some(Ok(settings)) => settings,
    };
    let buffers = settings.buffer_bytes >> 20;
    if settings.logged == "all" {
        let cure = "set log_statement to none";
        return found("database", Verdict::Warn, format!("the database server logs every statement: {cure}"));
    }
    match settings.table_bytes {
        None => found("database", Verdict::Ok, format!("the database server has {buffers} MiB of buffers")),
        Some(table) if table > settings.buffer_bytes => {
            let cure = "set shared_buffers higher, or --rows lower";
            let seen = format!("the database server has {buffers} MiB of buffers for a table of {} MiB", table >> 20);
            found("database", Verdict::Warn, format!("{seen}, so pages are read again and again: {cure}"))
        }
        Some(table) => {
            let seen = format!("{} MiB of table in {buffers} MiB of buffers", table >> 20);
            found("database", Verdict::Ok, format!("the database server answers from memory: {seen}"))
        }
    }
}
