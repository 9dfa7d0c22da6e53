//! Draws a [`Chart`] as inline SVG that a style sheet colours. No other code draws.
//!
//! plotters lays out and draws; `Pen` is our backend behind it. The stock SVG backend writes literal colours,
//! which no dark theme can change, and nothing for screen readers. Ours differs in four points:
//!
//! 1. A colour on plotters' side encodes an `Ink`, a role in the chart. The SVG has `class="grid"`, never a colour.
//! 2. Series are groups with a class of their own and a `<title>`, which browsers show as a tooltip.
//! 3. plotters counts whole pixels. It draws at ten times the size that is written, so whiskers do not snap to a grid.
//! 4. The style sheet sets font sizes, so text stays readable when a chart is scaled down.

use crate::error::{Error, Result};
use crate::view::chart::{Axis, Chart, Kind, Point, Reference, Scale, Series};
use plotters::coord::Shift;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, ValueFormatter};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingErrorKind};
use std::cell::RefCell;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::ops::Range;
use std::rc::Rc;

/// How many colours the style sheet has for series.
pub const COLOURS: usize = 10;
/// The number of dash styles for series in the style sheet.
pub const DASHES: usize = 3;
/// The number of markers.
pub const MARKERS: usize = 11;

/// The number of plotters units per SVG unit.
const FINE: i32 = 10;
const WIDTH: i32 = 560;
const HEIGHT: i32 = 384;

/// The classes of a series: one of [`COLOURS`] colours and one of [`DASHES`] dashes. Colours, dashes and markers repeat
/// with different periods, so up to 330 strategies differ in at least one of them.
pub fn classes(place: usize) -> String {
    format!("p{place} s{} d{}", place % COLOURS, place % DASHES)
}

/// Draws a chart. `id` must be unique on the page, because the ids of the title and the description contain it.
///
/// # Errors
/// If plotters refuses to draw.
pub fn draw(chart: &Chart, id: &str) -> Result<String> {
    let sheet = Sheet::default();
    // `write!` to a String cannot fail, here and below.
    let _ = write!(
        sheet.0.borrow_mut(),
        "<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-labelledby=\"{id}-title {id}-desc\">\
         <title id=\"{id}-title\">{}</title><desc id=\"{id}-desc\">{}</desc>",
        escape(&chart.title),
        escape(&chart.description),
    );
    let fail = |reason: String| Error::Chart { chart: chart.title.clone(), reason };
    let area = Pen { sheet: sheet.clone(), size: (WIDTH * FINE, HEIGHT * FINE) }.into_drawing_area();
    plot(chart, &area, &sheet).map_err(|error| fail(error.to_string()))?;
    area.present().map_err(|error| fail(error.to_string()))?;
    sheet.close("svg");
    Ok(sheet.0.take())
}

/// Draws a short line with a series' marker for a legend in HTML. Hidden from screen readers.
///
/// # Errors
/// If plotters refuses to draw.
pub fn swatch(place: usize) -> Result<String> {
    let sheet = Sheet::default();
    let _ = write!(
        sheet.0.borrow_mut(),
        "<svg class=\"swatch\" viewBox=\"0 0 40 14\" aria-hidden=\"true\"><g class=\"series {}\">",
        classes(place)
    );
    let area = Pen { sheet: sheet.clone(), size: (40 * FINE, 14 * FINE) }.into_drawing_area();
    let middle = 7 * FINE;
    area.draw(&PathElement::new(vec![(FINE, middle), (39 * FINE, middle)], Ink::Line.style()))
        .and_then(|()| marker(&area, place, (20 * FINE, middle)))
        .map_err(|error| Error::Chart { chart: "legend".into(), reason: error.to_string() })?;
    sheet.close("g");
    sheet.close("svg");
    Ok(sheet.0.take())
}

/// The free space at the right.
const BESIDE: i32 = 54;

type Drawn = std::result::Result<(), DrawingAreaErrorKind<Infallible>>;

