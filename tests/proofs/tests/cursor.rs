//! The cursor on a real server. It gives every row once and in order, however a program uses, drops or interrupts it.

#![allow(clippy::unwrap_used)]

use async_io::{Async, Timer};
use cursor::{Cursor, DEFAULT_DEPTH, Error, MAX_DEPTH, PageSize, ScrollCursor};
use datasets::products::Products;
use fastrand::Rng;
use futures_lite::future;
use futures_util::{StreamExt, TryStreamExt};
use postgres::{Environment, Server, connect};
use proofs::delayed_wire::{Traffic, over};
use proofs::writers::{Writers, compare};
use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::LazyLock;
use std::task::Poll;
use std::time::Duration;
use strategies::{Cancel, Choice, Combine, Delivery, Waiting};
use tasks::{Inputs, cursor_pages};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Row, SimpleQueryMessage, Transaction};

/// The server of all tests in this file. Its watchdog stops it when this process ends.
static SERVER: LazyLock<Server> = LazyLock::new(|| {
    let server = Server::open(&Environment::of_this_process(), 0).unwrap_or_else(|error| panic!("{error}"));
    server.load(&Products::new(SEED, ROWS as u64).unwrap()).unwrap();
    server
});

const ROWS: i32 = 20_000;
const SEED: u64 = 1;

/// The query for all products. The table stores the first few thousand in the order of loading.
fn every_product() -> String {
    format!("SELECT product_id, product_name FROM {}.product", SERVER.schema())
}

/// The query for the numbers from 1 to `count`, which the server generates.
fn numbers(count: i32) -> String {
    format!("SELECT i FROM generate_series(1, {count}) AS i")
}

fn number(row: &Row) -> i32 {
    row.get(0)
}

/// Runs `work` on a new connection, on this thread.
fn with_client<T>(work: impl AsyncFnOnce(&mut Client) -> T) -> T {
    let (mut client, mut driver) = connect(&SERVER.url()).unwrap();
    driver.block_on(work(&mut client))
}

/// Runs `work` in a transaction on a new connection.
fn with_transaction<T>(work: impl AsyncFnOnce(&mut Transaction<'_>) -> T) -> T {
    with_client(async |client| work(&mut client.transaction().await.unwrap()).await)
}

/// Runs `work` with a cursor over a query, in a transaction on a new connection.
fn with_cursor<T>(query: &str, work: impl AsyncFnOnce(Cursor<'_, '_>) -> T) -> T {
    with_transaction(async |transaction| work(Cursor::open(transaction, query, &[]).await.unwrap()).await)
}

/// Runs `work` in a transaction over a delayed wire that counts its traffic.
fn over_wire<T>(delay: u64, work: impl AsyncFnOnce(&mut Transaction<'_>, &Traffic) -> T) -> T {
    over(&SERVER.url(), Duration::from_millis(delay), async |mut client, traffic| {
        work(&mut client.transaction().await.unwrap(), &traffic).await
    })
    .unwrap()
}

/// Polls a future and drops it after `waits` waits.
async fn dropped_after<F: Future>(mut waits: u32, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if waits == 0 => Poll::Ready(None),
        Poll::Pending => {
            waits -= 1;
            Poll::Pending
        }
    })
    .await
}

/// Checks that the connection answers and has no open cursor. The check uses a simple query, because an extended query
/// itself opens a portal.
async fn assert_no_cursor(transaction: &Transaction<'_>, when: &str) {
    let answer = transaction.simple_query("SELECT count(*) FROM pg_cursors").await.unwrap();
    let open = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    assert_eq!(open, Some("0"), "{when}");
}

#[test]
fn the_books_cursor_skips_500_rows_and_fetches_the_next_100() {
    with_cursor(&every_product(), async |mut cursor| {
        assert_eq!(cursor.forward(500).await.unwrap(), 500);
        let fetched = cursor.fetch(100).await.unwrap();
        let fetched: Vec<(i32, &str)> = fetched.iter().map(|row| (row.get(0), row.get(1))).collect();
        let products: Vec<_> = Products::new(SEED, 600).unwrap().rows().skip(500).collect();
        let expected: Vec<(i32, &str)> =
            products.iter().map(|product| (product.product_id, product.product_name.as_str())).collect();
        assert_eq!(fetched, expected);
    });
}

