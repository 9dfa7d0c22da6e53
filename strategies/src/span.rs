//! Who ran which job, and when.

/// One job's time on a worker. Times are nanoseconds since the run began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The job's number: its partition's place in the input, counted from 0.
    pub job: u64,
    /// The worker's seat, counted from 0 in the order in which seats were first taken.
    pub worker: u32,
    /// The thread that did the work, as the system numbers it; for a worker process, its process.
    pub thread: u32,
    /// When the work began.
    pub start_ns: u64,
    /// When its partial was there.
    pub end_ns: u64,
    /// How long the task itself took. For a worker that shares no memory, `end - start - busy` is the price of shipping.
    pub busy_ns: u64,
}

/// The largest number of spans that cover one moment: how many jobs were really in progress at once.
pub fn most_in_progress(spans: &[Span]) -> usize {
    let mut edges: Vec<(u64, i32)> = Vec::with_capacity(2 * spans.len());
    for span in spans {
        edges.push((span.start_ns, 1));
        edges.push((span.end_ns, -1));
    }
    // An end sorts before a start at the same nanosecond: one worker's next job is not a second one.
    edges.sort_unstable();
    let mut now = 0i32;
    let mut most = 0i32;
    for (_, step) in edges {
        now += step;
        most = most.max(now);
    }
    most.unsigned_abs() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start_ns: u64, end_ns: u64) -> Span {
        Span { job: 0, worker: 0, thread: 0, start_ns, end_ns, busy_ns: end_ns - start_ns }
    }

    #[test]
    fn touching_spans_do_not_overlap_and_covered_ones_do() {
        assert_eq!(most_in_progress(&[]), 0);
        assert_eq!(most_in_progress(&[span(0, 5), span(5, 9)]), 1);
        assert_eq!(most_in_progress(&[span(0, 9), span(1, 2), span(3, 4)]), 2);
        assert_eq!(most_in_progress(&[span(0, 9), span(1, 8), span(2, 7)]), 3);
    }
}
