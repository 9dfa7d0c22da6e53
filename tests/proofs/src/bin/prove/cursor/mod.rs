//! Promises about the cursor, on a real server: its rates against the plain row stream, its traffic, and the state after it
//! is dropped.

pub(crate) mod overlap;
pub(crate) mod prefetch;
pub(crate) mod rates;
pub(crate) mod runtimes;
pub(crate) mod server;

use crate::Proofs;
use anyhow::{Context, Result, ensure};
use cursor::{Cursor, DEFAULT_DEPTH, PageSize};
use datasets::products::{BYTES_PER_ROW, Products};
use fastrand::Rng;
use futures_util::{StreamExt, TryStreamExt};
use postgres::{Environment, Server};
use proofs::access_methods::{AccessMethod, Sum, Table, explained, paged};
use proofs::delayed_wire::over;
use proofs::faults::{BAR, FaultServer, Summary, on_a_mock, on_a_server};
use proofs::overhead::median;
use proofs::writers::{Writers, compare};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_postgres::Row;

/// Rows of the large table.
const LARGE: u64 = 5_000_000;

/// Rows of the table for rates.
const RATED: u64 = 1_000_000;

/// Rows of the table that changes.
const CHANGED: u32 = 20_000;

/// Starts a server with the tables.
pub(crate) fn load() -> Result<Server> {
    let server = Server::open(&Environment::of_this_process(), LARGE * BYTES_PER_ROW)?;
    eprintln!("{}", server.about());
    server.load(&Products::new(1, LARGE)?)?;
    let mut large = large(&server)?;
    let (rated, changed) = (table(&server, "rated"), table(&server, "changed"));
    let make = format!(
        "CREATE UNLOGGED TABLE {rated} AS {0} LIMIT {RATED}; CREATE UNLOGGED TABLE {changed} AS {0} LIMIT {CHANGED}; \
         ALTER TABLE {changed} ADD PRIMARY KEY (product_id); ANALYZE {changed}",
        large.query()
    );
    large.run(async |client| {
        client.batch_execute(&make).await.map_err(explained)?;
        client.batch_execute(&format!("VACUUM (FREEZE, ANALYZE) {rated}")).await.map_err(explained)
    })?;
    Ok(server)
}

fn table(server: &Server, name: &str) -> String {
    format!("{}.{name}", server.schema())
}

fn large(server: &Server) -> Result<Table> {
    Table::open(&server.url(), &table(server, "product"))
}

const FIFTY: PageSize = PageSize::Rows(50);

/// The cursor as asyncpg uses one: it requests the next 50 rows after the last.
const BASE: AccessMethod = AccessMethod::Cursor(1, FIFTY);

/// Compares eight pages in flight with one, with a millisecond added to each round trip.
pub(crate) fn late(server: &Server, proofs: &mut Proofs) -> Result<()> {
    let (mut one, mut eight) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        for (depth, rows, rates) in [(1, 5_000, &mut one), (8, 40_000, &mut eight)] {
            let query = format!("{} LIMIT {rows}", large(server)?.query());
            let began = Instant::now();
            let read = over(&server.url(), Duration::from_millis(1), async |mut client, _| {
                paged::<Sum>(&mut client, &query, depth, FIFTY).await
            })?;
            ensure!(read?.0.rows == rows, "rows are missing");
            rates.push(rows as f64 / began.elapsed().as_secs_f64());
        }
    }
    let (one, eight) = (median(one), median(eight));
    proofs.line(
        "1 ms more a round trip, eight pages of 50 in flight against one",
        format!("{:.1} times as fast ({eight:.0} rows/s against {one:.0})", eight / one),
        "at least 6",
        eight / one >= 6.0,
    );
    Ok(())
}

