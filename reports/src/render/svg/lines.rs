//! Draws a [`Chart`]: axes, lines, bands and series, with names at the right ends.

use super::labels::{apart, shortened};
use super::marks::{band_classes, classes, marker};
use super::pen::{Drawn, FINE, Ink, Pen, Sheet, text};
use crate::view::chart::{Axis, Band, Chart, Kind, Point, Position, Reference, Scale, Series};
use plotters::coord::Shift;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, ValueFormatter};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters_backend::BackendCoord;
use std::ops::Range;

pub(super) const WIDTH: i32 = 640;
pub(super) const HEIGHT: i32 = 400;

/// The free space at the right, for names.
const BESIDE: i32 = 168;
const ABOVE: i32 = 34;
const BELOW: i32 = 52;

/// The height of a name. On a narrow page text is larger.
const NAME: i32 = 20;

/// The distance of a name below a line that ends before the last position.
const EARLY: i32 = 14;

/// Where values lie on the paper.
type Place<'a> = &'a dyn Fn(f64, f64) -> BackendCoord;

/// What a chart is drawn with.
struct Canvas<'a> {
    area: &'a DrawingArea<Pen, Shift>,
    sheet: &'a Sheet,
    at: Place<'a>,
    positions: &'a [Position],
}

pub(super) fn plot(chart: &Chart, area: &DrawingArea<Pen, Shift>, sheet: &Sheet) -> Drawn {
    let label = |h_pos, v_pos| text(Ink::Label).pos(Pos::new(h_pos, v_pos));
    let mut plot = ChartBuilder::on(area)
        .margin_top(ABOVE * FINE)
        .margin_right(BESIDE * FINE)
        .x_label_area_size(BELOW * FINE)
        .y_label_area_size(66 * FINE)
        .build_cartesian_2d(Coordinates(chart.x.clone()), Coordinates(chart.y.clone()))?;

    let corner = |x: f64, y: f64| plot.backend_coord(&(x, y));
    sheet.open_frame(corner(chart.x.low, chart.y.high), corner(chart.x.high, chart.y.low));
    plot.configure_mesh()
        .disable_x_mesh()
        .max_light_lines(0)
        .bold_line_style(Ink::Grid.style())
        .light_line_style(TRANSPARENT)
        .axis_style(Ink::Axis.style())
        .label_style(text(Ink::Label))
        .set_all_tick_mark_size(4 * FINE)
        .draw()?;
    area.draw_text(&chart.y.title, &label(HPos::Left, VPos::Top), (8 * FINE, 8 * FINE))?;
    area.draw_text(&chart.x.title, &label(HPos::Right, VPos::Bottom), ((WIDTH - BESIDE) * FINE, (HEIGHT - 3) * FINE))?;
    sheet.close("g");

    let at = |x: f64, y: f64| plot.backend_coord(&(x, y));
    Canvas { area, sheet, at: &at, positions: &chart.positions }.draw(chart)
}

/// A name at the right: its text and the point that it names.
struct End<'a> {
    name: &'a str,
    point: BackendCoord,
}

