//! The pages of a portal: requested ahead, read in the order in which the server sends them.
//!
//! How it works:
//! 1. `Transaction::query_portal_raw` queues an execute and returns at once. Calling it again before the first answer is read
//!    puts the next page under way. The server answers in order.
//! 2. At first one page is under way. Each page that is used up doubles the window, until it is `depth`. So a reader that
//!    stops after a few rows has not requested thousands.
//! 3. New pages are requested several at a time, so that their executes leave in one system call and the server reads them in
//!    one. That happens when half of the old pages are used up, and also whenever the reader must wait, because then holding
//!    back gains nothing. Otherwise answers would come in bursts of half a window: over a slow network, a window would take
//!    a round trip and half of its own pages longer, instead of a round trip and one page.
//! 4. A page that is not the last ends with "portal suspended", the last with "command complete", the only message for which
//!    tokio-postgres knows a number of rows. So the cursor knows the end without another round trip.

use crate::error::Error;
use crate::metrics::Metrics;
use crate::page_size::PageSize;
use futures_util::{FutureExt, Stream};
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;
use tokio_postgres::{Portal, Row, RowStream, SimpleQueryMessage, Transaction};

pub(super) struct Pages<'a, 'client> {
    transaction: &'a mut Transaction<'client>,
    portal: Portal,
    /// The portal's name among the server's cursors, once it has been looked up.
    name: Option<String>,
    pub(super) depth: usize,
    pub(super) size: PageSize,
    /// How many pages may be under way: 1 at first, up to `depth`.
    window: usize,
    under_way: VecDeque<Page>,
    ended: bool,
    metrics: Metrics,
    began: Option<Instant>,
    waiting_since: Option<Instant>,
}

/// A page under way.
struct Page {
    rows: Pin<Box<RowStream>>,
    requested: u32,
    received: u32,
}

/// What a page's stream yields.
pub(super) type Answer = Poll<Option<Result<Row, tokio_postgres::Error>>>;

/// What comes next.
pub(super) enum Step {
    Row(Row),
    /// The page that was being read is used up.
    PageEnd,
    /// There are no more rows.
    End,
}

impl<'a, 'client> Pages<'a, 'client> {
    pub(super) fn new(transaction: &'a mut Transaction<'client>, portal: Portal, depth: usize) -> Self {
        Pages {
            transaction,
            portal,
            name: None,
            depth,
            size: PageSize::default(),
            window: 1,
            under_way: VecDeque::new(),
            ended: false,
            metrics: Metrics::default(),
            began: None,
            waiting_since: None,
        }
    }

    pub(super) fn metrics(&self) -> Metrics {
        self.metrics
    }

    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    /// How many pages are under way, including the one being read.
    pub(super) fn under_way(&self) -> usize {
        self.under_way.len()
    }

    /// The next step. Pages are requested while fewer than `wanted` rows are under way. With 0 none is requested: after the last
    /// page under way, every step is a [`Step::PageEnd`].
    pub(super) fn poll(&mut self, context: &mut Context<'_>, wanted: u64) -> Poll<Result<Step, Error>> {
        if self.under_way.is_empty()
            && let Some(step) = self.begin(wanted)
        {
            return Poll::Ready(step);
        }
        match self.answer(context) {
            Poll::Ready(Some(Ok(row))) if self.count(&row) => Poll::Ready(Ok(Step::Row(row))),
            other => self.after(other, wanted),
        }
    }

    /// What the first page's stream yields; without a page, the end of one. A row must still be [counted](Pages::count).
    ///
    /// The stream's own result is returned unchanged. Copying a row that has just been written into another result stalls the
    /// core for some nanoseconds, a twentieth of what a row takes in all.
    #[inline]
    pub(super) fn answer(&mut self, context: &mut Context<'_>) -> Answer {
        let Some(page) = self.under_way.front_mut() else { return Poll::Ready(None) };
        page.rows.as_mut().poll_next(context)
    }

    /// Counts a row of the first page; `false` if the page has more rows than were requested.
    #[inline]
    pub(super) fn count(&mut self, row: &Row) -> bool {
        let Some(page) = self.under_way.front_mut() else { return false };
        if page.received == page.requested {
            return false;
        }
        page.received += 1;
        self.metrics.rows += 1;
        self.metrics.bytes += row.raw_size_bytes() as u64;
        self.metrics.in_flight -= 1;
        if self.waiting_since.is_some() || self.metrics.rows == 1 {
            self.after_wait();
        }
        true
    }

    /// Requests pages when none is under way, unless the portal has ended.
    #[cold]
    fn begin(&mut self, wanted: u64) -> Option<Result<Step, Error>> {
        if self.ended {
            return Some(Ok(Step::End));
        }
        self.request(wanted).err().map(|error| Err(self.fail(error)))
    }

