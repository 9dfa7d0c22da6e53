//! The backend for plotters: roles become classes, and groups have names.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingErrorKind};
use std::cell::RefCell;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::rc::Rc;

/// The number of plotters units per SVG unit.
pub(super) const FINE: i32 = 10;

/// The result of drawing. Our backend cannot fail.
pub(super) type Drawn = std::result::Result<(), DrawingAreaErrorKind<Infallible>>;

/// A role in a chart. plotters passes the role on as a colour, which the backend turns into a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
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
    Area,
    End,
    Tether,
    Tile,
    Hatch,
    Region,
    Best,
    Number,
}

impl Ink {
    /// The classes in the order of the variants.
    const CLASSES: [&str; 21] = [
        "axis", "grid", "label", "note", "ideal", "baseline", "compared", "boundary", "peer", "kernel", "line",
        "whisker", "marker", "area", "end", "tether", "tile", "hatch", "region", "best", "number",
    ];

    pub(super) fn colour(self) -> RGBColor {
        RGBColor(0, 0, self as u8)
    }

    pub(super) fn style(self) -> ShapeStyle {
        ShapeStyle::from(self.colour())
    }

    fn class(colour: BackendColor) -> &'static str {
        Self::CLASSES.get(usize::from(colour.rgb.2)).copied().unwrap_or_default()
    }
}

/// Text in a role. plotters needs a size for its layout; the style sheet sets the final size.
pub(super) fn text(ink: Ink) -> TextStyle<'static> {
    ("sans-serif", 13 * FINE).into_font().color(&ink.colour())
}

/// The SVG text. plotters' backend and the code that opens groups around its output share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Sheet(Rc<RefCell<String>>);

impl Sheet {
    /// Opens the drawing. The title and the description have ids that begin with `id`.
    pub(super) fn begin(&self, class: &str, size: BackendCoord, id: &str, title: &str, description: &str) {
        // `write!` to a String cannot fail, here and below.
        let _ = write!(
            self.0.borrow_mut(),
            "<svg class=\"{class}\" viewBox=\"0 0 {} {}\" role=\"group\" aria-labelledby=\"{id}-title\" \
             aria-describedby=\"{id}-desc\"><title id=\"{id}-title\">{}</title><desc id=\"{id}-desc\">{}</desc>",
            size.0,
            size.1,
            escape(title),
            escape(description),
        );
    }

    /// Opens the drawing of a legend, which screen readers skip.
    pub(super) fn begin_hidden(&self, class: &str, size: BackendCoord) {
        let (width, height) = size;
        let _ = write!(
            self.0.borrow_mut(),
            "<svg class=\"{class}\" viewBox=\"0 0 {width} {height}\" aria-hidden=\"true\">"
        );
    }

    /// The whole text.
    pub(super) fn take(&self) -> String {
        self.0.take()
    }

    pub(super) fn open(&self, class: &str, title: Option<&str>) {
        let mut sheet = self.0.borrow_mut();
        let _ = write!(sheet, "<g class=\"{class}\">");
        if let Some(title) = title {
            let _ = write!(sheet, "<title>{}</title>", escape(title));
        }
    }

    /// Opens the group of the axes, which tells the page's script where they are.
    pub(super) fn open_frame(&self, (left, top): BackendCoord, (right, bottom): BackendCoord) {
        let [left, top, right, bottom] = [left, top, right, bottom].map(fine);
        let _ = write!(self.0.borrow_mut(), "<g class=\"frame\" data-plot=\"{left} {top} {right} {bottom}\">");
    }

    /// Opens a measured point: the keyboard reaches it, its name is read aloud and shown on hovering.
    pub(super) fn open_point(&self, class: &str, words: &str) {
        let words = escape(words);
        let _ = write!(
            self.0.borrow_mut(),
            "<g class=\"{class}\" tabindex=\"0\" role=\"img\" aria-label=\"{words}\"><title>{words}</title>"
        );
    }

    /// Lines between pairs of points, in one path.
    pub(super) fn segments(&self, lines: &[(BackendCoord, BackendCoord)], ink: Ink) {
        let mut sheet = self.0.borrow_mut();
        let _ = write!(sheet, "<path class=\"{}\" d=\"", Ink::class(ink.colour().to_backend_color()));
        for ((left, top), (right, bottom)) in lines {
            let _ = write!(sheet, "M{} {}L{} {}", fine(*left), fine(*top), fine(*right), fine(*bottom));
        }
        let _ = write!(sheet, "\"/>");
    }

    pub(super) fn close(&self, element: &str) {
        let _ = write!(self.0.borrow_mut(), "</{element}>");
    }

    pub(super) fn path(&self, points: impl IntoIterator<Item = BackendCoord>, class: &str, end: &str) {
        let mut sheet = self.0.borrow_mut();
        let _ = write!(sheet, "<path class=\"{class}\" d=\"");
        for (nth, (x, y)) in points.into_iter().enumerate() {
            let _ = write!(sheet, "{}{} {}", if nth == 0 { 'M' } else { 'L' }, fine(x), fine(y));
        }
        let _ = write!(sheet, "{end}\"/>");
    }
}

/// The backend for plotters.
pub(super) struct Pen {
    pub(super) sheet: Sheet,
    pub(super) size: BackendCoord,
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

/// Escapes text for an element or an attribute.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
