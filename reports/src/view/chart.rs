//! A chart as plain data, in real units.

use record::statistics::Estimate;

/// A chart: two axes, lines to compare with, and a series for each strategy.
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
    /// One series for each strategy.
    pub series: Vec<Series>,
}

impl Chart {
    /// Whether the chart has a line with this meaning.
    pub fn has_line(&self, kind: Kind) -> bool {
        self.references.iter().any(|line| line.kind == kind)
    }

    /// Whether the chart shows an interval.
    pub fn has_intervals(&self) -> bool {
        self.series.iter().flat_map(|series| series.points.iter().flatten()).any(|point| point.y.interval.is_some())
    }
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

/// The measured points of one strategy.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The strategy's name.
    pub name: String,
    /// The strategy's index in the run, which determines its colour, dash and marker on the whole page.
    pub place: usize,
    /// The points from left to right. `None` where there is no sound cell; the line breaks there.
    pub points: Vec<Option<Point>>,
}

/// One measured point.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// The horizontal position. Points that would cover each other are moved apart slightly.
    pub x: f64,
    /// The value, with the interval that becomes the whisker.
    pub y: Estimate,
    /// The text of the tooltip.
    pub words: String,
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
