//! Calls side by side: a table, and a timeline made of columns.

use crate::analysis::calls::CallTimes;
use crate::format;
use record::{Cell, Lane, TracedRun};

/// A call with its traced run.
pub struct Call<'a> {
    /// The name.
    pub name: &'static str,
    /// What the caller waits for, as a phrase.
    pub waits_for: &'static str,
    /// The traced cell.
    pub cell: &'a Cell,
    /// When results were usable.
    pub times: CallTimes,
    /// The traced run.
    pub run: &'a TracedRun,
}

/// The table, one row for each call below its head.
pub fn rows(calls: &[Call]) -> Vec<Vec<String>> {
    let longest = calls.iter().map(|call| call.waits_for.len()).max().unwrap_or_default();
    // The phrases are to begin at one place, although columns are aligned to the right.
    let phrase = |text: &str| format!("{text:<longest$}");
    let head = ["call".to_owned(), phrase("waits for"), "first".into(), "last".into(), "held up".into()];
    let row = |call: &Call| {
        let CallTimes { first_ns, last_ns, held_up_ns, .. } = call.times;
        let times = [first_ns, last_ns, held_up_ns].map(|ns| format::time(ns as f64));
        [vec![call.name.to_owned(), phrase(call.waits_for)], times.to_vec()].concat()
    };
    std::iter::once(head.to_vec()).chain(calls.iter().map(row)).collect()
}

/// The meanings of the columns.
pub const MEANING: &str = "first, last: when the first and the last result is usable, from the beginning of the run. \
    held up: the longest that a finished result waits for slower ones before it (head-of-line blocking). Each row is one \
    traced run, so a difference in the last result is no comparison.";

/// The most lanes of a timeline.
const MOST_LANES: usize = 8;

/// The timeline of a call in columns of equal length.
#[derive(Debug, PartialEq, Eq)]
pub struct Columns {
    /// The lanes of the workers: whether a job ran in each column.
    pub lanes: Vec<(u32, Vec<bool>)>,
    /// The number of lanes that are left out.
    pub more: usize,
    /// The number of results that became usable in each column.
    pub usable: Vec<u64>,
}

/// Returns the time that all timelines show, in nanoseconds.
pub fn extent(calls: &[Call]) -> u64 {
    calls.iter().map(|call| call.times.last_ns.max(call.run.run_ns)).max().unwrap_or_default().max(1)
}

/// Returns the timeline of a call from the beginning of the run to `extent_ns`.
pub fn columns(call: &Call, extent_ns: u64, number: usize) -> Columns {
    let last = number.saturating_sub(1);
    let place = |ns: u64| {
        let place = u128::from(ns) * number as u128 / u128::from(extent_ns.max(1));
        usize::try_from(place).unwrap_or(last).min(last)
    };
    let lane = |lane: &Lane| {
        let mut busy = vec![false; number];
        for span in &lane.spans {
            busy[place(span.start_ns)..=place(span.end_ns().saturating_sub(1).max(span.start_ns))].fill(true);
        }
        (lane.worker, busy)
    };
    let mut usable = vec![0; number];
    call.run.delivered_ns.iter().for_each(|ns| usable[place(*ns)] += 1);
    let lanes = &call.run.lanes;
    Columns {
        lanes: lanes.iter().take(MOST_LANES).map(lane).collect(),
        more: lanes.len().saturating_sub(MOST_LANES),
        usable,
    }
}

/// What the calls show: whether results that are used in order wait, compared with results that are used as completed.
pub fn lesson(calls: &[Call]) -> Option<String> {
    let named = |name: &str| calls.iter().find(|call| call.name == name);
    let (map, completed) = (named("map")?, named("as_completed")?);
    let slowest = format::count(map.times.slowest + 1);
    let time = |ns: u64| format::time(ns as f64);
    if map.times.held_up > 0 {
        let many = if map.times.held_up == 1 { "result waits" } else { "results wait" };
        return Some(format!(
            "With map, {} finished {many} up to {} behind a slower one; partition {slowest} of {} is the slowest. \
             as_completed hands each result on within {}.",
            format::count(map.times.held_up),
            time(map.times.held_up_ns),
            format::count(map.times.results),
            time(completed.times.held_up_ns),
        ));
    }
    Some(format!(
        "map holds nothing up here: partition {slowest} of {} is the slowest, and no result after it waits. Put a slow \
         one first to see head-of-line blocking; the last example of `goldilocks calls --help` does.",
        format::count(map.times.results)
    ))
}
