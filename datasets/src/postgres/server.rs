//! The server the cursor tasks stream from: started by us and thrown away, or given to us.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use tokio_postgres::error::SqlState;

use super::connection::connect;
use super::discovery::{Environment, Found, find};
use super::error::{Error, Result, explain};
use super::given::{Given, unique};
use super::memory::{available_bytes, shared_buffers_megabytes};
use super::program;
use super::user::User;
use super::watchdog::{self, Watchdog};
use crate::products::{DEFINITION, Products};

/// A socket's path must fit into the operating system's address structure: 107 bytes on Linux, 103 on macOS.
const SOCKET_PATH_LIMIT: usize = 103;

/// The file name PostgreSQL gives to the socket of its default port.
const SOCKET: &str = ".s.PGSQL.5432";

/// How long a new server may take until it answers.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a row of the product table takes on a disk, about, with its entry in the index.
const ROW_BYTES: u64 = 100;

/// The programs are started in the data folder and told so by its relative name: by its full name `initdb` would make
/// the whole path again after the watchdog has taken it away.
const HERE: [&str; 2] = ["-D", "."];

/// What makes the server's directory the same every time and its speed a matter of the strategies.
///
/// The first group is safe only because the data are thrown away: nothing waits for a disk. The second keeps scans
/// alike: every one starts at the table's first row, uses one process and one plan, and nothing tidies up behind it.
const SETTINGS: &[&str] = &[
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "max_wal_size=4GB",
    "checkpoint_timeout=1h",
    "synchronize_seqscans=off",
    "jit=off",
    "max_parallel_workers_per_gather=0",
    "autovacuum=off",
    "max_connections=40",
    "listen_addresses=",
    "port=5432",
    "unix_socket_permissions=0700",
    "logging_collector=off",
];

/// The settings that can change a figure: they belong into the record.
const TELLING: &str = "'shared_buffers', 'fsync', 'synchronize_seqscans', 'jit', 'max_parallel_workers_per_gather', \
                       'autovacuum', 'max_connections', 'io_method'";

/// A PostgreSQL server with a schema for us. Dropping it leaves nothing behind.
#[derive(Debug)]
pub struct Server {
    place: Place,
    url: String,
    schema: String,
    version: String,
    about: String,
}

#[derive(Debug)]
enum Place {
    Own(Own),
    Given(Given),
}

/// How a table was loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// Rows in the table, counted by the server.
    pub rows: u64,
    /// The table's size on the server, in bytes, with its maps.
    pub bytes: u64,
    /// From the first byte sent until the server had all rows.
    pub copying: Duration,
    /// Freezing, analysing and one scan to warm up.
    pub settling: Duration,
}

impl Server {
    /// The server at the environment's address, or else one of our own, from the first programs that are found.
    ///
    /// `table_bytes` is the size of the largest table to come; the server's buffers are chosen by it.
    pub fn open(environment: &Environment, table_bytes: u64) -> Result<Server> {
        match &environment.address {
            Some(url) => Server::at(url),
            None => Server::start(&find(environment)?, environment.runs_as.as_ref(), table_bytes),
        }
    }

    /// A schema of our own on the server at `url`, dropped at the end.
    pub fn at(url: &str) -> Result<Server> {
        let given = Given::claim(url)?;
        let (url, schema) = (url.to_string(), given.schema.clone());
        let whence = format!("given: {}, schema {schema}", given.shown);
        Server::describe(Place::Given(given), url, schema, &whence)
    }

    /// A private, throw-away server made with the programs in `found`; run as `runs_as` where we are root.
    pub fn start(found: &Found, runs_as: Option<&User>, table_bytes: u64) -> Result<Server> {
        let own = Own::start(found, runs_as, table_bytes)?;
        let (url, schema) = (own.url(), "goldilocks".to_string());
        let (client, mut driver) = connect(&url)?;
        driver
            .block_on(client.batch_execute(&format!("CREATE SCHEMA {schema}")))
            .map_err(Error::database("cannot make a schema in our own server"))?;
        drop(client);
        let whence = format!("our own, from {}: {}", found.programs.display(), found.because);
        Server::describe(Place::Own(own), url, schema, &whence)
    }

    fn describe(place: Place, url: String, schema: String, whence: &str) -> Result<Server> {
        let (client, mut driver) = connect(&url)?;
        let question = format!(
            "SELECT current_setting('server_version'), \
             (SELECT string_agg(name || '=' || current_setting(name), ' ' ORDER BY name) \
              FROM pg_settings WHERE name IN ({TELLING}))"
        );
        let row = driver
            .block_on(client.query_one(question.as_str(), &[]))
            .map_err(Error::database("cannot read the server's settings"))?;
        let (version, settings): (String, String) = (row.get(0), row.get(1));
        // Debian appends its own version in brackets.
        let version = version.split_whitespace().next().unwrap_or_default().to_string();
        let about = format!("PostgreSQL {version} ({whence}; {settings})");
        Ok(Server { place, url, schema, version, about })
    }

