//! The cursor that runs forward.

use crate::error::Error;
use crate::metrics::Metrics;
use crate::page_size::PageSize;
use crate::pages::{Answer, Pages, Step};
use futures_util::Stream;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, ToStatement, Transaction};

/// The default number of pages under way. With 50 rows a page, neither side sleeps (`just prove cursor rates` compares this
/// depth with 1).
pub const DEFAULT_DEPTH: usize = 16;

/// The most pages that can be under way.
pub const MAX_DEPTH: usize = 32;

/// A cursor that runs forward. Dropping it closes the portal; the transaction and the connection stay usable.
///
/// It borrows its transaction exclusively. So a cursor without a transaction does not compile:
///
/// ```compile_fail,E0308
/// async fn without_transaction(client: &mut tokio_postgres::Client) {
///     let cursor = cursor::Cursor::open(client, "SELECT 1", &[]).await;
/// }
/// ```
///
/// nor does a cursor that outlives its transaction:
///
/// ```compile_fail,E0505
/// async fn after_the_end(mut transaction: tokio_postgres::Transaction<'_>) -> Result<(), cursor::Error> {
///     let mut cursor = cursor::Cursor::open(&mut transaction, "SELECT 1", &[]).await?;
///     transaction.commit().await?;
///     cursor.fetch(1).await?;
///     Ok(())
/// }
/// ```
///
/// nor another query while pages are under way:
///
/// ```compile_fail,E0502
/// async fn meanwhile(mut transaction: tokio_postgres::Transaction<'_>) -> Result<(), cursor::Error> {
///     let mut cursor = cursor::Cursor::open(&mut transaction, "SELECT 1", &[]).await?;
///     transaction.batch_execute("SELECT 2").await?;
///     cursor.fetch(1).await?;
///     Ok(())
/// }
/// ```
pub struct Cursor<'a, 'client> {
    pages: Pages<'a, 'client>,
    /// Rows received but not handed out for good: those of the page last lent, or of a future that was dropped.
    received: VecDeque<Row>,
    /// The number of these rows, from the front, that are lent.
    lent: usize,
}

impl<'a, 'client> Cursor<'a, 'client> {
    /// Opens a cursor for a query, with values for `$1`, `$2` and so on. It requests no row yet.
    ///
    /// # Errors
    /// The server rejects the query.
    pub async fn open<T>(
        transaction: &'a mut Transaction<'client>,
        query: &T,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Self, Error>
    where
        T: ?Sized + ToStatement,
    {
        let portal = transaction.bind(query, parameters).await?;
        Ok(Cursor { pages: Pages::new(transaction, portal, DEFAULT_DEPTH), received: VecDeque::new(), lent: 0 })
    }

    /// Sets how many pages may be under way, including the one being read. The value is clamped to 1 to [`MAX_DEPTH`].
    ///
    /// With 1 the next page is requested when the last is used up, as in asyncpg.
    #[must_use]
    pub fn depth(mut self, depth: usize) -> Self {
        self.pages.depth = depth.clamp(1, MAX_DEPTH);
        self
    }

    /// Sets the size of pages, for [`next_page`](Cursor::next_page) and [`take`](Cursor::take).
    #[must_use]
    pub fn page_size(mut self, size: impl Into<PageSize>) -> Self {
        self.pages.size = size.into();
        self
    }

    /// The remaining rows as a stream, fetched `prefetch` at a time: a number of rows, or any [`PageSize`].
    ///
    /// The stream may be dropped in the middle of a page; the cursor continues with the next row.
    pub fn stream(&mut self, prefetch: impl Into<PageSize>) -> Rows<'_, 'a, 'client> {
        self.pages.size = prefetch.into();
        Rows { cursor: self, left: u64::MAX }
    }