#[test]
fn the_books_stream_with_a_prefetch_of_50_gives_every_row_and_requests_nothing_ahead_at_depth_1() {
    with_cursor(&numbers(1000), async |cursor| {
        let mut cursor = cursor.depth(1);
        let rows: Vec<Row> = cursor.stream(50).try_collect().await.unwrap();
        assert!(rows.iter().map(number).eq(1..=1000));
        let metrics = cursor.metrics();
        assert_eq!((metrics.rows, metrics.most_in_flight, metrics.in_flight), (1000, 50, 0));
        // Only an extra page shows that the twentieth was the last.
        assert_eq!(metrics.pages, 21);
        assert!(metrics.waits >= 21, "{metrics:?}");
        assert!(metrics.first_row.is_some_and(|first| first <= metrics.waited), "{metrics:?}");
    });
}

#[test]
fn every_depth_and_page_size_gives_every_row_once_in_pages_of_that_size() {
    with_client(async |client| {
        for depth in 1..=MAX_DEPTH {
            // The sizes include divisors of the rows, non-divisors, exactly one page, and a page that is never full.
            for size in [1, 7, 50, 999, 1000, 1001, 5000] {
                let mut transaction = client.transaction().await.unwrap();
                let cursor = Cursor::open(&mut transaction, numbers(1000).as_str(), &[]).await.unwrap();
                let mut cursor = cursor.depth(depth).page_size(size);
                let (mut read, mut pages) = (Vec::new(), Vec::new());
                let (what, bound) = (format!("{depth} pages of {size}"), depth as u64 * u64::from(size));
                while let Some(page) = cursor.next_page().await.unwrap() {
                    pages.push(page.len() as u32);
                    read.extend(page.iter().map(number));
                    assert!(cursor.metrics().in_flight <= bound, "{what}");
                }
                assert!(read.into_iter().eq(1..=1000), "{what}");
                let (last, full) = pages.split_last().unwrap();
                assert!(full.iter().all(|rows| *rows == size) && *last <= size, "{what}: {pages:?}");
                assert_eq!(cursor.metrics().pages, u64::from(1000 / size + 1), "{what}");
                assert!(cursor.metrics().most_in_flight <= bound, "{what}");
                assert!(cursor.next_page().await.unwrap().is_none(), "the end stays the end");
            }
        }
    });
}

#[test]
fn pages_by_bytes_and_by_a_slow_start_give_every_row_once_and_keep_to_their_budget() {
    with_client(async |client| {
        let budget = 4_000;
        for size in [PageSize::Bytes(budget), PageSize::SlowStart { first: 10, bytes: budget }, PageSize::default()] {
            for depth in [1, 2, 5, DEFAULT_DEPTH] {
                let mut transaction = client.transaction().await.unwrap();
                let cursor = Cursor::open(&mut transaction, every_product().as_str(), &[]).await.unwrap();
                let mut cursor = cursor.depth(depth).page_size(size);
                let (mut read, mut largest) = (Vec::new(), 0);
                while let Some(page) = cursor.next_page().await.unwrap() {
                    read.extend(page.iter().map(number));
                    largest = largest.max(page.iter().map(Row::raw_size_bytes).sum::<usize>());
                }
                // The rows are sorted because a table has no order, even just after loading.
                read.sort_unstable();
                assert!(read.into_iter().eq(1..=ROWS), "{size:?}, {depth}");
                // The page size follows the mean row size, so a page of long names is slightly larger.
                let most = if size == PageSize::default() { 32 << 10 } else { budget as usize };
                assert!((most / 2..most * 5 / 4).contains(&largest), "{size:?}, {depth}: a page of {largest} bytes");
            }
        }
    });
}

#[test]
fn an_empty_result_has_no_pages_no_rows_and_nothing_to_skip() {
    for depth in [1, 16] {
        with_cursor(&numbers(0), async |cursor| {
            let mut cursor = cursor.depth(depth);
            assert!(cursor.next_page().await.unwrap().is_none());
            assert!(cursor.fetch(3).await.unwrap().is_empty());
            assert_eq!(cursor.forward(3).await.unwrap(), 0);
            assert!(cursor.stream(50).next().await.is_none());
        });
    }
}

