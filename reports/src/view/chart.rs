//! The chart as plain data, in real units, before it is drawn.

use record::statistics::Estimate;

/// A chart: two axes, lines to compare with, and a series for each strategy.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// What it shows, in a few words.
    pub title: String,
    /// What it shows, in sentences for readers who cannot see it.
    pub description: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// Lines that are not measured series: the ideal, the baseline, the default.
    pub references: Vec<Reference>,
    /// One series for each strategy.
    pub series: Vec<Series>,
}

/// An axis, in real units.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// What it counts, and in what.
    pub title: String,
    /// Whether equal distances are equal differences or equal ratios.
    pub scale: Scale,
    /// Where it begins.
    pub low: f64,
    /// Where it ends.
    pub high: f64,
    /// The places that carry a label.
    pub ticks: Vec<Tick>,
}

/// How values become distances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Equal distances are equal differences.
    Linear,
    /// Equal distances are equal ratios. All values must be above zero.
    Logarithmic,
}

/// A place on an axis and what is written there.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    /// The place, in real units.
    pub at: f64,
    /// What is written there.
    pub label: String,
}

/// A line that is not a measured series.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// What it stands for.
    pub kind: Kind,
    /// What is written at its end; may be empty.
    pub label: String,
    /// Its corners, in real units.
    pub path: Vec<(f64, f64)>,
}

/// What a reference line stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// As many times as fast as there are cores.
    Ideal,
    /// The plain one-thread loop.
    Baseline,
    /// The partition size used where only one is compared.
    Default,
    /// Where physical cores end and second hardware threads begin.
    Physical,
    /// What another program takes.
    Peer,
    /// What the whole job takes with one of this program's kernels; each corner is measured.
    Kernel,
}

/// The measured points of one strategy.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The strategy's name.
    pub name: String,
    /// The strategy's place in the run: its colour, dash and marker on the whole page.
    pub place: usize,
    /// Its points from left to right; `None` where there is no sound cell, and there the line breaks.
    pub points: Vec<Option<Point>>,
}

/// One measured point.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Where it is drawn: near its true place, because points that would cover each other stand side by side.
    pub x: f64,
    /// Its value, with the interval that becomes its whisker.
    pub y: Estimate,
    /// The point in words.
    pub words: String,
}
