//! Faults that stop the rows half-way: the session, the server or the network ends, or the query fails.

use super::fault::at_table;
use super::fault_server::FaultServer;
use super::fault_server::{TROUBLE, signal};
use super::reading::Reading;
use super::report::Report;
use crate::access_methods::explained;
use crate::fault_proxy::{self, Break};
use anyhow::{Context, Result, bail};
use futures_util::TryStreamExt;
use postgres::connect;
use rustix::process::Signal;
use std::ops::RangeInclusive;
use std::pin::pin;
use std::thread;
use std::time::{Duration, Instant};

/// Row numbers at which a signal sent in the row [`TROUBLE`] may take effect.
const ABOUT: RangeInclusive<u64> = TROUBLE - 77..=TROUBLE + 223;

/// Row numbers at which a read can stop if two pages were read and more were in flight.
const IN_FLIGHT: RangeInclusive<u64> = 100..=5_000;

type Fault = super::fault::Fault<FaultServer>;

pub(super) fn faults() -> Vec<Fault> {
    vec![
        at_table!("the session is ended", "goldilocks.ends_the_session", ["run this again"]).code("57P01").rows(ABOUT),
        at_table!("the query is cancelled", "goldilocks.is_cancelled", ["run this again"]).code("57014").rows(ABOUT),
        // The report must not name 25P02, the error of the pages in flight.
        at_table!("the query fails half-way", "goldilocks.divides", ["division by zero", "correct the value"])
            .code("22012")
            .rows(TROUBLE - 1..=TROUBLE - 1),
        Fault::reading("the network resets the connection", &["check the network"], |server| {
            proxied(server, Break::Reset)
        })
        .rows(0..=TROUBLE),
        Fault::reading("the network swallows everything", &["no data from the server for 0.5 s"], |server| {
            proxied(server, Break::Stall)
        })
        .rows(TROUBLE..=TROUBLE),
        Fault::reading("the network ends in the middle of a row", &["run this again"], |server| {
            proxied(server, Break::Cut)
        })
        .rows(TROUBLE..=TROUBLE),
        Fault::other("the session is ended between two pages", &["run this again"], |server| {
            Reading::new(server.url_as("ended"), "goldilocks.product").interrupted(|| server.end("ended"))
        })
        .code("57P01")
        .rows(IN_FLIGHT),
        Fault::other("the session's process is killed", &["read the server's log"], |_| kill("read")).rows(IN_FLIGHT),
        Fault::other("another session's process is killed", &["run this again"], |_| kill("other"))
            .code("57P02")
            .rows(IN_FLIGHT),
        Fault::other("the server is stopped at once", &["run this again"], |_| {
            let server = FaultServer::bare()?;
            numbers(&server)?.interrupted(|| {
                server.sessions("read")?;
                signal(server.postmaster()?, Signal::QUIT)?;
                wait_until_ended(&server)
            })
        })
        .code("57P01")
        .rows(IN_FLIGHT),
        Fault::other("a transaction that waits too long", &["idle_in_transaction_session_timeout"], |server| {
            let url = server.url_with("idle_in_transaction_session_timeout=200");
            Reading::new(url, "goldilocks.product").interrupted(|| {
                thread::sleep(Duration::from_millis(600));
                Ok(())
            })
        })
        .code("25P03")
        .rows(IN_FLIGHT),
        Fault::other(
            "a row stream that is read too slowly",
            &["statement_timeout", "each page of a cursor alone"],
            slow_stream,
        )
        .code("57014"),
    ]
}

/// Reads the products through a proxy that breaks the connection.
fn proxied(server: &FaultServer, how: Break) -> Result<Reading> {
    let port = fault_proxy::start(&server.folder()?, how, TROUBLE)?;
    let url = format!("postgresql://goldilocks@127.0.0.1:{port}/postgres");
    Ok(Reading::new(url, "goldilocks.product").impatient())
}

/// Reads 20,000 numbers in a session named `read`.
fn numbers(server: &FaultServer) -> Result<Reading> {
    let (client, mut driver) = connect(&server.url())?;
    let create = "CREATE OR REPLACE VIEW public.numbers AS
                  SELECT i AS product_id, 'product' AS product_name FROM generate_series(1, 20000) AS i";
    driver.block_on(client.batch_execute(create)).map_err(explained)?;
    Ok(Reading::new(server.url_as("read"), "public.numbers"))
}

/// Kills the process of the session `read`, or of the session `other`, while `read` reads.
fn kill(victim: &str) -> Result<Report> {
    let server = FaultServer::bare()?;
    let (other, mut driver) = connect(&server.url_as("other"))?;
    driver.block_on(other.batch_execute("BEGIN")).map_err(explained)?;
    numbers(&server)?.interrupted(|| {
        server.sessions("read")?;
        let session = *server.sessions(victim)?.first().context("there are sessions")?;
        signal(session, Signal::KILL)?;
        wait_until_ended(&server)
    })
}

/// Waits until the server has ended every session, and is down or up again.
fn wait_until_ended(server: &FaultServer) -> Result<()> {
    let Ok((client, mut driver)) = connect(&server.url()) else { return Ok(()) };
    // A session that was open before the restart ends. A later session lives and sees that the others have ended.
    for _ in 0..500 {
        let question = "SELECT count(*) FROM pg_stat_activity WHERE application_name IN ('read', 'other')";
        match driver.block_on(client.query_one(question, &[])) {
            Ok(row) if row.get::<_, i64>(0) > 0 => thread::sleep(Duration::from_millis(5)),
            _ => return Ok(()),
        }
    }
    bail!("the server is still up")
}

/// A `statement_timeout` continues to run while the client does not read rows.
fn slow_stream(server: &FaultServer) -> Result<Report> {
    let (client, mut driver) = connect(&server.url_with("statement_timeout=200"))?;
    // More rows than the buffers of the socket and the client hold.
    let query = "SELECT i, repeat('x', 100) FROM generate_series(1, 100000) AS i";
    let mut began = Instant::now();
    let read = driver.block_on(async {
        let mut rows = pin!(client.query_raw(query, std::iter::empty::<i32>()).await?);
        rows.try_next().await?;
        thread::sleep(Duration::from_millis(400));
        began = Instant::now();
        while rows.try_next().await?.is_some() {}
        Ok(())
    });
    match read {
        Ok(()) => bail!("it reads to the end"),
        Err(error) => Ok(Report::since(began, driver.explain(&error))),
    }
}
