//! Pages asked for, in the order in which they come.
//!
//! How it works:
//! 1. `Transaction::query_portal_raw` queues an execute and returns at once; calling it again before the first answer is
//!    read puts the next page under way. The server answers in turn.
//! 2. At first one page is under way. With every page used up there may be twice as many, until there are `depth`: who
//!    reads a few rows and leaves has not asked for thousands.
//! 3. New pages are asked for several at a time, so that their executes leave in one system call, and the server reads them
//!    in one: when half of the old ones are used up, but also whenever whoever reads must wait, for then nothing is gained
//!    by holding back. Otherwise answers would come in bursts of half a window, and over a long way a window would take a
//!    round trip and half of its own pages longer, instead of a round trip and one page.
//! 4. A page that is not the last ends with "portal suspended", the last with "command complete", which is the only one for
//!    which tokio-postgres knows a number of rows. So the end is known without another round trip.

use crate::metrics::Metrics;
use crate::page_size::PageSize;
use crate::{DEFAULT_DEPTH, Error};
use futures_util::{FutureExt, Stream};
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;
use tokio_postgres::{Portal, Row, RowStream, SimpleQueryMessage, Transaction};

pub(super) struct Pages<'a, 'client> {
    transaction: &'a mut Transaction<'client>,
    portal: Portal,
    /// The portal's name among the server's cursors, once it was needed.
    name: Option<String>,
    pub(super) depth: usize,
    pub(super) size: PageSize,
    /// How many pages may be under way: 1 at first, `depth` in the end.
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
    asked: u32,
    came: u32,
}

/// What a page's stream says.
pub(super) type Answer = Poll<Option<Result<Row, tokio_postgres::Error>>>;

/// What comes next.
pub(super) enum Step {
    Row(Row),
    /// The page that was being read is used up.
    PageEnd,
    /// There is nothing more, and will not be.
    End,
}

