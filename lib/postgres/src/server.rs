//! The server that callers hold: a private one, or a schema of our own on an external one.

use std::path::Path;
use std::time::{Duration, Instant};

use tokio_postgres::error::SqlState;

use crate::contents::Contents;
use crate::discovery::{Environment, Installation, find};
use crate::error::{Error, Result};
use crate::external::{ExternalSchema, Limits, describe};
use crate::kept_files::KeptFiles;
use crate::leftovers::mark_of_this_program;
use crate::private::{PrivateServer, initdb_arguments};
use cursor::{Driver, connect};

/// Our schema on a private server.
const SCHEMA: &str = "goldilocks";

/// A PostgreSQL server with a schema of our own. Dropping it removes all that it has made.
#[derive(Debug)]
pub struct Server {
    kind: Kind,
    url: String,
    schema: String,
    version: String,
    about: String,
    /// Where the files of a private server with a table are kept.
    kept: Option<KeptFiles>,
    limits: Limits,
}

#[derive(Debug)]
enum Kind {
    Private(PrivateServer),
    External(ExternalSchema),
}

/// How a table was loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// Rows in the table, counted by the server.
    pub rows: u64,
    /// The table's size on the server, in bytes, with its maps.
    pub bytes: u64,
    /// Time from the first byte sent until the server had all rows.
    pub copying: Duration,
    /// Time to freeze, analyse and read the table once; with kept files, to read it once.
    pub settling: Duration,
    /// Whether the server started from kept files, so that no row was sent.
    pub kept: bool,
}

impl Server {
    /// Opens a schema on the server at the environment's address; without an address, starts a private server.
    ///
    /// `table_bytes` is the size of the largest table to come; a private server's buffers follow from it.
    pub fn open(environment: &Environment, table_bytes: u64) -> Result<Server> {
        match &environment.address {
            Some(url) => Server::at_within(url, &environment.limits),
            None => Server::start(&find(environment)?, table_bytes),
        }
    }

    /// Opens a server as [`Server::open`] does, and loads `contents` into its schema.
    ///
    /// The folder `kept` keeps the files of a private server once the table is loaded. The next private server with the
    /// same contents starts from a copy of them.
    pub fn with(environment: &Environment, contents: &impl Contents, kept: &Path) -> Result<(Server, Loaded)> {
        if environment.address.is_some() {
            let server = Server::open(environment, contents.bytes())?;
            let loaded = server.load(contents)?;
            return Ok((server, loaded));
        }
        let installation = find(environment)?;
        let kept = KeptFiles::of(kept, &installation, &initdb_arguments(&installation), contents);
        // Whatever prevents a start from kept files, the server then makes new ones; they replace the kept ones.
        let restored = || Server::private(PrivateServer::start(&installation, contents.bytes(), Some(&kept))?);
        let begun = Instant::now();
        if kept.exist()
            && let Ok(mut server) = restored()
            && let Ok(loaded) = server.read_kept(contents, begun)
        {
            server.kept = Some(kept);
            return Ok((server, loaded));
        }
        let mut server = Server::start(&installation, contents.bytes())?;
        server.kept = Some(kept);
        let loaded = server.load_and_keep(contents)?;
        Ok((server, loaded))
    }

    /// Whether the server answers a new connection. After a crash of the server, or of one of its processes, it does not.
    pub fn is_alive(&self) -> bool {
        connect(&self.url).is_ok()
    }

    /// Starts a private server again after it has died, with the same address, and the table `contents` as it was loaded. If
    /// the server runs, all its sessions end.
    ///
    /// It takes the files that [`Server::with`] has kept, which takes a few tenths of a second; without them it loads the table
    /// again. On an external server, which only its owner can start, it creates our schema if that is gone, and loads the table.
    ///
    /// # Errors
    ///
    /// The server does not come up within half a minute or so, or the external server does not answer.
    pub fn revive(&mut self, contents: &impl Contents) -> Result<Loaded> {
        if let Some(loaded) = self.restart_from_kept(contents) {
            return Ok(loaded);
        }
        if let Kind::Private(private) = &mut self.kind {
            private.restart(None)?;
        }
        self.create_schema()?;
        self.load_and_keep(contents)
    }

