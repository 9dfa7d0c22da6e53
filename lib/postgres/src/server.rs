//! The server the cursor tasks stream from: started by us and thrown away, or given to us.

use std::path::Path;
use std::time::{Duration, Instant};

use tokio_postgres::error::SqlState;

use crate::cluster::Cluster;
use crate::discovery::{Environment, Found, find};
use crate::error::{Error, Result};
use crate::external::Given;
use crate::private::{Own, initdb_arguments};
use crate::user::User;
use cursor::connection::connect;
use cursor::explain;
use datasets::products::{BYTES_PER_ROW, DEFINITION, Products};

/// Our schema on a server of our own.
const SCHEMA: &str = "goldilocks";

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
    /// Freezing, analysing and one scan to warm up; the scan alone, if it was kept.
    pub settling: Duration,
    /// Whether nothing was sent, for the server's files were kept from an earlier load.
    pub kept: bool,
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

    /// The same with the first `rows` products that follow from `seed` in its table.
    ///
    /// The files of a server of our own are kept in the folder `clusters` when the table has been loaded, and the next
    /// server with that table starts from a copy of them.
    pub fn with_products(
        environment: &Environment,
        (rows, seed): (u64, u64),
        clusters: &Path,
    ) -> Result<(Server, Loaded)> {
        let table_bytes = rows.saturating_mul(BYTES_PER_ROW);
        if environment.address.is_some() {
            let server = Server::open(environment, table_bytes)?;
            let loaded = server.load_products(rows, seed)?;
            return Ok((server, loaded));
        }
        let found = find(environment)?;
        let products = products(rows, seed)?;
        let cluster = Cluster::of(clusters, &found, &initdb_arguments(&found), products);
        let runs_as = environment.runs_as.as_ref();
        if cluster.is_kept() {
            match Server::from_kept(&found, runs_as, table_bytes, &cluster, rows) {
                Ok(up) => return Ok(up),
                Err(_) => cluster.forget(),
            }
        }
        let mut server = Server::start(&found, runs_as, table_bytes)?;
        let loaded = server.load_products(rows, seed)?;
        server.drop_templates()?;
        if let Place::Own(own) = &mut server.place {
            own.keep_files(&cluster, &found, runs_as, table_bytes)?;
        }
        let begun = Instant::now();
        server.scan_products()?;
        Ok((server, Loaded { settling: loaded.settling + begun.elapsed(), ..loaded }))
    }

    /// A server of our own on a copy of kept files.
    fn from_kept(
        found: &Found,
        runs_as: Option<&User>,
        table_bytes: u64,
        cluster: &Cluster,
        rows: u64,
    ) -> Result<(Server, Loaded)> {
        let begun = Instant::now();
        let server = Server::on(Own::start(found, runs_as, table_bytes, Some(cluster))?, found)?;
        let copying = begun.elapsed();
        let begun = Instant::now();
        let (counted, bytes) = server.scan_products()?;
        if counted != rows {
            return Err(Error::Products(format!("{counted} products were kept instead of {rows}")));
        }
        Ok((server, Loaded { rows, bytes, copying, settling: begun.elapsed(), kept: true }))
    }

    /// A private, throw-away server made with the programs in `found`; run as `runs_as` where we are root.
    pub fn start(found: &Found, runs_as: Option<&User>, table_bytes: u64) -> Result<Server> {
        let own = Own::start(found, runs_as, table_bytes, None)?;
        let (client, mut driver) = connect(&own.url())?;
        driver
            .block_on(client.batch_execute(&format!("CREATE SCHEMA {SCHEMA}")))
            .map_err(Error::database("cannot make a schema in our own server"))?;
        drop(client);
        Server::on(own, found)
    }

    /// On a server of our own that has our schema.
    fn on(own: Own, found: &Found) -> Result<Server> {
        let whence = format!("our own, from {}: {}", found.programs.display(), found.because);
        let url = own.url();
        Server::describe(Place::Own(own), url, SCHEMA.to_string(), &whence)
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
            Place::Own(own) => Some(own.directory()),
            Place::Given(_) => None,
        }
    }

    /// Makes the table `product` in our schema and fills it with the first `rows` rows that follow from `seed`.
    ///
    /// A table that is there already is replaced. Afterwards nothing about it changes under a reader: all rows are
    /// frozen, the planner's figures are fresh, and every page has been read once.
    pub fn load_products(&self, rows: u64, seed: u64) -> Result<Loaded> {
        let products = products(rows, seed)?;
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
        driver
            .block_on(client.batch_execute(&format!("VACUUM (FREEZE, ANALYZE) {table}")))
            .map_err(Error::database(format!("cannot prepare {table} for reading")))?;
        let (rows, bytes) = self.scan_products()?;
        Ok(Loaded { rows, bytes, copying, settling: begun.elapsed(), kept: false })
    }

    /// Leaves the server with one database. Two of the three that it is made with are there to make more from; without
    /// them there is a third of the files to copy at the next start, and files cost more than their bytes.
    fn drop_templates(&self) -> Result<()> {
        let (client, mut driver) = connect(&self.url)?;
        for statement in
            ["UPDATE pg_database SET datistemplate = false", "DROP DATABASE template0", "DROP DATABASE template1"]
        {
            driver
                .block_on(client.batch_execute(statement))
                .map_err(Error::database("cannot drop the databases that nobody needs"))?;
        }
        Ok(())
    }

    /// Reads the whole table once, on the server: how many rows it has, and its size in bytes.
    fn scan_products(&self) -> Result<(u64, u64)> {
        let table = format!("{}.product", self.schema);
        let (client, mut driver) = connect(&self.url)?;
        let question =
            format!("SELECT count(*), coalesce(sum(length(product_name)), 0), pg_table_size('{table}') FROM {table}");
        let row = driver
            .block_on(client.query_one(question.as_str(), &[]))
            .map_err(Error::database(format!("cannot read {table} once")))?;
        let (rows, bytes): (i64, i64) = (row.get(0), row.get(2));
        Ok((rows.cast_unsigned(), bytes.cast_unsigned()))
    }

    fn not_loaded(&self, table: &str, rows: u64, error: &tokio_postgres::Error) -> Error {
        let mut doing = format!("cannot load {table}");
        if error.code() == Some(&SqlState::DISK_FULL) {
            let place = self.directory().map(|directory| format!(" in {}", directory.display())).unwrap_or_default();
            doing.push_str(&format!(", about {} MB{place}", rows.saturating_mul(BYTES_PER_ROW) / 1_000_000 + 1));
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

fn products(rows: u64, seed: u64) -> Result<Products> {
    Products::new(seed, rows).map_err(|error| Error::Products(error.to_string()))
}
