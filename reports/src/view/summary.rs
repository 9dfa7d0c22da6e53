//! The speed-ups of a task by cores, for a chart of a few lines.

use crate::analysis::results::TaskResults;
use crate::format;
use record::statistics::Interval;

/// The speed-ups of a group of strategies at the default partition size.
#[derive(Debug, Clone, PartialEq)]
pub struct SpeedUps {
    /// The group and the partition size.
    pub title: String,
    /// For each number of cores, the smallest and the largest median speed-up of the group.
    pub by_cores: Vec<(u32, Interval)>,
}

/// A chart of speed-ups that are all below this one shows nothing but its axis.
const VISIBLE: f64 = 0.1;

/// The speed-ups of the strategies that lead, or of all if nothing is decided. `None` without any that a chart can show.
pub fn speed_ups(results: &TaskResults) -> Option<SpeedUps> {
    let leaders = results.leaders();
    let all = || results.strategies.iter().map(|it| it.name.as_str()).collect();
    let group: Vec<&str> = if leaders.is_empty() { all() } else { leaders.clone() };
    let size = results.task.default_size;
    let range = |cores: u32| {
        let of = |name: &&str| Some(results.sound(name, cores, size)?.speed_up?.value);
        let values = group.iter().filter_map(of).map(|value| Interval { low: value, high: value });
        values.reduce(|one, other| Interval { low: one.low.min(other.low), high: one.high.max(other.high) })
    };
    let by_cores: Vec<_> = results.cores.iter().filter_map(|cores| Some((*cores, range(*cores)?))).collect();
    let who = match leaders[..] {
        [] => "all strategies",
        [only] => only,
        _ => "the strategies that tie",
    };
    let title = format!("Speed-up of {who}, with {}", format::partitions(size, &results.task.unit));
    by_cores.iter().any(|(_, range)| range.high >= VISIBLE).then_some(SpeedUps { title, by_cores })
}
