//! What a cursor has counted.

use std::time::Duration;

/// What has happened on a cursor since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    /// Rows that have come.
    pub rows: u64,
    /// Their size on the wire, in bytes, without the five that begin each message.
    pub bytes: u64,
    /// Pages used up, empty ones among them.
    pub pages: u64,
    /// How often the consumer came to a row that was not there yet.
    pub waits: u64,
    /// How long the consumer waited so, all in all.
    pub waited: Duration,
    /// From the first page asked for to the first row; absent while there is none.
    pub first_row: Option<Duration>,
    /// Rows asked for at this moment that have not come. The last page may hold fewer than were asked for.
    pub in_flight: u64,
    /// The most there ever were.
    pub most_in_flight: u64,
}
