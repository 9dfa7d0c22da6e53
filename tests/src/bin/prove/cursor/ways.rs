//! Ways to read a table of products, each with the same sum of what was read.

use anyhow::{Context, Result, ensure};
use datasets::postgres::{Driver, connect, explain};
use futures_util::TryStreamExt;
use std::future::Future;
use std::pin::pin;
use std::time::Instant;
use tasks::cursor::{Cursor, PageSize};
use tokio_postgres::{Client, Row};

/// A way to read every row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Way {
    /// `query_raw`: rows as they come, no cursor.
    Plain,
    /// A cursor, row by row.
    Cursor { depth: usize, size: PageSize },
    /// `COPY … (FORMAT binary)`, its rows taken apart here.
    Copy,
}

/// The same for everyone who has read the same rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) rows: u64,
    ids: i64,
    bytes: usize,
}

impl Sum {
    pub(super) fn add(&mut self, id: i32, name: &str) {
        self.rows += 1;
        self.ids += i64::from(id);
        self.bytes += name.len();
    }

    fn add_row(&mut self, row: &Row) -> Result<(), tokio_postgres::Error> {
        self.add(row.try_get(0)?, row.try_get(1)?);
        Ok(())
    }
}

/// A table, and a connection to its server.
pub(super) struct Table {
    pub(super) client: Client,
    pub(super) driver: Driver,
    pub(super) name: String,
}

/// What reading took, in nanoseconds.
#[derive(Clone, Copy)]
pub(super) struct Took {
    pub(super) wall: f64,
    /// Processor time of this thread, on which the whole client runs.
    pub(super) cpu: f64,
}

impl Table {
    pub(super) fn open(url: &str, name: &str) -> Result<Self> {
        let (client, driver) = connect(url)?;
        Ok(Table { client, driver, name: name.to_owned() })
    }

    pub(super) fn query(&self) -> String {
        format!("SELECT product_id, product_name FROM {}", self.name)
    }

    /// Reads all rows, and says how long that took from the query to the last of them.
    pub(super) fn read(&mut self, way: Way) -> Result<(Sum, Took)> {
        let (query, copied) = (self.query(), self.name.clone());
        let (began, cpu) = (Instant::now(), processor_time()?);
        let sum = self.driver.block_on(async {
            match way {
                Way::Plain => plain(&self.client, &query).await,
                Way::Cursor { depth, size } => paged(&mut self.client, &query, depth, size).await,
                Way::Copy => copy(&self.client, &copied).await,
            }
        })?;
        Ok((sum, Took { wall: began.elapsed().as_nanos() as f64, cpu: processor_time()? - cpu }))
    }

    /// Does `work` with the client while the driver moves its bytes.
    pub(super) fn run<T>(&mut self, work: impl AsyncFnOnce(&mut Client) -> Result<T>) -> Result<T> {
        let working: std::pin::Pin<&mut dyn Future<Output = Result<T>>> = pin!(work(&mut self.client));
        self.driver.block_on(working)
    }
}

/// tokio-postgres's errors with what the server said.
pub(super) fn explained(error: tokio_postgres::Error) -> anyhow::Error {
    anyhow::anyhow!(explain(&error))
}

pub(super) async fn plain(client: &Client, query: &str) -> Result<Sum> {
    let mut sum = Sum::default();
    let mut rows = pin!(client.query_raw(query, std::iter::empty::<i32>()).await.map_err(explained)?);
    while let Some(row) = rows.try_next().await.map_err(explained)? {
        sum.add_row(&row).map_err(explained)?;
    }
    Ok(sum)
}

pub(super) async fn paged(client: &mut Client, query: &str, depth: usize, size: PageSize) -> Result<Sum> {
    let mut sum = Sum::default();
    let mut transaction = client.transaction().await.map_err(explained)?;
    let mut cursor = Cursor::open(&mut transaction, query, &[]).await?.depth(depth);
    let mut rows = cursor.stream(size);
    while let Some(row) = rows.try_next().await? {
        sum.add_row(&row).map_err(explained)?;
    }
    drop(cursor);
    transaction.commit().await.map_err(explained)?;
    Ok(sum)
}

async fn copy(client: &Client, table: &str) -> Result<Sum> {
    let mut sum = Sum::default();
    let copy = format!("COPY {table} (product_id, product_name) TO STDOUT (FORMAT binary)");
    let mut pieces = pin!(client.copy_out(&copy).await.map_err(explained)?);
    let mut begun = false;
    while let Some(piece) = pieces.try_next().await.map_err(explained)? {
        let mut bytes = &piece[..];
        if !begun {
            // The signature, flags, and the length of an extension that there never was.
            let header = bytes.split_off(..19).context("the header of a COPY is cut short")?;
            ensure!(header.starts_with(b"PGCOPY\n\xff\r\n\0"), "this is no binary COPY");
            begun = true;
        }
        // A message is a row. The last has -1 columns and nothing else.
        if let Some((id, name)) = columns(bytes)? {
            sum.add(id, name);
        }
    }
    Ok(sum)
}

/// A row of a binary COPY: the number of columns, and for each its length and its bytes (PostgreSQL's manual, page COPY).
fn columns(mut row: &[u8]) -> Result<Option<(i32, &str)>> {
    const SHORT: &str = "a row of a COPY is cut short";
    let mut take = |count: usize| row.split_off(..count).context(SHORT);
    let columns = take(2)?;
    if columns == [0xff, 0xff] {
        return Ok(None);
    }
    ensure!(columns == [0, 2], "a row of a COPY has other columns than two");
    let mut column = || -> Result<&[u8]> {
        let length = i32::from_be_bytes(take(4)?.try_into().context(SHORT)?);
        take(usize::try_from(length).context("a column is NULL")?)
    };
    let id = i32::from_be_bytes(column()?.try_into().context("an id is not of four bytes")?);
    Ok(Some((id, std::str::from_utf8(column()?)?)))
}

/// Processor time of this thread, in nanoseconds.
fn processor_time() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").context("cannot see this thread's time")?;
    Ok(text.split_whitespace().next().context("schedstat is empty")?.parse()?)
}
