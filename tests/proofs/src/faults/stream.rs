//! The rows stop coming in the middle: the session, the server or the network ends, or the query fails.

use super::place::{TROUBLE, explained, signal};
use super::{Fault, Place, Provoke, Reading, ToDo, ToRead, Told, WAYS};
use crate::fault_proxy::{self, Break};
use anyhow::{Context, Result, bail};
use futures_util::TryStreamExt;
use postgres::connect;
use rustix::process::Signal;
use std::ops::RangeInclusive;
use std::pin::pin;
use std::thread;
use std::time::{Duration, Instant};

pub(super) fn faults() -> Vec<Fault<Place>> {
    // A signal is heeded a little later.
    let about = Some(TROUBLE - 77..=TROUBLE + 223);
    let before = Some(TROUBLE - 1..=TROUBLE - 1);
    let fault = |name, code, rows, words, reading: ToRead<Place>| Fault {
        name,
        code,
        rows,
        words,
        provoke: Provoke::Read(&WAYS, reading),
    };
    let of = |name, code, words, provoke: ToDo<Place>| {
        // Two pages were read, and those under way were on their way.
        let rows: Option<RangeInclusive<u64>> = Some(100..=5_000);
        Fault { name, code, rows, words, provoke: Provoke::Do(provoke) }
    };
    vec![
        fault("the session is ended", Some("57P01"), about.clone(), &["run this again"], |place| {
            Ok(Reading::new(place.url(), "goldilocks.ends_the_session"))
        }),
        fault("the query is cancelled", Some("57014"), about, &["run this again"], |place| {
            Ok(Reading::new(place.url(), "goldilocks.is_cancelled"))
        }),
        // And not 25P02, which is what the pages under way say.
        fault("the query fails half-way", Some("22012"), before, &["division by zero", "correct the value"], |place| {
            Ok(Reading::new(place.url(), "goldilocks.divides"))
        }),
        fault("the network resets the connection", None, Some(0..=TROUBLE), &["check the network"], |place| {
            relayed(place, Break::Reset)
        }),
        fault(
            "the network swallows everything",
            None,
            Some(TROUBLE..=TROUBLE),
            &["no data from the server for 0.5 s"],
            |place| relayed(place, Break::Stall),
        ),
        fault("the network ends in the middle of a row", None, Some(TROUBLE..=TROUBLE), &["run this again"], |place| {
            relayed(place, Break::Cut)
        }),
        of("the session is ended between two pages", Some("57P01"), &["run this again"], |place| {
            let url = format!("{}?application_name=ended", place.url());
            Reading::new(url, "goldilocks.product").interrupted(|| place.end("ended"))
        }),
        of("the session's process is killed", None, &["read the server's log"], |_| crash("read", "read")),
        of("another session's process is killed", Some("57P02"), &["run this again"], |_| crash("read", "other")),
        of("the server is stopped at once", Some("57P01"), &["run this again"], |_| {
            let place = Place::bare()?;
            let stop = || {
                place.sessions("read")?;
                signal(place.postmaster()?, Signal::QUIT)?;
                until_it_is_gone(&place)
            };
            numbers(&place, "read").interrupted(stop)
        }),
        of("a transaction that waits too long", Some("25P03"), &["idle_in_transaction_session_timeout"], |place| {
            let url = place.url_with("idle_in_transaction_session_timeout=200");
            Reading::new(url, "goldilocks.product").interrupted(|| {
                thread::sleep(Duration::from_millis(600));
                Ok(())
            })
        }),
        Fault {
            name: "a row stream that is read too slowly",
            code: Some("57014"),
            rows: None,
            words: &["statement_timeout", "each page of a cursor alone"],
            provoke: Provoke::Do(slow_stream),
        },
    ]
}

/// The products through a network that breaks.
fn relayed(place: &Place, how: Break) -> Result<Reading> {
    let port = fault_proxy::start(&place.folder()?, how, TROUBLE)?;
    let url = format!("postgresql://goldilocks@127.0.0.1:{port}/postgres");
    Ok(Reading::new(url, "goldilocks.product").impatient())
}

fn numbers(place: &Place, name: &str) -> Reading {
    let table = "(SELECT i AS product_id, 'product' AS product_name FROM generate_series(1, 20000) AS i) AS numbers";
    Reading::new(format!("{}?application_name={name}", place.url()), table)
}

/// Reads under one name and kills the process of the session with the other.
fn crash(reader: &str, victim: &str) -> Result<Told> {
    let place = Place::bare()?;
    let (other, mut driver) = connect(&format!("{}?application_name=other", place.url()))?;
    driver.block_on(other.batch_execute("BEGIN")).map_err(explained)?;
    numbers(&place, reader).interrupted(|| {
        place.sessions(reader)?;
        let session = *place.sessions(victim)?.first().context("there are sessions")?;
        signal(session, Signal::KILL)?;
        until_it_is_gone(&place)
    })
}

/// Waits until the server has ended every session, and is down or up again.
fn until_it_is_gone(place: &Place) -> Result<()> {
    let (client, mut driver) = match connect(&place.url()) {
        Ok(connection) => connection,
        Err(_) => return Ok(()),
    };
    // A session of before ends; one of afterwards does not, and sees that the others have ended.
    for _ in 0..500 {
        let question = "SELECT count(*) FROM pg_stat_activity WHERE application_name IN ('read', 'other')";
        match driver.block_on(client.query_one(question, &[])) {
            Ok(row) if row.get::<_, i64>(0) > 0 => thread::sleep(Duration::from_millis(5)),
            _ => return Ok(()),
        }
    }
    bail!("the server is still there")
}

/// A `statement_timeout` goes on while nobody reads.
fn slow_stream(place: &Place) -> Result<Told> {
    let (client, mut driver) = connect(&place.url_with("statement_timeout=200"))?;
    // More than the socket and the client hold.
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
        Ok(()) => bail!("it is read to its end"),
        Err(error) => Ok(Told::since(began, driver.explain(&error))),
    }
}
