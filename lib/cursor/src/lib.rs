//! A cursor over tokio-postgres: the rows of a query in pages, with more pages under way while one is used.
//!
//! This folder could stand alone as a crate: it needs tokio-postgres and futures-util, and knows no task and no strategy.
//! It has no runtime either. Its futures are moved by whoever moves the connection they came from, and that may run over
//! anything that reads and writes (`Config::connect_raw`).
//!
//! How it works:
//! 1. [`Cursor::open`] binds a portal, the protocol's own cursor. An *execute* asks it for a page.
//! 2. Pages are asked for ahead (`pages.rs`): an execute is queued without waiting, and the server answers them in turn. With
//!    one page under way a consumer waits for each to be fetched; with sixteen nobody sleeps at all.
//! 3. What was asked for lives in the cursor and not in a future, so that a future may be dropped at any moment: the next
//!    one goes on where it was.
//! 4. Dropping the cursor closes the portal. What is still under way is read past by the connection: at most the pages
//!    asked for, and they begin with one.
//!
//! A cursor lives in a transaction. It borrows it alone, so that nothing else can be asked while pages are under way, and
//! so that a cursor without a transaction does not compile:
//!
//! ```compile_fail,E0308
//! async fn without_transaction(client: &mut tokio_postgres::Client) {
//!     let cursor = cursor::Cursor::open(client, "SELECT 1", &[]).await;
//! }
//! ```
//!
//! nor does one that outlives it:
//!
//! ```compile_fail,E0505
//! async fn after_the_end(mut transaction: tokio_postgres::Transaction<'_>) -> Result<(), cursor::Error> {
//!     let mut cursor = cursor::Cursor::open(&mut transaction, "SELECT 1", &[]).await?;
//!     transaction.commit().await?;
//!     cursor.fetch(1).await?;
//!     Ok(())
//! }
//! ```
//!
//! nor one that somebody else asks something past:
//!
//! ```compile_fail,E0502
//! async fn meanwhile(mut transaction: tokio_postgres::Transaction<'_>) -> Result<(), cursor::Error> {
//!     let mut cursor = cursor::Cursor::open(&mut transaction, "SELECT 1", &[]).await?;
//!     transaction.batch_execute("SELECT 2").await?;
//!     cursor.fetch(1).await?;
//!     Ok(())
//! }
//! ```
//!
//! The book's cursor, with the rows 501 to 600:
//!
//! ```
//! async fn book(client: &mut tokio_postgres::Client) -> Result<Vec<tokio_postgres::Row>, cursor::Error> {
//!     let mut transaction = client.transaction().await?;
//!     let mut cursor = cursor::Cursor::open(&mut transaction, "SELECT * FROM product", &[]).await?;
//!     cursor.forward(500).await?;
//!     cursor.fetch(100).await
//! }
//! ```

mod connection;
mod error;
mod error_hints;
mod explain;
mod metrics;
mod page_size;
mod pages;
mod rows;
mod scroll;
mod socket;

pub use connection::{Driver, connect, masked};
pub use error::{ConnectError, Error};
pub use explain::explain;
pub use metrics::Metrics;
pub use page_size::PageSize;
pub use rows::Rows;
pub use scroll::ScrollCursor;

use pages::{Answer, Pages, Step};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, ToStatement, Transaction};

/// How many pages are under way unless [`Cursor::depth`] says otherwise: enough that neither side sleeps at 50 rows a page
/// (`just prove cursor sweep` shows the knee).
pub const DEFAULT_DEPTH: usize = 16;

/// The most pages that can be under way.
pub const MAX_DEPTH: usize = 32;

/// A cursor that runs forward. Dropping it closes the portal; the transaction and the connection go on.
pub struct Cursor<'a, 'client> {
    pages: Pages<'a, 'client>,
    /// Rows that have come and were not handed out for good: those of the page last lent, or of a future that was dropped.
    kept: VecDeque<Row>,
    /// How many of them, from the front, were lent.
    lent: usize,
}

impl<'a, 'client> Cursor<'a, 'client> {
    /// Opens a cursor for a query, with values for `$1`, `$2` and so on. No row is asked for yet.
    ///
    /// # Errors
    /// What the server says of the query.
    pub async fn open<T>(
        transaction: &'a mut Transaction<'client>,
        query: &T,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Self, Error>
    where
        T: ?Sized + ToStatement,
    {
        let portal = transaction.bind(query, parameters).await?;
        Ok(Cursor { pages: Pages::new(transaction, portal), kept: VecDeque::new(), lent: 0 })
    }

    /// Sets how many pages may be under way, the one being read among them: 1 to [`MAX_DEPTH`], the nearer end beyond.
    ///
    /// 1 is what asyncpg does: the next page is asked for when the last is used up.
    #[must_use]
    pub fn depth(mut self, depth: usize) -> Self {
        self.pages.depth = depth.clamp(1, MAX_DEPTH);
        self
    }

    /// Sets how large pages are, for [`next_page`](Cursor::next_page) and [`take`](Cursor::take).
    #[must_use]
    pub fn page_size(mut self, size: impl Into<PageSize>) -> Self {
        self.pages.size = size.into();
        self
    }

    /// The rows that are left, one by one, fetched `prefetch` at a time: a number of rows, or any [`PageSize`].
    ///
    /// The stream may be dropped in the middle of a page: the cursor goes on with the next row.
    pub fn stream(&mut self, prefetch: impl Into<PageSize>) -> Rows<'_, 'a, 'client> {
        self.pages.size = prefetch.into();
        Rows::new(self, u64::MAX)
    }

