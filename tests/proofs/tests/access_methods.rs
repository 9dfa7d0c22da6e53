//! Ways to read a table, on a real server: the same rows by every way, runtime and program, and where the time went.

#![allow(clippy::unwrap_used)]

use cursor::{Cursor, DEFAULT_DEPTH, PageSize};
use datasets::products::Products;
use postgres::{Environment, Server};
use proofs::access_methods::peers::{Program, Stage};
use proofs::access_methods::runtimes::{ALL, Running, Runtime};
use proofs::access_methods::time_breakdown::{Account, Cause, Watch, backend};
use proofs::access_methods::{Check, Reader, Sum, Table, Way, every_row, paged};
use proofs::delayed_wire::over;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};
use tokio_postgres::Row;

/// One server for all tests here; it ends with this process, because its watchdog sees to it.
static SERVER: LazyLock<Server> = LazyLock::new(|| {
    let server = Server::open(&Environment::of_this_process(), 0).unwrap_or_else(|error| panic!("{error}"));
    server.load(&Products::new(1, ROWS).unwrap()).unwrap();
    server
});

const ROWS: u64 = 20_000;

fn product() -> String {
    format!("{}.product", SERVER.schema())
}

fn table() -> Table {
    Table::open(&SERVER.url(), &product()).unwrap()
}

#[test]
fn every_way_reads_the_same_rows() {
    let mut table = table();
    let (expected, _) = table.read::<Check>(Way::All).unwrap();
    assert_eq!(expected.rows, ROWS);
    let fifty = PageSize::Rows(50);
    for way in [
        Way::Plain,
        Way::Cursor { depth: 1, size: fifty },
        Way::Cursor { depth: DEFAULT_DEPTH, size: PageSize::default() },
        Way::Declared { size: 50 },
        // Divides the rows: the end only shows in one more page.
        Way::Declared { size: 1_000 },
        Way::Copy,
        Way::Ranges { cursors: 1, rows: 1_000 },
        Way::Ranges { cursors: 3, rows: 5_000 },
    ] {
        let (rows, took) = table.read::<Check>(way).unwrap();
        assert_eq!(rows, expected, "{way}");
        assert!(took.wall > 0.0 && took.client.running > 0.0, "{way}: {took:?}");
    }
}

#[test]
fn every_runtime_reads_the_same_rows_and_only_pools_hand_over() {
    let (expected, _) = table().read::<Check>(Way::Plain).unwrap();
    for runtime in ALL {
        let mut running = Running::start(runtime, &SERVER.url()).unwrap();
        for (depth, size) in [(1, PageSize::Rows(50)), (DEFAULT_DEPTH, PageSize::default())] {
            let (rows, took) = running.read::<Check>(&every_row(&product()), depth, size).unwrap();
            assert_eq!(rows, expected, "{runtime}");
            let one_thread = matches!(runtime, Runtime::Thread | Runtime::Roomy | Runtime::TokioCurrent);
            assert!(took.told_of_room.is_none_or(|told| told > 0), "{runtime} was told of room");
            assert!(!one_thread || took.hand_overs <= 1, "{runtime}: {} hand-overs", took.hand_overs);
        }
    }
}

/// Reads with a cursor, page by page, and has each page decoded and then consumed.
fn watched(query: &str, decode: impl Fn(&Row), consume: impl Fn()) -> Account {
    let Reader { mut client, mut driver, backend } = Reader::open(&SERVER.url()).unwrap();
    assert!(backend.is_some(), "our own server can be seen");
    let mut watch = Watch::begin(backend).unwrap();
    driver.block_on(async {
        let mut transaction = client.transaction().await.unwrap();
        let mut cursor = Cursor::open(&mut transaction, query, &[]).await.unwrap().page_size(50);
        while let Some(page) = cursor.next_page().await.unwrap() {
            page.iter().for_each(&decode);
            watch.consume(&consume).unwrap();
        }
    });
    Account::of(&watch.end().unwrap())
}

#[test]
fn a_client_that_takes_long_to_decode_is_named() {
    let decode = |row: &Row| (0..300).for_each(|_| drop(std::hint::black_box(row.get::<_, String>(1))));
    let account = watched(&every_row(&product()), decode, || ());
    assert_eq!(account.cause(), Cause::Client, "{account}");
    assert!(account.to_string().starts_with("the client's decoding: "), "{account}");
}

#[test]
fn a_consumer_that_is_slow_is_named_whether_it_works_or_sleeps() {
    let works = || {
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(1) {}
    };
    let sleeps = || thread::sleep(Duration::from_millis(1));
    for consume in [&works as &dyn Fn(), &sleeps] {
        let account = watched(&format!("{} LIMIT 5000", every_row(&product())), |_| (), consume);
        assert_eq!(account.cause(), Cause::Consumer, "{account}");
        assert!(account.to_string().starts_with("the consumer: "), "{account}");
    }
}