impl Canvas<'_> {
    fn draw(&self, chart: &Chart) -> Drawn {
        let heights = self.heights(chart);
        let mut heights = heights.into_iter();
        for reference in &chart.references {
            self.reference(reference, if has_end(reference) { heights.next() } else { None })?;
        }
        for (nth, band) in chart.bands.iter().enumerate() {
            self.band(nth, band, heights.next())?;
        }
        for series in &chart.series {
            let height = if series.band.is_none() { heights.next() } else { None };
            self.series(series, height)?;
        }
        Ok(())
    }

    /// The heights of the names at the right, in the order of drawing.
    fn heights(&self, chart: &Chart) -> Vec<i32> {
        let reference = |it: &Reference| it.path.last().map(|&(x, y)| (self.at)(x, y));
        let last = |points: &[Option<Point>]| points.iter().flatten().last().map(|point| self.place(point));
        let references = chart.references.iter().filter(|it| has_end(it)).map(reference);
        let bands = chart.bands.iter().map(|band| last(&band.points));
        let series = chart.series.iter().filter(|it| it.band.is_none()).map(|it| last(&it.points));
        let wanted: Vec<BackendCoord> = references.chain(bands).chain(series).flatten().collect();
        let (top, bottom) = (ABOVE * FINE, (HEIGHT - BELOW) * FINE);
        let heights = |is_early: bool| {
            let below = if is_early { EARLY * FINE } else { 0 };
            let points = wanted.iter().filter(|point| self.is_early(**point) == is_early);
            apart(&points.map(|point| point.1 + below).collect::<Vec<_>>(), NAME * FINE, (top, bottom)).into_iter()
        };
        let (mut beside, mut inside) = (heights(false), heights(true));
        let next = |point: &BackendCoord| if self.is_early(*point) { inside.next() } else { beside.next() };
        wanted.iter().filter_map(next).collect()
    }

    /// Whether a line ends before the last position. Its name then stands at its end, because a thin line to a name beside
    /// the plot would look like a part of it.
    fn is_early(&self, (right, _): BackendCoord) -> bool {
        self.positions.last().is_some_and(|last| right < (self.at)(last.at, 1.0).0)
    }

    fn place(&self, point: &Point) -> BackendCoord {
        (self.at)(point.x, point.y.value)
    }

    /// Writes a name beside the plot, with a thin line from the point that it names.
    fn end(&self, end: &End, height: i32) -> Drawn {
        let (right, y) = end.point;
        let style = text(Ink::End).pos(Pos::new(HPos::Left, VPos::Center));
        if self.is_early(end.point) {
            return self.area.draw_text(&shortened(end.name), &style, (right + 6 * FINE, height));
        }
        let left = (WIDTH - BESIDE + 12) * FINE;
        let from = (right + 6 * FINE, y);
        if from.0 < left - 2 * FINE {
            self.area.draw(&PathElement::new(vec![from, (left - 2 * FINE, height)], Ink::Tether.style()))?;
        }
        self.area.draw_text(&shortened(end.name), &style, (left, height))
    }

    fn reference(&self, reference: &Reference, height: Option<i32>) -> Drawn {
        let path: Vec<BackendCoord> = reference.path.iter().map(|&(x, y)| (self.at)(x, y)).collect();
        let Some(&(right, top)) = path.last() else { return Ok(()) };
        let (ink, h_pos, shift) = match reference.kind {
            Kind::Ideal => (Ink::Ideal, HPos::Right, (0, 0)),
            Kind::Baseline => (Ink::Baseline, HPos::Left, (0, 0)),
            Kind::Kernel => (Ink::Kernel, HPos::Left, (0, 0)),
            Kind::Compared => (Ink::Compared, HPos::Left, (5 * FINE, 18 * FINE)),
            // The text runs upwards beside the line, and ends there if the path ends at the top.
            Kind::Boundary if path[0].1 > top => (Ink::Boundary, HPos::Right, (3 * FINE, 4 * FINE)),
            Kind::Boundary => (Ink::Boundary, HPos::Left, (3 * FINE, -4 * FINE)),
            // The name stands at the end of the path, which may be the left one.
            Kind::Peer if path[0].0 > right => (Ink::Peer, HPos::Left, (4 * FINE, -2 * FINE)),
            Kind::Peer => (Ink::Peer, HPos::Right, (-4 * FINE, -2 * FINE)),
        };
        self.sheet.open("reference", Some(&reference.label));
        if reference.kind == Kind::Kernel {
            for corner in &path {
                self.area.draw(&Circle::new(*corner, 4 * FINE, ink.style().filled()))?;
            }
        }
        self.area.draw(&PathElement::new(path, ink.style()))?;
        let style = match reference.kind {
            Kind::Boundary => text(Ink::Note).pos(Pos::new(h_pos, VPos::Top)).transform(FontTransform::Rotate270),
            _ => text(Ink::Note).pos(Pos::new(h_pos, VPos::Bottom)),
        };
        match height {
            Some(height) => self.end(&End { name: &reference.label, point: (right, top) }, height)?,
            None => self.area.draw_text(&reference.label, &style, (right + shift.0, top + shift.1))?,
        }
        self.sheet.close("g");
        Ok(())
    }

    fn band(&self, nth: usize, band: &Band, height: Option<i32>) -> Drawn {
        self.sheet.open(&format!("series {}", band_classes(nth)), Some(&band.name));
        for unbroken in band.points.split(Option::is_none).filter(|points| !points.is_empty()) {
            let points: Vec<&Point> = unbroken.iter().flatten().collect();
            let edge = |end: fn(&Point) -> f64| points.iter().map(move |point| (self.at)(point.x, end(point)));
            let low = |point: &Point| point.y.interval.map_or(point.y.value, |it| it.low);
            let high = |point: &Point| point.y.interval.map_or(point.y.value, |it| it.high);
            let corners: Vec<BackendCoord> = edge(high).chain(edge(low).rev()).collect();
            self.area.draw(&Polygon::new(corners, Ink::Area.style().filled()))?;
            if points.len() > 1 {
                let path: Vec<BackendCoord> = points.iter().map(|point| self.place(point)).collect();
                self.area.draw(&PathElement::new(path, Ink::Line.style()))?;
            }
        }
        self.points((&band.label, true), &band.points, nth, height)
    }

    fn series(&self, series: &Series, height: Option<i32>) -> Drawn {
        self.sheet.open(&format!("series {}", classes(series.place, series.band)), Some(&series.name));
        for unbroken in series.points.split(Option::is_none).filter(|points| points.len() > 1) {
            let path: Vec<BackendCoord> = unbroken.iter().flatten().map(|point| self.place(point)).collect();
            self.area.draw(&PathElement::new(path, Ink::Line.style()))?;
        }
        self.points((&series.name, false), &series.points, series.place, height)
    }

    /// Draws the points and the name of a series, and closes its group.
    fn points(
        &self,
        (name, is_band): (&str, bool),
        points: &[Option<Point>],
        place: usize,
        height: Option<i32>,
    ) -> Drawn {
        for (point, position) in points.iter().zip(self.positions) {
            let Some(point) = point else { continue };
            self.sheet.open_point("point", &format!("{name}, {}: {}", position.name, point.text));
            // The width of a band shows its interval.
            if let Some(interval) = point.y.interval.filter(|_| !is_band) {
                let ends = vec![(self.at)(point.x, interval.low), (self.at)(point.x, interval.high)];
                self.area.draw(&PathElement::new(ends, Ink::Whisker.style()))?;
            }
            marker(self.area, place, self.place(point))?;
            self.sheet.close("g");
        }
        if let (Some(height), Some(last)) = (height, points.iter().flatten().last()) {
            self.end(&End { name, point: self.place(last) }, height)?;
        }
        self.sheet.close("g");
        Ok(())
    }
}

/// Whether the line's name stands at the right, with the names of series.
fn has_end(reference: &Reference) -> bool {
    matches!(reference.kind, Kind::Ideal | Kind::Baseline | Kind::Kernel)
}

/// An axis for plotters, whose own logarithmic axis labels only powers of the base.
struct Coordinates(Axis);

impl Ranged for Coordinates {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        let distance = |value: f64| match self.0.scale {
            Scale::Linear => value,
            Scale::Logarithmic => value.ln(),
        };
        let (low, high) = (distance(self.0.low), distance(self.0.high));
        let share = (distance(*value) - low) / (high - low);
        from + (share * f64::from(to - from)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() { Vec::new() } else { self.0.ticks.iter().map(|tick| tick.at).collect() }
    }

    fn range(&self) -> Range<f64> {
        self.0.low..self.0.high
    }
}

impl ValueFormatter<f64> for Coordinates {
    fn format_ext(&self, value: &f64) -> String {
        self.0.ticks.iter().find(|tick| tick.at == *value).map_or_else(String::new, |tick| tick.label.clone())
    }
}