    /// The next `count` rows at most, as a stream. It never requests more than these.
    pub fn take(&mut self, count: u64) -> Rows<'_, 'a, 'client> {
        Rows { cursor: self, left: count }
    }

    /// Waits for the next page and lends its rows; `None` after the last. Columns borrow from the row:
    /// `row.try_get::<_, &str>(1)` copies nothing.
    ///
    /// Cancel-safe: rows received before the future was dropped are in the page that the next call lends.
    ///
    /// # Errors
    /// The server or the connection reports an error, or sends an [`Error::Overrun`]. After that there are no pages. The rows of
    /// an incomplete page are lost; only [`metrics`](Cursor::metrics) has counted them.
    pub async fn next_page(&mut self) -> Result<Option<&[Row]>, Error> {
        self.drop_lent();
        poll_fn(|context| self.poll_page(context)).await.inspect_err(|_| self.received.clear())?;
        self.lent = self.received.len();
        let page = &*self.received.make_contiguous();
        Ok((!page.is_empty()).then_some(page))
    }

    /// Waits for the next `count` rows; fewer only at the end. Rows that are not under way yet are requested as one page.
    ///
    /// Cancel-safe: rows received before the future was dropped are returned by the next call of any kind.
    ///
    /// # Errors
    /// As [`next_page`](Cursor::next_page).
    pub async fn fetch(&mut self, count: u32) -> Result<Vec<Row>, Error> {
        self.drop_lent();
        let wanted = count as usize;
        let missing = wanted.saturating_sub(self.received.len()) as u64;
        self.pages.request_at_once(missing)?;
        while self.received.len() < wanted {
            let missing = (wanted - self.received.len()) as u64;
            let step = poll_fn(|context| self.pages.poll(context, missing)).await;
            match step.inspect_err(|_| self.received.clear())? {
                Step::Row(row) => self.received.push_back(row),
                Step::PageEnd => {}
                Step::End => break,
            }
        }
        Ok(self.received.drain(..wanted.min(self.received.len())).collect())
    }

    /// Skips `count` rows, fewer only at the end, and returns how many. The server does not send rows that are not under way
    /// yet: it moves its portal (`MOVE`).
    ///
    /// Not cancel-safe: if the future is dropped, the server may or may not have moved.
    ///
    /// # Errors
    /// As [`next_page`](Cursor::next_page).
    pub async fn forward(&mut self, count: u64) -> Result<u64, Error> {
        self.drop_lent();
        let mut left = count;
        let received = self.received.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        self.received.drain(..received);
        left -= received as u64;
        while left > 0 && self.pages.under_way() > 0 {
            match poll_fn(|context| self.pages.poll(context, 0)).await? {
                Step::Row(_) => left -= 1,
                Step::PageEnd => {}
                Step::End => break,
            }
        }
        if left > 0 && !self.pages.ended() {
            // MOVE counts in an i32.
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

    /// The counters so far.
    pub fn metrics(&self) -> Metrics {
        self.pages.metrics()
    }

    /// Drops the rows that are lent.
    fn drop_lent(&mut self) {
        self.received.drain(..self.lent);
        self.lent = 0;
    }

    fn poll_page(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        loop {
            match ready!(self.pages.poll(context, u64::MAX))? {
                Step::Row(row) => self.received.push_back(row),
                Step::PageEnd if self.received.is_empty() => {}
                Step::PageEnd | Step::End => return Poll::Ready(Ok(())),
            }
        }
    }

    /// The next row; at most `wanted` are requested.
    ///
    /// It handles only a row that is already here, so that it stays small enough to be inlined.
    #[inline]
    fn poll_row(&mut self, context: &mut Context<'_>, wanted: u64) -> Poll<Option<Result<Row, Error>>> {
        if !self.received.is_empty() {
            return self.poll_received_row(context, wanted);
        }
        match self.pages.answer(context) {
            Poll::Ready(Some(Ok(row))) if self.pages.count(&row) => Poll::Ready(Some(Ok(row))),
            other => self.poll_other_row(context, wanted, other),
        }
    }

    /// The next of the received rows; without any, the next of the pages.
    #[cold]
    fn poll_received_row(&mut self, context: &mut Context<'_>, wanted: u64) -> Poll<Option<Result<Row, Error>>> {
        self.drop_lent();
        match self.received.pop_front() {
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
        let mut step = self.pages.after(answer, wanted);
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

/// Rows of a cursor as a stream. It holds no row itself, so dropping it leaves all that is under way to the cursor.
pub struct Rows<'s, 'a, 'client> {
    cursor: &'s mut Cursor<'a, 'client>,
    left: u64,
}

impl Rows<'_, '_, '_> {
    /// The next row, counted.
    fn poll_counted(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Row, Error>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let row = self.cursor.poll_row(context, self.left);
        self.left -= u64::from(row.is_ready());
        row
    }
}

impl Stream for Rows<'_, '_, '_> {
    type Item = Result<Row, Error>;

    #[inline]
    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // Returned directly, a row is written to the caller's place. Holding it until `left` is counted costs one more copy.
        if self.left == u64::MAX { self.cursor.poll_row(context, u64::MAX) } else { self.poll_counted(context) }
    }
}