/// Measures the traffic and the time for five rows and for skipped rows.
pub(crate) fn wire(server: &Server, proofs: &mut Proofs) -> Result<()> {
    let mut large = large(server)?;
    let query = large.query();
    let (rows, bytes) = over(&server.url(), Duration::ZERO, async |mut client, traffic| {
        let mut transaction = client.transaction().await.map_err(explained)?;
        let mut cursor = Cursor::open(&mut transaction, &query, &[]).await?;
        let before = traffic.rows();
        cursor.stream(PageSize::default()).take(5).try_collect::<Vec<Row>>().await?;
        drop(cursor);
        transaction.batch_execute("").await.map_err(explained)?;
        let rows = traffic.rows() - before;
        let mut cursor = Cursor::open(&mut transaction, &query, &[]).await?;
        let before = traffic.bytes();
        ensure!(cursor.forward(500_000).await? == 500_000, "the table is too small");
        anyhow::Ok((rows, traffic.bytes() - before))
    })??;
    let mut milliseconds = Vec::new();
    for _ in 0..51 {
        let began = Instant::now();
        large.run(async |client| {
            let mut transaction = client.transaction().await.map_err(explained)?;
            let mut cursor = Cursor::open(&mut transaction, &query, &[]).await?;
            let rows: Vec<Row> = cursor.take(5).try_collect().await?;
            drop(cursor);
            transaction.commit().await.map_err(explained)?;
            ensure!(rows.len() == 5, "rows are missing");
            Ok(())
        })?;
        milliseconds.push(began.elapsed().as_secs_f64() * 1e3);
    }
    let five = median(milliseconds);
    proofs.line(
        "the first five of 5 M rows",
        format!("{rows} rows cross the wire if a reader breaks off, {five:.2} ms for the whole transaction"),
        "at most 50 rows, at most 5 ms",
        rows <= 50 && five <= 5.0,
    );
    let (mut skipped, mut dropped) = (Vec::new(), Vec::new());
    for _ in 0..7 {
        for (skip, times) in [(true, &mut skipped), (false, &mut dropped)] {
            let took = large.run(async |client| {
                let mut transaction = client.transaction().await.map_err(explained)?;
                let mut cursor = Cursor::open(&mut transaction, &query, &[]).await?;
                let began = Instant::now();
                let mut passed = 0;
                if skip {
                    passed = cursor.forward(500_000).await?;
                } else {
                    let mut rows = cursor.take(500_000);
                    while rows.try_next().await?.is_some() {
                        passed += 1;
                    }
                }
                ensure!(passed == 500_000, "the table is too small");
                Ok(began.elapsed().as_secs_f64() * 1e3)
            })?;
            times.push(took);
        }
    }
    let (skipped, dropped) = (median(skipped), median(dropped));
    proofs.line(
        "500,000 rows skipped, against fetched and dropped",
        format!("{bytes} bytes, {skipped:.1} ms against {dropped:.1} ms: {:.2} times", skipped / dropped),
        "less than 1,000 bytes, at most 0.33 times",
        bytes < 1_000 && skipped / dropped <= 1.0 / 3.0,
    );
    Ok(())
}

/// Leaves a thousand cursors in four ways, each with 5 M rows still to come.
pub(crate) fn left(server: &Server, proofs: &mut Proofs) -> Result<()> {
    let mut large = large(server)?;
    let (query, mut rng) = (large.query(), Rng::with_seed(1));
    let (mut slowest, mut clean) = (Duration::ZERO, 0);
    for turn in 0..1_000 {
        let fails = turn % 4 == 3;
        let (took, open) = large.run(async |client| {
            let mut transaction = client.transaction().await.map_err(explained)?;
            // This query fails at the thousandth row.
            let failing = format!("SELECT product_id, 1 / (1000 - product_id) FROM ({query}) AS product");
            let read = if fails { &failing } else { &query };
            let mut cursor = Cursor::open(&mut transaction, read.as_str(), &[]).await?;
            let ended = match turn % 4 {
                0 => cursor.take(5).try_collect::<Vec<Row>>().await.map(drop),
                1 => cursor.stream(50).take(rng.usize(1..2_000)).try_collect::<Vec<Row>>().await.map(drop),
                2 => {
                    // The future is dropped with as many pages in flight as possible.
                    let waiting = cursor.stream(PageSize::default()).take(20_000).try_collect::<Vec<Row>>();
                    futures_lite::future::or(async { waiting.await.map(drop) }, polls(rng.u32(1..40))).await
                }
                _ => cursor.stream(50).try_collect::<Vec<Row>>().await.map(drop),
            };
            ensure!(ended.is_err() == fails, "turn {turn}: {ended:?}");
            let began = Instant::now();
            drop(cursor);
            if fails {
                transaction.rollback().await.map_err(explained)?;
                transaction = client.transaction().await.map_err(explained)?;
            }
            transaction.query_one("SELECT 1", &[]).await.map_err(explained)?;
            let took = began.elapsed();
            // The portal of this query has no name.
            let query = "SELECT count(*) FROM pg_cursors WHERE name <> ''";
            let open = transaction.query_one(query, &[]).await.map_err(explained)?;
            Ok((took, open.try_get::<_, i64>(0).map_err(explained)?))
        })?;
        slowest = slowest.max(took);
        clean += u32::from(open == 0 && took <= Duration::from_millis(20));
    }
    proofs.line(
        "after five rows, a dropped cursor, a dropped future and an error",
        format!(
            "SELECT 1 is answered within 20 ms and no cursor is open {clean} times of 1000, the slowest in {:.1} ms",
            slowest.as_secs_f64() * 1e3
        ),
        "1000 of 1000",
        clean == 1_000,
    );
    Ok(())
}

