//! A server of our own, with users, tables and views at which something goes wrong.

use super::PASSWORD;
use anyhow::{Context, Result};
use datasets::products::Products;
use postgres::{Driver, Environment, Server, connect, discovery, explain};
use rustix::process::{Pid, Signal, kill_process};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio_postgres::Client;

/// The row at which the views go wrong.
pub(super) const TROUBLE: u64 = 777;

/// A server with everything that a fault needs.
pub struct Place {
    server: Server,
}

/// A folder as it stands in an address, in place of a host.
pub fn host(folder: &Path) -> String {
    folder.to_string_lossy().replace('/', "%2F")
}

impl Place {
    /// A server that has no tables, to be brought down.
    pub(super) fn bare() -> Result<Place> {
        let environment = Environment::of_this_process();
        Ok(Place { server: Server::start(&discovery::find(&environment)?, 0)? })
    }

    /// A server with users, tables and views.
    ///
    /// # Errors
    /// When there is no PostgreSQL, or it does not take them.
    pub fn open() -> Result<Place> {
        let place = Place::bare()?;
        place.server.load(&Products::new(1, 20_000)?)?;
        place.run(&format!(
            "CREATE ROLE guest LOGIN PASSWORD 'other than {PASSWORD}'; CREATE ROLE few LOGIN CONNECTION LIMIT 1;
             CREATE ROLE stranger LOGIN; GRANT USAGE ON SCHEMA goldilocks TO few, stranger;
             GRANT SELECT ON goldilocks.product TO few"
        ))?;
        for (name, columns) in [
            ("ends_the_session", at_trouble("pg_terminate_backend(pg_backend_pid())::text")),
            ("is_cancelled", at_trouble("pg_cancel_backend(pg_backend_pid())::text")),
            ("divides", at_trouble("(1 / (777 - i))::text")),
            ("no_name", "i AS product_id, 'product' AS title".to_owned()),
            ("long_number", "i::int8 AS product_id, 'product' AS product_name".to_owned()),
            ("nameless", "i AS product_id, CASE WHEN i <> 3 THEN 'product' END AS product_name".to_owned()),
        ] {
            place.run(&format!(
                "CREATE VIEW goldilocks.{name} AS SELECT {columns} FROM generate_series(1, 5000) AS i"
            ))?;
        }
        place.run("CREATE DATABASE bytes ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")?;
        // Latin-1, as such databases have it.
        run_at(
            &place.url_to("bytes"),
            r"CREATE TABLE latin AS SELECT i AS product_id, CASE WHEN i = 3 THEN convert_from('\x636166e9', 'SQL_ASCII')
              ELSE 'tea' END AS product_name FROM generate_series(1, 5) AS i",
        )?;
        place.ask_for_passwords()?;
        Ok(place)
    }

    /// From now on `guest` needs a password. The server itself replaces its file of rules.
    fn ask_for_passwords(&self) -> Result<()> {
        self.run(
            "DO $$ BEGIN EXECUTE format(
                 'COPY (VALUES (''local all guest scram-sha-256''), (''local all all trust'')) TO %L',
                 current_setting('hba_file')); END $$;
             SELECT pg_reload_conf()",
        )?;
        while connect(&self.url_of("guest")).is_ok() {
            // The rules are read when the server gets round to it.
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    /// Its address.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The address for a user, or a user and a password.
    pub(super) fn url_of(&self, user: &str) -> String {
        self.url().replacen("goldilocks@", &format!("{user}@"), 1)
    }

    pub(super) fn url_to(&self, database: &str) -> String {
        let url = self.url();
        format!("{}{database}", url.trim_end_matches("postgres"))
    }

    /// The address under which sessions have that setting.
    pub fn url_with(&self, setting: &str) -> String {
        format!("{}?options=-c%20{}", self.url(), setting.replace('=', "%3D"))
    }

    /// The folder of its socket.
    pub(super) fn folder(&self) -> Result<PathBuf> {
        Ok(self.server.directory().context("a server of our own has a directory")?.join("run"))
    }

    pub(super) fn run(&self, statement: &str) -> Result<()> {
        run_at(&self.url(), statement)
    }

    /// The numbers of the processes that serve sessions of that name in a transaction, as soon as there are some and all of
    /// them wait for their clients: a process that is met in the middle of something does not say why it ends.
    pub(super) fn sessions(&self, name: &str) -> Result<Vec<i32>> {
        let (client, mut driver) = connect(&self.url())?;
        let question = "SELECT pid, state = 'idle in transaction' AND wait_event = 'ClientRead' FROM pg_stat_activity
                        WHERE application_name = $1 AND state <> 'idle'";
        loop {
            let rows = driver.block_on(client.query(question, &[&name])).map_err(explained)?;
            if !rows.is_empty() && rows.iter().all(|row| row.get::<_, Option<bool>>(1) == Some(true)) {
                return Ok(rows.iter().map(|row| row.get(0)).collect());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Ends these sessions, and waits until they have ended.
    pub(super) fn end(&self, name: &str) -> Result<()> {
        for session in self.sessions(name)? {
            self.run(&format!("SELECT pg_terminate_backend({session}, 5000)"))?;
        }
        Ok(())
    }

    /// The number of the server's first process.
    pub(super) fn postmaster(&self) -> Result<i32> {
        Ok(std::fs::read_to_string(self.folder()?.join("postgres.pid"))?.trim().parse()?)
    }
}

/// Two columns, the second of which does something when it comes to that row.
fn at_trouble(does: &str) -> String {
    format!("i AS product_id, CASE WHEN i = {TROUBLE} THEN {does} ELSE 'product' END AS product_name")
}

/// Carries out statements, each answered before it returns.
pub(super) fn run_at(url: &str, statement: &str) -> Result<()> {
    let (client, mut driver): (Client, Driver) = connect(url)?;
    driver.block_on(client.batch_execute(statement)).map_err(explained)
}

pub(super) fn signal(process: i32, signal: Signal) -> Result<()> {
    let process = Pid::from_raw(process).context("a process has a number")?;
    Ok(kill_process(process, signal)?)
}

pub(super) fn explained(error: tokio_postgres::Error) -> anyhow::Error {
    anyhow::anyhow!(explain(&error))
}