#[test]
fn any_mix_of_streaming_fetching_skipping_and_taking_continues_where_the_last_one_stopped() {
    let mut rng = Rng::with_seed(1);
    for _ in 0..60 {
        let total = rng.i32(0..2_000);
        with_cursor(&numbers(total), async |cursor| {
            let mut cursor = cursor.depth(rng.usize(1..=MAX_DEPTH)).page_size(rng.u32(1..=100));
            let mut at = 0;
            for _ in 0..100 {
                let count = rng.i32(0..=60);
                let expected = at + 1..=total.min(at + count);
                let read: Vec<Row> = match rng.u8(0..5) {
                    0 => cursor.fetch(count as u32).await.unwrap(),
                    1 => cursor.take(count as u64).try_collect().await.unwrap(),
                    2 => cursor.stream(rng.u32(1..=100)).take(count as usize).try_collect().await.unwrap(),
                    3 => {
                        let skipped = cursor.forward(count as u64).await.unwrap();
                        assert_eq!(skipped, expected.clone().count() as u64);
                        at += skipped as i32;
                        continue;
                    }
                    _ => {
                        let page = cursor.next_page().await.unwrap().unwrap_or_default();
                        assert!(page.iter().map(number).eq(at + 1..=at + page.len() as i32));
                        at += page.len() as i32;
                        assert!(!page.is_empty() || at == total);
                        continue;
                    }
                };
                assert!(read.iter().map(number).eq(expected), "{count} rows after {at} of {total}");
                at += read.len() as i32;
            }
        });
    }
}

#[test]
fn ten_thousand_scroll_operations_agree_with_a_list() {
    const LENGTH: i32 = 300;
    let mut rng = Rng::with_seed(2);
    with_transaction(async |transaction| {
        let mut cursor = ScrollCursor::open(transaction, &numbers(LENGTH), &[]).await.unwrap();
        // 0 is the position before the first row, and LENGTH + 1 the position after the last.
        let mut at = 0;
        let position = |number: i32| number.clamp(0, LENGTH + 1);
        let row_at = |at: i32| (1..=LENGTH).contains(&at).then_some(at);
        for turn in 0..10_000 {
            let (was, count, by) = (at, rng.i32(0..20), rng.i32(-40..=40));
            let what = format!("{turn}: at {was}, {count} rows, by {by}");
            match rng.u8(0..5) {
                0 => {
                    let read = cursor.fetch(count as u32).await.unwrap();
                    assert!(read.iter().map(number).eq((was + 1..=LENGTH).take(count as usize)), "{what}");
                    at = if count == 0 { was } else { position(was + count) };
                }
                1 => {
                    let read = cursor.backward(count as u32).await.unwrap();
                    assert!(read.iter().map(number).eq((1..was).rev().take(count as usize)), "{what}");
                    at = if count == 0 { was } else { position(was - count) };
                }
                2 => {
                    let to = rng.i32(-LENGTH - 5..=LENGTH + 5);
                    at = position(if to < 0 { LENGTH + 1 + to } else { to });
                    let row = cursor.absolute(to).await.unwrap();
                    assert_eq!(row.as_ref().map(number), row_at(at), "{what}: to {to}");
                }
                3 => {
                    at = position(was + by);
                    let row = cursor.relative(by).await.unwrap();
                    assert_eq!(row.as_ref().map(number), row_at(at), "{what}");
                }
                _ => {
                    let passed = if by < 0 { (1..was).count() } else { (was + 1..=LENGTH).count() };
                    let skipped = cursor.skip(by).await.unwrap();
                    assert_eq!(skipped, passed.min(by.unsigned_abs() as usize) as u64, "{what}");
                    at = position(was + by);
                }
            }
        }
        drop(cursor);
        assert_no_cursor(transaction, "after scrolling").await;
    });
}