    /// `None` if there are no kept files, or the server does not start from them.
    fn restart_from_kept(&mut self, contents: &impl Contents) -> Option<Loaded> {
        let (Kind::Private(private), Some(kept)) = (&mut self.kind, &self.kept) else { return None };
        let begun = Instant::now();
        private.restart(Some(kept)).ok()?;
        self.read_kept(contents, begun).ok()
    }

    /// Reads the table that came with kept files. `begun` is when copying them began.
    fn read_kept(&self, contents: &impl Contents, begun: Instant) -> Result<Loaded> {
        let copying = begun.elapsed();
        let begun = Instant::now();
        let (rows, bytes) = self.scan(contents)?;
        Ok(Loaded { rows, bytes, copying, settling: begun.elapsed(), kept: true })
    }

    /// Loads the table into a new server and keeps its files.
    fn load_and_keep(&mut self, contents: &impl Contents) -> Result<Loaded> {
        let loaded = self.load(contents)?;
        let (Kind::Private(private), Some(kept)) = (&mut self.kind, &self.kept) else { return Ok(loaded) };
        drop_templates(&self.url)?;
        private.keep_files(kept)?;
        // The restart has emptied the server's buffers.
        let begun = Instant::now();
        self.scan(contents)?;
        Ok(Loaded { settling: loaded.settling + begun.elapsed(), ..loaded })
    }

    /// Starts a private, throw-away server with the programs of `installation`.
    pub fn start(installation: &Installation, table_bytes: u64) -> Result<Server> {
        let server = Server::private(PrivateServer::start(installation, table_bytes, None)?)?;
        server.create_schema()?;
        Ok(server)
    }

    fn create_schema(&self) -> Result<()> {
        let (client, mut driver) = connect(&self.url)?;
        let (schema, mark) = (&self.schema, mark_of_this_program());
        let statement = format!("CREATE SCHEMA IF NOT EXISTS {schema}; COMMENT ON SCHEMA {schema} IS '{mark}'");
        driver
            .block_on(client.batch_execute(&statement))
            .map_err(Error::database(format!("cannot create the schema {schema}")))
    }

    fn private(private: PrivateServer) -> Result<Server> {
        let (url, origin) = (private.url(), format!("private, from {}", private.installation().origin()));
        Server::describe(Kind::Private(private), url, SCHEMA.to_string(), &origin, Limits::default())
    }

    /// Creates a schema with a unique name on the server at `url`. The schema is dropped at the end.
    pub fn at(url: &str) -> Result<Server> {
        Server::at_within(url, &Limits::default())
    }

    fn at_within(url: &str, limits: &Limits) -> Result<Server> {
        let external = ExternalSchema::create(url, limits)?;
        let (schema, url) = (external.name.clone(), external.url.clone());
        let origin = format!("external: {}, schema {schema}", external.shown);
        Server::describe(Kind::External(external), url, schema, &origin, limits.clone())
    }

    fn describe(kind: Kind, url: String, schema: String, origin: &str, limits: Limits) -> Result<Server> {
        let (version, about) = describe(&url, origin, &limits)?;
        Ok(Server { kind, url, schema, version, about, kept: None, limits })
    }

    /// The address for clients, as [`connect`] and `tokio_postgres::Config` read it. It may hold a password: do not
    /// print it.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// The name of our schema; it needs no quoting.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// The name of the table that holds `C` in our schema, for SQL.
    pub fn table<C: Contents>(&self) -> String {
        format!("{}.{}", self.schema, C::TABLE)
    }

    /// The server's version: "15.18".
    pub fn version(&self) -> &str {
        &self.version
    }

    /// One line for the record: version, origin and the settings that can change a figure; no password.
    pub fn about(&self) -> &str {
        &self.about
    }

    /// What the user should know about schemas that earlier programs have left on an external server.
    pub fn remarks(&self) -> &[String] {
        match &self.kind {
            Kind::Private(_) => &[],
            Kind::External(external) => &external.remarks,
        }
    }

