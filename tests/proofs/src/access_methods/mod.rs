//! Access methods: each reads a table of products from PostgreSQL, sums up its rows and reports the cost of reading.
//!
//! Every method adds up both columns of every row. Timed reads use a [`Sum`], which is cheap. Untimed reads use a
//! [`Check`], which identifies a set of rows in any order.

pub mod interleaved;
pub mod peers;
pub mod pinning;
pub mod ranges;
mod reader;
mod rows;
pub mod runtimes;
pub mod time_breakdown;

pub use reader::Reader;
pub(crate) use rows::socket;
pub use rows::{Check, RowSink, Sum, drain, every_row, explained, paged, plain};

use anyhow::{Result, bail};
use cursor::PageSize;
use pinning::Pinning;
use rows::{add_row, copy, declared};
use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use system::process;
use tasks::TableName;
use tasks::cursor_ranges::CursorRanges;
use time_breakdown::{Cost, Meter};
use tokio_postgres::Client;

/// A way to read every row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AccessMethod {
    /// `query_raw`: rows as they arrive, without a cursor.
    Plain,
    /// Our cursor, row by row: the number of pages in flight, and their size.
    Cursor(usize, PageSize),
    /// `DECLARE`, then repeated `FETCH` commands of this many rows.
    Declared(u32),
    /// `COPY … (FORMAT binary)`, parsed here.
    Copy,
    /// `query`: receives all rows before the first is read.
    FetchAll,
    /// Several cursors under one snapshot, each with its own thread and connection: their number, and the approximate rows
    /// of a range.
    Ranges(usize, usize),
}

impl fmt::Display for AccessMethod {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AccessMethod::Plain => write!(out, "plain row stream"),
            AccessMethod::Cursor(depth, PageSize::Rows(rows)) => write!(out, "cursor, {depth} × {rows} rows"),
            AccessMethod::Cursor(depth, size) if *size == PageSize::default() => {
                write!(out, "cursor, {depth} × default page")
            }
            AccessMethod::Cursor(depth, PageSize::Bytes(bytes) | PageSize::SlowStart { bytes, .. }) => {
                write!(out, "cursor, {depth} × {bytes} bytes")
            }
            AccessMethod::Declared(size) => write!(out, "DECLARE, FETCH {size}"),
            AccessMethod::Copy => write!(out, "COPY BINARY"),
            AccessMethod::FetchAll => write!(out, "fetch all, then read"),
            AccessMethod::Ranges(cursors, rows) => write!(out, "{cursors} range cursors, {rows} rows"),
        }
    }
}

/// A table, and connections to its server.
pub struct Table {
    url: String,
    name: String,
    reader: Reader,
    /// Further connections, for range cursors.
    more: Vec<Reader>,
    pinning: Option<Pinning>,
    ranges: Arc<CursorRanges>,
}

impl Table {
    /// Connects to the server at `url`, to read the table `name`.
    pub fn open(url: &str, name: &str) -> Result<Self> {
        let ranges = CursorRanges::new(
            url.to_owned(),
            TableName::parse(name).map_err(anyhow::Error::msg)?,
            cursor::DEFAULT_DEPTH,
        );
        let reader = Reader::open(url)?;
        // Without a visible server process nothing is pinned, and the operating system places client and server.
        let pinning = reader.backend.zip(Pinning::new());
        let pinning = pinning.and_then(|(backend, pinning)| pinning.server(backend).is_ok().then_some(pinning));
        let (url, name) = (url.to_owned(), name.to_owned());
        Ok(Table { url, name, reader, more: Vec::new(), pinning, ranges: Arc::new(ranges) })
    }

    /// The cores of client and server, if they are pinned. Range cursors use all cores.
    pub fn pinning(&self) -> Option<Pinning> {
        self.pinning
    }

    /// The server's main process, if it is visible.
    pub fn postmaster(&self) -> Option<u32> {
        process::parent(self.reader.backend?)
    }

    /// The query that streams the table.
    pub fn query(&self) -> String {
        every_row(&self.name)
    }

    /// Reads all rows. The cost covers the time from the query to the last row.
    pub fn read<S: RowSink>(&mut self, method: AccessMethod) -> Result<(S, Cost)> {
        let (query, name) = (self.query(), &self.name);
        if let AccessMethod::Ranges(cursors, rows) = method {
            while self.more.len() < cursors {
                self.more.push(Reader::open(&self.url)?);
            }
            return ranges::read(&self.ranges, name, &mut self.more[..cursors], rows);
        }
        let Reader { client, driver, backend } = &mut self.reader;
        let read = async {
            let (meter, mut sum, mut waits) = (Meter::start(*backend)?, S::default(), None);
            match method {
                AccessMethod::Plain => sum = plain(client, &query).await?,
                AccessMethod::Cursor(depth, size) => {
                    let (read, metrics) = paged(client, &query, depth, size).await?;
                    (sum, waits) = (read, Some(metrics.waits));
                }
                AccessMethod::Declared(size) => declared(client, &query, size, &mut sum).await?,
                AccessMethod::Copy => copy(client, name, &mut sum).await?,
                AccessMethod::FetchAll => {
                    for row in client.query(&query, &[]).await.map_err(explained)? {
                        add_row(&row, &mut sum)?;
                    }
                }
                AccessMethod::Ranges(..) => bail!("range cursors have connections of their own"),
            }
            anyhow::Ok((sum, Cost { waits, ..meter.stop()? }))
        };
        match self.pinning {
            Some(pinning) => pinning.on_client_core(|| driver.block_on(read))?,
            None => driver.block_on(read),
        }
    }

    /// Runs `work` with the client while the driver moves its bytes.
    pub fn run<T>(&mut self, work: impl AsyncFnOnce(&mut Client) -> Result<T>) -> Result<T> {
        let Reader { client, driver, .. } = &mut self.reader;
        let working: Pin<&mut dyn Future<Output = Result<T>>> = pin!(work(client));
        driver.block_on(working)
    }
}
