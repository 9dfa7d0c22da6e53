//! When the results of a call are usable, and how long finished results wait for slower ones.

use record::{Cell, Lane, TracedRun};
use serde::Serialize;

/// When the results of one traced run were usable. Times are nanoseconds from the beginning of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallTimes {
    /// The number of results.
    pub results: u64,
    /// When the first result was usable.
    pub first_ns: u64,
    /// When the last result was usable.
    pub last_ns: u64,
    /// The longest time that a finished result waited until it was usable: head-of-line blocking.
    pub held_up_ns: u64,
    /// The number of results that waited for more than a hundredth of the run.
    pub held_up: u64,
    /// The partition with the longest job.
    pub slowest: u64,
}

impl CallTimes {
    /// Reads the times of a traced run. `None` if the trace does not have the time of every result.
    pub fn of(cell: &Cell, run: &TracedRun) -> Option<CallTimes> {
        let mut ends: Vec<(u64, u64)> = run
            .lanes
            .iter()
            .flat_map(|lane| &lane.spans)
            .filter(|span| span.jobs == 1)
            .map(|span| (span.job, span.end_ns()))
            .collect();
        let results = run.delivered_ns.len();
        if results == 0 || results as u64 != run.jobs || ends.len() != results {
            return None;
        }
        // The record has the times of the results, and not their numbers. They are those of the input unless results come
        // as they are completed.
        match &*cell.delivery {
            "as_completed" => ends.sort_unstable_by_key(|(_, end)| *end),
            _ => ends.sort_unstable(),
        }
        let waits = || run.delivered_ns.iter().zip(&ends).map(|(usable, (_, end))| usable.saturating_sub(*end));
        let longest = run.lanes.iter().max_by_key(|lane: &&Lane| lane.longest_ns)?;
        Some(CallTimes {
            results: run.jobs,
            first_ns: run.delivered_ns.iter().copied().min()?,
            last_ns: run.delivered_ns.iter().copied().max()?,
            held_up_ns: waits().max()?,
            held_up: waits().filter(|wait| wait.saturating_mul(100) > run.run_ns).count() as u64,
            slowest: longest.longest_job,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::Span;

    fn span(job: u64, start_ns: u64, end_ns: u64) -> Span {
        let length_ns = end_ns - start_ns;
        Span { job, jobs: 1, start_ns, length_ns, in_jobs_ns: length_ns, in_task_ns: length_ns }
    }

    /// Partition 0 is slow and the two others are not.
    fn times(delivery: &str, delivered_ns: &[u64]) -> Option<CallTimes> {
        let lanes = [vec![span(0, 0, 1_000)], vec![span(1, 0, 100), span(2, 100, 300)]];
        let cell = Cell {
            task: "count".into(),
            strategy: "rayon".into(),
            cores: 2,
            workers: 2,
            size: 1,
            delivery: delivery.into(),
            combine: "per_partition".into(),
        };
        let run = TracedRun {
            start_ns: 0,
            run_ns: 1_000,
            reduce_ns: 0,
            cpu_ns: 1_300,
            jobs: 3,
            lanes: (0..).zip(lanes).filter_map(|(worker, spans)| Lane::of(worker, spans)).collect(),
            delivered_ns: delivered_ns.to_vec(),
        };
        CallTimes::of(&cell, &run)
    }

    #[test]
    fn results_wait_behind_a_slow_one_unless_they_come_as_completed() {
        let in_order = times("in_order", &[1_001, 1_002, 1_003]);
        let of = |held_up_ns, held_up, first_ns, last_ns| {
            Some(CallTimes { results: 3, first_ns, last_ns, held_up_ns, held_up, slowest: 0 })
        };
        assert_eq!(in_order, of(902, 2, 1_001, 1_003));
        assert_eq!(times("gather", &[1_010; 3]), of(910, 2, 1_010, 1_010));
        assert_eq!(times("as_completed", &[101, 305, 1_002]), of(5, 0, 101, 1_002));
    }

    #[test]
    fn a_trace_without_the_time_of_each_result_has_no_times() {
        assert_eq!(times("in_order", &[1_000, 1_002]), None);
        assert_eq!(times("in_order", &[]), None);
    }
}
