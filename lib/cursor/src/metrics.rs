//! The counters of a cursor.

use std::time::Duration;

/// The counters of a cursor since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    /// Rows received.
    pub rows: u64,
    /// The size of these rows on the wire, in bytes, without the five-byte header of each message.
    pub bytes: u64,
    /// Pages used up, including empty ones.
    pub pages: u64,
    /// The number of times the reader had to wait for a row.
    pub waits: u64,
    /// The total time that the reader waited.
    pub waited: Duration,
    /// From the first request to the first row; `None` before the first row.
    pub first_row: Option<Duration>,
    /// Rows requested but not received. The last page may hold fewer rows than were requested.
    pub in_flight: u64,
    /// The largest value of `in_flight` so far.
    pub most_in_flight: u64,
}
