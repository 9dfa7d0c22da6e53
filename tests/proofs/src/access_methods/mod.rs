//! Ways to read a table of products from PostgreSQL, each with the same sum of what was read, and what reading took.
//!
//! Every way does the same with a row: it takes both columns and adds them up. A [`Sum`] is as cheap as that can be,
//! for what is timed; a [`Check`] tells one set of rows from another whatever their order, for what is not.

pub mod interleaved;
pub mod knee;
pub mod peers;
pub mod pinning;
pub mod ranges;
pub mod runtimes;
pub mod time_breakdown;

use anyhow::{Context, Result, ensure};
use cursor::{Cursor, Metrics, PageSize};
use flate2::Crc;
use futures_util::TryStreamExt;
use pinning::Apart;
use postgres::{Driver, connect, explain};
use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use system::process;
use tasks::cursor_ranges::CursorRanges;
use time_breakdown::{Took, Watch, backend};
use tokio_postgres::{Client, Row, Statement, Transaction};

/// A way to read every row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Way {
    /// `query_raw`: rows as they come, no cursor.
    Plain,
    /// Our cursor, row by row.
    Cursor {
        /// Pages under way.
        depth: usize,
        /// Rows in a page.
        size: PageSize,
    },
    /// `DECLARE` and one `FETCH` after the other.
    Declared {
        /// Rows in a page.
        size: u32,
    },
    /// `COPY … (FORMAT binary)`, its rows taken apart here.
    Copy,
    /// `query`: all rows first, then the first of them.
    All,
    /// Cursors over ranges of blocks under one snapshot, each with a thread and a connection of its own.
    Ranges {
        /// How many.
        cursors: usize,
        /// Rows in a range, about.
        rows: usize,
    },
}

impl fmt::Display for Way {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Way::Plain => write!(out, "plain row stream"),
            Way::Cursor { depth, size: PageSize::Rows(rows) } => write!(out, "cursor, {depth} × {rows} rows"),
            Way::Cursor { depth, size } if *size == PageSize::default() => {
                write!(out, "cursor, {depth} × default page")
            }
            Way::Cursor { depth, size: PageSize::Bytes(bytes) | PageSize::SlowStart { bytes, .. } } => {
                write!(out, "cursor, {depth} × {bytes} bytes")
            }
            Way::Declared { size } => write!(out, "DECLARE, FETCH {size}"),
            Way::Copy => write!(out, "COPY BINARY"),
            Way::All => write!(out, "fetch all, then read"),
            Way::Ranges { cursors, rows } => write!(out, "{cursors} range cursors, {rows} rows"),
        }
    }
}

/// What takes both columns of every row.
pub trait Take: Default + Send {
    /// Takes a row.
    fn take(&mut self, id: i32, name: &str);
    /// Adds what another has taken.
    fn absorb(&mut self, other: Self);
}

/// The same for everyone who has read the same rows, and as cheap as can be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many rows.
    pub rows: u64,
    ids: i64,
    bytes: usize,
}

impl Take for Sum {
    fn take(&mut self, id: i32, name: &str) {
        self.rows += 1;
        self.ids += i64::from(id);
        self.bytes += name.len();
    }

    fn absorb(&mut self, other: Self) {
        self.rows += other.rows;
        self.ids += other.ids;
        self.bytes += other.bytes;
    }
}

/// Different for whoever has read other rows, whatever the order: the sum of each row's CRC-32, and what other
/// languages can add up cheaply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Check {
    /// How many rows.
    pub rows: u64,
    /// Their ids.
    pub ids: i64,
    /// Letters of their names: what most languages call a string's length.
    pub letters: u64,
    /// The CRC-32 of each row's id, big end first, and name, added up.
    pub crcs: u64,
}

impl Take for Check {
    fn take(&mut self, id: i32, name: &str) {
        self.rows += 1;
        self.ids += i64::from(id);
        self.letters += name.chars().count() as u64;
        let mut crc = Crc::new();
        crc.update(&id.to_be_bytes());
        crc.update(name.as_bytes());
        self.crcs += u64::from(crc.sum());
    }

    fn absorb(&mut self, other: Self) {
        self.rows += other.rows;
        self.ids += other.ids;
        self.letters += other.letters;
        self.crcs += other.crcs;
    }
}

/// A connection, and the server's process behind it where that can be seen.
pub struct Reader {
    /// The client.
    pub client: Client,
    /// What moves its bytes.
    pub driver: Driver,
    /// The server's process.
    pub backend: Option<u32>,
}

impl Reader {
    /// Connects to the server at `url`.
    ///
    /// # Errors
    /// When there is no connection.
    pub fn open(url: &str) -> Result<Self> {
        let (client, mut driver) = connect(url)?;
        let backend = driver.block_on(backend(url, &client))?;
        Ok(Reader { client, driver, backend })
    }
}