fn plot(chart: &Chart, area: &DrawingArea<Pen, Shift>, sheet: &Sheet) -> Drawn {
    let label = |h_pos, v_pos| text(Ink::Label).pos(Pos::new(h_pos, v_pos));
    let mut plot = ChartBuilder::on(area)
        .margin_top(40 * FINE)
        // Room for the name of the baseline, beside all data.
        .margin_right(BESIDE * FINE)
        .x_label_area_size(52 * FINE)
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
    for reference in &chart.references {
        draw_reference(reference, at, area, sheet)?;
    }
    for series in &chart.series {
        draw_series(series, at, area, sheet)?;
    }
    Ok(())
}

fn draw_reference(
    reference: &Reference,
    at: impl Fn(f64, f64) -> BackendCoord,
    area: &DrawingArea<Pen, Shift>,
    sheet: &Sheet,
) -> Drawn {
    let path: Vec<BackendCoord> = reference.path.iter().map(|&(x, y)| at(x, y)).collect();
    let Some(&(right, top)) = path.last() else {
        return Ok(());
    };
    let (ink, h_pos, shift) = match reference.kind {
        Kind::Ideal => (Ink::Ideal, HPos::Right, (0, -4 * FINE)),
        Kind::Baseline => (Ink::Baseline, HPos::Left, (5 * FINE, 0)),
        Kind::Compared => (Ink::Compared, HPos::Left, (5 * FINE, 18 * FINE)),
        // The text runs upwards beside the line, and ends there if the path ends at the top.
        Kind::Boundary if path[0].1 > top => (Ink::Boundary, HPos::Right, (3 * FINE, 4 * FINE)),
        Kind::Boundary => (Ink::Boundary, HPos::Left, (3 * FINE, -4 * FINE)),
        // The name stands at the end of the path, which may be the left one.
        Kind::Peer if path[0].0 > right => (Ink::Peer, HPos::Left, (4 * FINE, -2 * FINE)),
        Kind::Peer => (Ink::Peer, HPos::Right, (-4 * FINE, -2 * FINE)),
        Kind::Kernel => (Ink::Kernel, HPos::Left, (9 * FINE, -3 * FINE)),
    };
    sheet.open("reference", Some(&reference.label));
    if reference.kind == Kind::Kernel {
        for corner in &path {
            area.draw(&Circle::new(*corner, 4 * FINE, ink.style().filled()))?;
        }
    }
    area.draw(&PathElement::new(path, ink.style()))?;
    let style = match reference.kind {
        Kind::Boundary => text(Ink::Note).pos(Pos::new(h_pos, VPos::Top)).transform(FontTransform::Rotate270),
        _ => text(Ink::Note).pos(Pos::new(h_pos, VPos::Bottom)),
    };
    if reference.kind == Kind::Baseline {
        // One word above the other, because there is little room. On a narrow page text is larger.
        for (word, line) in reference.label.split(' ').zip(0..) {
            area.draw_text(word, &style, (right + shift.0, top + line * 25 * FINE))?;
        }
    } else {
        area.draw_text(&reference.label, &style, (right + shift.0, top + shift.1))?;
    }
    sheet.close("g");
    Ok(())
}

fn draw_series(
    series: &Series,
    at: impl Fn(f64, f64) -> BackendCoord,
    area: &DrawingArea<Pen, Shift>,
    sheet: &Sheet,
) -> Drawn {
    sheet.open(&format!("series {}", classes(series.place)), Some(&series.name));
    let place = |point: &Point| at(point.x, point.y.value);
    for unbroken in series.points.split(Option::is_none).filter(|points| points.len() > 1) {
        let path: Vec<BackendCoord> = unbroken.iter().flatten().map(place).collect();
        area.draw(&PathElement::new(path, Ink::Line.style()))?;
    }
    for point in series.points.iter().flatten() {
        sheet.open("point", Some(&point.words));
        if let Some(interval) = point.y.interval {
            let ends = vec![at(point.x, interval.low), at(point.x, interval.high)];
            area.draw(&PathElement::new(ends, Ink::Whisker.style()))?;
        }
        marker(area, series.place, place(point))?;
        sheet.close("g");
    }
    sheet.close("g");
    Ok(())
}

