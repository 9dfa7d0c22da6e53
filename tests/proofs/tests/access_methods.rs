//! Access methods on a real server. Every method, runtime and program reads the same rows, and the time breakdown names the
//! right cause.

#![allow(clippy::unwrap_used)]

use cursor::{Cursor, DEFAULT_DEPTH, PageSize};
use datasets::products::Products;
use postgres::{Environment, Server};
use proofs::access_methods::peers::{Launcher, Program};
use proofs::access_methods::runtimes::{ALL, Running, Runtime};
use proofs::access_methods::time_breakdown::{Cause, Meter, TimeBreakdown, backend};
use proofs::access_methods::{AccessMethod, Check, Reader, Sum, Table, every_row, paged};
use proofs::delayed_wire::over;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};
use tokio_postgres::Row;

/// The server of all tests in this file. Its watchdog stops it when this process ends.
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
fn every_method_reads_the_same_rows() {
    let mut table = table();
    let (expected, _) = table.read::<Check>(AccessMethod::FetchAll).unwrap();
    assert_eq!(expected.rows, ROWS);
    for method in [
        AccessMethod::Plain,
        AccessMethod::Cursor(1, PageSize::Rows(50)),
        AccessMethod::Cursor(DEFAULT_DEPTH, PageSize::default()),
        AccessMethod::Declared(50),
        // This size divides the rows, so only an extra, empty page shows the end.
        AccessMethod::Declared(1_000),
        AccessMethod::Copy,
        AccessMethod::Ranges(1, 1_000),
        AccessMethod::Ranges(3, 5_000),
    ] {
        let (rows, cost) = table.read::<Check>(method).unwrap();
        assert_eq!(rows, expected, "{method}");
        assert!(cost.wall > 0.0 && cost.client.running > 0.0, "{method}: {cost:?}");
    }
}

#[test]
fn every_runtime_reads_the_same_rows_and_only_pools_hand_over() {
    let (expected, _) = table().read::<Check>(AccessMethod::Plain).unwrap();
    for runtime in ALL {
        let mut running = Running::start(runtime, &SERVER.url()).unwrap();
        for (depth, size) in [(1, PageSize::Rows(50)), (DEFAULT_DEPTH, PageSize::default())] {
            let (rows, cost) = running.read::<Check>(&every_row(&product()), depth, size).unwrap();
            assert_eq!(rows, expected, "{runtime}");
            let one_thread = matches!(runtime, Runtime::Thread | Runtime::ThreadAllEvents | Runtime::TokioCurrent);
            assert!(cost.write_events.is_none_or(|events| events > 0), "{runtime} gets no write events");
            assert!(!one_thread || cost.hand_overs <= 1, "{runtime}: {} hand-overs", cost.hand_overs);
        }
    }
}

/// Reads with a cursor. Each page is decoded and then consumed.
fn metered(query: &str, decode: impl Fn(&Row), consume: impl Fn()) -> TimeBreakdown {
    let Reader { mut client, mut driver, backend } = Reader::open(&SERVER.url()).unwrap();
    assert!(backend.is_some(), "our own server is visible");
    let mut meter = Meter::start(backend).unwrap();
    driver.block_on(async {
        let mut transaction = client.transaction().await.unwrap();
        let mut cursor = Cursor::open(&mut transaction, query, &[]).await.unwrap().page_size(50);
        while let Some(page) = cursor.next_page().await.unwrap() {
            page.iter().for_each(&decode);
            meter.consume(&consume).unwrap();
        }
    });
    TimeBreakdown::of(&meter.stop().unwrap())
}

#[test]
fn a_client_that_decodes_slowly_is_named() {
    let decode = |row: &Row| (0..300).for_each(|_| drop(std::hint::black_box(row.get::<_, String>(1))));
    let breakdown = metered(&every_row(&product()), decode, || ());
    assert_eq!(breakdown.cause(), Cause::Client, "{breakdown}");
}

#[test]
fn a_slow_consumer_is_named_whether_it_works_or_sleeps() {
    let works = || {
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(1) {}
    };
    let sleeps = || thread::sleep(Duration::from_millis(1));
    for consume in [&works as &dyn Fn(), &sleeps] {
        let breakdown = metered(&format!("{} LIMIT 5000", every_row(&product())), |_| (), consume);
        assert_eq!(breakdown.cause(), Cause::Consumer, "{breakdown}");
    }
}