/// A table, and connections to its server.
pub struct Table {
    url: String,
    name: String,
    reader: Reader,
    /// For those ways that need several.
    more: Vec<Reader>,
    apart: Option<Apart>,
    split: Arc<CursorRanges>,
}

impl Table {
    /// The table of that name on the server at `url`.
    ///
    /// # Errors
    /// When there is no connection.
    pub fn open(url: &str, name: &str) -> Result<Self> {
        let split = CursorRanges::new(url.to_owned(), name.to_owned(), cursor::DEFAULT_DEPTH);
        let (reader, more) = (Reader::open(url)?, Vec::new());
        // Where the server's process cannot be seen, or be told where to run, the system has its way.
        let apart = reader.backend.zip(Apart::new());
        let apart = apart.and_then(|(backend, apart)| apart.server(backend).is_ok().then_some(apart));
        Ok(Table { url: url.to_owned(), name: name.to_owned(), reader, more, apart, split: Arc::new(split) })
    }

    /// Where client and server run, if they have a processor each: not the range cursors, which use all there are.
    pub fn apart(&self) -> Option<Apart> {
        self.apart
    }

    /// The server's process that the others come from, where it can be seen.
    pub fn postmaster(&self) -> Option<u32> {
        process::parent(self.reader.backend?)
    }

    /// What streams the table.
    pub fn query(&self) -> String {
        every_row(&self.name)
    }

    /// Reads all rows, and says what that took from the query to the last of them.
    ///
    /// # Errors
    /// What the server says.
    pub fn read<T: Take>(&mut self, way: Way) -> Result<(T, Took)> {
        let (query, name) = (self.query(), &self.name);
        if let Way::Ranges { cursors, rows } = way {
            while self.more.len() < cursors {
                self.more.push(Reader::open(&self.url)?);
            }
            return ranges::read(&self.split, name, &mut self.more[..cursors], rows);
        }
        let Reader { client, driver, backend } = &mut self.reader;
        let read = async {
            let watch = Watch::begin(*backend)?;
            let unpaged = |sum: T| (sum, None);
            let (sum, metrics) = match way {
                Way::Plain => unpaged(plain(client, &query).await?),
                Way::Cursor { depth, size } => {
                    let (sum, metrics) = paged(client, &query, depth, size).await?;
                    (sum, Some(metrics))
                }
                Way::Declared { size } => unpaged(declared(client, &query, size).await?),
                Way::Copy => unpaged(copy(client, name).await?),
                Way::All => unpaged(all(client, &query).await?),
                Way::Ranges { .. } => unreachable!("these have connections of their own"),
            };
            let waits = metrics.map(|metrics: Metrics| metrics.waits);
            anyhow::Ok((sum, Took { waits, ..watch.end()? }))
        };
        match self.apart {
            Some(apart) => apart.alone(|| driver.block_on(read))?,
            None => driver.block_on(read),
        }
    }

    /// Does `work` with the client while the driver moves its bytes.
    ///
    /// # Errors
    /// What the work says.
    pub fn run<T>(&mut self, work: impl AsyncFnOnce(&mut Client) -> Result<T>) -> Result<T> {
        let Reader { client, driver, .. } = &mut self.reader;
        let working: Pin<&mut dyn Future<Output = Result<T>>> = pin!(work(client));
        driver.block_on(working)
    }
}

/// tokio-postgres's errors with what the server said.
pub fn explained(error: tokio_postgres::Error) -> anyhow::Error {
    anyhow::anyhow!(explain(&error))
}

/// The query that streams a table, which is written into it as it is.
pub fn every_row(table: &str) -> String {
    format!("SELECT product_id, product_name FROM {table}")
}

fn take_row(into: &mut impl Take, row: &Row) -> Result<()> {
    into.take(row.try_get(0).map_err(explained)?, row.try_get(1).map_err(explained)?);
    Ok(())
}

/// Reads a query's rows as they come.
///
/// # Errors
/// What the server says.
pub async fn plain<T: Take>(client: &Client, query: &str) -> Result<T> {
    let mut sum = T::default();
    let mut rows = pin!(client.query_raw(query, std::iter::empty::<i32>()).await.map_err(explained)?);
    while let Some(row) = rows.try_next().await.map_err(explained)? {
        take_row(&mut sum, &row)?;
    }
    Ok(sum)
}

/// Reads a query's rows through our cursor, one by one.
///
/// # Errors
/// What the server says.
pub async fn paged<T: Take>(client: &mut Client, query: &str, depth: usize, size: PageSize) -> Result<(T, Metrics)> {
    let mut transaction = client.transaction().await.map_err(explained)?;
    let read = through(&mut transaction, query, depth, size).await?;
    transaction.commit().await.map_err(explained)?;
    Ok(read)
}

