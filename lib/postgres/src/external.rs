//! A schema of our own, or a given table, on an external server. Nothing else on that server is touched.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::error::{Error, Result};
use crate::leftovers;
use crate::places::OLDEST;
use crate::unique::unique;
use cursor::{Address, ConnectError, Driver, connect, connect_unless};
use system::printable::printable;
use system::printing::say;

/// What bounds the waits for an external server.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    /// Once it is true, every wait ends with an error.
    pub stop: Option<Arc<AtomicBool>>,
    /// How long the server may be silent while it works.
    pub silence: Option<Duration>,
}

/// The settings that can change a figure, as an SQL list. The record names them.
const RECORDED_SETTINGS: &str = "'shared_buffers', 'fsync', 'synchronize_seqscans', 'jit', \
                                 'max_parallel_workers_per_gather', 'autovacuum', 'max_connections', 'io_method', 'server_encoding'";

/// The least bytes per second at which a server freezes and reads a table, so that a large one may be silent for longer.
const SLOWEST: u64 = 10_000_000;

/// How long the end of a program waits for others to let go of its schema.
const PATIENCE: Duration = Duration::from_secs(30);

impl Limits {
    /// Connects; no wait on the connection is longer than the server needs to work on `bytes`.
    pub(crate) fn connect(&self, url: &str, bytes: u64) -> Result<(Client, Driver)> {
        let (client, mut driver) = match &self.stop {
            Some(stop) => connect_unless(stop, url)?,
            None => connect(url)?,
        };
        if let Some(silence) = self.silence {
            driver.limit_silence(silence.saturating_add(Duration::from_secs(bytes / SLOWEST)));
        }
        Ok((client, driver))
    }
}

/// Why a pooler in this mode is refused: after a `COPY` it loses an answer, and its client waits for ever.
const POOLED: &str = "it is a pooler that gives each transaction another session of the server (pgbouncer with \
                      pool_mode=transaction), which loses prepared statements; connect to the server itself, or to a pool \
                      with pool_mode=session";

/// The session of a connection. A simple query, because a pooler may not know prepared statements.
fn backend(client: &Client, driver: &mut Driver) -> Option<String> {
    let question = "SELECT pg_backend_pid(), pg_postmaster_start_time()";
    let answer = driver.block_on(client.simple_query(question)).ok()?;
    answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(format!("{} {}", row.get(0)?, row.get(1)?)),
        _ => None,
    })
}

/// A connection to an external server, and that server's address.
struct External {
    url: String,
    /// The address without its password.
    shown: String,
    client: Client,
    driver: Driver,
}

impl External {
    /// Connects to the server at `address`, which the environment completes.
    fn open(address: &str, limits: &Limits) -> Result<External> {
        let address = Address::given(address, |name| std::env::var(name).ok())?;
        let (url, shown) = (address.text(), address.shown());
        let (client, mut driver) = limits.connect(&url, 0)?;
        // A user who may have only one connection has no pooler to fear.
        if let Ok((other, mut others)) = limits.connect(&url, 0)
            && let Some(one) = backend(&client, &mut driver)
            && let Some(two) = backend(&other, &mut others)
            // Either both got the same session, or the first got another one for its second transaction.
            && (one == two || backend(&client, &mut driver).is_some_and(|again| again != one))
        {
            return Err(ConnectError::Server { address: shown, reason: POOLED.into() }.into());
        }
        Ok(External { url, shown, client, driver })
    }
}

/// A schema that we created on the server at `url`.
#[derive(Debug)]
pub(crate) struct ExternalSchema {
    pub(crate) url: String,
    pub(crate) name: String,
    /// The address without its password.
    pub(crate) shown: String,
    /// What the user should know about schemas of earlier programs.
    pub(crate) remarks: Vec<String>,
    dropped: bool,
}

