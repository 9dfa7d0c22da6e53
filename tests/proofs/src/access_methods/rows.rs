//! Consumers of rows from PostgreSQL, and the functions that read the rows.

use anyhow::{Context, Result, bail, ensure};
use cursor::{Cursor, Metrics, PageSize};
use flate2::Crc;
use futures_util::{Stream, TryStreamExt};
use postgres::explain;
use std::path::PathBuf;
use std::pin::pin;
use tokio_postgres::config::Host;
use tokio_postgres::{Client, Config, Row, Transaction};

/// A consumer of both columns of every row.
pub trait RowSink: Default + Send {
    /// Adds a row.
    fn add(&mut self, id: i32, name: &str);
    /// Adds the rows of another sink.
    fn merge(&mut self, other: Self);
}

/// The cheapest figures that are equal for equal sets of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// Number of rows.
    pub rows: u64,
    ids: i64,
    bytes: usize,
}

impl RowSink for Sum {
    fn add(&mut self, id: i32, name: &str) {
        self.rows += 1;
        self.ids += i64::from(id);
        self.bytes += name.len();
    }

    fn merge(&mut self, other: Self) {
        self.rows += other.rows;
        self.ids += other.ids;
        self.bytes += other.bytes;
    }
}

/// Figures that identify a set of rows. They are cheap to compute in other languages too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Check {
    /// Number of rows.
    pub rows: u64,
    /// Sum of their ids.
    pub ids: i64,
    /// Number of characters in the names, which most languages call a string's length.
    pub characters: u64,
    /// Sum of the rows' CRC-32 values. Each covers the row's big-endian id and its name.
    pub crcs: u64,
}

impl RowSink for Check {
    fn add(&mut self, id: i32, name: &str) {
        self.rows += 1;
        self.ids += i64::from(id);
        self.characters += name.chars().count() as u64;
        let mut crc = Crc::new();
        crc.update(&id.to_be_bytes());
        crc.update(name.as_bytes());
        self.crcs += u64::from(crc.sum());
    }

    fn merge(&mut self, other: Self) {
        self.rows += other.rows;
        self.ids += other.ids;
        self.characters += other.characters;
        self.crcs += other.crcs;
    }
}

/// A tokio-postgres error with the server's message.
pub fn explained(error: tokio_postgres::Error) -> anyhow::Error {
    anyhow::anyhow!(explain(&error))
}

/// The query that streams a table. The name is inserted without quotes.
pub fn every_row(table: &str) -> String {
    format!("SELECT product_id, product_name FROM {table}")
}

/// The path of a server's Unix socket, by its address.
pub(crate) fn socket(config: &Config) -> Result<PathBuf> {
    let Some(Host::Unix(folder)) = config.get_hosts().first() else { bail!("this needs a server on a Unix socket") };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    Ok(folder.join(format!(".s.PGSQL.{port}")))
}

pub(super) fn add_row(row: &Row, into: &mut impl RowSink) -> Result<()> {
    into.add(row.try_get(0).map_err(explained)?, row.try_get(1).map_err(explained)?);
    Ok(())
}

/// Adds all rows of a stream and returns their number.
async fn add_rows<E>(rows: impl Stream<Item = Result<Row, E>>, into: &mut impl RowSink) -> Result<u32>
where
    anyhow::Error: From<E>,
{
    let (mut rows, mut count) = (pin!(rows), 0);
    while let Some(row) = rows.try_next().await? {
        add_row(&row, into)?;
        count += 1;
    }
    Ok(count)
}

/// Reads the rows of a query as they arrive.
pub async fn plain<S: RowSink>(client: &Client, query: &str) -> Result<S> {
    let mut sum = S::default();
    let rows = client.query_raw(query, std::iter::empty::<i32>()).await.map_err(explained)?;
    add_rows(rows.map_err(explained), &mut sum).await?;
    Ok(sum)
}

/// Reads the rows of a query through our cursor, one by one, in a transaction.
pub async fn paged<S: RowSink>(client: &mut Client, query: &str, depth: usize, size: PageSize) -> Result<(S, Metrics)> {
    let mut transaction = client.transaction().await.map_err(explained)?;
    let read = through_cursor(&mut transaction, query, depth, size).await?;
    transaction.commit().await.map_err(explained)?;
    Ok(read)
}

