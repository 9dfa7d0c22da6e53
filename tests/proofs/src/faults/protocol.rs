//! Faults in which the server violates the protocol. They run on a mock because no real PostgreSQL does that.

use super::fault::Fault;
use super::fault_server::TROUBLE;
use super::reading::{BINARY, Reading};
use super::report::Report;
use crate::mock::{Behaviour, Mock};
use anyhow::{Result, bail};
use futures_util::TryStreamExt;
use postgres::connect;
use std::pin::pin;
use std::time::{Duration, Instant};

/// A fault at the row [`TROUBLE`].
macro_rules! at_trouble {
    ($name:literal, $words:expr, $behaviour:expr) => {
        Fault::reading($name, &$words, |()| mocked($behaviour)).rows(TROUBLE - 1..=TROUBLE - 1)
    };
}

/// A fault that replaces the row [`TROUBLE`] with invalid bytes.
macro_rules! garbled {
    ($name:literal, $bytes:literal) => {
        at_trouble!($name, ["garbles"], Behaviour::Garbles($bytes))
    };
}

pub(super) fn faults() -> Vec<Fault<()>> {
    vec![
        at_trouble!(
            "silence in the middle of a page",
            ["no data from the server for 0.5 s", "--silence"],
            Behaviour::Stalls
        ),
        at_trouble!("a row that is cut off", ["run this again"], Behaviour::Cuts),
        at_trouble!("an end without a message", ["read the server's log", "run this again"], Behaviour::Closes),
        garbled!("a row with a column too few", b"D\0\0\0\x0e\0\x01\0\0\0\x04\0\0\0\x01"),
        garbled!("a column that is longer than its row", b"D\0\0\0\x12\0\x02\0\0\0\x04\0\0\0\x01\0\0\xff\xff"),
        garbled!("a row with excess bytes", b"D\0\0\0\x14\0\x02\0\0\0\x04\0\0\0\x01\0\0\0\0\xff\xff"),
        garbled!("a row that ends before its number of columns", b"D\0\0\0\x05\0"),
        at_trouble!(
            "a name that is not UTF-8",
            ["product_name of product 1", "byte 4 is 0xe9"],
            Behaviour::Garbles(b"D\0\0\0\x16\0\x02\0\0\0\x04\0\0\0\x01\0\0\0\x04caf\xe9")
        ),
        garbled!("a message of an unknown kind", b"?\0\0\0\x04"),
        garbled!("a message of a kind that is misplaced there", b"2\0\0\0\x04"),
        // Rows that arrived in the same batch as the invalid length are discarded.
        garbled!("an impossible length", b"D\0\0\0\0").rows(0..=TROUBLE - 1),
        // The client waits for that many bytes. Only the requested pages arrive, which are shorter.
        at_trouble!(
            "a length that is far too large",
            ["no data from the server for 0.5 s"],
            Behaviour::Garbles(b"D\x7f\xff\xff\xff")
        ),
        at_trouble!("a failing query and the echo of its pages in flight", ["division by zero"], Behaviour::Fails)
            .code("22012"),
        // The plain row stream has no pages.
        at_trouble!(
            "a proxy that ignores the size of a page",
            ["a proxy", "connect to the server itself"],
            Behaviour::IgnoresLimit
        )
        .rows(50..=50)
        .only(&["sequential", "tokio_blocking", "async_std", BINARY]),
        Fault::other(
            "a second request before the rows of the first are read",
            &["the rows of an earlier request were not read for 0.5 s", "read them to their end"],
            unread,
        ),
    ]
}

fn mocked(behaviour: Behaviour) -> Result<Reading> {
    let mock = Mock::start(20_000, TROUBLE as i32, behaviour)?;
    Ok(Reading::new(mock.url(), "product").impatient().keeping(mock))
}

/// Our cursor's types rule this misuse out at compile time. With tokio-postgres alone the call waits forever.
fn unread((): &()) -> Result<Report> {
    let mock = Mock::start(20_000, 0, Behaviour::Correct)?;
    let (client, mut driver) = connect(&mock.url())?;
    driver.limit_silence(Duration::from_millis(500));
    let began = Instant::now();
    let second = driver.block_on(async {
        let mut rows = pin!(client.query_raw("SELECT", std::iter::empty::<i32>()).await?);
        rows.try_next().await?;
        client.batch_execute("SELECT").await
    });
    match second {
        Ok(()) => bail!("it is answered"),
        Err(error) => Ok(Report::since(began, driver.explain(&error))),
    }
}