#[test]
fn taking_five_rows_of_a_million_sends_five_and_breaking_off_sends_one_page() {
    over_wire(0, async |transaction, traffic| {
        for (size, most) in [(PageSize::Rows(50), 50), (PageSize::default(), 50), (PageSize::Rows(7), 7)] {
            for taken in [true, false] {
                let query = numbers(1_000_000);
                let mut cursor = Cursor::open(transaction, query.as_str(), &[]).await.unwrap().page_size(size);
                let before = traffic.rows();
                let rows: Vec<Row> = if taken {
                    cursor.take(5).try_collect().await.unwrap()
                } else {
                    cursor.stream(size).take(5).try_collect().await.unwrap()
                };
                assert!(rows.iter().map(number).eq(1..=5));
                drop(cursor);
                // The answer to this query arrives after all pages in flight.
                transaction.batch_execute("").await.unwrap();
                assert_eq!(traffic.rows() - before, if taken { 5 } else { most }, "{size:?}");
                assert_no_cursor(transaction, "after five rows").await;
            }
        }
    });
}

#[test]
fn skipping_half_a_million_rows_takes_less_than_a_kilobyte() {
    over_wire(0, async |transaction, traffic| {
        let mut cursor = Cursor::open(transaction, numbers(500_003).as_str(), &[]).await.unwrap();
        let before = (traffic.bytes(), traffic.rows());
        assert_eq!(cursor.forward(500_000).await.unwrap(), 500_000);
        let bytes = traffic.bytes() - before.0;
        assert!(bytes < 1_000, "{bytes} bytes");
        // One query finds out the portal's name.
        assert_eq!(traffic.rows() - before.1, 1);
        assert!(cursor.fetch(2).await.unwrap().iter().map(number).eq(500_001..=500_002));
        assert_eq!(cursor.forward(500_000).await.unwrap(), 1, "there is one row left");
        assert!(cursor.fetch(1).await.unwrap().is_empty());
    });
}

#[test]
fn more_pages_in_flight_mean_fewer_waits_for_long_round_trips() {
    let waits = |depth| {
        over_wire(1, async |transaction, _| {
            let mut cursor = Cursor::open(transaction, numbers(2_000).as_str(), &[]).await.unwrap().depth(depth);
            let rows: Vec<Row> = cursor.stream(50).try_collect().await.unwrap();
            assert!(rows.iter().map(number).eq(1..=2_000));
            cursor.metrics().waits
        })
    };
    let (one, eight) = (waits(1), waits(8));
    assert!(one >= 41, "one page in flight waits for each page, and there were {one} waits");
    assert!(eight <= one / 2, "eight pages in flight: {eight} waits, and with one {one}");
}

#[test]
fn a_reader_that_must_wait_has_all_its_pages_in_flight() {
    let depth = 7;
    over_wire(1, async |transaction, _| {
        let query = numbers(10_000);
        let mut cursor = Cursor::open(transaction, query.as_str(), &[]).await.unwrap().depth(depth).page_size(50);
        for page in 0..150 {
            if dropped_after(0, cursor.next_page()).await.is_none() {
                let pages = depth.min(1 << page.min(10)) as u64;
                let in_flight = cursor.metrics().in_flight;
                // All rows of the first page may have arrived, with only the end of the page missing.
                assert!(in_flight >= 50 * (pages - 1), "page {page}: {in_flight} rows, {pages} pages");
                cursor.next_page().await.unwrap();
            }
        }
    });
}

#[test]
fn dropping_futures_at_any_moment_loses_no_row_and_repeats_none() {
    let mut rng = Rng::with_seed(3);
    let mut dropped = 0;
    for _ in 0..150 {
        with_cursor(&numbers(3_000), async |cursor| {
            let mut cursor = cursor.depth(rng.usize(1..=MAX_DEPTH)).page_size(rng.u32(1..=300));
            let mut read = Vec::new();
            loop {
                let waits = rng.u32(0..3);
                let before = read.len();
                let finished = match rng.u8(0..3) {
                    0 => dropped_after(waits, cursor.next_page())
                        .await
                        .map(|page| read.extend(page.unwrap().unwrap_or_default().iter().map(number))),
                    1 => dropped_after(waits, cursor.fetch(rng.u32(1..=500)))
                        .await
                        .map(|rows| read.extend(rows.unwrap().iter().map(number))),
                    _ => dropped_after(waits, cursor.stream(rng.u32(1..=300)).next())
                        .await
                        .map(|row| read.extend(row.map(Result::unwrap).iter().map(number))),
                };
                match finished {
                    None => dropped += 1,
                    Some(()) if read.len() == before => break,
                    Some(()) => {}
                }
            }
            assert!(read.iter().copied().eq(1..=3_000), "{} rows", read.len());
        });
    }
    assert!(dropped > 1_000, "only {dropped} futures were dropped");
}

