//! A comparison as plain data for tables and charts.

use crate::comparison::difference::{By, Compared, Difference, Figure, Outcome};
use crate::format::{self, NONE};

/// One cell of both runs, as a table and a chart show it.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The strategy.
    pub strategy: String,
    /// The number of cores.
    pub cores: String,
    /// A's figure with its interval.
    pub a: String,
    /// B's figure with its interval.
    pub b: String,
    /// Both figures without their intervals: `12.3 ms → 13.5 ms`.
    pub both: String,
    /// B's figure divided by A's, with its interval.
    pub ratio: String,
    /// The efficiencies of both, if speed-ups are compared.
    pub efficiency: String,
    /// The verdict in a few words.
    pub verdict: String,
    /// The verdict.
    pub outcome: Outcome,
    /// Where the ratio and its interval lie on the chart.
    pub mark: Option<Mark>,
}

/// A ratio on a logarithmic scale from -1 to 1, with 0 for no change. The interval is absent with too few blocks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mark {
    /// The ratio.
    pub value: f64,
    /// The interval's ends.
    pub interval: Option<(f64, f64)>,
}

/// The rows of one task.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    /// The cells that differ.
    pub decided: Vec<Row>,
    /// All other cells.
    pub others: Vec<Row>,
    /// The ratio at the right end of the chart. The left end is its inverse.
    pub most: f64,
}

/// The smallest scale of a chart: 5 %. A difference of one per mille must not look large.
const SMALLEST_SCALE: f64 = 1.05;

impl Rows {
    /// The rows of a task.
    pub fn new(by: By, task: &Compared) -> Self {
        let ends = |ratio: Figure| [Some(ratio.value), ratio.low, ratio.high];
        let all = task.cells.iter().filter_map(|cell| cell.ratio).flat_map(ends).flatten();
        let far = all.filter(|ratio| *ratio > 0.0).map(|ratio| ratio.max(1.0 / ratio));
        let most = far.fold(SMALLEST_SCALE, f64::max);
        let (decided, others) = task.cells.iter().partition::<Vec<_>, _>(|cell| cell.outcome.is_decided());
        let [decided, others] = [decided, others].map(|cells| cells.into_iter().map(|it| row(by, it, most)).collect());
        Self { decided, others, most }
    }
}

fn row(by: By, found: &Difference, most: f64) -> Row {
    let written = |figure: Figure| match by {
        By::Time => format::time_estimate(figure.into()),
        By::SpeedUp => format::speed_up(figure.into()),
    };
    let figure = |it: Option<Figure>| it.map_or_else(|| NONE.to_owned(), |it| format::sentence(written(it)));
    let bare = |it: Option<Figure>| it.map_or_else(|| NONE.to_owned(), |it| written(it).0);
    let place = |ratio: f64| (ratio.ln() / most.ln()).clamp(-1.0, 1.0);
    let percents = |shares: [f64; 2]| shares.map(format::percent).join(", ");
    Row {
        strategy: format::strategy(&found.cell.strategy).to_owned(),
        cores: format::count(found.cell.cores.into()),
        a: figure(found.a),
        b: figure(found.b),
        both: format!("{} → {}", bare(found.a), bare(found.b)),
        ratio: found.ratio.map_or_else(|| NONE.to_owned(), |it| format::sentence(format::speed_up(it.into()))),
        efficiency: found.efficiency.map_or_else(|| NONE.to_owned(), percents),
        verdict: verdict(by, found),
        outcome: found.outcome,
        mark: found.ratio.filter(|ratio| ratio.value > 0.0).map(|ratio| Mark {
            value: place(ratio.value),
            interval: ratio.low.zip(ratio.high).map(|(low, high)| (place(low), place(high))),
        }),
    }
}

fn verdict(by: By, found: &Difference) -> String {
    match (found.outcome, by) {
        (Outcome::NoneShown, _) => "no difference shown".into(),
        (Outcome::NotCompared, _) => format!("not compared: {}", found.reason),
        (Outcome::Worse, By::Time) => "slower in B".into(),
        (Outcome::Better, By::Time) => "faster in B".into(),
        (Outcome::Worse, By::SpeedUp) => "smaller in B".into(),
        (Outcome::Better, By::SpeedUp) => "greater in B".into(),
    }
}
