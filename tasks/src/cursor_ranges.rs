//! The task `cursor_ranges`: several cursors read one table. Their connections see one snapshot and share the blocks of
//! the table.
//!
//! How it works:
//! 1. The *leader*, a separate connection, begins a transaction, exports its snapshot and counts the blocks of the
//!    table. These blocks hold every row of the snapshot, because later rows are not in the snapshot.
//! 2. A partition is a range of blocks with about `size` rows. Ranges are small and go to the next idle worker, so the
//!    task need not estimate the speed of workers.
//! 3. The worker takes a connection, sets the snapshot of the leader and opens a cursor for the rows of these blocks.
//!    For this cursor, PostgreSQL 14 and later read only these blocks (a TID range scan).
//! 4. A snapshot exists as long as the transaction that exported it, so each partition keeps the leader alive.
//!
//! pg_dump uses the same snapshot and lock, and DuckDB uses ranges of blocks. Without the snapshot, each range would
//! see the table at a different moment. A row that moves between two ranges would be read twice or never.

pub use crate::NoOptions as Options;
use crate::connections::{Connection, Connections, Trouble};
use crate::products::Products;
use crate::table::{self, every_row};
use crate::{Entry, Inputs, Sizing, TableName, columns::columns};
use cursor::Cursor;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use strategies::{Answer, AnyTask, Error, Partitions, Result, Task};
use tokio_postgres::{Client, IsolationLevel};

/// The entry of this task. It uses the options of `cursor_pages`: server, table and depth.
pub const ENTRY: Entry = Entry {
    name: "cursor_ranges",
    about: "Streams a table from PostgreSQL through many cursors under one snapshot and counts the words of its names.",
    unit: "rows",
    sizes: &[1_000, 5_000, 20_000, 50_000],
    default_size: 5_000,
    load,
    options: table::options,
    // Each connection keeps two cores busy, because the server has a process for it.
    sizing: Some(Sizing { speed_up: |cores| (cores / 2).max(2), ..table::SIZING }),
    hooks: table::HOOKS,
};

/// The first server version that reads only the blocks of a range.
const TID_RANGE_SCAN: i32 = 140_000;

/// The assumed number of rows per block for a table that was never analysed.
const ROWS_PER_BLOCK: f64 = 100.0;

/// A table on a server that several connections read.
pub struct CursorRanges {
    connections: Arc<Connections>,
    table: TableName,
    depth: usize,
}

impl CursorRanges {
    /// Makes a task for `table` on the server at `url`. Each cursor has `depth` pages in flight. The server may be
    /// silent without limit.
    pub fn new(url: String, table: TableName, depth: usize) -> Self {
        CursorRanges { connections: Arc::new(Connections::to(url, None)), table, depth }
    }
}

fn load(inputs: &Inputs) -> Result<Arc<dyn AnyTask>> {
    let (url, table) = inputs.cursor_pages.place(ENTRY.name)?;
    let connections = Arc::new(Connections::to(url, inputs.cursor_pages.patience()));
    Ok(Arc::new(Arc::new(CursorRanges { connections, table, depth: inputs.cursor_pages.depth as usize })))
}

/// A range of blocks of a table, seen through one snapshot.
#[derive(Serialize, Deserialize)]
pub struct Blocks {
    snapshot: String,
    first: u64,
    /// The block after the last. `None` for the last range, which has no end.
    end: Option<u64>,
    /// Keeps the snapshot alive. `None` in a worker process, because the process that sent the range keeps the snapshot
    /// alive.
    #[serde(skip)]
    leader: Option<Arc<Leader>>,
}

impl Blocks {
    /// Returns the name of the snapshot, for `SET TRANSACTION SNAPSHOT`.
    pub fn snapshot(&self) -> &str {
        &self.snapshot
    }

    /// Returns the SQL condition that selects the rows of these blocks.
    pub fn condition(&self) -> String {
        let from = format!("ctid >= '({},0)'::tid", self.first);
        match self.end {
            Some(end) => format!("{from} AND ctid < '({end},0)'::tid"),
            None => from,
        }
    }
}

/// A transaction that keeps its snapshot alive until it is dropped.
struct Leader {
    /// `None` only while the leader is dropped.
    connection: Mutex<Option<Connection>>,
    connections: Arc<Connections>,
    /// The error of the first range that failed. Usually the server or the table is the cause. Every other range would
    /// then fail too, each on a new connection: a thousand times for a large table.
    failed: OnceLock<Error>,
}

/// The snapshot and the number of blocks that the leader has determined.
struct Survey {
    snapshot: String,
    blocks: u64,
    rows_per_block: f64,
}

impl Leader {
    fn open(connections: &Arc<Connections>, table: &TableName) -> Result<(Self, Survey)> {
        let (client, mut driver) = connections.take()?;
        let survey = driver.block_on(lead(&client, table));
        let survey =
            survey.map_err(|trouble| Error::task(format!("cannot split {table}: {}", trouble.reason(&driver))))?;
        let connection = Mutex::new(Some((client, driver)));
        Ok((Leader { connection, connections: Arc::clone(connections), failed: OnceLock::new() }, survey))
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        let connection = self.connection.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        let Some((client, mut driver)) = connection else { return };
        // Keeps the connection only if its transaction ends without an error.
        if driver.block_on(client.batch_execute("COMMIT")).is_ok() {
            self.connections.give_back((client, driver));
        }
    }
}