    /// The address for clients, as [`connect`] and `tokio_postgres::Config` read it. It may hold a password: do not
    /// show it.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// The schema that is ours; its name needs no quoting.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// The server's version: "15.18".
    pub fn version(&self) -> &str {
        &self.version
    }

    /// One line for the record: version, where it was found, the settings that matter; no password.
    pub fn about(&self) -> &str {
        &self.about
    }

    /// The directory that vanishes with a server of our own; none on a server we were given.
    pub fn directory(&self) -> Option<&Path> {
        match &self.place {
            Place::Own(own) => Some(own.watchdog.directory()),
            Place::Given(_) => None,
        }
    }

    /// Makes the table `product` in our schema and fills it with the first `rows` rows that follow from `seed`.
    ///
    /// A table that is there already is replaced. Afterwards nothing about it changes under a reader: all rows are
    /// frozen, the planner's figures are fresh, and every page has been read once.
    pub fn load_products(&self, rows: u64, seed: u64) -> Result<Loaded> {
        let products = Products::new(seed, rows).map_err(|error| Error::Products(error.to_string()))?;
        let (client, mut driver) = connect(&self.url)?;
        let table = format!("{}.product", self.schema);
        // Unlogged, since nobody will ever recover it: the load writes each row once.
        let definition = DEFINITION.replacen("CREATE TABLE product", &format!("CREATE UNLOGGED TABLE {table}"), 1);
        let begun = Instant::now();
        driver.block_on(async {
            let make = format!("DROP TABLE IF EXISTS {table}; {definition}");
            client.batch_execute(&make).await.map_err(Error::database(format!("cannot create {table}")))?;
            products.load(&client, &table).await.map_err(|error| self.not_loaded(&table, rows, &error))
        })?;
        let copying = begun.elapsed();

        let begun = Instant::now();
        let settle = async {
            client.batch_execute(&format!("VACUUM (FREEZE, ANALYZE) {table}")).await?;
            let question = format!(
                "SELECT count(*), coalesce(sum(length(product_name)), 0), pg_table_size('{table}') FROM {table}"
            );
            client.query_one(question.as_str(), &[]).await
        };
        let row = driver.block_on(settle).map_err(Error::database(format!("cannot prepare {table} for reading")))?;
        let (rows, bytes): (i64, i64) = (row.get(0), row.get(2));
        Ok(Loaded { rows: rows.cast_unsigned(), bytes: bytes.cast_unsigned(), copying, settling: begun.elapsed() })
    }

    fn not_loaded(&self, table: &str, rows: u64, error: &tokio_postgres::Error) -> Error {
        let mut doing = format!("cannot load {table}");
        if error.code() == Some(&SqlState::DISK_FULL) {
            let place = self.directory().map(|directory| format!(" in {}", directory.display())).unwrap_or_default();
            doing.push_str(&format!(", about {} MB{place}", rows.saturating_mul(ROW_BYTES) / 1_000_000 + 1));
        }
        Error::Database { doing, reason: explain(error) }
    }

    /// Stops the server and removes its directory, or drops our schema; dropping does the same but cannot say what
    /// failed.
    pub fn stop(mut self) -> Result<()> {
        match &mut self.place {
            Place::Own(own) => own.stop(),
            Place::Given(given) => given.release(),
        }
    }
}

/// A server of our own: a child process, and a watchdog over its directory.
#[derive(Debug)]
struct Own {
    watchdog: Watchdog,
    postgres: Option<Child>,
}

impl Own {
    fn start(found: &Found, runs_as: Option<&User>, table_bytes: u64) -> Result<Own> {
        if runs_as.is_none() && rustix::process::geteuid().is_root() {
            return Err(Error::Start {
                doing: "starting PostgreSQL".into(),
                reason: "it refuses to run as root, and this machine has neither a user postgres nor nobody".into(),
                advice: "Run this as an ordinary user, or set DATABASE_URL to a running server".into(),
                log: String::new(),
            });
        }
        let folder = temporary_folder(runs_as);
        watchdog::sweep(&folder);
        let watchdog = Watchdog::create(&folder.join(format!("{}{}", watchdog::PREFIX, unique())))?;
        // From here on an error drops `own`, and with it all that was made.
        let mut own = Own { watchdog, postgres: None };
        let log = own.furnish(runs_as)?;
        own.initialise(found, runs_as, &log)?;
        own.run(found, runs_as, &log, shared_buffers_megabytes(table_bytes, available_bytes()))?;
        own.wait_until_ready()?;
        Ok(own)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.watchdog.directory().join(name)
    }

    /// The address of the socket; the folder's slashes are escaped, since it stands where a host name would.
    fn url(&self) -> String {
        let folder = self.path("run");
        let host: String = folder.as_os_str().as_bytes().iter().map(|byte| escaped(*byte)).collect();
        format!("postgresql://goldilocks@{host}:5432/postgres")
    }

