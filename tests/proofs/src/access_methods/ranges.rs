//! Several cursors read one table under one snapshot. Each has its own thread and connection.

use super::reader::Reader;
use super::rows::{RowSink, every_row, explained, through_cursor};
use super::time_breakdown::{Busy, Cost};
use anyhow::{Context, Result};
use cursor::{DEFAULT_DEPTH, PageSize};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant;
use strategies::Task;
use tasks::cursor_ranges::{Blocks, CursorRanges};
use tokio_postgres::{Client, IsolationLevel};

/// Reads a table in ranges of about `rows` rows, with one cursor per reader.
pub(super) fn read<S: RowSink>(
    task: &Arc<CursorRanges>,
    table: &str,
    readers: &mut [Reader],
    rows: usize,
) -> Result<(S, Cost)> {
    let backends: Option<Vec<u32>> = readers.iter().map(|reader| reader.backend).collect();
    let busy = || {
        let processes = backends.iter().flatten();
        processes.copied().map(Busy::of_process).try_fold(Busy::default(), |sum, busy| anyhow::Ok(sum.and(busy?)))
    };
    let (began, before) = (Instant::now(), busy());
    let size = NonZeroUsize::new(rows).context("a range has rows")?;
    let blocks = task.partitions(size)?.collect::<strategies::Result<_>>()?;
    let connections = readers.len();
    let parts = share_blocks(blocks, readers.iter_mut(), |reader, next| {
        let (mut part, began) = (S::default(), Busy::of_thread()?);
        while let Some(blocks) = next() {
            part.merge(reader.driver.block_on(range(&mut reader.client, table, &blocks))?);
        }
        Ok((part, Busy::of_thread()?.since(began)))
    })?;
    let wall = began.elapsed().as_nanos() as f64;
    let server = if backends.is_some() { Some(busy()?.since(before?)) } else { None };
    let (mut sum, mut cost) = (S::default(), Cost { connections, ..Cost::from_outside(wall, 0.0, server) });
    for (part, busy) in parts {
        sum.merge(part);
        cost.client = cost.client.and(busy);
    }
    Ok((sum, cost))
}

async fn range<S: RowSink>(client: &mut Client, table: &str, blocks: &Blocks) -> Result<S> {
    let transaction = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
    let mut transaction = transaction.start().await.map_err(explained)?;
    let join = format!("SET TRANSACTION SNAPSHOT '{}'", blocks.snapshot());
    transaction.batch_execute(&join).await.map_err(explained)?;
    let query = format!("{} WHERE {}", every_row(table), blocks.condition());
    let (sum, _) = through_cursor(&mut transaction, &query, DEFAULT_DEPTH, PageSize::default()).await?;
    transaction.commit().await.map_err(explained)?;
    Ok(sum)
}

/// Distributes ranges of blocks. Each worker has its own thread and takes the next range until none is left.
pub fn share_blocks<W: Send, R: Send>(
    blocks: Vec<Blocks>,
    workers: impl Iterator<Item = W>,
    work: impl Fn(W, &dyn Fn() -> Option<Blocks>) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let left = Mutex::new(blocks.into_iter());
    let next = || left.lock().unwrap_or_else(PoisonError::into_inner).next();
    thread::scope(|scope| {
        let (work, next) = (&work, &next);
        let threads: Vec<_> = workers.map(|worker| scope.spawn(move || work(worker, next))).collect();
        threads.into_iter().map(|thread| thread.join().map_err(|_| anyhow::anyhow!("a reader panicked"))?).collect()
    })
}
