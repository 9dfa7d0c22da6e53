//! The pages of one cursor, one after the other, with more of them on their way.
//!
//! How it works:
//! 1. One future holds the transaction and its portal, asks for pages, and puts each into a slot.
//! 2. Pulling a page polls that future, and the connection beside it, until the slot is full or the future has ended.
//!    So the cursor lives on whatever thread pulls; there is no runtime and no second thread.
//! 3. `depth` executes are queued before the first page is read, and one more with every page that is used up: with a
//!    depth of 2 or more the server works on the next page while this one travels.

use super::{Connection, columns};
use datasets::postgres::{Driver, explain};
use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use strategies::{Error, Result};
use tokio_postgres::Client;

/// Some rows, owned, so that they can travel.
#[derive(Default, Serialize, Deserialize)]
pub struct Page {
    ids: Vec<i32>,
    /// The names one behind the other, and where each ends.
    names: String,
    ends: Vec<u32>,
}

impl Page {
    fn push(&mut self, id: i32, name: &str) -> Result<()> {
        self.ids.push(id);
        self.names.push_str(name);
        let end = u32::try_from(self.names.len()).map_err(|_| {
            Error::task(format!(
                "a page of {} rows holds more than 4 GiB; choose a smaller partition size",
                self.ids.len()
            ))
        })?;
        self.ends.push(end);
        Ok(())
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = (i32, &str)> {
        let mut begin = 0;
        self.ids.iter().zip(&self.ends).map(move |(id, end)| {
            let name = self.names.get(begin..*end as usize).unwrap_or_default();
            begin = *end as usize;
            (*id, name)
        })
    }
}

/// Between the future that fetches and the caller who pulls: one page, or none.
type Slot = Arc<Mutex<Option<Page>>>;

pub(super) struct Pages {
    driver: Option<Driver>,
    fetching: Pin<Box<dyn Future<Output = Result<Client>> + Send>>,
    slot: Slot,
    /// Where the connection goes when the last row is read.
    idle: Arc<Mutex<Option<Connection>>>,
}

impl Pages {
    pub(super) fn open(
        (client, driver): Connection,
        query: &str,
        size: NonZeroUsize,
        depth: usize,
        idle: Arc<Mutex<Option<Connection>>>,
    ) -> Result<Self> {
        let rows = i32::try_from(size.get()).unwrap_or(i32::MAX);
        let slot = Slot::default();
        let fetching = Box::pin(fetch(client, query.to_owned(), rows, depth, Arc::clone(&slot)));
        Ok(Pages { driver: Some(driver), fetching, slot, idle })
    }
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        let driver = self.driver.as_mut()?;
        let (fetching, slot) = (&mut self.fetching, &self.slot);
        let outcome = driver.block_on(poll_fn(|context| {
            let ended = fetching.as_mut().poll(context);
            match (slot.lock().unwrap_or_else(PoisonError::into_inner).take(), ended) {
                (Some(page), Poll::Pending) => Poll::Ready(Ok(page)),
                (_, Poll::Ready(ended)) => Poll::Ready(Err(ended)),
                (None, Poll::Pending) => Poll::Pending,
            }
        }));
        match outcome {
            Ok(page) => Some(Ok(page)),
            Err(ended) => {
                let driver = self.driver.take()?;
                match ended {
                    Ok(client) => {
                        *self.idle.lock().unwrap_or_else(PoisonError::into_inner) = Some((client, driver));
                        None
                    }
                    Err(error) => Some(Err(error)),
                }
            }
        }
    }
}

async fn fetch(mut client: Client, query: String, rows: i32, depth: usize, slot: Slot) -> Result<Client> {
    let mut read = 0u64;
    page_through(&mut client, &query, rows, depth, &slot, &mut read).await.map_err(|error| match error {
        Trouble::Server(error) => Error::task(format!("after {read} rows: {}", explain(&error))),
        Trouble::Row(error) => Error::task(format!("row {}: {error}", read + 1)),
    })?;
    Ok(client)
}

enum Trouble {
    Server(tokio_postgres::Error),
    Row(Error),
}

impl From<tokio_postgres::Error> for Trouble {
    fn from(error: tokio_postgres::Error) -> Self {
        Trouble::Server(error)
    }
}

async fn page_through(
    client: &mut Client,
    query: &str,
    rows: i32,
    depth: usize,
    slot: &Slot,
    read: &mut u64,
) -> std::result::Result<(), Trouble> {
    let transaction = client.transaction().await?;
    let statement = transaction.prepare(query).await?;
    let portal = transaction.bind(&statement, &[]).await?;
    let mut asked = VecDeque::with_capacity(depth);
    for _ in 0..depth {
        // Queued, not awaited: `query_portal_raw` returns as soon as the request is on its way.
        asked.push_back(Box::pin(transaction.query_portal_raw(&portal, rows).await?));
    }
    while let Some(mut answer) = asked.pop_front() {
        let mut page = Page::default();
        while let Some(row) = answer.as_mut().try_next().await? {
            let (id, name) = columns(&row).map_err(Trouble::Row)?;
            page.push(id, name).map_err(Trouble::Row)?;
            *read += 1;
        }
        // A count is given with the last rows of the portal; without it there is more.
        let exhausted = answer.rows_affected().is_some();
        if !page.ids.is_empty() {
            put(slot, page).await;
        }
        if exhausted {
            break;
        }
        asked.push_back(Box::pin(transaction.query_portal_raw(&portal, rows).await?));
    }
    // Whatever was asked for in vain comes back empty, and must be off the connection before the commit.
    for mut answer in asked {
        while answer.as_mut().try_next().await?.is_some() {}
    }
    drop(portal);
    transaction.commit().await?;
    Ok(())
}

/// Waits until the slot is empty. Nobody needs waking: whoever empties the slot polls this future the next time.
async fn put(slot: &Slot, page: Page) {
    let mut page = Some(page);
    poll_fn(|_| {
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.is_some() {
            return Poll::Pending;
        }
        *slot = page.take();
        Poll::Ready(())
    })
    .await;
    // The page is in the slot: let it be taken before more is fetched.
    let mut yielded = false;
    poll_fn(|_| if std::mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}