    /// Makes the folders and the log. The outer one stays ours; the server's user gets the two inside.
    fn furnish(&self, runs_as: Option<&User>) -> Result<File> {
        let directory = self.watchdog.directory();
        for folder in ["run", "data"].map(|name| self.path(name)) {
            DirBuilder::new().mode(0o700).create(&folder).map_err(Error::io("create", &folder))?;
            if let Some(user) = runs_as {
                chown(&folder, Some(user.uid), Some(user.gid)).map_err(Error::io("hand over", &folder))?;
            }
        }
        if let Some(user) = runs_as {
            chown(directory, None, Some(user.gid)).map_err(Error::io("hand over", directory))?;
            fs::set_permissions(directory, Permissions::from_mode(0o710)).map_err(Error::io("open", directory))?;
        }
        let log = self.path("log");
        OpenOptions::new().create(true).append(true).open(&log).map_err(Error::io("create", &log))
    }

    fn initialise(&self, found: &Found, runs_as: Option<&User>, log: &File) -> Result<()> {
        let mut arguments = HERE.map(String::from).to_vec();
        arguments.extend(
            [
                "--username=goldilocks",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
                "--no-instructions",
                // Without it, a broken-off initdb would remove the file that says which shared memory is left.
                "--no-clean",
            ]
            .map(String::from),
        );
        if major(&found.version) >= 18 {
            // The default since 18, and a cost that older releases do not have.
            arguments.push("--no-data-checksums".into());
        }
        let number_file = self.path("run/initdb.pid");
        let mut initdb = program::start(found, "initdb", &arguments, &number_file, log, &self.path("data"), runs_as)?;
        let status = initdb.wait().map_err(Error::io("wait for", &found.programs.join("initdb")))?;
        // The number is free again from here on, so it must not be signalled any more.
        let _ = fs::remove_file(&number_file);
        if !status.success() {
            return Err(self.failed("initdb", format!("it ended with {status}")));
        }
        Ok(())
    }

    fn run(&mut self, found: &Found, runs_as: Option<&User>, log: &File, buffers_megabytes: u64) -> Result<()> {
        // The setting is a list of folders, in which quotes keep commas and blanks apart.
        let folder = text(&self.path("run"))?.replace('"', "\"\"");
        let mut arguments = HERE.map(String::from).to_vec();
        let chosen = [format!("unix_socket_directories=\"{folder}\""), format!("shared_buffers={buffers_megabytes}MB")];
        for setting in SETTINGS.iter().map(|setting| setting.to_string()).chain(chosen) {
            arguments.extend(["-c".to_string(), setting]);
        }
        let number_file = self.path("run/postgres.pid");
        let data = self.path("data");
        self.postgres = Some(program::start(found, "postgres", &arguments, &number_file, log, &data, runs_as)?);
        Ok(())
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let url = self.url();
        loop {
            let error = match connect(&url) {
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
            if let Some(Ok(Some(status))) = self.postgres.as_mut().map(Child::try_wait) {
                // As above: the number is free again.
                let _ = fs::remove_file(self.path("run/postgres.pid"));
                return Err(self.failed("postgres", format!("it ended with {status}")));
            }
            if Instant::now() > deadline {
                return Err(
                    self.failed("postgres", format!("it does not answer after {} s ({error})", PATIENCE.as_secs()))
                );
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn failed(&self, program: &str, reason: String) -> Error {
        let log = fs::read(self.path("log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        Error::Start {
            doing: format!("starting a server of our own ({program})"),
            reason,
            advice: "The lines below say why; another server can be chosen with PGBIN or DATABASE_URL".into(),
            log: lines[lines.len().saturating_sub(8)..].join("\n"),
        }
    }

    fn stop(&mut self) -> Result<()> {
        self.watchdog.end(self.postgres.as_mut())
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        // What is left after a failure here, the next start sweeps.
        let _ = self.stop();
    }
}

/// The folder for temporary files if the server's user can reach it and the socket's path fits; otherwise `/tmp`.
fn temporary_folder(runs_as: Option<&User>) -> PathBuf {
    let folder = std::env::temp_dir();
    let example = folder.join(format!("{}12345678", watchdog::PREFIX)).join("run").join(SOCKET);
    let fits = folder.is_absolute() && folder.to_str().is_some() && example.as_os_str().len() <= SOCKET_PATH_LIMIT;
    let reachable = runs_as.is_none_or(|user| user.stopped_at(&folder).is_none());
    if fits && reachable { folder } else { PathBuf::from("/tmp") }
}

/// A path as text: PostgreSQL's arguments and ours are built from it.
fn text(path: &Path) -> Result<String> {
    let complaint = || std::io::Error::other("its name is not readable text; set TMPDIR to another folder");
    path.to_str().map(String::from).ok_or_else(|| Error::io("use", path)(complaint()))
}

fn escaped(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}

/// The first number of a version.
fn major(version: &str) -> u32 {
    version.split(|letter: char| !letter.is_ascii_digit()).next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}
