//! A table read by several cursors under one snapshot, each on a thread and a connection of its own.

use super::time_breakdown::{Busy, Took};
use super::{Reader, Take, every_row, explained, through};
use anyhow::{Context, Result};
use cursor::{DEFAULT_DEPTH, PageSize};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant;
use strategies::Task;
use tasks::cursor_ranges::{Blocks, CursorRanges};
use tokio_postgres::{Client, IsolationLevel};

/// Reads the table of that name through as many cursors as there are readers, in ranges of about so many rows.
pub(super) fn read<T: Take>(
    task: &Arc<CursorRanges>,
    table: &str,
    readers: &mut [Reader],
    rows: usize,
) -> Result<(T, Took)> {
    let servers: Vec<u32> = readers.iter().filter_map(|reader| reader.backend).collect();
    let seen = servers.len() == readers.len();
    let busy = || servers.iter().try_fold(Busy::default(), |sum, server| Ok(sum.and(Busy::of_process(*server)?)));
    let (began, before): (_, Result<Busy>) = (Instant::now(), busy());
    let size = NonZeroUsize::new(rows).context("a range has rows")?;
    let blocks = task.partitions(size)?.collect::<strategies::Result<_>>()?;
    let connections = readers.len();
    let parts = hand_out(blocks, readers.iter_mut(), |reader, next| {
        let (mut part, began) = (T::default(), Busy::of_thread()?);
        while let Some(blocks) = next() {
            part.absorb(reader.driver.block_on(range(&mut reader.client, table, &blocks))?);
        }
        Ok((part, Busy::of_thread()?.since(began)))
    })?;
    let wall = began.elapsed().as_nanos() as f64;
    let server = if seen { Some(busy()?.since(before?)) } else { None };
    let mut sum = T::default();
    let mut took = Took { connections, ..Took::from_outside(wall, 0.0, server) };
    for (part, busy) in parts {
        sum.absorb(part);
        took.client = took.client.and(busy);
    }
    Ok((sum, took))
}

async fn range<T: Take>(client: &mut Client, table: &str, blocks: &Blocks) -> Result<T> {
    let transaction = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
    let mut transaction = transaction.start().await.map_err(explained)?;
    let join = format!("SET TRANSACTION SNAPSHOT '{}'", blocks.snapshot());
    transaction.batch_execute(&join).await.map_err(explained)?;
    let query = format!("{} WHERE {}", every_row(table), blocks.condition());
    let (sum, _) = through(&mut transaction, &query, DEFAULT_DEPTH, PageSize::default()).await?;
    transaction.commit().await.map_err(explained)?;
    Ok(sum)
}

/// Has each of some workers take ranges of blocks, one after the other, on a thread of its own, until there are none.
///
/// # Errors
/// What a worker says.
pub fn hand_out<W: Send, R: Send>(
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
