//! A lane of a trace: the spans of one worker, and how many spans become fewer without losing time.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The time of one job on a worker, or of neighbouring jobs that were merged. Times are nanoseconds since the run began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The number of the first job: the position of its partition in the input, from 0.
    pub job: u64,
    /// The number of jobs.
    pub jobs: u64,
    /// The start of the first job.
    pub start_ns: u64,
    /// From the start of the first job to the end of the last.
    pub length_ns: u64,
    /// The part of `length_ns` inside jobs. The rest is gaps between merged jobs.
    pub in_jobs_ns: u64,
    /// The part of `in_jobs_ns` in the task itself. The rest is communication with a worker that shares no memory.
    pub in_task_ns: u64,
}

impl Span {
    /// The end of the last job.
    pub fn end_ns(&self) -> u64 {
        self.start_ns + self.length_ns
    }

    /// One span for this one and a later one of the same lane.
    fn with(self, next: Span) -> Span {
        Span {
            job: self.job,
            jobs: self.jobs.saturating_add(next.jobs),
            start_ns: self.start_ns,
            length_ns: next.end_ns() - self.start_ns,
            in_jobs_ns: self.in_jobs_ns + next.in_jobs_ns,
            in_task_ns: self.in_task_ns + next.in_task_ns,
        }
    }
}

/// The spans of one worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Columns", into = "Columns")]
pub struct Lane {
    /// The worker's slot, from 0.
    pub worker: u32,
    /// The number of the longest job.
    pub longest_job: u64,
    /// The start of the longest job.
    pub longest_start_ns: u64,
    /// The duration of the longest job.
    pub longest_ns: u64,
    /// The spans in the order of time. They do not overlap. There is at least one.
    pub spans: Vec<Span>,
}

impl Lane {
    /// Returns the lane of a worker with these spans, one for each job, in the order of time. `None` without spans.
    pub fn of(worker: u32, spans: Vec<Span>) -> Option<Lane> {
        let longest = *spans.iter().rev().max_by_key(|span| span.length_ns)?;
        Some(Lane {
            worker,
            longest_job: longest.job,
            longest_start_ns: longest.start_ns,
            longest_ns: longest.length_ns,
            spans,
        })
    }

    /// The number of jobs.
    pub fn jobs(&self) -> u64 {
        self.spans.iter().fold(0, |jobs, span| jobs.saturating_add(span.jobs))
    }

    /// The time inside jobs.
    pub fn in_jobs_ns(&self) -> u64 {
        self.spans.iter().map(|span| span.in_jobs_ns).sum()
    }

    /// The time inside the task itself.
    pub fn in_task_ns(&self) -> u64 {
        self.spans.iter().map(|span| span.in_task_ns).sum()
    }

    /// The start of the first job and the end of the last.
    pub fn extent_ns(&self) -> (u64, u64) {
        let ends = self.spans.first().zip(self.spans.last());
        ends.map_or((0, 0), |(first, last)| (first.start_ns, last.end_ns()))
    }

    /// The gaps between spans.
    fn gaps(&self) -> impl Iterator<Item = u64> {
        self.spans.windows(2).map(|pair| pair[1].start_ns - pair[0].end_ns())
    }
}

/// Merges neighbouring spans until at most `most` are left, or one for each lane. The shortest gaps go first, so that long
/// gaps stay visible. The time inside jobs stays exact.
pub fn merge(lanes: &mut [Lane], most: usize) {
    let spans: usize = lanes.iter().map(|lane| lane.spans.len()).sum();
    let mut gaps: Vec<u64> = lanes.iter().flat_map(Lane::gaps).collect();
    let excess = spans.saturating_sub(most).min(gaps.len());
    let Some(last) = excess.checked_sub(1) else { return };
    let (shorter, &mut longest, _) = gaps.select_nth_unstable(last);
    // Several gaps may be as long as the longest one that goes.
    let mut as_long = excess - shorter.iter().filter(|gap| **gap < longest).count();
    for lane in lanes {
        let mut merged: Vec<Span> = Vec::new();
        for span in lane.spans.drain(..) {
            let goes = merged.last().is_some_and(|before| {
                let gap = span.start_ns - before.end_ns();
                let is_last = gap == longest && as_long > 0;
                as_long -= usize::from(is_last);
                gap < longest || is_last
            });
            match merged.last_mut() {
                Some(before) if goes => *before = before.with(span),
                _ => merged.push(span),
            }
        }
        lane.spans = merged;
    }
}

/// A lane as it is written: one list for each figure of the spans, because names would take most of the space.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Lane")]
struct Columns {
    /// The worker's slot, from 0.
    worker: u32,
    /// The number of the longest job.
    longest_job: u64,
    /// The start of the longest job.
    longest_start_ns: u64,
    /// The duration of the longest job.
    longest_ns: u64,
    /// For each span, the number of its first job: the position of the partition in the input, from 0.
    job: Vec<u64>,
    /// For each span, its start, from the beginning of the run. Spans do not overlap and are in the order of time.
    start_ns: Vec<u64>,
    /// For each span, its duration.
    length_ns: Vec<u64>,
    /// For each span, the number of its jobs. Absent if no jobs were merged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    jobs: Vec<u64>,
    /// For each span, the part of its duration inside jobs. Absent if no jobs were merged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    in_jobs_ns: Vec<u64>,
    /// For each span, the part inside jobs that is in the task itself. Absent if that is all of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    in_task_ns: Vec<u64>,
}

