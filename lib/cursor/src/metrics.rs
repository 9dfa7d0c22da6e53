//! What a cursor counts.

use std::time::Duration;

/// What a cursor has counted since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    /// Rows received.
    pub rows: u64,
    /// Their size on the wire, in bytes, without the five bytes that begin each message.
    pub bytes: u64,
    /// Pages used up, including empty ones.
    pub pages: u64,
    /// How often the reader had to wait for a row.
    pub waits: u64,
    /// How long the reader waited, in total.
    pub waited: Duration,
    /// From the first request to the first row; `None` before the first row.
    pub first_row: Option<Duration>,
    /// Rows requested but not received. The last page may hold fewer rows than were requested.
    pub in_flight: u64,
    /// The largest value of `in_flight` so far.
    pub most_in_flight: u64,
}
