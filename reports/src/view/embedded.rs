//! The data for the page's script: what it needs to draw other charts and to compare with other baselines.

use crate::analysis::TaskAnalysis;
use crate::analysis::groups::group_cell;
use crate::analysis::peers::PeerLine;
use crate::analysis::results::{CellResult, TaskResults};
use crate::format;
use crate::view::chart::{self, Axis, Chart, Kind, Scale};
use record::statistics::{self, Estimate};
use serde::Serialize;
use std::collections::BTreeMap;

/// The data of a page. `reports/script/types.d.ts` describes the same for the script.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Data {
    /// The widest gaps that chance explains, see [`statistics::gap_limits`].
    pub limits: Vec<f64>,
    /// The tasks.
    pub tasks: Vec<Task>,
}

impl Data {
    /// The data of `tasks`.
    pub fn new(tasks: Vec<Task>) -> Self {
        let blocks = tasks.iter().flat_map(|task| &task.cells).map(|cell| cell.blocks.len()).max().unwrap_or(0);
        Self { limits: statistics::gap_limits(blocks), tasks }
    }
}

/// The data of a task.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Task {
    /// The id of the task's section.
    id: String,
    unit: String,
    items: Option<u64>,
    size: u64,
    strategies: Vec<Strategy>,
    bands: Vec<Band>,
    cores: Vec<Step>,
    sizes: Vec<Step>,
    plain: Option<Numbers>,
    peers: Vec<Peer>,
    cells: Vec<Cell>,
    figures: Vec<Figure>,
}

/// A strategy with a sound cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Strategy {
    name: String,
    place: usize,
}

/// A group of strategies that tie. Its cells follow those of strategies, under the group's label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Band {
    name: String,
    /// The end of the class of its entry in the legend.
    place: String,
    title: String,
    members: Vec<String>,
}

/// Another program and its time.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Peer {
    name: String,
    ns: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Cell {
    strategy: String,
    cores: u32,
    size: u64,
    /// Whether charts show this cell, see `TaskResults::at`.
    shown: bool,
    time: Option<Numbers>,
    speed_up: Option<Numbers>,
    /// Times of the clock are whole nanoseconds.
    blocks: BTreeMap<u32, Vec<u64>>,
}

/// An estimate as a list: its value, then the ends of its interval if it has one.
type Numbers = Vec<f64>;

/// A chart of the page that the script can draw anew.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Figure {
    over: Over,
    log: bool,
    x: Ticked,
    lines: Vec<Vertical>,
}

/// The horizontal axis of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Over {
    /// Numbers of cores.
    Cores,
    /// Partition sizes.
    Sizes,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Ticked {
    title: String,
    log: bool,
    low: f64,
    high: f64,
    ticks: Vec<Step>,
}

/// A value of an axis, and its words.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Step {
    at: f64,
    words: String,
}

/// A reference line that is the same for all quantities, because it is vertical.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Vertical {
    kind: &'static str,
    label: String,
    path: Vec<(f64, f64)>,
}