impl From<Lane> for Columns {
    fn from(lane: Lane) -> Self {
        let column = |of: fn(&Span) -> u64| lane.spans.iter().map(of).collect::<Vec<_>>();
        let unless = |usual: fn(&Span) -> bool, of| if lane.spans.iter().all(usual) { Vec::new() } else { column(of) };
        let is_one = |span: &Span| span.jobs == 1 && span.in_jobs_ns == span.length_ns;
        Columns {
            worker: lane.worker,
            longest_job: lane.longest_job,
            longest_start_ns: lane.longest_start_ns,
            longest_ns: lane.longest_ns,
            job: column(|span| span.job),
            start_ns: column(|span| span.start_ns),
            length_ns: column(|span| span.length_ns),
            jobs: unless(is_one, |span| span.jobs),
            in_jobs_ns: unless(is_one, |span| span.in_jobs_ns),
            in_task_ns: unless(|span| span.in_task_ns == span.in_jobs_ns, |span| span.in_task_ns),
        }
    }
}

impl TryFrom<Columns> for Lane {
    type Error = String;

    fn try_from(columns: Columns) -> Result<Self, String> {
        let count = columns.job.len();
        let wrong = |why: &str| Err(format!("the lane of worker {} {why}", columns.worker));
        let of = |column: &[u64], nth: usize, usual: u64| column.get(nth).copied().unwrap_or(usual);
        let needed = [&columns.start_ns, &columns.length_ns];
        let optional = [&columns.jobs, &columns.in_jobs_ns, &columns.in_task_ns];
        if count == 0 || needed.iter().any(|it| it.len() != count) {
            return wrong("has no spans, or lists of different lengths");
        }
        if optional.iter().any(|it| !it.is_empty() && it.len() != count) {
            return wrong("has lists of different lengths");
        }
        let span = |nth: usize| {
            let length_ns = columns.length_ns[nth];
            let in_jobs_ns = of(&columns.in_jobs_ns, nth, length_ns);
            let (job, start_ns) = (columns.job[nth], columns.start_ns[nth]);
            let in_task_ns = of(&columns.in_task_ns, nth, in_jobs_ns);
            Span { job, jobs: of(&columns.jobs, nth, 1), start_ns, length_ns, in_jobs_ns, in_task_ns }
        };
        let spans: Vec<Span> = (0..count).map(span).collect();
        if spans.windows(2).any(|pair| pair[0].end_ns() > pair[1].start_ns) {
            return wrong("has spans that overlap");
        }
        if spans.iter().any(|it| it.in_task_ns > it.in_jobs_ns || it.in_jobs_ns > it.length_ns) {
            return wrong("has a span with more time inside jobs than its own");
        }
        let Columns { worker, longest_job, longest_start_ns, longest_ns, .. } = columns;
        Ok(Lane { worker, longest_job, longest_start_ns, longest_ns, spans })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(job: u64, start_ns: u64, length_ns: u64) -> Span {
        Span { job, jobs: 1, start_ns, length_ns, in_jobs_ns: length_ns, in_task_ns: length_ns }
    }

    fn lanes() -> Vec<Lane> {
        let first = Lane::of(0, vec![span(0, 0, 10), span(2, 12, 10), span(3, 23, 5), span(5, 100, 7)]);
        let second = Lane::of(1, vec![span(1, 1, 20), span(4, 23, 1)]);
        first.into_iter().chain(second).collect()
    }

    #[test]
    fn the_shortest_gaps_go_first_and_no_time_is_lost() {
        let whole = lanes();
        for most in 0..8 {
            let mut merged = lanes();
            merge(&mut merged, most);
            let left: usize = merged.iter().map(|lane| lane.spans.len()).sum();
            assert_eq!(left, most.clamp(2, 6), "at most {most}");
            for (lane, before) in merged.iter().zip(&whole) {
                let figures = |lane: &Lane| (lane.jobs(), lane.in_jobs_ns(), lane.extent_ns(), lane.longest_ns);
                assert_eq!(figures(lane), figures(before));
            }
        }
        let mut merged = lanes();
        merge(&mut merged, 3);
        // The gaps are 2, 1 and 72 in one lane and 2 in the other.
        let together = Span { job: 0, jobs: 3, start_ns: 0, length_ns: 28, in_jobs_ns: 25, in_task_ns: 25 };
        assert_eq!(merged[0].spans, [together, span(5, 100, 7)]);
    }

    #[test]
    fn a_lane_is_read_as_it_was_written() {
        let mut merged = lanes();
        merge(&mut merged, 3);
        let mut shipped = lanes();
        shipped[0].spans[1].in_task_ns = 4;
        for (lane, lists) in [(&lanes()[0], 3), (&merged[0], 5), (&shipped[0], 4)] {
            let text = serde_json::to_string(lane).unwrap();
            assert_eq!(text.matches('[').count(), lists, "{text}");
            assert_eq!(serde_json::from_str::<Lane>(&text).unwrap(), *lane);
        }
    }

    #[test]
    fn lists_that_are_no_lane_are_refused() {
        let text = serde_json::to_string(&lanes()[0]).unwrap();
        for (old, new, why) in [
            ("\"job\":[0,2,3,5]", "\"job\":[0,2,3]", "different lengths"),
            ("\"job\":[0,2,3,5]", "\"jobs\":[1],\"job\":[0,2,3,5]", "different lengths"),
            ("\"start_ns\":[0,12,", "\"start_ns\":[0,9,", "overlap"),
            ("\"job\":", "\"in_task_ns\":[1,2,3,8],\"job\":", "more time inside jobs"),
        ] {
            assert!(text.contains(old), "{text}");
            let error = serde_json::from_str::<Lane>(&text.replacen(old, new, 1)).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
