//! The future that reads the table page by page. It holds the transaction and its cursor.

use super::page::Page;
use crate::columns::columns;
use crate::connections::Trouble;
use cursor::{Cursor, PageSize};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use tokio_postgres::Client;

/// A slot for one page between this future and its caller.
#[derive(Clone, Default)]
pub(super) struct Slot(Arc<Mutex<Option<Page>>>);

/// The end of fetching: the client after the last row, or an error and the number of rows before it.
pub(super) type Ended = Result<Client, (Trouble, u64)>;

/// Puts all pages of a query into `slot`, one after another.
pub(super) async fn fetch(mut client: Client, query: String, size: PageSize, depth: usize, slot: Slot) -> Ended {
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
) -> Result<(), Trouble> {
    // The table may belong to others.
    let mut transaction = client.build_transaction().read_only(true).start().await?;
    let mut cursor = Cursor::open(&mut transaction, query, &[]).await?.depth(depth).page_size(size);
    let paged = async {
        while let Some(rows) = cursor.next_page().await? {
            let mut page = Page::default();
            for row in rows {
                let (id, name) = columns(row).map_err(Trouble::Row)?;
                page.push(id, name).map_err(Trouble::Row)?;
                *read += 1;
            }
            slot.put(page).await;
        }
        Ok(())
    };
    let paged = paged.await;
    if let Err(Trouble::Cursor(_)) = paged {
        // This number includes the rows of an incomplete page.
        *read = cursor.metrics().rows;
    }
    paged?;
    drop(cursor);
    transaction.commit().await?;
    Ok(())
}

impl Slot {
    pub(super) fn take(&self) -> Option<Page> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Waits until the slot is empty, then stores the page. No waker is necessary, because the caller that empties the
    /// slot polls this future again.
    async fn put(&self, page: Page) {
        let mut page = Some(page);
        poll_fn(|_| {
            let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if slot.is_some() {
                return Poll::Pending;
            }
            *slot = page.take();
            Poll::Ready(())
        })
        .await;
        // Yields once, so that the caller takes the page before this future fetches more.
        let mut yielded = false;
        poll_fn(|_| if std::mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending }).await;
    }
}