    /// The directory of a private server, which is removed at the end; `None` on an external server.
    pub fn directory(&self) -> Option<&Path> {
        match &self.kind {
            Kind::Private(private) => Some(private.directory()),
            Kind::External(_) => None,
        }
    }

    /// The number of a private server's main process; `None` on an external server.
    pub fn process(&self) -> Option<u32> {
        match &self.kind {
            Kind::Private(private) => private.process(),
            Kind::External(_) => None,
        }
    }

    /// Creates the table of `contents` in our schema, replacing one of that name, and fills it.
    ///
    /// After that a reader changes nothing in it: all rows are frozen, the planner's statistics are fresh, and every page
    /// has been read once.
    pub fn load<C: Contents>(&self, contents: &C) -> Result<Loaded> {
        let (client, mut driver) = self.limits.connect(&self.url, contents.bytes())?;
        let table = self.table::<C>();
        let begun = Instant::now();
        // Unlogged, because the table is never recovered: the load then writes each row once.
        let create = format!("DROP TABLE IF EXISTS {table}; CREATE UNLOGGED TABLE {table} ({})", C::COLUMNS);
        let created = driver.block_on(client.batch_execute(&create));
        created.map_err(Error::on(&driver, format!("cannot create {table}")))?;
        let filled = driver.block_on(contents.fill(&client, &table));
        filled.map_err(|error| self.not_loaded(&table, contents.bytes(), &error, &driver))?;
        let copying = begun.elapsed();

        let begun = Instant::now();
        driver
            .block_on(client.batch_execute(&format!("VACUUM (FREEZE, ANALYZE) {table}")))
            .map_err(Error::on(&driver, format!("cannot freeze and analyse {table}")))?;
        let (rows, bytes) = self.scan(contents)?;
        Ok(Loaded { rows, bytes, copying, settling: begun.elapsed(), kept: false })
    }

    /// Reads the whole table once, on the server, and checks how many rows it has; returns that and its size in bytes.
    fn scan<C: Contents>(&self, contents: &C) -> Result<(u64, u64)> {
        let table = self.table::<C>();
        let (client, mut driver) = self.limits.connect(&self.url, contents.bytes())?;
        // A whole row is counted, because an index alone would answer `count(*)`.
        let question = format!("SELECT count(whole_row), pg_table_size('{table}') FROM {table} AS whole_row");
        let row = driver
            .block_on(client.query_one(question.as_str(), &[]))
            .map_err(Error::on(&driver, format!("cannot read {table} once")))?;
        let [rows, bytes] = [0, 1].map(|column| row.get::<_, i64>(column).cast_unsigned());
        let expected = contents.rows();
        if rows == expected { Ok((rows, bytes)) } else { Err(Error::Rows { table, expected, rows }) }
    }

    fn not_loaded(&self, table: &str, bytes: u64, error: &tokio_postgres::Error, driver: &Driver) -> Error {
        let mut doing = format!("cannot load {table}");
        if error.code() == Some(&SqlState::DISK_FULL) {
            let place = self.directory().map(|directory| format!(" in {}", directory.display())).unwrap_or_default();
            doing.push_str(&format!(", about {} MB{place}", bytes / 1_000_000 + 1));
        }
        Error::Database { doing, reason: driver.explain(error) }
    }

    /// Stops a private server and removes its directory, or drops our schema. Dropping does the same but reports no error.
    pub fn stop(mut self) -> Result<()> {
        match &mut self.kind {
            Kind::Private(private) => private.stop(),
            Kind::External(schema) => schema.drop_schema(),
        }
    }
}

/// Leaves one database on the server. The two templates serve to make more databases; without them the next start copies
/// a third of the files, and each file costs more than its bytes.
fn drop_templates(url: &str) -> Result<()> {
    let (client, mut driver) = connect(url)?;
    for statement in
        ["UPDATE pg_database SET datistemplate = false", "DROP DATABASE template0", "DROP DATABASE template1"]
    {
        driver
            .block_on(client.batch_execute(statement))
            .map_err(Error::database("cannot drop the template databases"))?;
    }
    Ok(())
}