#[test]
fn a_server_that_works_hard_for_a_row_is_named() {
    let hard = format!("SELECT product_id, md5(repeat(product_name, 5000)) FROM {} LIMIT 1000", product());
    let breakdown = metered(&hard, |_| (), || ());
    assert_eq!(breakdown.cause(), Cause::Server, "{breakdown}");
}

#[test]
fn long_round_trips_are_named_with_the_number_of_waits() {
    let query = format!("{} LIMIT 2000", every_row(&product()));
    let cost = over(&SERVER.url(), Duration::from_millis(1), async |mut client, _| {
        let meter = Meter::start(backend(&SERVER.url(), &client).await?)?;
        let (sum, metrics) = paged::<Sum>(&mut client, &query, 1, PageSize::Rows(50)).await?;
        assert_eq!(sum.rows, 2_000);
        let mut cost = meter.stop()?;
        cost.waits = Some(metrics.waits);
        anyhow::Ok(cost)
    });
    let breakdown = TimeBreakdown::of(&cost.unwrap().unwrap());
    assert_eq!(breakdown.cause(), Cause::RoundTrips, "{breakdown}");
    // There are forty pages, and one more that shows the end.
    let text = breakdown.to_string();
    assert!(text.starts_with("round trips: ") && text.contains("; 41 waits"), "{text}");
}

/// Writes a shell script that stands in for a program.
fn fake(folder: &Path, lines: &str) -> PathBuf {
    let path = folder.join("program");
    std::fs::write(&path, format!("#!/bin/sh\n{lines}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn launcher(python: impl Into<PathBuf>, psql: impl Into<PathBuf>) -> Launcher {
    Launcher::new(&SERVER.url(), &product(), python.into(), psql.into(), None).unwrap()
}

/// Starts a program that must fail, and returns the reason.
fn refused(launcher: &Launcher, program: Program, expected: &Check) -> String {
    format!("{:#}", launcher.start(program, expected).err().unwrap())
}

fn expected() -> Check {
    table().read::<Check>(AccessMethod::Plain).unwrap().0
}

const ASYNCPG: Program = Program::Asyncpg(50);

#[test]
fn an_absent_program_is_named_as_absent() {
    let nowhere = launcher("/nowhere/python", "/nowhere/psql");
    for (program, name) in [(ASYNCPG, "/nowhere/python"), (Program::Psql, "/nowhere/psql")] {
        let reason = refused(&nowhere, program, &expected());
        assert!(reason.starts_with(&format!("absent: {name}")), "{reason}");
    }
    let folder = tempfile::tempdir().unwrap();
    let without = launcher(fake(folder.path(), "echo No module named asyncpg >&2; exit 1"), "psql");
    assert_eq!(refused(&without, ASYNCPG, &expected()), "absent: No module named asyncpg");
}

#[test]
fn a_program_that_has_read_other_rows_is_wrong() {
    let (folder, expected) = (tempfile::tempdir().unwrap(), expected());
    let answering = |check: u64, read: &str| {
        let loops =
            format!("echo 9.9 1; while read what; do test $what = check && echo {check} 1 1 || echo {read}; done");
        launcher(fake(folder.path(), &loops), "psql")
    };
    let reason = refused(&answering(5, ""), ASYNCPG, &expected);
    assert_eq!(reason, format!("wrong: its rows have the check sum 5 and ours {}", expected.crcs));
    // The check sum is correct, and the timed read is wrong.
    let Check { rows, ids, characters, crcs } = expected;
    let sometimes = answering(crcs, &format!("{} {ids} {characters} 100 100", rows - 1));
    let reason = sometimes.start(ASYNCPG, &expected).unwrap().read().err().unwrap();
    assert!(reason.to_string().starts_with("wrong: it has read [19999, "), "{reason}");
    let right = answering(crcs, &format!("{rows} {ids} {characters} 100 50"));
    let cost = right.start(ASYNCPG, &expected).unwrap().read().unwrap();
    assert_eq!((cost.wall, cost.client.running), (100.0, 50.0));
}

#[test]
fn psql_without_a_time_or_with_other_rows_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    // This script writes an empty COPY. `-X -q -o FILE` are the first arguments.
    let copy = r#"printf 'PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0\377\377' > "$4"; echo 'Time: 1.5 ms'"#;
    for (lines, wrong) in [
        ("exit 0".to_owned(), "wrong: it printed `` and no time"),
        (format!("test $1 = --version || {{ {copy}; }}"), "wrong: its rows have the check sum 0 and ours "),
    ] {
        let reason = refused(&launcher("python3", fake(folder.path(), &lines)), Program::Psql, &expected());
        assert!(reason.starts_with(wrong), "{reason}");
    }
}