/// The corners of every marker but the first, which is a circle. In tenths of a unit from the middle. All markers look
/// equally large.
#[rustfmt::skip]
const CORNERS: [&[BackendCoord]; MARKERS - 1] = [
    &[(-40, -40), (40, -40), (40, 40), (-40, 40)],
    &[(0, -55), (50, 38), (-50, 38)],
    &[(0, -58), (58, 0), (0, 58), (-58, 0)],
    &[(0, 55), (50, -38), (-50, -38)],
    &[(-18, -55), (18, -55), (18, -18), (55, -18), (55, 18), (18, 18), (18, 55), (-18, 55), (-18, 18), (-55, 18), (-55, -18), (-18, -18)],
    &[(-45, -50), (45, -50), (12, 0), (45, 50), (-45, 50), (-12, 0)],
    &[(0, -62), (15, -20), (59, -19), (24, 8), (36, 50), (0, 25), (-36, 50), (-24, 8), (-59, -19), (-15, -20)],
    &[(-26, -52), (0, -26), (26, -52), (52, -26), (26, 0), (52, 26), (26, 52), (0, 26), (-26, 52), (-52, 26), (-26, 0), (-52, -26)],
    &[(-50, -45), (0, -12), (50, -45), (50, 45), (0, 12), (-50, 45)],
    &[(-38, -50), (55, 0), (-38, 50)],
];

/// Draws the marker of a place. Markers differ in outline, not only in rotation.
fn marker(area: &DrawingArea<Pen, Shift>, place: usize, (x, y): BackendCoord) -> Drawn {
    let style = Ink::Marker.style().filled();
    let Some(corners) = (place % MARKERS).checked_sub(1).map(|nth| CORNERS[nth]) else {
        return area.draw(&Circle::new((x, y), 45, style));
    };
    let polygon: Vec<BackendCoord> = corners.iter().map(|(right, down)| (x + right, y + down)).collect();
    area.draw(&Polygon::new(polygon, style))
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

/// A role in a chart. plotters passes the role on as a colour, which the backend turns into a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ink {
    Axis,
    Grid,
    Label,
    Note,
    Ideal,
    Baseline,
    Compared,
    Boundary,
    Peer,
    Kernel,
    Line,
    Whisker,
    Marker,
}

impl Ink {
    /// The classes in the order of the variants.
    const CLASSES: [&str; 13] = [
        "axis", "grid", "label", "note", "ideal", "baseline", "compared", "boundary", "peer", "kernel", "line",
        "whisker", "marker",
    ];

    fn colour(self) -> RGBColor {
        RGBColor(0, 0, self as u8)
    }

    fn style(self) -> ShapeStyle {
        ShapeStyle::from(self.colour())
    }

    fn class(colour: BackendColor) -> &'static str {
        Self::CLASSES.get(usize::from(colour.rgb.2)).copied().unwrap_or_default()
    }
}

/// Text in a role. plotters needs a size for its layout; the style sheet sets the final size.
fn text(ink: Ink) -> TextStyle<'static> {
    ("sans-serif", 13 * FINE).into_font().color(&ink.colour())
}

/// The SVG text. plotters' backend and the code that opens groups around its output share it.
#[derive(Debug, Clone, Default)]
struct Sheet(Rc<RefCell<String>>);

impl Sheet {
    fn open(&self, class: &str, title: Option<&str>) {
        let mut sheet = self.0.borrow_mut();
        let _ = write!(sheet, "<g class=\"{class}\">");
        if let Some(title) = title {
            let _ = write!(sheet, "<title>{}</title>", escape(title));
        }
    }

    /// Opens the group of the axes, which tells the page's script where they are.
    fn open_frame(&self, (left, top): BackendCoord, (right, bottom): BackendCoord) {
        let [left, top, right, bottom] = [left, top, right, bottom].map(fine);
        let _ = write!(self.0.borrow_mut(), "<g class=\"frame\" data-plot=\"{left} {top} {right} {bottom}\">");
    }