/// The same in a transaction that there is already.
async fn through<T: Take>(
    transaction: &mut Transaction<'_>,
    query: &str,
    depth: usize,
    size: PageSize,
) -> Result<(T, Metrics)> {
    let mut cursor = Cursor::open(transaction, query, &[]).await?.depth(depth);
    let sum = drain(&mut cursor, size).await?;
    Ok((sum, cursor.metrics()))
}

/// Reads what a cursor has.
///
/// # Errors
/// What the server says.
pub async fn drain<T: Take>(cursor: &mut Cursor<'_, '_>, size: PageSize) -> Result<T> {
    let mut sum = T::default();
    let mut rows = cursor.stream(size);
    while let Some(row) = rows.try_next().await? {
        take_row(&mut sum, &row)?;
    }
    Ok(sum)
}

async fn declared<T: Take>(client: &mut Client, query: &str, size: u32) -> Result<T> {
    let transaction = client.transaction().await.map_err(explained)?;
    let fetch = declare(&transaction, query, size).await?;
    let sum = fetch_all(&transaction, &fetch, size).await?;
    transaction.commit().await.map_err(explained)?;
    Ok(sum)
}

/// Declares a cursor in SQL, and prepares what fetches `size` rows of it: only then they are binary.
///
/// # Errors
/// What the server says.
pub async fn declare(transaction: &Transaction<'_>, query: &str, size: u32) -> Result<Statement> {
    let declare = format!("DECLARE declared NO SCROLL CURSOR FOR {query}");
    transaction.batch_execute(&declare).await.map_err(explained)?;
    transaction.prepare(&format!("FETCH {size} FROM declared")).await.map_err(explained)
}

/// Reads what a declared cursor has, `size` rows at a time.
///
/// # Errors
/// What the server says.
pub async fn fetch_all<T: Take>(transaction: &Transaction<'_>, fetch: &Statement, size: u32) -> Result<T> {
    let mut sum = T::default();
    loop {
        let mut rows = pin!(transaction.query_raw(fetch, std::iter::empty::<i32>()).await.map_err(explained)?);
        let mut came = 0;
        while let Some(row) = rows.try_next().await.map_err(explained)? {
            take_row(&mut sum, &row)?;
            came += 1;
        }
        if came < size {
            return Ok(sum);
        }
    }
}

/// Reads a query's rows when all of them are there.
async fn all<T: Take>(client: &Client, query: &str) -> Result<T> {
    let mut sum = T::default();
    for row in client.query(query, &[]).await.map_err(explained)? {
        take_row(&mut sum, &row)?;
    }
    Ok(sum)
}

/// Reads a table by a binary COPY.
async fn copy<T: Take>(client: &Client, table: &str) -> Result<T> {
    let mut sum = T::default();
    let mut pieces = pin!(client.copy_out(&copy_command(table)).await.map_err(explained)?);
    let mut begun = false;
    while let Some(piece) = pieces.try_next().await.map_err(explained)? {
        let mut bytes = &piece[..];
        if !begun {
            bytes = header(bytes)?;
            begun = true;
        }
        // A message is a row. The last has -1 columns and nothing else.
        if let Some((id, name)) = columns(&mut bytes)? {
            sum.take(id, name);
        }
    }
    Ok(sum)
}

fn copy_command(table: &str) -> String {
    format!("COPY {table} (product_id, product_name) TO STDOUT (FORMAT binary)")
}

/// All rows of a binary COPY that is in memory.
fn copied<T: Take>(bytes: &[u8]) -> Result<T> {
    let mut sum = T::default();
    let mut left = header(bytes)?;
    while let Some((id, name)) = columns(&mut left)? {
        sum.take(id, name);
    }
    Ok(sum)
}

/// What follows the signature, the flags, and the length of an extension that there never was.
fn header(mut bytes: &[u8]) -> Result<&[u8]> {
    let header = bytes.split_off(..19).context("the header of a COPY is cut short")?;
    ensure!(header.starts_with(b"PGCOPY\n\xff\r\n\0"), "this is no binary COPY");
    Ok(bytes)
}

/// A row of a binary COPY: the number of columns, and for each its length and its bytes (PostgreSQL's manual, page
/// COPY).
fn columns<'a>(row: &mut &'a [u8]) -> Result<Option<(i32, &'a str)>> {
    const SHORT: &str = "a row of a COPY is cut short";
    let mut take = |count: usize| row.split_off(..count).context(SHORT);
    let columns = take(2)?;
    if columns == [0xff, 0xff] {
        return Ok(None);
    }
    ensure!(columns == [0, 2], "a row of a COPY has other columns than two");
    let mut column = || -> Result<&'a [u8]> {
        let length = i32::from_be_bytes(take(4)?.try_into().context(SHORT)?);
        take(usize::try_from(length).context("a column is NULL")?)
    };
    let id = i32::from_be_bytes(column()?.try_into().context("an id is not of four bytes")?);
    Ok(Some((id, std::str::from_utf8(column()?)?)))
}
