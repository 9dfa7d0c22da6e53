//! A private server with users, tables and views that provoke faults.

use super::report::PASSWORD;
use crate::access_methods::explained;
use anyhow::{Context, Result};
use datasets::products::Products;
use postgres::{Environment, Server, connect, discovery};
use rustix::process::{Pid, Signal, kill_process};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The row at which the views fail.
pub(super) const TROUBLE: u64 = 777;

/// A private server with the users, tables and views that faults need.
pub struct FaultServer {
    server: Server,
}

/// The host part of an address for a server whose socket is in `folder`.
pub fn host(folder: &Path) -> String {
    folder.to_string_lossy().replace('/', "%2F")
}

impl FaultServer {
    /// Starts a server without tables, for faults that stop it.
    pub(super) fn bare() -> Result<FaultServer> {
        let environment = Environment::of_this_process();
        Ok(FaultServer { server: Server::start(&discovery::find(&environment)?, 0)? })
    }

    /// Starts a server with users, tables and views.
    pub fn start() -> Result<FaultServer> {
        let server = FaultServer::bare()?;
        server.server.load(&Products::new(1, 20_000)?)?;
        server.run(&format!(
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
            server.run(&format!(
                "CREATE VIEW goldilocks.{name} AS SELECT {columns} FROM generate_series(1, 5000) AS i"
            ))?;
        }
        server.run("CREATE DATABASE bytes ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")?;
        // Old databases use Latin-1.
        run_at(
            &server.url_to("bytes"),
            r"CREATE TABLE latin AS SELECT i AS product_id, CASE WHEN i = 3 THEN convert_from('\x636166e9', 'SQL_ASCII')
              ELSE 'tea' END AS product_name FROM generate_series(1, 5) AS i",
        )?;
        server.require_password()?;
        Ok(server)
    }

    /// Makes the server require a password of `guest`. A statement replaces the server's rules file.
    fn require_password(&self) -> Result<()> {
        self.run(
            "DO $$ BEGIN EXECUTE format(
                 'COPY (VALUES (''local all guest scram-sha-256''), (''local all all trust'')) TO %L',
                 current_setting('hba_file')); END $$;
             SELECT pg_reload_conf()",
        )?;
        while connect(&self.url_of("guest")).is_ok() {
            // The server reloads the rules after a short delay.
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    /// The server's address.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The address for `user`, which may include a password (`name:password`).
    pub(super) fn url_of(&self, user: &str) -> String {
        self.url().replacen("goldilocks@", &format!("{user}@"), 1)
    }

    pub(super) fn url_to(&self, database: &str) -> String {
        let url = self.url();
        format!("{}{database}", url.trim_end_matches("postgres"))
    }

    /// The address for sessions with a setting.
    pub fn url_with(&self, setting: &str) -> String {
        format!("{}?options=-c%20{}", self.url(), setting.replace('=', "%3D"))
    }

    /// The address for sessions with an application name.
    pub(super) fn url_as(&self, name: &str) -> String {
        format!("{}?application_name={name}", self.url())
    }

    /// The folder of the server's socket.
    pub(super) fn folder(&self) -> Result<PathBuf> {
        Ok(self.server.directory().context("a private server has a directory")?.join("run"))
    }

    pub(super) fn run(&self, statement: &str) -> Result<()> {
        run_at(&self.url(), statement)
    }

    /// Waits until the sessions named `name` exist and are idle in a transaction, and returns their processes. A busy
    /// process would not report why it ends.
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

    /// Ends the sessions named `name`, and waits until they have ended.
    pub(super) fn end(&self, name: &str) -> Result<()> {
        for session in self.sessions(name)? {
            self.run(&format!("SELECT pg_terminate_backend({session}, 5000)"))?;
        }
        Ok(())
    }

    /// The server's main process.
    pub(super) fn postmaster(&self) -> Result<i32> {
        Ok(self.server.process().context("a private server has a process")?.try_into()?)
    }
}

/// Two columns of a query. The second evaluates `does` in the row [`TROUBLE`].
fn at_trouble(does: &str) -> String {
    format!("i AS product_id, CASE WHEN i = {TROUBLE} THEN {does} ELSE 'product' END AS product_name")
}

/// Runs statements and waits for their answers.
pub(super) fn run_at(url: &str, statement: &str) -> Result<()> {
    let (client, mut driver) = connect(url)?;
    driver.block_on(client.batch_execute(statement)).map_err(explained)
}

pub(super) fn signal(process: i32, signal: Signal) -> Result<()> {
    Ok(kill_process(Pid::from_raw(process).context("there is no process 0")?, signal)?)
}
