//! The rows of a cursor as a stream.

use super::{Cursor, Error};
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
}

impl Stream for Rows<'_, '_, '_> {
    type Item = Result<Row, Error>;

    #[inline]
    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let left = self.left;
        if left == 0 {
            return Poll::Ready(None);
        }
        let row = self.cursor.poll_row(context, left);
        if left != u64::MAX && row.is_ready() {
            self.left -= 1;
        }
        row
    }
}
