//! The other side does not keep to the protocol: on a mock, for no PostgreSQL does that.

use super::place::TROUBLE;
use super::{BINARY, Fault, Provoke, Reading, ToRead, Told, WAYS};
use crate::mock::{Manner, Mock};
use anyhow::{Result, bail};
use futures_util::TryStreamExt;
use postgres::connect;
use std::pin::pin;
use std::time::{Duration, Instant};

const ROWS: i32 = 20_000;

pub(super) fn faults() -> Vec<Fault<()>> {
    let read = Some(TROUBLE - 1..=TROUBLE - 1);
    let fault = |name, words, reading: ToRead<()>| Fault {
        name,
        code: None,
        rows: read.clone(),
        words,
        provoke: Provoke::Read(&WAYS, reading),
    };
    vec![
        fault("silence in the middle of a page", &["no data from the server for 0.5 s", "--silence"], |_| {
            mocked(Manner::Stalls)
        }),
        fault("a row that is cut off", &["run this again"], |_| mocked(Manner::Cuts)),
        fault("an end without a word", &["read the server's log", "run this again"], |_| mocked(Manner::Closes)),
        fault("a row with a column too few", &["garbles"], |_| {
            mocked(Manner::Garbles(b"D\0\0\0\x0e\0\x01\0\0\0\x04\0\0\0\x01"))
        }),
        fault("a column that is longer than its row", &["garbles"], |_| {
            mocked(Manner::Garbles(b"D\0\0\0\x12\0\x02\0\0\0\x04\0\0\0\x01\0\0\xff\xff"))
        }),
        fault("a row that has bytes left over", &["garbles"], |_| {
            mocked(Manner::Garbles(b"D\0\0\0\x14\0\x02\0\0\0\x04\0\0\0\x01\0\0\0\0\xff\xff"))
        }),
        fault("a row that ends before its columns are counted", &["garbles"], |_| {
            mocked(Manner::Garbles(b"D\0\0\0\x05\0"))
        }),
        fault("a name that is not UTF-8", &["product_name of product 1", "byte 4 is 0xe9"], |_| {
            mocked(Manner::Garbles(b"D\0\0\0\x16\0\x02\0\0\0\x04\0\0\0\x01\0\0\0\x04caf\xe9"))
        }),
        fault("a message of an unknown kind", &["garbles"], |_| mocked(Manner::Garbles(b"?\0\0\0\x04"))),
        fault("a message of a kind that has no place there", &["garbles"], |_| mocked(Manner::Garbles(b"2\0\0\0\x04"))),
        // What came with it is not looked at any more.
        Fault {
            rows: Some(0..=TROUBLE - 1),
            ..fault("a length that cannot be", &["garbles"], |_| mocked(Manner::Garbles(b"D\0\0\0\0")))
        },
        // That much is waited for. The cursor has asked for some pages only, so that not much comes.
        fault("a length that is far too large", &["no data from the server for 0.5 s"], |_| {
            mocked(Manner::Garbles(b"D\x7f\xff\xff\xff"))
        }),
        Fault {
            code: Some("22012"),
            ..fault("a query that fails, with the echo of the pages under way", &["division by zero"], |_| {
                mocked(Manner::Fails)
            })
        },
        Fault {
            name: "somebody in between who ignores the size of a page",
            code: None,
            rows: Some(50..=50),
            words: &["a proxy", "connect to the server itself"],
            // The plain row stream has no pages.
            provoke: Provoke::Read(&["sequential", "tokio_blocking", "async_std", BINARY], |_| {
                mocked(Manner::IgnoresLimit)
            }),
        },
        Fault {
            name: "a row stream that nobody reads before something else is asked",
            code: None,
            rows: None,
            words: &["the rows of an earlier request were not read for 0.5 s", "read them to their end"],
            provoke: Provoke::Do(unread),
        },
    ]
}

fn mocked(manner: Manner) -> Result<Reading> {
    let mock = Mock::start(ROWS, TROUBLE as i32, manner)?;
    Ok(Reading::new(mock.url(), "product").impatient().keeping(mock))
}

/// With a cursor of ours it does not compile; with tokio-postgres alone it waits for ever.
fn unread((): &()) -> Result<Told> {
    let mock = Mock::start(ROWS, 0, Manner::Well)?;
    let (client, mut driver) = connect(&mock.url())?;
    driver.limit_silence(Duration::from_millis(500));
    let began = Instant::now();
    let asked = driver.block_on(async {
        let mut rows = pin!(client.query_raw("SELECT", std::iter::empty::<i32>()).await?);
        rows.try_next().await?;
        client.batch_execute("SELECT").await
    });
    match asked {
        Ok(()) => bail!("it is answered"),
        Err(error) => Ok(Told::since(began, driver.explain(&error))),
    }
}