    /// The next `count` rows at most, one by one. Never more than these are asked for.
    pub fn take(&mut self, count: u64) -> Rows<'_, 'a, 'client> {
        Rows::new(self, count)
    }

    /// Waits for the next page and lends its rows; `None` after the last. Columns borrow from the row:
    /// `row.try_get::<_, &str>(1)` copies nothing.
    ///
    /// Cancel-safe: rows that came before the future was dropped are in the page that the next call lends.
    ///
    /// # Errors
    /// What the server says, or [`Error::Overrun`]. After an error there are no pages, and rows of one that was not complete
    /// are gone: they are in [`metrics`](Cursor::metrics) only.
    pub async fn next_page(&mut self) -> Result<Option<&[Row]>, Error> {
        self.settle();
        poll_fn(|context| self.poll_page(context)).await.inspect_err(|_| self.kept.clear())?;
        self.lent = self.kept.len();
        let page = &*self.kept.make_contiguous();
        Ok((!page.is_empty()).then_some(page))
    }

    /// Waits for the next `count` rows; fewer only at the end. What is not under way yet is asked for as one page.
    ///
    /// Cancel-safe: rows that came before the future was dropped are handed out by the next call of any kind.
    ///
    /// # Errors
    /// As [`next_page`](Cursor::next_page).
    pub async fn fetch(&mut self, count: u32) -> Result<Vec<Row>, Error> {
        self.settle();
        let wanted = count as usize;
        let missing = wanted.saturating_sub(self.kept.len()) as u64;
        self.pages.ask_at_once(missing)?;
        while self.kept.len() < wanted {
            let missing = (wanted - self.kept.len()) as u64;
            let step = poll_fn(|context| self.pages.poll(context, missing)).await;
            match step.inspect_err(|_| self.kept.clear())? {
                Step::Row(row) => self.kept.push_back(row),
                Step::PageEnd => {}
                Step::End => break,
            }
        }
        Ok(self.kept.drain(..wanted.min(self.kept.len())).collect())
    }

    /// Skips `count` rows, fewer only at the end, and says how many. Rows that are not under way yet are never sent: the
    /// server moves its portal (`MOVE`).
    ///
    /// Not cancel-safe: if the future is dropped the server may have moved or not.
    ///
    /// # Errors
    /// As [`next_page`](Cursor::next_page).
    pub async fn forward(&mut self, count: u64) -> Result<u64, Error> {
        self.settle();
        let mut left = count;
        let kept = self.kept.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        self.kept.drain(..kept);
        left -= kept as u64;
        while left > 0 && self.pages.under_way() > 0 {
            match poll_fn(|context| self.pages.poll(context, 0)).await? {
                Step::Row(_) => left -= 1,
                Step::PageEnd => {}
                Step::End => break,
            }
        }
        if left > 0 && !self.pages.ended() {
            // More than an i32 can count takes more than one MOVE.
            while left > 0 {
                let some = i32::try_from(left).unwrap_or(i32::MAX);
                let moved = self.pages.skip(some).await?;
                left -= moved.min(left);
                if moved < u64::from(some.unsigned_abs()) {
                    break;
                }
            }
        }
        Ok(count - left)
    }

    /// What has happened until now.
    pub fn metrics(&self) -> Metrics {
        self.pages.metrics()
    }

    /// Forgets the rows that were lent.
    fn settle(&mut self) {
        self.kept.drain(..self.lent);
        self.lent = 0;
    }

    fn poll_page(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        loop {
            match ready!(self.pages.poll(context, u64::MAX))? {
                Step::Row(row) => self.kept.push_back(row),
                Step::PageEnd if self.kept.is_empty() => {}
                Step::PageEnd | Step::End => return Poll::Ready(Ok(())),
            }
        }
    }

    /// The next row; at most `wanted` are asked for.
    ///
    /// A row that is here is all that this does itself: so it is small, and becomes part of whoever asks.
    #[inline]
    fn poll_row(&mut self, context: &mut Context<'_>, wanted: u64) -> Poll<Option<Result<Row, Error>>> {
        if !self.kept.is_empty() {
            return self.poll_kept_row(context, wanted);
        }
        match self.pages.answer(context) {
            Poll::Ready(Some(Ok(row))) if self.pages.count(&row) => Poll::Ready(Some(Ok(row))),
            other => self.poll_other_row(context, wanted, other),
        }
    }

    /// The next of the rows that are kept, or else of the pages.
    #[cold]
    fn poll_kept_row(&mut self, context: &mut Context<'_>, wanted: u64) -> Poll<Option<Result<Row, Error>>> {
        self.settle();
        match self.kept.pop_front() {
            Some(row) => Poll::Ready(Some(Ok(row))),
            None => self.poll_row(context, wanted),
        }
    }

    /// The next row after an `answer` that is not the next row of the first page.
    #[cold]
    fn poll_other_row(
        &mut self,
        context: &mut Context<'_>,
        wanted: u64,
        answer: Answer,
    ) -> Poll<Option<Result<Row, Error>>> {
        let mut step = self.pages.go_on(answer, wanted);
        loop {
            match ready!(step) {
                Ok(Step::Row(row)) => return Poll::Ready(Some(Ok(row))),
                Ok(Step::PageEnd) => step = self.pages.poll(context, wanted),
                Ok(Step::End) => return Poll::Ready(None),
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
    }
}