impl Task {
    /// The data of `task`, whose section has the id `id` and shows `charts`.
    pub fn new(id: &str, task: &TaskAnalysis, charts: &[(Over, Chart)]) -> Self {
        let results = &task.results;
        let sound = |name: &str| results.cells.iter().any(|it| it.sound && it.cell.strategy == name);
        let strategies = results.strategies.iter().filter(|it| sound(&it.name));
        let cell = |result: &CellResult| Cell {
            strategy: result.cell.strategy.clone(),
            cores: result.cell.cores,
            size: result.cell.size,
            shown: results
                .at(&result.cell.strategy, result.cell.cores, result.cell.size)
                .is_some_and(|it| std::ptr::eq(it, result)),
            time: result.time.filter(|_| result.sound).map(numbers),
            speed_up: result.speed_up.filter(|_| result.sound).map(numbers),
            blocks: result.blocks.iter().map(|(block, times)| (*block, whole(times))).collect(),
        };
        let groups: Vec<&Vec<String>> = results.places.iter().filter(|tied| tied.len() > 1).collect();
        let bands = charts.first().map(|(_, chart)| &chart.bands[..]).filter(|bands| bands.len() == groups.len());
        let bands = bands.unwrap_or_default().iter().zip(groups).enumerate();
        let bands: Vec<Band> = bands.map(Band::new).collect();
        let of_bands = bands.iter().flat_map(|band| band.cells(results));
        let is_common = results.task.grown.is_empty();
        let peer = |line: &PeerLine| Peer { name: line.name.clone(), ns: line.ns };
        let size = |it: &u64| Step { at: *it as f64, words: format::partitions(*it, &results.task.unit) };
        Self {
            id: id.to_owned(),
            unit: results.task.unit.clone(),
            items: results.task.common_items(),
            size: results.task.default_size,
            strategies: strategies.map(|it| Strategy { name: it.name.clone(), place: it.place }).collect(),
            cores: results.cores.iter().map(|&it| Step { at: it.into(), words: format::cores(it) }).collect(),
            sizes: results.sizes.iter().map(size).collect(),
            // The line of the plain loop would be that of another amount of work.
            plain: results.baseline.as_ref().filter(|_| is_common).and_then(|baseline| baseline.time).map(numbers),
            peers: task.peers.lines.iter().filter(|_| is_common).map(peer).collect(),
            cells: results.cells.iter().map(cell).chain(of_bands).collect(),
            bands,
            figures: charts.iter().map(|(over, chart)| Figure::new(*over, chart)).collect(),
        }
    }
}

impl Band {
    fn new((nth, (band, members)): (usize, (&chart::Band, &Vec<String>))) -> Self {
        let place = format!("g{nth}");
        Self { name: band.label.clone(), place, title: band.name.clone(), members: members.clone() }
    }

    /// The group's results on all numbers of cores with all partition sizes.
    fn cells(&self, results: &TaskResults) -> Vec<Cell> {
        let names: Vec<&str> = self.members.iter().map(String::as_str).collect();
        let choices = results.cores.iter().flat_map(|cores| results.sizes.iter().map(move |size| (*cores, *size)));
        let cell = |(cores, size): (u32, u64)| {
            let group = group_cell(results, &names, cores, size)?;
            Some(Cell {
                strategy: self.name.clone(),
                cores,
                size,
                shown: true,
                time: Some(numbers(group.time)),
                speed_up: group.speed_up.map(numbers),
                blocks: group.blocks.iter().map(|(block, times)| (*block, whole(times))).collect(),
            })
        };
        choices.filter_map(cell).collect()
    }
}

impl Figure {
    fn new(over: Over, chart: &Chart) -> Self {
        let vertical = |kind| match kind {
            Kind::Boundary => Some("boundary"),
            Kind::Compared => Some("compared"),
            _ => None,
        };
        let lines = chart.references.iter().filter_map(|line| {
            Some(Vertical { kind: vertical(line.kind)?, label: line.label.clone(), path: line.path.clone() })
        });
        Self { over, log: chart.y.scale == Scale::Logarithmic, x: Ticked::new(&chart.x), lines: lines.collect() }
    }
}

impl Ticked {
    fn new(axis: &Axis) -> Self {
        Self {
            title: axis.title.clone(),
            log: axis.scale == Scale::Logarithmic,
            low: axis.low,
            high: axis.high,
            ticks: axis.ticks.iter().map(|tick| Step { at: tick.at, words: tick.label.clone() }).collect(),
        }
    }
}

fn numbers(estimate: Estimate) -> Numbers {
    std::iter::once(estimate.value).chain(estimate.interval.into_iter().flat_map(|it| [it.low, it.high])).collect()
}

fn whole(times: &[f64]) -> Vec<u64> {
    times.iter().map(|ns| ns.round() as u64).collect()
}