/// A future that is ready after `count` polls.
async fn polls(count: u32) -> Result<(), cursor::Error> {
    let mut left = count;
    std::future::poll_fn(|_| {
        left -= 1;
        if left == 0 { std::task::Poll::Ready(Ok(())) } else { std::task::Poll::Pending }
    })
    .await
}

/// Reads a changing table with several cursors, a hundred times.
pub(crate) fn ranges(server: &Server, proofs: &mut Proofs) -> Result<()> {
    let changed = table(server, "changed");
    let writers = Writers::start(&server.url(), &changed, CHANGED);
    let size = NonZeroUsize::new(500).context("500 is not zero")?;
    let (mut agreed, mut torn) = (0, 0);
    for turn in 0..100 {
        let compared = compare(&server.url(), &changed, size, [1, 2, 4, 8][turn % 4])?;
        let whole = |rows: &str| rows == CHANGED.to_string();
        agreed += u32::from(compared.ranges == compared.scan && whole(&compared.scan.figures[0].1));
        torn += u32::from(!whole(&compared.torn.figures[0].1));
    }
    let rate = writers.stop()?;
    proofs.line(
        "1, 2, 4 and 8 range cursors beside a writer and VACUUM",
        format!(
            "equal to one scan {agreed} times of 100; ranges without a snapshot torn {torn} times of 100; {rate:.0} rows \
             changed a second"
        ),
        "100 of 100, torn at least once, at least 1000 a second",
        agreed == 100 && torn > 0 && rate >= 1_000.0,
    );
    Ok(())
}

/// Measures memory while a consumer ten times slower than the plain row stream reads 5 M rows. For comparison, also reads
/// all rows at once.
pub(crate) fn memory(server: &Server, proofs: &mut Proofs) -> Result<()> {
    let mut large = large(server)?;
    let (sum, cost) = large.read::<Sum>(AccessMethod::Plain)?;
    let pause = Duration::from_nanos((cost.wall * 9.0 / sum.rows as f64 * 1_000.0) as u64);
    let query = large.query();
    let before = resident()?;
    let (mut most, mut beyond, mut samples) = (before, 0, 0);
    let bound = DEFAULT_DEPTH as u64 * 1_000;
    let rows = large.run(async |client| {
        let mut transaction = client.transaction().await.map_err(explained)?;
        let mut cursor = Cursor::open(&mut transaction, &query, &[]).await?.page_size(1_000);
        let mut rows = 0;
        while let Some(page) = cursor.next_page().await? {
            rows += page.len() as u64;
            std::thread::sleep(pause);
            beyond += u32::from(cursor.metrics().in_flight > bound);
            most = most.max(resident()?);
            samples += 1;
        }
        Ok(rows)
    })?;
    let grown = (most - before) as f64 / f64::from(1 << 20);
    let part = format!("{query} LIMIT 500000");
    let all = large.run(async |client| client.query(&part, &[]).await.map_err(explained))?;
    let fetched = (resident()? - before) as f64 / f64::from(1 << 20);
    let times = LARGE as f64 / all.len() as f64;
    proofs.line(
        "5 M rows for a consumer ten times slower",
        format!(
            "{rows} rows, memory grows by {grown:.1} MiB; more than {bound} rows in flight in {beyond} of {samples} \
             samples; all rows fetched at once: {fetched:.0} MiB for a {times:.0}th of them"
        ),
        "at most 4 MiB, never",
        rows == LARGE && grown <= 4.0 && beyond == 0,
    );
    Ok(())
}

/// Provokes all faults, on separate servers and mocks.
pub(crate) fn faults(proofs: &mut Proofs) -> Result<()> {
    let mut summary = Summary::default();
    summary.add(&on_a_mock(), &Arc::new(()));
    summary.add(&on_a_server(), &Arc::new(FaultServer::start()?));
    summary.failures.iter().for_each(|failure| eprintln!("{failure}"));
    let bar = format!("all, within {} s", BAR.as_secs());
    proofs.line("faults reported", &summary, bar, summary.failures.is_empty());
    Ok(())
}

/// Resident memory of this process, in bytes.
fn resident() -> Result<u64> {
    system::process::memory(std::process::id(), "VmRSS").context("cannot read this process's memory")
}
