//! A cursor that also runs backward.
//!
//! A portal of the protocol only runs forward. A cursor declared in SQL (`DECLARE … SCROLL CURSOR`) moves anywhere, but for
//! some plans the server then stores every row that it has read. It is more expensive, so it is a type of its own.

use crate::error::Error;
use crate::pages::moved;
use futures_util::FutureExt;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Statement, Transaction};

/// The most prepared statements that are kept. A FETCH contains the number of rows, so each number needs its own
/// statement.
const KEPT: usize = 32;

/// A cursor that moves to any row. Rows are counted from 1; it begins before the first.
///
/// Dropping it closes it; the transaction and the connection stay usable. If one of its futures is dropped, the cursor may or
/// may not have moved; [`absolute`](ScrollCursor::absolute) puts it back.
pub struct ScrollCursor<'a, 'client> {
    transaction: &'a mut Transaction<'client>,
    name: String,
    fetches: HashMap<String, Statement>,
}

impl<'a, 'client> ScrollCursor<'a, 'client> {
    /// Declares a cursor for a query, with values for `$1`, `$2` and so on.
    ///
    /// # Errors
    /// The server rejects the query.
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

    /// The next `count` rows; fewer only at the end. Then the cursor is on the last of them, or after the last row.
    ///
    /// # Errors
    /// The server or the connection reports an error.
    pub async fn fetch(&mut self, count: u32) -> Result<Vec<Row>, Error> {
        self.some("FORWARD", count).await
    }

    /// The `count` rows before the current one, the nearest first; fewer only at the beginning.
    ///
    /// # Errors
    /// The server or the connection reports an error.
    pub async fn backward(&mut self, count: u32) -> Result<Vec<Row>, Error> {
        self.some("BACKWARD", count).await
    }

    /// The row of that number; negative numbers count from the end, -1 is the last. `None` if there is no such row: then the
    /// cursor is before the first row or after the last.
    ///
    /// # Errors
    /// The server or the connection reports an error.
    pub async fn absolute(&mut self, number: i32) -> Result<Option<Row>, Error> {
        self.row(&format!("ABSOLUTE {number}")).await
    }

    /// The row `distance` rows after the current one, or before it if negative; 0 is the current row.
    ///
    /// # Errors
    /// The server or the connection reports an error.
    pub async fn relative(&mut self, distance: i32) -> Result<Option<Row>, Error> {
        self.row(&format!("RELATIVE {distance}")).await
    }

    /// Skips `distance` rows, backward if negative, and returns how many there were. The server sends none.
    ///
    /// # Errors
    /// The server or the connection reports an error.
    pub async fn skip(&mut self, distance: i32) -> Result<u64, Error> {
        if distance == 0 {
            return Ok(0);
        }
        let answer = self.transaction.simple_query(&format!("MOVE FORWARD {distance} IN {}", self.name)).await?;
        Ok(moved(&answer))
    }

    async fn some(&mut self, direction: &str, count: u32) -> Result<Vec<Row>, Error> {
        if count == 0 {
            // In SQL, 0 means the current row.
            return Ok(Vec::new());
        }
        // SQL counts in an i32.
        self.rows(&format!("{direction} {}", i32::try_from(count).unwrap_or(i32::MAX))).await
    }

    async fn row(&mut self, place: &str) -> Result<Option<Row>, Error> {
        // Two steps, so that one prepared statement serves all numbers: move there, then fetch the current row.
        self.transaction.simple_query(&format!("MOVE {place} IN {}", self.name)).await?;
        Ok(self.rows("RELATIVE 0").await?.pop())
    }

    /// Rows by a prepared statement, because only then they are binary. `query_typed` would wait for ever on a type that
    /// tokio-postgres does not know.
    async fn rows(&mut self, which: &str) -> Result<Vec<Row>, Error> {
        let statement = match self.fetches.get(which) {
            Some(statement) => statement.clone(),
            None => {
                let statement = self.transaction.prepare(&format!("FETCH {which} FROM {}", self.name)).await?;
                if self.fetches.len() == KEPT {
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
        // Polling once queues the statement; its answer is not needed.
        let close = format!("CLOSE {}", self.name);
        let _ = self.transaction.batch_execute(&close).now_or_never();
    }
}
