//! The pages of one cursor as partitions, pulled by whoever asks for the next.
//!
//! How it works:
//! 1. One future holds the transaction and its cursor, and puts each page into a slot.
//! 2. Pulling a page polls that future, and the connection beside it, until the slot is full or the future has ended.
//!    So the cursor lives on whatever thread pulls; there is no runtime and no second thread. A strategy with a runtime
//!    pulls until it would have to wait, and awaits the socket by its own means.
//! 3. The cursor asks ahead: while a page is used, the server works on the next ones.

use crate::columns::columns;
use crate::connections::{Connection, Connections, Trouble};
use cursor::{Cursor, PageSize};
use postgres::Driver;
use serde::{Deserialize, Serialize};
use std::future::{Future, poll_fn};
use std::num::NonZeroUsize;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use strategies::{Error, Result, Source, Waiting};
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
    fetching: Pin<Box<dyn Future<Output = Fetched> + Send>>,
    slot: Slot,
    /// Where the connection goes when the last row is read.
    connections: Arc<Connections>,
}

impl Pages {
    pub(super) fn open(connections: &Arc<Connections>, query: &str, size: NonZeroUsize, depth: usize) -> Result<Self> {
        let (client, driver): Connection = connections.take()?;
        let size = PageSize::Rows(u32::try_from(size.get()).unwrap_or(u32::MAX));
        let slot = Slot::default();
        let fetching = Box::pin(fetch(client, query.to_owned(), size, depth, Arc::clone(&slot)));
        Ok(Pages { driver: Some(driver), fetching, slot, connections: Arc::clone(connections) })
    }
}

/// How the fetching has ended: with the last row, or with trouble after so many.
type Fetched = std::result::Result<Client, (Trouble, u64)>;

/// A page, or how the fetching has ended.
type Found = std::result::Result<Page, Fetched>;

impl Pages {
    /// Fetches until there is a page or no more, moved by `how`.
    fn found<R>(&mut self, how: impl FnOnce(&mut Driver, Pin<&mut dyn Future<Output = Found>>) -> R) -> Option<R> {
        let (fetching, slot) = (&mut self.fetching, &self.slot);
        let finding = pin!(poll_fn(|context| {
            let ended = fetching.as_mut().poll(context);
            match (slot.lock().unwrap_or_else(PoisonError::into_inner).take(), ended) {
                (Some(page), Poll::Pending) => Poll::Ready(Ok(page)),
                (_, Poll::Ready(ended)) => Poll::Ready(Err(ended)),
                (None, Poll::Pending) => Poll::Pending,
            }
        }));
        Some(how(self.driver.as_mut()?, finding))
    }

    fn page(&mut self, found: Found) -> Option<Result<Page>> {
        match found {
            Ok(page) => Some(Ok(page)),
            Err(ended) => {
                let driver = self.driver.take()?;
                match ended {
                    Ok(client) => {
                        self.connections.give_back((client, driver));
                        None
                    }
                    Err((trouble, rows)) => Some(Err(trouble.after(rows, &driver))),
                }
            }
        }
    }
}

impl Source<Result<Page>> for Pages {
    fn pull(&mut self) -> Option<Result<Page>> {
        let found = self.found(|driver, finding| driver.block_on(finding))?;
        self.page(found)
    }

    fn try_pull(&mut self) -> Poll<Option<Result<Page>>> {
        match self.found(|driver, mut finding| driver.attempt(pin!(&mut finding))) {
            Some(Poll::Ready(found)) => Poll::Ready(self.page(found)),
            Some(Poll::Pending) => Poll::Pending,
            None => Poll::Ready(None),
        }
    }

    fn waits_for(&self) -> Option<Waiting<'_>> {
        let driver = self.driver.as_ref()?;
        let (socket, readable, writable) = driver.waits_for();
        Some(Waiting { socket, readable, writable, until: driver.times_out_at() })
    }
}

async fn fetch(mut client: Client, query: String, size: PageSize, depth: usize, slot: Slot) -> Fetched {
    let mut read = 0;
    match page_through(&mut client, &query, size, depth, &slot, &mut read).await {
        Ok(()) => Ok(client),
        Err(trouble) => Err((trouble, read)),
    }
}

async fn page_through(
    client: &mut Client,
    query: &str,
    size: PageSize,
    depth: usize,
    slot: &Slot,
    read: &mut u64,
) -> std::result::Result<(), Trouble> {
    let mut transaction = client.transaction().await?;
    let mut cursor = Cursor::open(&mut transaction, query, &[]).await?.depth(depth).page_size(size);
    let paged = async {
        while let Some(rows) = cursor.next_page().await? {
            let mut page = Page::default();
            for row in rows {
                let (id, name) = columns(row).map_err(Trouble::Row)?;
                page.push(id, name).map_err(Trouble::Row)?;
                *read += 1;
            }
            put(slot, page).await;
        }
        Ok(())
    };
    let paged = paged.await;
    if let Err(Trouble::Cursor(_)) = paged {
        // With those of a page that was not complete.
        *read = cursor.metrics().rows;
    }
    paged?;
    drop(cursor);
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
