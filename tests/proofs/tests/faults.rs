//! Whatever goes wrong between a cursor and its server is said in two lines at most, with the SQLSTATE, the rows so far and
//! the next step, within two seconds (`tests/src/faults` has the table and the judge); and what is no fault is none.
//!
//! Elsewhere: a cursor outside of its transaction, or one that is asked past, does not compile (`tasks/src/cursor/mod.rs`);
//! a writer and VACUUM beside it (`cursor.rs`); a server that cannot be started, as root, with a long path or without its
//! programs (`datasets/tests/postgres_*.rs`); Ctrl-C (`interruption.rs`).

#![allow(clippy::unwrap_used)]

use cursor::Cursor;
use postgres::connect;
use proofs::faults::{Place, Summary, on_a_mock, on_a_server};
use proofs::mock::{Manner, Mock};
use std::num::NonZeroUsize;
use std::process::{Command, Stdio};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::Duration;
use strategies::{Cancel, Choice, Combine, Delivery, Setup};
use tasks::Inputs;

/// One server for all tests here; it ends with this process, because its watchdog sees to it.
static PLACE: LazyLock<Arc<Place>> = LazyLock::new(|| Arc::new(Place::open().unwrap()));

fn assert_all_reported(summary: &Summary) {
    println!("faults reported: {summary}");
    assert!(summary.failures.is_empty(), "{}", summary.failures.join("\n"));
}

#[test]
fn every_fault_of_a_server_is_reported() {
    let mut summary = Summary::default();
    summary.add(&on_a_server(), &PLACE);
    assert_all_reported(&summary);
}

#[test]
fn every_fault_of_the_protocol_is_reported_without_a_server() {
    let mut summary = Summary::default();
    summary.add(&on_a_mock(), &Arc::new(()));
    assert_all_reported(&summary);
}

#[test]
fn a_server_that_cannot_be_had_is_named_once() {
    // Without a table of the user's own one is to be made there.
    let url = "postgresql://guest:secret@%2Fnowhere/postgres";
    let mut goldilocks = Command::new(testbed::goldilocks());
    goldilocks.args(["run", "--task", "cursor_pages", "--strategy", "sequential", "--database-url", url]);
    let ran = goldilocks.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(1), "{said}");
    assert_eq!(said.matches("is the server running there?").count(), 1, "{said}");
    assert!(said.contains("guest@/nowhere") && !said.contains("secret"), "{said}");
}

#[test]
fn a_mock_that_behaves_is_read_to_its_end() {
    // Pages that do and do not end with the last row.
    for rows in [0, 1, 50, 20_000, 20_001] {
        let mock = Mock::start(rows, 777, Manner::Well).unwrap();
        let mut inputs = Inputs::default();
        inputs.cursor_pages.database_url = Some(mock.url());
        inputs.cursor_pages.table = Some("product".to_owned());
        let task = (tasks::cursor_pages::ENTRY.load)(&inputs).unwrap();
        let expected = task.baseline().unwrap().answer().unwrap();
        assert_eq!(expected.figures[0].1, rows.to_string());
        let strategy = strategies::catalogue::ALL.iter().find(|strategy| strategy.name == "tokio_blocking").unwrap();
        let mut up = strategy.start(&Setup { workers: NonZeroUsize::MIN, worker: None }).unwrap();
        let size = NonZeroUsize::new(50).unwrap();
        let choice = Choice { size, delivery: Delivery::Gather, combine: Combine::PerPartition };
        let (outcome, _) = strategies::run(&*task, &mut *up, choice, &Cancel::default()).unwrap();
        assert_eq!(outcome.answer().unwrap(), expected);
    }
}

/// Reads a query with a cursor, pausing after every page; returns how many rows it had and the most there were in flight.
fn read_slowly(url: &str, query: &str, depth: usize, size: u32, mut pause: impl FnMut()) -> (u64, u64) {
    let (mut client, mut driver) = connect(url).unwrap();
    // Its own slowness is nobody's silence.
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
fn a_slow_consumer_is_waited_for_by_the_server_and_nothing_piles_up() {
    let (watcher, mut watching) = connect(&PLACE.url()).unwrap();
    let question =
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'slow' AND wait_event = 'ClientWrite'";
    let mut waited = 0;
    let url = format!("{}?application_name=slow", PLACE.url());
    // Four pages are half a megabyte each: more than a socket holds.
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
fn pages_that_are_read_slowly_do_not_trip_the_timeout_that_a_row_stream_trips() {
    let query = "SELECT i, repeat('x', 100) FROM generate_series(1, 5000) AS i";
    // Half a second, of which each page takes the server next to nothing.
    let pause = || thread::sleep(Duration::from_millis(5));
    assert_eq!(read_slowly(&PLACE.url_with("statement_timeout=200"), query, 16, 50, pause).0, 5_000);
}
