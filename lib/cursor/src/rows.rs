//! The rows of a cursor as a stream.

use crate::{Cursor, Error};
use futures_util::Stream;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio_postgres::Row;

/// Rows of a cursor, one by one. It holds nothing itself: dropped, it leaves all that is under way to the cursor.
pub struct Rows<'s, 'a, 'client> {
    cursor: &'s mut Cursor<'a, 'client>,
    left: u64,
}

impl<'s, 'a, 'client> Rows<'s, 'a, 'client> {
    pub(super) fn new(cursor: &'s mut Cursor<'a, 'client>, left: u64) -> Self {
        Rows { cursor, left }
    }

    /// The next row of those that are left.
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
        // Returned at once, a row is written where the caller wants it. Kept until `left` is counted, it is copied once more.
        if self.left == u64::MAX { self.cursor.poll_row(context, u64::MAX) } else { self.poll_counted(context) }
    }
}
