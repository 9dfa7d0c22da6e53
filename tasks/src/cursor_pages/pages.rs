//! The pages of one cursor as partitions. The thread that pulls a page also fetches it.
//!
//! How it works:
//! 1. One future (`fetching.rs`) holds the transaction and its cursor, and puts each page into a slot.
//! 2. Pulling a page polls that future and its connection until the slot is full or the future has ended. So the cursor
//!    runs on the pulling thread, without a runtime and without a second thread. A strategy with its own runtime pulls
//!    until the pull would block, then awaits the socket itself.
//! 3. The cursor requests pages in advance. While one page is in use, the server prepares the next.

use super::fetching::{Ended, Slot, fetch};
use super::page::Page;
use crate::connections::Connections;
use cursor::PageSize;
use postgres::Driver;
use std::future::{Future, poll_fn};
use std::num::NonZeroUsize;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use strategies::{Result, Source, Waiting};

/// The pages of a query, as a source of partitions.
pub(super) struct Pages {
    /// `None` after the last page or an error has been delivered.
    driver: Option<Driver>,
    fetching: Pin<Box<dyn Future<Output = Ended> + Send>>,
    slot: Slot,
    /// The pool to which the connection returns after the last row.
    connections: Arc<Connections>,
}

/// The next page, or the end of fetching.
type Next = std::result::Result<Page, Ended>;

impl Pages {
    pub(super) fn open(connections: &Arc<Connections>, query: &str, size: NonZeroUsize, depth: usize) -> Result<Self> {
        let (client, driver) = connections.take()?;
        let size = PageSize::Rows(u32::try_from(size.get()).unwrap_or(u32::MAX));
        let slot = Slot::default();
        let fetching = Box::pin(fetch(client, query.to_owned(), size, depth, slot.clone()));
        Ok(Pages { driver: Some(driver), fetching, slot, connections: Arc::clone(connections) })
    }

    /// Calls `drive` to poll for the next page. Returns `None` after the end.
    fn drive<R>(&mut self, drive: impl FnOnce(&mut Driver, Pin<&mut dyn Future<Output = Next>>) -> R) -> Option<R> {
        let (fetching, slot) = (&mut self.fetching, &self.slot);
        let next = pin!(poll_fn(|context| {
            let ended = fetching.as_mut().poll(context);
            match (slot.take(), ended) {
                (Some(page), Poll::Pending) => Poll::Ready(Ok(page)),
                (_, Poll::Ready(ended)) => Poll::Ready(Err(ended)),
                (None, Poll::Pending) => Poll::Pending,
            }
        }));
        Some(drive(self.driver.as_mut()?, next))
    }

    /// Converts `next` into an item for the caller. After the last page, keeps the connection for the next run.
    fn deliver(&mut self, next: Next) -> Option<Result<Page>> {
        let ended = match next {
            Ok(page) => return Some(Ok(page)),
            Err(ended) => ended,
        };
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

impl Source<Result<Page>> for Pages {
    fn pull(&mut self) -> Option<Result<Page>> {
        let next = self.drive(|driver, next| driver.block_on(next))?;
        self.deliver(next)
    }

    fn try_pull(&mut self) -> Poll<Option<Result<Page>>> {
        match self.drive(|driver, mut next| driver.attempt(pin!(&mut next))) {
            Some(Poll::Ready(next)) => Poll::Ready(self.deliver(next)),
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