impl<'a, 'client> Pages<'a, 'client> {
    pub(super) fn new(transaction: &'a mut Transaction<'client>, portal: Portal) -> Self {
        Pages {
            transaction,
            portal,
            name: None,
            depth: DEFAULT_DEPTH,
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

    /// How many pages are under way, the one being read among them.
    pub(super) fn under_way(&self) -> usize {
        self.under_way.len()
    }

    /// The next step. Pages are asked for while fewer than `wanted` rows are under way; with 0 this is the end of a page
    /// for ever when none is left.
    pub(super) fn poll(&mut self, context: &mut Context<'_>, wanted: u64) -> Poll<Result<Step, Error>> {
        if self.under_way.is_empty()
            && let Some(step) = self.begin(wanted)
        {
            return Poll::Ready(step);
        }
        match self.answer(context) {
            Poll::Ready(Some(Ok(row))) if self.count(&row) => Poll::Ready(Ok(Step::Row(row))),
            other => self.go_on(other, wanted),
        }
    }

    /// What the first page's stream says; no page is the end of one. A row is still to be [counted](Pages::count).
    ///
    /// The stream's own result is handed on as it is: a row that has just been written and is copied at once into another
    /// result is waited for, and each such copy takes some nanoseconds, a twentieth of what a row takes in all.
    #[inline]
    pub(super) fn answer(&mut self, context: &mut Context<'_>) -> Answer {
        let Some(page) = self.under_way.front_mut() else { return Poll::Ready(None) };
        page.rows.as_mut().poll_next(context)
    }

    /// Counts a row of the first page; whether it may have come. There must not be more of them than were asked for.
    #[inline]
    pub(super) fn count(&mut self, row: &Row) -> bool {
        let Some(page) = self.under_way.front_mut() else { return false };
        if page.came == page.asked {
            return false;
        }
        page.came += 1;
        self.metrics.rows += 1;
        self.metrics.bytes += row.raw_size_bytes() as u64;
        self.metrics.in_flight -= 1;
        if self.waiting_since.is_some() || self.metrics.rows == 1 {
            self.came_late();
        }
        true
    }

    /// Puts pages under way when none is, unless there is nothing more.
    #[cold]
    fn begin(&mut self, wanted: u64) -> Option<Result<Step, Error>> {
        if self.ended {
            return Some(Ok(Step::End));
        }
        self.ask(wanted).err().map(|error| Err(self.fail(error)))
    }

    /// What follows from an answer that is not the row that was hoped for.
    #[cold]
    pub(super) fn go_on(&mut self, answer: Answer, wanted: u64) -> Poll<Result<Step, Error>> {
        match answer {
            Poll::Ready(Some(Ok(_))) => {
                let asked = self.under_way.front().map_or(0, |page| page.asked);
                Poll::Ready(Err(self.fail(Error::Overrun { asked })))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Err(self.fail(error.into()))),
            Poll::Ready(None) => {
                self.turn_page(wanted);
                Poll::Ready(Ok(if self.ended { Step::End } else { Step::PageEnd }))
            }
            Poll::Pending => {
                self.wait();
                self.ask_in_passing(wanted);
                Poll::Pending
            }
        }
    }

    /// Asks for `wanted` rows in one page, less those that are under way.
    pub(super) fn ask_at_once(&mut self, wanted: u64) -> Result<(), Error> {
        let missing = wanted.saturating_sub(self.metrics.in_flight);
        if missing == 0 || self.ended {
            return Ok(());
        }
        self.execute(u32::try_from(missing).unwrap_or(u32::MAX).min(i32::MAX.unsigned_abs()))
    }

    /// Moves the portal past `count` rows; nothing may be under way. Says how many there were.
    pub(super) async fn skip(&mut self, count: i32) -> Result<u64, Error> {
        let name = match &self.name {
            Some(name) => name.clone(),
            None => self.look_up_name().await?,
        };
        let answer = self.transaction.simple_query(&format!("MOVE FORWARD {count} IN {name}")).await?;
        self.name = Some(name);
        Ok(moved(&answer))
    }

    /// Portals are cursors to the server, and tokio-postgres keeps to itself how it has named them: `p` and a number. The
    /// transaction is borrowed, so that none can be newer than ours.
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

    /// Asks for pages until `window` of them, or `wanted` rows, are under way.
    fn ask(&mut self, wanted: u64) -> Result<(), Error> {
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
        self.under_way.push_back(Page { rows: Box::pin(stream), asked: rows, came: 0 });
        self.metrics.in_flight += u64::from(rows);
        self.metrics.most_in_flight = self.metrics.most_in_flight.max(self.metrics.in_flight);
        self.began.get_or_insert_with(Instant::now);
        Ok(())
    }

    /// A row has come that was waited for, or the first of all.
    #[cold]
    fn came_late(&mut self) {
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

    /// Done with the first page: the portal has ended, or more is asked for.
    fn turn_page(&mut self, wanted: u64) {
        self.stop_waiting();
        let Some(page) = self.under_way.pop_front() else { return };
        self.metrics.pages += 1;
        self.metrics.in_flight -= u64::from(page.asked - page.came);
        if page.rows.rows_affected().is_some() {
            self.end();
            return;
        }
        self.window = (self.window * 2).min(self.depth);
        if self.under_way.len() <= self.window / 2 {
            self.ask_in_passing(wanted);
        }
    }

    /// Asks for what is missing, if that is possible.
    ///
    /// On a connection that has ended nothing can be asked for, and yet rows may have come before. Their pages end with the
    /// error; without any, asking again says it.
    fn ask_in_passing(&mut self, wanted: u64) {
        let _ = self.ask(wanted);
    }

    fn fail(&mut self, error: Error) -> Error {
        self.stop_waiting();
        self.end();
        error
    }

    /// What is still under way is empty, or an echo of the error: the connection reads past it.
    fn end(&mut self) {
        self.ended = true;
        self.under_way.clear();
        self.metrics.in_flight = 0;
    }
}

/// How many rows a MOVE has passed.
pub(super) fn moved(answer: &[SimpleQueryMessage]) -> u64 {
    let counts = answer.iter().filter_map(|message| match message {
        SimpleQueryMessage::CommandComplete(count) => Some(*count),
        _ => None,
    });
    counts.sum()
}
