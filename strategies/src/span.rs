//! Spans: the worker, the start and the end of each job.

use std::collections::BTreeMap;

/// The time of one job on a worker. Times are nanoseconds since the run began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The number of the job: the position of its partition in the input, counted from 0.
    pub job: u64,
    /// The worker's slot, counted from 0 in the order in which slots were first taken.
    pub worker: u32,
    /// The operating system's number of the thread that did the work. For a worker process, the number of the process.
    pub thread: u32,
    /// The time at which the work began.
    pub start_ns: u64,
    /// The time at which the partial was complete.
    pub end_ns: u64,
    /// The duration of the task itself. For a worker that shares no memory, `end - start - busy` is the cost of the
    /// transfer.
    pub busy_ns: u64,
}

/// Returns the largest number of spans that cover one moment: the largest number of jobs in progress at the same time.
pub fn most_in_progress(spans: &[Span]) -> usize {
    let mut edges: Vec<(u64, i32)> = spans.iter().flat_map(|span| [(span.start_ns, 1), (span.end_ns, -1)]).collect();
    // An end sorts before a start at the same nanosecond, because the next job of a worker does not overlap its last
    // job.
    edges.sort_unstable();
    let (mut now, mut most) = (0i32, 0i32);
    for (_, step) in edges {
        now += step;
        most = most.max(now);
    }
    most.unsigned_abs() as usize
}

/// The time that the workers of a run spent, summed over all workers, in nanoseconds.
///
/// The rest of the time passed between jobs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WorkerTime {
    /// The time inside spans.
    pub in_jobs_ns: u64,
    /// The part of `in_jobs_ns` in the task itself.
    pub in_task_ns: u64,
    /// The time before the first job of each worker and after the last. For a worker without a job, the whole run.
    pub at_ends_ns: u64,
}

impl WorkerTime {
    /// Adds up the spans of a run with the duration `run_ns`.
    pub fn of(spans: &[Span], workers: usize, run_ns: u64) -> Self {
        let mut ends: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
        for span in spans {
            let (first, last) = ends.entry(span.worker).or_insert((span.start_ns, span.end_ns));
            (*first, *last) = ((*first).min(span.start_ns), (*last).max(span.end_ns));
        }
        let within: u64 = ends.values().map(|(first, last)| last - first).sum();
        WorkerTime {
            in_jobs_ns: spans.iter().map(|span| span.end_ns - span.start_ns).sum(),
            in_task_ns: spans.iter().map(|span| span.busy_ns).sum(),
            at_ends_ns: (workers as u64 * run_ns).saturating_sub(within),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start_ns: u64, end_ns: u64) -> Span {
        Span { job: 0, worker: 0, thread: 0, start_ns, end_ns, busy_ns: end_ns - start_ns }
    }

    #[test]
    fn touching_spans_do_not_overlap_and_nested_spans_do() {
        assert_eq!(most_in_progress(&[]), 0);
        assert_eq!(most_in_progress(&[span(0, 5), span(5, 9)]), 1);
        assert_eq!(most_in_progress(&[span(0, 9), span(1, 2), span(3, 4)]), 2);
        assert_eq!(most_in_progress(&[span(0, 9), span(1, 8), span(2, 7)]), 3);
    }

    #[test]
    fn worker_time_is_in_jobs_between_jobs_or_at_the_ends() {
        let on = |worker, start_ns, end_ns| Span { worker, ..span(start_ns, end_ns) };
        let shipped = Span { busy_ns: 3, ..on(1, 2, 8) };
        let spans = [on(0, 1, 5), shipped, on(0, 7, 9)];
        assert_eq!(WorkerTime::of(&spans, 2, 10), WorkerTime { in_jobs_ns: 12, in_task_ns: 9, at_ends_ns: 6 });
        // A third worker never had a job.
        assert_eq!(WorkerTime::of(&spans, 3, 10).at_ends_ns, 16);
        assert_eq!(WorkerTime::of(&[], 1, 10), WorkerTime { at_ends_ns: 10, ..WorkerTime::default() });
    }
}