    fn close(&self, element: &str) {
        let _ = write!(self.0.borrow_mut(), "</{element}>");
    }

    fn path(&self, points: impl IntoIterator<Item = BackendCoord>, class: &str, end: &str) {
        let mut sheet = self.0.borrow_mut();
        let _ = write!(sheet, "<path class=\"{class}\" d=\"");
        for (nth, (x, y)) in points.into_iter().enumerate() {
            let _ = write!(sheet, "{}{} {}", if nth == 0 { 'M' } else { 'L' }, fine(x), fine(y));
        }
        let _ = write!(sheet, "{end}\"/>");
    }
}

/// The backend for plotters.
struct Pen {
    sheet: Sheet,
    size: BackendCoord,
}

type Done = std::result::Result<(), DrawingErrorKind<Infallible>>;

impl DrawingBackend for Pen {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        (self.size.0.unsigned_abs(), self.size.1.unsigned_abs())
    }

    fn ensure_prepared(&mut self) -> Done {
        Ok(())
    }

    fn present(&mut self) -> Done {
        Ok(())
    }

    /// Does nothing: only bitmaps and rasterised shapes are drawn as pixels, and charts have neither.
    fn draw_pixel(&mut self, _: BackendCoord, _: BackendColor) -> Done {
        Ok(())
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Done {
        self.draw_path([from, to], style)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Done {
        if style.color().alpha > 0.0 {
            self.sheet.path(path, Ink::class(style.color()), "");
        }
        Ok(())
    }

    fn draw_rect<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S, _: bool) -> Done {
        self.fill_polygon([from, (to.0, from.1), to, (from.0, to.1)], style)
    }

    fn draw_circle<S: BackendStyle>(&mut self, middle: BackendCoord, radius: u32, style: &S, _: bool) -> Done {
        let radius = i32::try_from(radius).unwrap_or(0);
        let (x, y, radius) = (fine(middle.0), fine(middle.1), fine(radius));
        let class = Ink::class(style.color());
        let _ = write!(self.sheet.0.borrow_mut(), "<circle class=\"{class}\" cx=\"{x}\" cy=\"{y}\" r=\"{radius}\"/>");
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, corners: I, style: &S) -> Done {
        self.sheet.path(corners, Ink::class(style.color()), "Z");
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, (x, y): BackendCoord) -> Done {
        let anchor = match style.anchor().h_pos {
            HPos::Left => "start",
            HPos::Center => "middle",
            HPos::Right => "end",
        };
        // In em, so that text stays in place when the style sheet changes the font size.
        let down = match style.anchor().v_pos {
            VPos::Top => ".8em",
            VPos::Center => ".35em",
            VPos::Bottom => "-.2em",
        };
        let class = Ink::class(style.color());
        let (x, y) = (fine(x), fine(y));
        let turned = match style.transform() {
            FontTransform::Rotate270 => format!(" transform=\"rotate(-90 {x} {y})\""),
            _ => String::new(),
        };
        let _ = write!(
            self.sheet.0.borrow_mut(),
            "<text class=\"{class}\" x=\"{x}\" y=\"{y}\" dy=\"{down}\" text-anchor=\"{anchor}\"{turned}>{}</text>",
            escape(text),
        );
        Ok(())
    }

    /// Assumes letters about half as wide as high. The default needs a font and counts `µ` and `×` twice.
    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        style: &S,
    ) -> std::result::Result<(u32, u32), DrawingErrorKind<Self::ErrorType>> {
        let characters = u32::try_from(text.chars().count()).unwrap_or(0);
        Ok(((style.size() * 0.55) as u32 * characters, style.size() as u32))
    }
}

/// Tenths as a decimal, without a zero at the end: 1234 is `123.4` and 1230 is `123`.
pub(crate) fn fine(tenths: i32) -> String {
    let sign = if tenths < 0 { "-" } else { "" };
    let (whole, tenth) = (tenths.abs() / FINE, tenths.abs() % FINE);
    if tenth == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{tenth}") }
}

/// Escapes text for an element.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