    /// The step after an answer that is not the next row of the first page.
    #[cold]
    pub(super) fn after(&mut self, answer: Answer, wanted: u64) -> Poll<Result<Step, Error>> {
        match answer {
            Poll::Ready(Some(Ok(_))) => {
                let requested = self.under_way.front().map_or(0, |page| page.requested);
                Poll::Ready(Err(self.fail(Error::Overrun { requested })))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Err(self.fail(error.into()))),
            Poll::Ready(None) => {
                self.turn_page(wanted);
                Poll::Ready(Ok(if self.ended { Step::End } else { Step::PageEnd }))
            }
            Poll::Pending => {
                self.wait();
                self.try_request(wanted);
                Poll::Pending
            }
        }
    }

    /// Requests as one page what `wanted` rows lack under way.
    pub(super) fn request_at_once(&mut self, wanted: u64) -> Result<(), Error> {
        let missing = wanted.saturating_sub(self.metrics.in_flight);
        if missing == 0 || self.ended {
            return Ok(());
        }
        self.execute(u32::try_from(missing).unwrap_or(u32::MAX).min(i32::MAX.unsigned_abs()))
    }

    /// Moves the portal past `count` rows and returns how many there were. No page may be under way.
    pub(super) async fn skip(&mut self, count: i32) -> Result<u64, Error> {
        let name = match &self.name {
            Some(name) => name.clone(),
            None => self.look_up_name().await?,
        };
        let answer = self.transaction.simple_query(&format!("MOVE FORWARD {count} IN {name}")).await?;
        self.name = Some(name);
        Ok(moved(&answer))
    }

    /// The portal's name. The server lists portals as cursors; tokio-postgres names them `p` and a number but does not publish
    /// the name. The transaction is borrowed, so no portal can be newer than ours.
    async fn look_up_name(&self) -> Result<String, Error> {
        const NEWEST: &str = "SELECT name FROM pg_cursors WHERE name ~ '^p[0-9]+$' AND NOT is_holdable \
                              ORDER BY creation_time DESC, length(name) DESC, name DESC LIMIT 1";
        let answer = self.transaction.simple_query(NEWEST).await?;
        let name = answer.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        });
        name.map(str::to_owned).ok_or(Error::Unlisted)
    }

    /// Requests pages until `window` of them, or `wanted` rows, are under way.
    fn request(&mut self, wanted: u64) -> Result<(), Error> {
        while self.under_way.len() < self.window && self.metrics.in_flight < wanted {
            let size = self.size.rows(self.metrics.pages, self.metrics.rows, self.metrics.bytes);
            let missing = wanted - self.metrics.in_flight;
            self.execute(u32::try_from(missing).unwrap_or(u32::MAX).min(size))?;
        }
        Ok(())
    }

    fn execute(&mut self, rows: u32) -> Result<(), Error> {
        let limit = i32::try_from(rows).unwrap_or(i32::MAX);
        let queued = self.transaction.query_portal_raw(&self.portal, limit).now_or_never();
        let stream = queued.expect("tokio-postgres queues an execute without waiting")?;
        self.under_way.push_back(Page { rows: Box::pin(stream), requested: rows, received: 0 });
        self.metrics.in_flight += u64::from(rows);
        self.metrics.most_in_flight = self.metrics.most_in_flight.max(self.metrics.in_flight);
        self.began.get_or_insert_with(Instant::now);
        Ok(())
    }

    /// Notes the arrival of a row that the reader waited for, or of the first row.
    #[cold]
    fn after_wait(&mut self) {
        self.stop_waiting();
        if self.metrics.rows == 1 {
            self.metrics.first_row = self.began.map(|began| began.elapsed());
        }
    }

    fn wait(&mut self) {
        if self.waiting_since.is_none() {
            self.waiting_since = Some(Instant::now());
            self.metrics.waits += 1;
        }
    }

    fn stop_waiting(&mut self) {
        if let Some(since) = self.waiting_since.take() {
            self.metrics.waited += since.elapsed();
        }
    }

    /// Drops the first page, which is used up; then the portal has ended, or more pages are requested.
    fn turn_page(&mut self, wanted: u64) {
        self.stop_waiting();
        let Some(page) = self.under_way.pop_front() else { return };
        self.metrics.pages += 1;
        self.metrics.in_flight -= u64::from(page.requested - page.received);
        if page.rows.rows_affected().is_some() {
            self.end();
            return;
        }
        self.window = (self.window * 2).min(self.depth);
        if self.under_way.len() <= self.window / 2 {
            self.try_request(wanted);
        }
    }

    /// Requests pages and ignores an error.
    ///
    /// A connection that has ended takes no request, but rows received before may still be unread. Their pages end with the
    /// error; without such pages, the next request returns it.
    fn try_request(&mut self, wanted: u64) {
        let _ = self.request(wanted);
    }

    fn fail(&mut self, error: Error) -> Error {
        self.stop_waiting();
        self.end();
        error
    }

    /// Ends the portal. Pages still under way are empty or repeat the error; the connection discards them.
    fn end(&mut self) {
        self.ended = true;
        self.under_way.clear();
        self.metrics.in_flight = 0;
    }
}

/// How many rows a MOVE has skipped.
pub(super) fn moved(answer: &[SimpleQueryMessage]) -> u64 {
    let counts = answer.iter().filter_map(|message| match message {
        SimpleQueryMessage::CommandComplete(count) => Some(*count),
        _ => None,
    });
    counts.sum()
}