pub(super) async fn through_cursor<S: RowSink>(
    transaction: &mut Transaction<'_>,
    query: &str,
    depth: usize,
    size: PageSize,
) -> Result<(S, Metrics)> {
    let mut cursor = Cursor::open(transaction, query, &[]).await?.depth(depth);
    let sum = drain(&mut cursor, size).await?;
    Ok((sum, cursor.metrics()))
}

/// Reads the rows of an open cursor, one by one.
pub async fn drain<S: RowSink>(cursor: &mut Cursor<'_, '_>, size: PageSize) -> Result<S> {
    let mut sum = S::default();
    add_rows(cursor.stream(size), &mut sum).await?;
    Ok(sum)
}

/// Reads the rows of a query through a cursor declared in SQL, `size` rows at a time.
pub(super) async fn declared(client: &mut Client, query: &str, size: u32, sum: &mut impl RowSink) -> Result<()> {
    let transaction = client.transaction().await.map_err(explained)?;
    let declare = format!("DECLARE declared NO SCROLL CURSOR FOR {query}");
    transaction.batch_execute(&declare).await.map_err(explained)?;
    // Only a prepared statement returns binary rows.
    let fetch = transaction.prepare(&format!("FETCH {size} FROM declared")).await.map_err(explained)?;
    loop {
        let rows = transaction.query_raw(&fetch, std::iter::empty::<i32>()).await.map_err(explained)?;
        if add_rows(rows.map_err(explained), sum).await? < size {
            return transaction.commit().await.map_err(explained);
        }
    }
}

/// Reads a table by a binary COPY.
pub(super) async fn copy(client: &Client, table: &str, sum: &mut impl RowSink) -> Result<()> {
    let mut messages = pin!(client.copy_out(&copy_command(table)).await.map_err(explained)?);
    let mut first = true;
    while let Some(message) = messages.try_next().await.map_err(explained)? {
        let mut bytes = if first { header(&message)? } else { &message[..] };
        first = false;
        // Each message contains one row. The last only contains a column count of -1.
        if let Some((id, name)) = columns(&mut bytes)? {
            sum.add(id, name);
        }
    }
    Ok(())
}

pub(super) fn copy_command(table: &str) -> String {
    format!("COPY {table} (product_id, product_name) TO STDOUT (FORMAT binary)")
}

/// Adds up all rows of a binary COPY in memory.
pub(super) fn copied<S: RowSink>(bytes: &[u8]) -> Result<S> {
    let (mut sum, mut left) = (S::default(), header(bytes)?);
    while let Some((id, name)) = columns(&mut left)? {
        sum.add(id, name);
    }
    Ok(sum)
}

/// Skips the header: the signature, the flags and the length of the header extension, which is always 0.
fn header(mut bytes: &[u8]) -> Result<&[u8]> {
    let header = bytes.split_off(..19).context("the header of a COPY is cut short")?;
    ensure!(header.starts_with(b"PGCOPY\n\xff\r\n\0"), "this is no binary COPY");
    Ok(bytes)
}

/// Parses a row of a binary COPY: the number of columns, then the length and bytes of each (PostgreSQL manual, COPY).
fn columns<'a>(row: &mut &'a [u8]) -> Result<Option<(i32, &'a str)>> {
    const SHORT: &str = "a row of a COPY is cut short";
    let mut take = |count: usize| row.split_off(..count).context(SHORT);
    let columns = take(2)?;
    if columns == [0xff, 0xff] {
        return Ok(None);
    }
    ensure!(columns == [0, 2], "a row of a COPY does not have two columns");
    let mut column = || -> Result<&'a [u8]> {
        let length = i32::from_be_bytes(take(4)?.try_into().context(SHORT)?);
        take(usize::try_from(length).context("a column is NULL")?)
    };
    let id = i32::from_be_bytes(column()?.try_into().context("an id does not have four bytes")?);
    Ok(Some((id, std::str::from_utf8(column()?)?)))
}
