//! Timelines of workers and charts of delivery as plain data.

use crate::view::chart::Tick;
use crate::view::table::Table;

/// The timeline of a strategy: a lane for each worker.
#[derive(Debug, Clone, PartialEq)]
pub struct LaneChart {
    /// The strategy.
    pub strategy: String,
    /// The strategy's place in the run.
    pub place: usize,
    /// Whether the chart is open, because it shows the leading strategy.
    pub is_open: bool,
    /// The title.
    pub title: String,
    /// The description for readers who cannot see the chart.
    pub description: String,
    /// The sentences below the chart.
    pub caption: String,
    /// The lowest time, below 0 by the width of the start, and the highest.
    pub extent_ns: (f64, f64),
    /// The times with a label.
    pub ticks: Vec<Tick>,
    /// Starting the workers, running jobs and reducing partials.
    pub phases: Vec<Phase>,
    /// The workers.
    pub lanes: Vec<ChartLane>,
    /// The time of each worker as a table.
    pub table: Table,
}

/// A phase of a traced run.
#[derive(Debug, Clone, PartialEq)]
pub struct Phase {
    /// The name.
    pub name: &'static str,
    /// The text of the tooltip.
    pub words: String,
    /// The start and the end, as drawn.
    pub extent_ns: (f64, f64),
}

/// A lane of a timeline.
#[derive(Debug, Clone, PartialEq)]
pub struct ChartLane {
    /// The number of the worker.
    pub worker: u32,
    /// The text of the tooltip.
    pub words: String,
    /// Whether the worker ended last.
    pub is_last: bool,
    /// The jobs, or neighbouring jobs together.
    pub blocks: Vec<Block>,
}

/// A job on a lane, or neighbouring jobs together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Block {
    /// The start and the end.
    pub extent_ns: (f64, f64),
    /// The share of this time inside jobs.
    pub in_jobs: f64,
    /// The share of this time in the task itself.
    pub in_task: f64,
}

/// Results that are usable against time, for each delivery.
#[derive(Debug, Clone, PartialEq)]
pub struct StepChart {
    /// The title.
    pub title: String,
    /// The description for readers who cannot see the chart.
    pub description: String,
    /// The sentences below the chart.
    pub caption: String,
    /// The highest time.
    pub most_ns: f64,
    /// The number of results.
    pub results: f64,
    /// The times with a label.
    pub ticks: Vec<Tick>,
    /// The numbers of results with a label.
    pub counts: Vec<Tick>,
    /// One curve for each delivery.
    pub curves: Vec<Curve>,
    /// The figures as a table.
    pub table: Table,
}

/// The results that are usable with one delivery.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// The delivery.
    pub delivery: String,
    /// The text of the tooltip.
    pub words: String,
    /// The times with the number of results that are usable from then on. Both ascend.
    pub steps: Vec<(f64, f64)>,
}
