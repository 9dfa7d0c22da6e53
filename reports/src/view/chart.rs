//! A chart as plain data, in real units.

use crate::format::NONE;
use record::statistics::{Estimate, Interval};

/// A chart: two axes, lines to compare with, a band for each tie group, and a series for each strategy.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// The title.
    pub title: String,
    /// The description for readers who cannot see the chart.
    pub description: String,
    /// What the lines at boundaries between kinds of processors mean, as a clause; empty without such a line.
    pub remark: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// Lines that are not measured series: the ideal, the baseline, the compared size.
    pub references: Vec<Reference>,
    /// The measured positions on the horizontal axis, from left to right. Points of bands and series are in this order.
    pub positions: Vec<Position>,
    /// One band for each group of strategies that tie.
    pub bands: Vec<Band>,
    /// One series for each strategy.
    pub series: Vec<Series>,
}

impl Chart {
    /// Whether the chart has a line with this meaning.
    pub fn has_line(&self, kind: Kind) -> bool {
        self.references.iter().any(|line| line.kind == kind)
    }

    /// The lowest and the highest value, whiskers included.
    pub fn extent(series: &[Series]) -> (f64, f64) {
        let points = series.iter().flat_map(|series| series.points.iter().flatten());
        points.fold((f64::INFINITY, 0.0), |(low, high), point| {
            let y = point.y;
            let whisker = y.interval.unwrap_or(Interval { low: y.value, high: y.value });
            (low.min(whisker.low).min(y.value), high.max(whisker.high).max(y.value))
        })
    }

    /// The values as a table: a row of heads, then one row for each band and each series.
    pub fn table(&self) -> Vec<Vec<String>> {
        let row = |name: &str, points: &[Option<Point>]| {
            let texts = points.iter().map(|point| point.as_ref().map_or(NONE, |point| &*point.text).to_owned());
            std::iter::once(name.to_owned()).chain(texts).collect()
        };
        let heads = self.positions.iter().map(|position| position.name.clone());
        let heads = std::iter::once("strategy".to_owned()).chain(heads).collect();
        let bands = self.bands.iter().map(|band| row(&band.name, &band.points));
        let series = self.series.iter().map(|series| row(&series.name, &series.points));
        std::iter::once(heads).chain(bands).chain(series).collect()
    }
}

/// A measured position on the horizontal axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Position {
    /// The position, in real units.
    pub at: f64,
    /// The position in words: `16 cores`.
    pub name: String,
}

/// An axis, in real units.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// The quantity and its unit.
    pub title: String,
    /// Whether the scale is linear (equal distances are equal differences) or logarithmic (equal ratios).
    pub scale: Scale,
    /// The lowest value.
    pub low: f64,
    /// The highest value.
    pub high: f64,
    /// The values with a label.
    pub ticks: Vec<Tick>,
}

/// The relation between values and distances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Equal distances are equal differences.
    Linear,
    /// Equal distances are equal ratios. All values must be above zero.
    Logarithmic,
}

/// A value on an axis and its label.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    /// The value, in real units.
    pub at: f64,
    /// The label.
    pub label: String,
}

/// A line that is not a measured series.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// The meaning of the line.
    pub kind: Kind,
    /// The text at the end of the line; may be empty.
    pub label: String,
    /// The line's corners, in real units.
    pub path: Vec<(f64, f64)>,
}

/// The meaning of a reference line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A speed-up equal to the number of cores.
    Ideal,
    /// The plain one-thread loop.
    Baseline,
    /// The partition size at which strategies are compared.
    Compared,
    /// A number of cores beyond which cells use another kind of processor. The label stands along the line.
    Boundary,
    /// The time of another program.
    Peer,
    /// The time of the whole job with one of this program's kernels; each corner is measured.
    Kernel,
}

/// A group of strategies that tie, drawn as one band.
#[derive(Debug, Clone, PartialEq)]
pub struct Band {
    /// The names of the members.
    pub name: String,
    /// The label at the right end.
    pub label: String,
    /// The values of the group; the interval is the width of the band. `None` where no member has a sound cell.
    pub points: Vec<Option<Point>>,
}

/// The measured points of one strategy.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The strategy's name.
    pub name: String,
    /// The strategy's index in the run, which determines its colour, dash and marker on the whole page.
    pub place: usize,
    /// The index of the band that shows the strategy; the series itself is then drawn on demand.
    pub band: Option<usize>,
    /// The points from left to right. `None` where there is no sound cell; the line breaks there.
    pub points: Vec<Option<Point>>,
}

/// One measured point.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// The horizontal position.
    pub x: f64,
    /// The value, with the interval that becomes the whisker.
    pub y: Estimate,
    /// The value and its interval as text.
    pub text: String,
}

/// Times over cores and partition sizes: one tile for each combination.
#[derive(Debug, Clone, PartialEq)]
pub struct HeatMap {
    /// The title: the strategy, or the group of strategies.
    pub title: String,
    /// The description for readers who cannot see the map.
    pub description: String,
    /// The titles of the horizontal and the vertical axis.
    pub axes: [String; 2],
    /// The heads of the columns, from left to right.
    pub columns: Vec<String>,
    /// The rows from bottom to top, each with its head and a tile for each column; `None` where nothing was measured.
    pub rows: Vec<(String, Vec<Option<Tile>>)>,
}

impl HeatMap {
    /// The values as a table, the first row of the map last.
    pub fn table(&self) -> Vec<Vec<String>> {
        let heads = std::iter::once(self.axes[1].clone()).chain(self.columns.iter().cloned()).collect();
        let text = |tile: &Option<Tile>| tile.as_ref().map_or(NONE, |tile| &*tile.text).to_owned();
        let row = |(head, tiles): &(String, Vec<Option<Tile>>)| {
            std::iter::once(head.clone()).chain(tiles.iter().map(text)).collect()
        };
        std::iter::once(heads).chain(self.rows.iter().rev().map(row)).collect()
    }
}

/// One tile of a [`HeatMap`].
#[derive(Debug, Clone, PartialEq)]
pub struct Tile {
    /// The number in the tile.
    pub value: String,
    /// The tile in words, with all its figures.
    pub words: String,
    /// The figures for the table.
    pub text: String,
    /// The step of the colour scale, from 0 for the slowest to [`Tile::STEPS`] - 1 for the fastest.
    pub step: usize,
    /// Whether the tile is the fastest.
    pub best: bool,
    /// Whether the tile is close to the fastest.
    pub close: bool,
}

impl Tile {
    /// The number of colours.
    pub const STEPS: usize = 9;
}

/// Ticks at these values.
pub(crate) fn labelled(places: Vec<f64>, label: impl Fn(f64) -> String) -> Vec<Tick> {
    places.into_iter().map(|at| Tick { at, label: label(at) }).collect()
}

/// Four to eight ticks, in even steps of 1, 2 or 5 times a power of ten.
pub(crate) fn even_ticks(low: f64, high: f64) -> Vec<f64> {
    let rough = (high - low) / 6.0;
    if !(rough > 0.0 && rough.is_finite()) {
        return vec![low];
    }
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|step| step * power).into_iter().find(|step| *step >= rough).unwrap_or(power);
    let first = (low / step).ceil() as i64;
    (first..).map(|nth| nth as f64 * step).take_while(|at| *at <= high).collect()
}
