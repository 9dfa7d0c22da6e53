//! Results of strategies as a group: the band of a tie in a chart, and the region that is close to the best.

use crate::analysis::results::{CLOSE, CellResult, TaskResults, per_core};
use record::statistics::{self, Blocks, Estimate, Interval};

/// The results of a group on some cores with some partition size. Members without a sound cell are left out.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupCell {
    /// The number of members with a sound cell.
    pub members: usize,
    /// The median of the members' median times in nanoseconds; the interval covers the intervals of all.
    pub time: Estimate,
    /// The speed-up as a group, with the interval that covers those of all members; `None` without a sound baseline.
    pub speed_up: Option<Estimate>,
    /// The same, divided by the cores.
    pub efficiency: Option<Estimate>,
    /// For each block that all members have, the time of the median member. Its ratios are those of the group.
    pub blocks: Blocks,
}

/// The results of `strategies` as a group; `None` if no member has a sound cell there.
pub fn group_cell(results: &TaskResults, strategies: &[&str], cores: u32, size: u64) -> Option<GroupCell> {
    let sound = |strategy| results.sound(strategy, cores, size).map(|result| (strategy, result));
    let (names, members): (Vec<&str>, Vec<&CellResult>) = strategies.iter().copied().filter_map(sound).unzip();
    let times: Vec<Estimate> = members.iter().filter_map(|member| member.time).collect();
    let speed_ups: Vec<Estimate> = members.iter().filter_map(|member| member.speed_up).collect();
    let ns = statistics::median(&times.iter().map(|time| time.value).collect::<Vec<_>>())?;
    let pooled = results.pooled_speed_up(&names, cores, size);
    let speed_up = pooled.map(|pooled| Estimate { value: pooled.value, interval: hull(&speed_ups) });
    Some(GroupCell {
        members: members.len(),
        time: Estimate { value: ns, interval: hull(&times) },
        speed_up,
        efficiency: speed_up.map(|speed_up| per_core(speed_up, cores)),
        blocks: pooled_blocks(&members),
    })
}

/// For each block that all members have, the time whose logarithm is the median of the members' logarithms. The ratios of a
/// group are medians of logarithms too.
fn pooled_blocks(members: &[&CellResult]) -> Blocks {
    let Some(first) = members.first() else { return Blocks::new() };
    let pooled = |block: &u32| {
        let logarithm = |member: &&CellResult| Some(statistics::median(member.blocks.get(block)?)?.ln());
        let logarithms: Option<Vec<f64>> = members.iter().map(logarithm).collect();
        Some((*block, vec![statistics::median(&logarithms?)?.exp()]))
    };
    first.blocks.keys().filter_map(pooled).collect()
}

/// The interval from the lowest low to the highest high.
fn hull(estimates: &[Estimate]) -> Option<Interval> {
    let ends = |it: &Estimate| it.interval.unwrap_or(Interval { low: it.value, high: it.value });
    let reach =
        |one: Interval, other: Interval| Interval { low: one.low.min(other.low), high: one.high.max(other.high) };
    estimates.iter().map(ends).reduce(reach)
}

/// The times of a group over all numbers of cores and partition sizes.
#[derive(Debug, Clone, PartialEq)]
pub struct Region {
    /// The numbers of cores, ascending.
    pub cores: Vec<u32>,
    /// The partition sizes, ascending.
    pub sizes: Vec<u64>,
    /// One row for each size, with an entry for each number of cores; `None` where a member has no sound cell.
    pub rows: Vec<Vec<Option<RegionCell>>>,
}

/// One number of cores and one partition size in a [`Region`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RegionCell {
    /// The median of the members' median times, in nanoseconds.
    pub ns: f64,
    /// The time divided by the best time of the region.
    pub times_best: f64,
    /// The speed-up as a group; `None` without a sound baseline.
    pub speed_up: Option<Estimate>,
    /// Whether the group comes close to the best time.
    pub close: bool,
}

/// The times of `strategies` as a group over all numbers of cores and partition sizes; `None` without a time.
pub fn region(results: &TaskResults, strategies: &[&str]) -> Option<Region> {
    let (all_cores, sizes) = (&results.cores, &results.sizes);
    let ns = |cores: u32, size: u64| results.pooled_ns(strategies, cores, size);
    let times = sizes.iter().flat_map(|size| all_cores.iter().filter_map(move |cores| ns(*cores, *size)));
    let best = times.min_by(f64::total_cmp)?;
    let cell = |cores: u32, size: u64| {
        let ns = ns(cores, size)?;
        let speed_up = results.pooled_speed_up(strategies, cores, size);
        Some(RegionCell { ns, times_best: ns / best, speed_up, close: ns <= best * (1.0 + CLOSE) })
    };
    let row = |size: &u64| all_cores.iter().map(|cores| cell(*cores, *size)).collect();
    Some(Region { cores: all_cores.clone(), sizes: sizes.clone(), rows: sizes.iter().map(row).collect() })
}
