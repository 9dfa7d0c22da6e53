//! Every fault between a cursor and its server is reported within two seconds. The report has at most two lines, with the
//! SQLSTATE, the rows so far and the next step. `src/faults` contains the faults and the checks of the reports. Slow but
//! correct reads raise no error.

#![allow(clippy::unwrap_used)]

use cursor::Cursor;
use postgres::connect;
use proofs::faults::{FaultServer, Summary, on_a_mock, on_a_server};
use proofs::mock::{Behaviour, Mock};
use std::num::NonZeroUsize;
use std::process::{Command, Stdio};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::Duration;
use strategies::{Cancel, Choice, Combine, Delivery, Setup};
use tasks::Inputs;

/// The server of all tests in this file. Its watchdog stops it when this process ends.
static SERVER: LazyLock<Arc<FaultServer>> = LazyLock::new(|| Arc::new(FaultServer::start().unwrap()));

fn assert_all_reported(add: impl FnOnce(&mut Summary)) {
    let mut summary = Summary::default();
    add(&mut summary);
    println!("faults reported: {summary}");
    assert!(summary.failures.is_empty(), "{}", summary.failures.join("\n"));
}

#[test]
fn every_fault_of_a_server_is_reported() {
    assert_all_reported(|summary| summary.add(&on_a_server(), &SERVER));
}

#[test]
fn every_fault_of_the_protocol_is_reported_without_a_server() {
    assert_all_reported(|summary| summary.add(&on_a_mock(), &Arc::new(())));
}

#[test]
fn an_unreachable_server_is_named_once() {
    // Without `--table` the program would create its own table on the server.
    let url = "postgresql://guest:secret@%2Fnowhere/postgres";
    let mut goldilocks = Command::new(testbed::goldilocks());
    goldilocks.args(["run", "--task", "cursor_pages", "--strategy", "sequential", "--database-url", url]);
    let ran = goldilocks.stdin(Stdio::null()).output().unwrap();
    let printed = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(1), "{printed}");
    assert_eq!(printed.matches("is the server running there?").count(), 1, "{printed}");
    assert!(printed.contains("guest@/nowhere") && !printed.contains("secret"), "{printed}");
}

#[test]
fn a_mock_that_behaves_is_read_to_its_end() {
    // In some cases the last page is full, in others not.
    for rows in [0, 1, 50, 20_000, 20_001] {
        let mock = Mock::start(rows, 777, Behaviour::Correct).unwrap();
        let mut inputs = Inputs::default();
        inputs.cursor_pages.database_url = Some(mock.url());
        inputs.cursor_pages.table = Some("product".to_owned());
        let task = (tasks::cursor_pages::ENTRY.load)(&inputs).unwrap();
        let expected = task.baseline().unwrap().answer().unwrap();
        assert_eq!(expected.figures[0].1, rows.to_string());
        let strategy = strategies::catalogue::find("tokio_blocking").unwrap();
        let mut up = strategy.start(&Setup { workers: NonZeroUsize::MIN, worker: None }).unwrap();
        let size = NonZeroUsize::new(50).unwrap();
        let choice = Choice { size, delivery: Delivery::Gather, combine: Combine::PerPartition };
        let (outcome, _) = strategies::run(&*task, &mut *up, choice, &Cancel::default()).unwrap();
        assert_eq!(outcome.answer().unwrap(), expected);
    }
}

/// Reads a query with a cursor and pauses after every page. Returns the number of rows, and the maximum number in flight.
fn read_slowly(url: &str, query: &str, depth: usize, size: u32, mut pause: impl FnMut()) -> (u64, u64) {
    let (mut client, mut driver) = connect(url).unwrap();
    // The reader's own pauses must not count as silence of the server.
    driver.limit_silence(Duration::from_secs(1));
    driver.block_on(async {
        let mut transaction = client.transaction().await.unwrap();
        let cursor = Cursor::open(&mut transaction, query, &[]).await.unwrap();
        let mut cursor = cursor.depth(depth).page_size(size);
        while cursor.next_page().await.unwrap().is_some() {
            pause();
        }
        (cursor.metrics().rows, cursor.metrics().most_in_flight)
    })
}

#[test]
fn the_server_waits_for_a_slow_consumer_and_nothing_accumulates() {
    let (watcher, mut watching) = connect(&SERVER.url()).unwrap();
    let question =
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'slow' AND wait_event = 'ClientWrite'";
    let mut waited = 0;
    let url = format!("{}?application_name=slow", SERVER.url());
    // Each of the four pages has half a megabyte, which is more than the buffer of a socket.
    let query = "SELECT i, repeat('x', 1000) FROM generate_series(1, 20000) AS i";
    let (rows, most) = read_slowly(&url, query, 4, 500, || {
        thread::sleep(Duration::from_millis(5));
        waited += watching.block_on(watcher.query_one(question, &[])).unwrap().get::<_, i64>(0);
    });
    assert_eq!(rows, 20_000);
    assert!(most <= 2_000, "{most} rows in flight");
    assert!(waited > 0, "the server has never waited");
}

#[test]
fn slowly_read_pages_do_not_hit_the_timeout_of_a_row_stream() {
    let query = "SELECT i, repeat('x', 100) FROM generate_series(1, 5000) AS i";
    // The pauses add up to half a second, but each page takes the server almost no time.
    let pause = || thread::sleep(Duration::from_millis(5));
    assert_eq!(read_slowly(&SERVER.url_with("statement_timeout=200"), query, 16, 50, pause).0, 5_000);
}
