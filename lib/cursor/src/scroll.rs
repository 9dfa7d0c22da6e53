//! A cursor that also runs backward.
//!
//! A portal bound by the protocol only runs forward. One declared in SQL (`DECLARE … SCROLL CURSOR`) goes anywhere, and
//! for some plans the server then keeps every row that it has read: it is dearer, and so it is a type of its own.

use crate::Error;
use crate::pages::moved;
use futures_util::FutureExt;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Statement, Transaction};

/// Statements remembered: a FETCH's number of rows is part of its text.
const REMEMBERED: usize = 32;

/// A cursor that goes to any row. Rows are counted from 1; it begins before the first.
///
/// Dropping it closes it; the transaction and the connection go on. Its futures wait for one answer each; one that is
/// dropped may have moved the cursor or not, and [`absolute`](ScrollCursor::absolute) puts it where it should be.
pub struct ScrollCursor<'a, 'client> {
    transaction: &'a mut Transaction<'client>,
    name: String,
    fetches: HashMap<String, Statement>,
}

impl<'a, 'client> ScrollCursor<'a, 'client> {
    /// Declares a cursor for a query, with values for `$1`, `$2` and so on.
    ///
    /// # Errors
    /// What the server says of the query.
    pub async fn open(
        transaction: &'a mut Transaction<'client>,
        query: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Self, Error> {
        static OPENED: AtomicU64 = AtomicU64::new(0);
        let name = format!("scroll_cursor_{}", OPENED.fetch_add(1, Ordering::Relaxed));
        let declare = format!("DECLARE {name} SCROLL CURSOR FOR {query}");
        transaction.execute(declare.as_str(), parameters).await?;
        Ok(ScrollCursor { transaction, name, fetches: HashMap::new() })
    }

    /// The next `count` rows; fewer only at the end. Afterwards the cursor is on the last of them, or behind the last row.
    ///
    /// # Errors
    /// What the server says.
    pub async fn fetch(&mut self, count: u32) -> Result<Vec<Row>, Error> {
        self.some("FORWARD", count).await
    }

    /// The `count` rows before the one that the cursor is on, the nearest first; fewer only at the beginning.
    ///
    /// # Errors
    /// What the server says.
    pub async fn backward(&mut self, count: u32) -> Result<Vec<Row>, Error> {
        self.some("BACKWARD", count).await
    }

    /// The row of that number; negative numbers count from the end, -1 being the last. `None` is before the first row
    /// or behind the last, and there the cursor is then.
    ///
    /// # Errors
    /// What the server says.
    pub async fn absolute(&mut self, number: i32) -> Result<Option<Row>, Error> {
        self.row(&format!("ABSOLUTE {number}")).await
    }

    /// The row so many after the one that the cursor is on, or before it if negative; 0 is that row again.
    ///
    /// # Errors
    /// What the server says.
    pub async fn relative(&mut self, distance: i32) -> Result<Option<Row>, Error> {
        self.row(&format!("RELATIVE {distance}")).await
    }

    /// Skips so many rows, or so many backward if negative, and says how many there were. No row is sent.
    ///
    /// # Errors
    /// What the server says.
    pub async fn skip(&mut self, distance: i32) -> Result<u64, Error> {
        if distance == 0 {
            return Ok(0);
        }
        let answer = self.transaction.simple_query(&format!("MOVE FORWARD {distance} IN {}", self.name)).await?;
        Ok(moved(&answer))
    }

    async fn some(&mut self, direction: &str, count: u32) -> Result<Vec<Row>, Error> {
        if count == 0 {
            // To SQL, 0 would be the row that the cursor is on.
            return Ok(Vec::new());
        }
        // SQL counts in an i32.
        self.rows(&format!("{direction} {}", i32::try_from(count).unwrap_or(i32::MAX))).await
    }

    async fn row(&mut self, place: &str) -> Result<Option<Row>, Error> {
        // Prepared once whatever the number: first to the place, then the row that is there.
        self.transaction.simple_query(&format!("MOVE {place} IN {}", self.name)).await?;
        Ok(self.rows("RELATIVE 0").await?.pop())
    }

    /// Prepared, since rows are binary only then; not `query_typed`, which waits for ever for types it does not know.
    async fn rows(&mut self, which: &str) -> Result<Vec<Row>, Error> {
        let statement = match self.fetches.get(which) {
            Some(statement) => statement.clone(),
            None => {
                let statement = self.transaction.prepare(&format!("FETCH {which} FROM {}", self.name)).await?;
                if self.fetches.len() == REMEMBERED {
                    self.fetches.clear();
                }
                self.fetches.insert(which.to_owned(), statement.clone());
                statement
            }
        };
        Ok(self.transaction.query(&statement, &[]).await?)
    }
}

impl Drop for ScrollCursor<'_, '_> {
    fn drop(&mut self) {
        // Polled once, it is queued. If it waits, it waits for the answer, which nobody needs.
        let close = format!("CLOSE {}", self.name);
        let _ = self.transaction.batch_execute(&close).now_or_never();
    }
}
