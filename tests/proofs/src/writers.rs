//! A table that changes all the time, and three ways to read it. They show whether several cursors see the same state.

use crate::access_methods::explained;
use crate::access_methods::ranges::share_blocks;
use anyhow::{Context, Result};
use fastrand::Rng;
use postgres::connect;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use strategies::{Answer, Task};
use tasks::TableName;
use tasks::cursor_ranges::{Blocks, CursorRanges};
use tasks::products::Products;

/// Rows that one transaction changes. It updates, deletes and reinserts each of them.
const TOGETHER: u64 = 20;

/// Threads that change rows and run VACUUM until [`stop`](Writers::stop). After every transaction the table has the same
/// ids as before, each once. Any other set of ids is a state that never existed.
pub struct Writers {
    stop: Arc<AtomicBool>,
    changes: Arc<AtomicU64>,
    began: Instant,
    threads: Vec<JoinHandle<Result<()>>>,
}

impl Writers {
    /// Starts threads that change `table`, which has the ids 1 to `rows`.
    pub fn start(url: &str, table: &str, rows: u32) -> Self {
        let (stop, changes) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let mut rng = Rng::with_seed(5);
        let (changed, counted) = (table.to_owned(), Arc::clone(&changes));
        let change = move || {
            counted.fetch_add(3 * TOGETHER, Ordering::Relaxed);
            let first = rng.u64(1..=u64::from(rows).saturating_sub(TOGETHER).max(1));
            let ids = format!("product_id BETWEEN {first} AND {}", first + TOGETHER - 1);
            // An update or insert writes a new version of the row, to another block if the old one is full.
            format!(
                "BEGIN; UPDATE {changed} SET product_name = product_name || ' again' WHERE {ids}; \
                 CREATE TEMPORARY TABLE gone ON COMMIT DROP AS SELECT * FROM {changed} WHERE {ids}; \
                 DELETE FROM {changed} WHERE {ids}; \
                 INSERT INTO {changed} SELECT product_id, replace(product_name, ' again', '') FROM gone; COMMIT"
            )
        };
        let vacuum = format!("VACUUM {table}");
        let threads = vec![
            repeat(url, &stop, Duration::ZERO, change),
            repeat(url, &stop, Duration::from_millis(5), move || vacuum.clone()),
        ];
        Writers { stop, changes, began: Instant::now(), threads }
    }

    /// Stops the changes; returns their number per second, or the error of a writer.
    pub fn stop(self) -> Result<f64> {
        self.stop.store(true, Ordering::Relaxed);
        let rate = self.changes.load(Ordering::Relaxed) as f64 / self.began.elapsed().as_secs_f64();
        for thread in self.threads {
            thread.join().map_err(|_| anyhow::anyhow!("a writer panicked"))??;
        }
        Ok(rate)
    }
}

/// Starts a thread that runs statements one after another until `stop` is set.
fn repeat(
    url: &str,
    stop: &Arc<AtomicBool>,
    pause: Duration,
    mut statement: impl FnMut() -> String + Send + 'static,
) -> JoinHandle<Result<()>> {
    let (url, stop) = (url.to_owned(), Arc::clone(stop));
    thread::spawn(move || {
        let (client, mut driver) = connect(&url)?;
        while !stop.load(Ordering::Relaxed) {
            driver.block_on(client.batch_execute(&statement())).map_err(explained)?;
            thread::sleep(pause);
        }
        Ok(())
    })
}

/// The answers from three ways to read a changing table.
pub struct Compared {
    /// The table's ranges, read under one snapshot and merged.
    pub ranges: Answer,
    /// One scan under the same snapshot.
    pub scan: Answer,
    /// The same ranges without a snapshot. Each sees the table at a different moment.
    pub torn: Answer,
}

/// Reads `table` in the three ways. `cursors` cursors at a time read the ranges, of `size` rows each.
pub fn compare(url: &str, table: &str, size: NonZeroUsize, cursors: usize) -> Result<Compared> {
    let task = Arc::new(CursorRanges::new(
        url.to_owned(),
        TableName::parse(table).map_err(anyhow::Error::msg)?,
        cursor::DEFAULT_DEPTH,
    ));
    // The snapshot lives until the last range is dropped.
    let blocks: Vec<Blocks> = task.partitions(size)?.collect::<strategies::Result<_>>()?;
    let conditions: Vec<String> = blocks.iter().map(|blocks| format!("WHERE {}", blocks.condition())).collect();
    let snapshot = blocks.first().context("a table has at least one range")?.snapshot();
    let begin = format!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT '{snapshot}'");
    let scan = read(url, &begin, table, &[String::new()])?;
    let parts = share_blocks(blocks, 0..cursors, |_, next| {
        let mut part = Products::default();
        while let Some(blocks) = next() {
            task.map(blocks, &mut part)?;
        }
        Ok(part)
    })?;
    let mut ranges = Products::default();
    parts.into_iter().for_each(|part| CursorRanges::reduce(&mut ranges, part));
    let torn = read(url, "", table, &conditions)?;
    Ok(Compared { ranges: task.answer(&ranges)?, scan: task.answer(&scan)?, torn: task.answer(&torn)? })
}

/// Runs the statement `begin`, then one query per condition, and merges the rows.
fn read(url: &str, begin: &str, table: &str, conditions: &[String]) -> Result<Products> {
    let (client, mut driver) = connect(url)?;
    let mut products = Products::default();
    let reading = async {
        client.batch_execute(begin).await?;
        for condition in conditions {
            let query = format!("SELECT product_id, product_name FROM {table} {condition}");
            for row in client.query(&query, &[]).await? {
                products.add(row.try_get(0)?, row.try_get(1)?);
            }
        }
        Ok(())
    };
    driver.block_on(reading).map_err(explained)?;
    Ok(products)
}