#[test]
fn however_a_cursor_is_left_the_connection_answers_and_no_cursor_stays() {
    let mut rng = Rng::with_seed(4);
    with_client(async |client| {
        for turn in 0..1_000 {
            let mut transaction = client.transaction().await.unwrap();
            let query = "SELECT i, 1 / (900 - i) FROM generate_series(1, 1000) AS i";
            let cursor = Cursor::open(&mut transaction, query, &[]).await.unwrap();
            let mut cursor = cursor.depth(rng.usize(1..=MAX_DEPTH)).page_size(rng.u32(1..=100));
            let failed = match turn % 4 {
                0 => cursor.take(5).try_collect::<Vec<_>>().await.is_err(),
                // The cursor is left in the middle, with pages in flight.
                1 => cursor.stream(rng.u32(1..=20)).take(rng.usize(1..=200)).try_collect::<Vec<_>>().await.is_err(),
                2 => dropped_after(rng.u32(0..2), cursor.next_page()).await.is_some_and(|page| page.is_err()),
                _ => cursor.stream(50).try_collect::<Vec<_>>().await.is_err(),
            };
            assert_eq!(failed, turn % 4 == 3, "turn {turn}");
            drop(cursor);
            if failed {
                transaction.rollback().await.unwrap();
                transaction = client.transaction().await.unwrap();
            }
            assert_no_cursor(&transaction, &format!("turn {turn}")).await;
        }
    });
}

#[test]
fn a_query_that_fails_half_way_gives_the_rows_before_then_its_error_then_nothing() {
    for (depth, size) in [(1, 50), (2, 7), (16, 50), (32, 5_000)] {
        with_cursor("SELECT 1 / (1000 - i), i FROM generate_series(1, 2000) AS i", async |cursor| {
            let mut cursor = cursor.depth(depth);
            let mut rows = cursor.stream(size);
            for expected in 1..1000 {
                assert_eq!(rows.next().await.unwrap().unwrap().get::<_, i32>(1), expected, "{depth} pages of {size}");
            }
            let error = rows.next().await.unwrap().unwrap_err();
            assert_eq!(error.to_string(), "division by zero (22012)");
            let Error::Postgres(error) = error else { panic!("{error}") };
            // The error must not be that of later pages, which report an aborted transaction.
            assert_eq!(error.code(), Some(&SqlState::DIVISION_BY_ZERO));
            assert!(rows.next().await.is_none());
            assert_eq!(cursor.metrics().rows, 999);
            assert!(cursor.fetch(1).await.unwrap().is_empty());
        });
    }
}

#[test]
fn a_query_may_have_parameters_and_be_prepared_already() {
    with_client(async |client| {
        let query = "SELECT i FROM generate_series($1::int4, $2) AS i";
        let statement = client.prepare(query).await.unwrap();
        let mut transaction = client.transaction().await.unwrap();
        let mut cursor = Cursor::open(&mut transaction, &statement, &[&5_i32, &9_i32]).await.unwrap();
        assert!(cursor.fetch(10).await.unwrap().iter().map(number).eq(5..=9));
        drop(cursor);
        let mut cursor = ScrollCursor::open(&mut transaction, query, &[&5_i32, &9_i32]).await.unwrap();
        assert_eq!(cursor.absolute(-1).await.unwrap().as_ref().map(number), Some(9));
    });
}

#[test]
fn a_cursor_moves_between_threads() {
    fn assert_send<T: Send>(_: &T) {}
    with_cursor("SELECT 1", async |cursor| assert_send(&cursor));
}