/// Begins the transaction of the leader. The lock excludes commands that move every row (`VACUUM FULL`, `CLUSTER`).
async fn lead(client: &Client, table: &TableName) -> std::result::Result<Survey, Trouble> {
    let begin = format!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; LOCK TABLE {table} IN ACCESS SHARE MODE");
    client.batch_execute(&begin).await?;
    // Queries the real size of the table after the snapshot, because the planner's figure is older.
    let question = "SELECT current_setting('server_version_num')::int, pg_export_snapshot(), \
                    pg_relation_size(oid) / current_setting('block_size')::int, \
                    (reltuples / greatest(relpages, 1))::float8 \
                    FROM pg_class WHERE oid = to_regclass($1)";
    let row = client.query_one(question, &[&table.to_string()]).await?;
    let version: i32 = row.try_get(0)?;
    if version < TID_RANGE_SCAN {
        return Err(Trouble::Row(Error::task(format!(
            "the server has version {}, but before 14 each range of blocks would read the whole table; use cursor_pages, \
             which works with any version",
            version / 10_000
        ))));
    }
    Ok(Survey {
        snapshot: row.try_get(1)?,
        blocks: row.try_get::<_, i64>(2)?.cast_unsigned(),
        rows_per_block: row.try_get(3)?,
    })
}

impl CursorRanges {
    fn read(&self, blocks: &Blocks, into: &mut Products) -> Result<()> {
        let (mut client, mut driver) = self.connections.take()?;
        let mut read = 0;
        let streamed = driver.block_on(self.stream(&mut client, blocks, into, &mut read));
        streamed.map_err(|trouble| trouble.after(read, &driver))?;
        self.connections.give_back((client, driver));
        Ok(())
    }

    async fn stream(
        &self,
        client: &mut Client,
        blocks: &Blocks,
        into: &mut Products,
        read: &mut u64,
    ) -> std::result::Result<(), Trouble> {
        let transaction = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
        let mut transaction = transaction.start().await?;
        // Without NOWAIT, this session could wait for ever behind a session that waits for the lock of the leader.
        let join = format!(
            "SET TRANSACTION SNAPSHOT '{}'; LOCK TABLE {} IN ACCESS SHARE MODE NOWAIT",
            blocks.snapshot, self.table
        );
        transaction.batch_execute(&join).await?;
        let query = format!("{} WHERE {}", every_row(&self.table), blocks.condition());
        let mut cursor = Cursor::open(&mut transaction, query.as_str(), &[]).await?.depth(self.depth);
        let streamed = async {
            while let Some(rows) = cursor.next_page().await? {
                for row in rows {
                    let (id, name) = columns(row).map_err(Trouble::Row)?;
                    into.add(id, name);
                    *read += 1;
                }
            }
            Ok(())
        };
        let streamed = streamed.await;
        if let Err(Trouble::Cursor(_)) = streamed {
            // Including the rows of an incomplete page.
            *read = cursor.metrics().rows;
        }
        streamed?;
        drop(cursor);
        transaction.commit().await?;
        Ok(())
    }
}

impl Task for CursorRanges {
    type Partition = Blocks;
    type Partial = Products;

    fn partitions(self: &Arc<Self>, size: NonZeroUsize) -> Result<Partitions<Blocks>> {
        let (leader, survey) = Leader::open(&self.connections, &self.table)?;
        let leader = Arc::new(leader);
        // -1 rows means that the table was never analysed.
        let rows_per_block = if survey.rows_per_block > 0.0 { survey.rows_per_block } else { ROWS_PER_BLOCK };
        let blocks_each = ((size.get() as f64 / rows_per_block).round() as u64).max(1);
        // There is at least one range. A partitioned table has no blocks of its own, and a range without an end reads
        // all its rows.
        let ranges = survey.blocks.max(1).div_ceil(blocks_each);
        Ok(Box::new((0..ranges).map(move |range| {
            let first = range * blocks_each;
            let end = (range + 1 < ranges).then_some(first + blocks_each);
            Ok(Blocks { snapshot: survey.snapshot.clone(), first, end, leader: Some(Arc::clone(&leader)) })
        })))
    }

    fn map(&self, blocks: Blocks, into: &mut Products) -> Result<()> {
        let failed = blocks.leader.as_ref().map(|leader| &leader.failed);
        if let Some(error) = failed.and_then(OnceLock::get) {
            return Err(Error::task(format!("not read, because another range failed: {error}")));
        }
        let read = self.read(&blocks, into);
        if let (Err(error), Some(failed)) = (&read, failed) {
            // Keeps only the first error.
            let _ = failed.set(error.clone());
        }
        read
    }

    fn reduce(into: &mut Products, other: Products) {
        into.absorb(other);
    }

    fn baseline(&self) -> Result<Products> {
        Products::plain_stream(&self.connections, &every_row(&self.table), || ())
    }

    fn answer(&self, total: &Products) -> Result<Answer> {
        Ok(total.answer())
    }

    fn write(&self, total: &Products, out: &mut dyn Write) -> std::io::Result<()> {
        total.write(out)
    }
}