impl ExternalSchema {
    /// Creates a schema with a unique name, and drops those that killed programs of this machine have left.
    pub(crate) fn create(address: &str, limits: &Limits) -> Result<ExternalSchema> {
        let External { url, shown, client, mut driver } = External::open(address, limits)?;
        let question = "SELECT current_setting('server_version_num')::int, current_user::text, \
                        current_database()::text, current_setting('server_encoding')";
        let asked = driver.block_on(async {
            let row = client.query_one(question, &[]).await?;
            Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?))
        });
        let (number, user, database, encoding): (i32, String, String, String) =
            asked.map_err(Error::on(&driver, format!("cannot read the version of {shown}")))?;
        let major = number / 10_000;
        if major < OLDEST as i32 {
            let reason = format!("it is PostgreSQL {major}; use {OLDEST} or newer");
            return Err(ConnectError::Server { address: shown, reason }.into());
        }
        if encoding != "UTF8" {
            let reason = format!(
                "its encoding is {encoding}, but the rows to load need UTF8; create a database with `CREATE DATABASE bench \
                 TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'`, and name it in the address"
            );
            return Err(Error::Database { doing: format!("cannot use database {database} of {shown}"), reason });
        }
        let remarks = leftovers::drop_those_of_killed_programs(&client, &mut driver, &shown);
        let name = format!("goldilocks_{}_{}", std::process::id(), unique());
        // One transaction, because without its comment a schema could never be told from one in use.
        let statement = format!(
            "BEGIN; CREATE SCHEMA {name}; COMMENT ON SCHEMA {name} IS '{}'; COMMIT",
            leftovers::mark_of_this_program()
        );
        driver.block_on(client.batch_execute(&statement)).map_err(|error| {
            let mut reason = driver.explain(&error);
            if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) {
                reason.push_str(&format!(". Run `GRANT CREATE ON DATABASE \"{database}\" TO \"{user}\";`"));
            }
            if error.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION) {
                reason.push_str(
                    ". Name a server that may be written to; target_session_attrs=read-write selects one of several",
                );
            }
            Error::Database { doing: format!("cannot create a schema on {shown}"), reason }
        })?;
        Ok(ExternalSchema { url, name, shown, remarks, dropped: false })
    }

    /// Drops the schema and what is in it. Calling it again does nothing.
    pub(crate) fn drop_schema(&mut self) -> Result<()> {
        if std::mem::replace(&mut self.dropped, true) {
            return Ok(());
        }
        let doing = format!("cannot drop schema {} on {}; please drop it", self.name, self.shown);
        // Also after a request to stop, which is no reason to leave something behind.
        let limits = Limits { stop: None, silence: Some(2 * PATIENCE) };
        let (client, mut driver) = limits.connect(&self.url, 0)?;
        let statement = format!(
            "BEGIN; SET LOCAL lock_timeout = {}; DROP SCHEMA IF EXISTS {} CASCADE; COMMIT",
            PATIENCE.as_millis(),
            self.name
        );
        driver.block_on(client.batch_execute(&statement)).map_err(Error::on(&driver, doing))
    }
}

impl Drop for ExternalSchema {
    fn drop(&mut self) {
        if let Err(error) = self.drop_schema() {
            // `drop` cannot return it, and the schema takes space on a server that is not ours.
            say(error);
        }
    }
}

/// An external server on which nothing is made, because the user names a table there.
#[derive(Clone, Debug)]
pub struct GivenServer {
    /// The address for clients. It may hold a password: do not print it.
    pub url: String,
    /// One line for the record, as [`Server::about`](crate::Server::about).
    pub about: String,
}

impl GivenServer {
    /// Connects to the server at `address`, and asks what it is.
    ///
    /// # Errors
    ///
    /// There is no connection, or a pooler is there that cannot be used.
    pub fn find(address: &str, limits: &Limits) -> Result<GivenServer> {
        let External { url, shown, client, driver } = External::open(address, limits)?;
        drop((client, driver));
        let origin = format!("external: {shown}");
        // A table can be read on a server that does not know these settings.
        let about = describe(&url, &origin, limits).map_or(origin, |(_, about)| about);
        Ok(GivenServer { url, about })
    }
}

/// The version of the server at `url`, and one line about it.
pub(crate) fn describe(url: &str, origin: &str, limits: &Limits) -> Result<(String, String)> {
    let (client, mut driver) = limits.connect(url, 0)?;
    let question = format!(
        "SELECT current_setting('server_version'), \
         (SELECT string_agg(name || '=' || current_setting(name), ' ' ORDER BY name) \
          FROM pg_settings WHERE name IN ({RECORDED_SETTINGS}))"
    );
    let asked = driver.block_on(async {
        let row = client.query_one(question.as_str(), &[]).await?;
        Ok((row.try_get(0)?, row.try_get(1)?))
    });
    let (version, settings): (String, String) =
        asked.map_err(Error::on(&driver, "cannot read the server's settings"))?;
    // Debian appends its own version in brackets.
    let version = printable(version.split_whitespace().next().unwrap_or_default()).into_owned();
    let about = format!("PostgreSQL {version} ({origin}; {})", printable(&settings));
    Ok((version, about))
}