#[test]
fn a_future_that_pulls_pages_awaits_the_socket_and_leaves_the_thread_to_others() {
    let mut inputs = Inputs::default();
    inputs.cursor_pages.database_url = Some(SERVER.url());
    // The server takes 20 ms per row.
    let slow = format!("{}.slow", SERVER.schema());
    let (client, mut driver) = connect(&SERVER.url()).unwrap();
    let create = format!(
        "CREATE VIEW {slow} AS SELECT product_id, product_name, pg_sleep(0.02)::text FROM {}.product LIMIT 20",
        SERVER.schema()
    );
    driver.block_on(client.batch_execute(&create)).unwrap();
    inputs.cursor_pages.table = Some(slow);
    let task = (cursor_pages::ENTRY.load)(&inputs).unwrap();
    let size = NonZeroUsize::new(5).unwrap();
    let choice = Choice { size, delivery: Delivery::Gather, combine: Combine::PerPartition };
    let (mut jobs, gather) = task.jobs(choice, &Cancel::default()).unwrap();
    let (awaited, others) = (Cell::new(0), Cell::new(0));
    let ready = async |waiting: Waiting<'_>| {
        awaited.set(awaited.get() + 1);
        Async::new_nonblocking(waiting.socket)?.readable().await
    };
    let pulling = async {
        let mut pulled = 0;
        while let Some(job) = jobs.next_when(&ready).await.unwrap() {
            job.run();
            pulled += 1;
        }
        pulled
    };
    let other = async {
        loop {
            Timer::after(Duration::from_millis(5)).await;
            others.set(others.get() + 1);
        }
    };
    assert_eq!(async_io::block_on(future::or(pulling, other)), 4);
    assert_eq!(gather.outcome().unwrap().answer().unwrap().figures[0].1, "20");
    // Twenty rows take 20 ms each. In that time, a task that only sleeps could wake eighty times.
    assert!(awaited.get() >= 4 && others.get() >= 8, "{} sockets awaited, {} others", awaited.get(), others.get());
}

/// Creates a table for a single test, which changes it.
fn changing_table(name: &str) -> String {
    let table = format!("{}.{name}", SERVER.schema());
    let make = format!(
        "CREATE UNLOGGED TABLE {table} AS {}; ALTER TABLE {table} ADD PRIMARY KEY (product_id); ANALYZE {table}",
        every_product()
    );
    with_client(async |client| client.batch_execute(&make).await.unwrap());
    table
}

#[test]
fn range_cursors_under_a_writer_and_a_vacuum_agree_with_one_scan_and_ranges_without_a_snapshot_do_not() {
    let table = changing_table("changing");
    let writers = Writers::start(&SERVER.url(), &table, ROWS as u32);
    let size = NonZeroUsize::new(500).unwrap();
    let mut torn = 0;
    for turn in 0..24 {
        let cursors = [1, 2, 4, 8][turn % 4];
        let compared = compare(&SERVER.url(), &table, size, cursors).unwrap();
        assert_eq!(compared.ranges, compared.scan, "turn {turn}, {cursors} cursors");
        assert_eq!(compared.scan.figures[0].1, ROWS.to_string(), "turn {turn}: a state that never existed");
        torn += u32::from(compared.torn.figures[0].1 != ROWS.to_string());
    }
    writers.stop().unwrap();
    assert!(torn > 0, "ranges without a snapshot were whole every time");
}

#[test]
fn a_row_that_moves_between_two_ranges_is_read_twice_without_a_snapshot() {
    let table = changing_table("moving");
    with_client(async |client| {
        let count = async |condition: &str| -> i64 {
            let query = format!("SELECT count(*) FROM {table} WHERE ctid {condition} '(10,0)'::tid");
            client.query_one(&query, &[]).await.unwrap().get(0)
        };
        let before = count("<").await;
        client.batch_execute(&format!("UPDATE {table} SET product_name = 'moved' WHERE product_id = 1")).await.unwrap();
        assert_eq!(before + count(">=").await, i64::from(ROWS) + 1);
    });
}