#[test]
fn a_server_that_works_hard_for_a_row_is_named() {
    let hard = format!("SELECT product_id, md5(repeat(product_name, 5000)) FROM {} LIMIT 1000", product());
    let account = watched(&hard, |_| (), || ());
    assert_eq!(account.cause(), Cause::Server, "{account}");
    assert!(account.to_string().starts_with("the server: "), "{account}");
}

#[test]
fn round_trips_that_take_long_are_named_with_how_many_were_waited_for() {
    let query = format!("{} LIMIT 2000", every_row(&product()));
    let took = over(&SERVER.url(), Duration::from_millis(1), async |mut client, _| {
        let watch = Watch::begin(backend(&SERVER.url(), &client).await?)?;
        let (sum, metrics) = paged::<Sum>(&mut client, &query, 1, PageSize::Rows(50)).await?;
        assert_eq!(sum.rows, 2_000);
        let mut took = watch.end()?;
        took.waits = Some(metrics.waits);
        anyhow::Ok(took)
    });
    let account = Account::of(&took.unwrap().unwrap());
    assert_eq!(account.cause(), Cause::RoundTrips, "{account}");
    // Forty pages, and the one that shows that there are no more.
    let said = account.to_string();
    assert!(said.starts_with("waiting for round trips: ") && said.contains("; 41 waits"), "{said}");
}

/// A program that does what some lines of shell do.
fn pretended(folder: &Path, lines: &str) -> PathBuf {
    let path = folder.join("program");
    std::fs::write(&path, format!("#!/bin/sh\n{lines}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn stage(python: impl Into<PathBuf>, psql: impl Into<PathBuf>) -> Stage {
    Stage::new(&SERVER.url(), &product(), python.into(), psql.into(), None).unwrap()
}

fn expected() -> Check {
    table().read::<Check>(Way::Plain).unwrap().0
}

const ASYNCPG: Program = Program::Asyncpg { size: 50, uvloop: false };

#[test]
fn a_program_that_is_absent_is_named_as_absent() {
    let stage = stage("/nowhere/python", "/nowhere/psql");
    for (program, name) in [(ASYNCPG, "/nowhere/python"), (Program::Psql, "/nowhere/psql")] {
        let reason = stage.start(program, &expected()).err().unwrap();
        assert!(format!("{reason:#}").starts_with(&format!("absent: {name}")), "{reason:#}");
    }
    let folder = tempfile::tempdir().unwrap();
    let without = self::stage(pretended(folder.path(), "echo No module named asyncpg >&2; exit 1"), "psql");
    let reason = without.start(ASYNCPG, &expected()).err().unwrap();
    assert_eq!(format!("{reason:#}"), "absent: No module named asyncpg");
}

#[test]
fn a_program_that_has_read_other_rows_is_wrong() {
    let (folder, expected) = (tempfile::tempdir().unwrap(), expected());
    let answers = |check: u64, read: &str| {
        format!("echo 9.9 1; while read what; do test $what = check && echo {check} 1 1 || echo {read}; done")
    };
    let lost = stage(pretended(folder.path(), &answers(5, "")), "psql");
    let reason = lost.start(ASYNCPG, &expected).err().unwrap();
    assert_eq!(reason.to_string(), format!("wrong: its rows have the check sum 5 and ours {}", expected.crcs));
    // Right while it is checked, and wrong while it is timed.
    let Check { rows, ids, letters, crcs } = expected;
    let one_less = format!("{} {ids} {letters} 100 100", rows - 1);
    let sometimes = stage(pretended(folder.path(), &answers(crcs, &one_less)), "psql");
    let reason = sometimes.start(ASYNCPG, &expected).unwrap().read().err().unwrap();
    assert!(reason.to_string().starts_with("wrong: it has read [19999, "), "{reason}");
    let right = stage(pretended(folder.path(), &answers(crcs, &format!("{rows} {ids} {letters} 100 50"))), "psql");
    let took = right.start(ASYNCPG, &expected).unwrap().read().unwrap();
    assert_eq!((took.wall, took.client.running), (100.0, 50.0));
}

#[test]
fn psql_without_a_time_or_with_other_rows_is_wrong() {
    let (folder, expected) = (tempfile::tempdir().unwrap(), expected());
    let silent = stage("python3", pretended(folder.path(), "exit 0"));
    let reason = silent.start(Program::Psql, &expected).err().unwrap();
    assert!(reason.to_string().starts_with("wrong: it printed `` and no time"), "{reason}");
    // A COPY of no rows: `-X -q -o FILE` come first.
    let copy = r#"printf 'PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0\377\377' > "$4"; echo 'Time: 1.5 ms'"#;
    let empty = stage("python3", pretended(folder.path(), &format!("test $1 = --version || {{ {copy}; }}")));
    let reason = empty.start(Program::Psql, &expected).err().unwrap();
    assert!(reason.to_string().starts_with("wrong: its rows have the check sum 0 and ours "), "{reason}");
}
