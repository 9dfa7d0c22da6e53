//! Makes a trace of the spans of a run.

use record::{Lane, Span, Times, TracedRun, lane};
use std::collections::BTreeMap;
use strategies::Outcome;

/// Returns the trace of a run with these figures, with at most `most` spans.
pub fn traced(outcome: &Outcome, times: &Times, most: usize) -> TracedRun {
    let mut workers: BTreeMap<u32, Vec<Span>> = BTreeMap::new();
    for span in &outcome.spans {
        let length_ns = span.end_ns - span.start_ns;
        workers.entry(span.worker).or_default().push(Span {
            job: span.job,
            jobs: 1,
            start_ns: span.start_ns,
            length_ns,
            in_jobs_ns: length_ns,
            // A worker process has a clock of its own.
            in_task_ns: span.busy_ns.min(length_ns),
        });
    }
    // The spans come in the order of delivery.
    workers.values_mut().for_each(|spans| spans.sort_unstable_by_key(|span| (span.start_ns, span.end_ns())));
    let mut lanes: Vec<Lane> = workers.into_iter().filter_map(|(worker, spans)| Lane::of(worker, spans)).collect();
    lane::merge(&mut lanes, most);
    TracedRun {
        start_ns: times.start_ns,
        run_ns: times.run_ns,
        reduce_ns: times.reduce_ns,
        cpu_ns: times.user_ns + times.system_ns,
        jobs: outcome.spans.len() as u64,
        lanes,
        delivered_ns: TracedRun::thinned(&outcome.delivered_ns),
    }
}
