//! Draws a [`Chart`] or a [`HeatMap`] as inline SVG that a style sheet colours. No other code draws.
//!
//! plotters lays out and draws; `pen.rs` is the backend that it draws with. The stock SVG backend writes literal colours,
//! which no dark theme can change, and nothing for screen readers. Ours differs in four points:
//!
//! 1. A colour on plotters' side encodes an `Ink`, a role in the chart. The SVG has `class="grid"`, never a colour.
//! 2. Series are groups with a class of their own and a `<title>`, which browsers show as a tooltip.
//! 3. plotters counts whole pixels. It draws at ten times the size that is written, so whiskers do not snap to a grid.
//! 4. The style sheet sets font sizes, so text stays readable when a chart is scaled down.

mod heat;
mod labels;
mod lines;
mod marks;
mod pen;

pub use self::marks::{COLOURS, DASHES, MARKERS, band_classes, classes};
pub(crate) use self::pen::{escape, fine};

use self::lines::{HEIGHT, WIDTH};
use self::marks::marker;
use self::pen::{Drawn, FINE, Ink, Pen, Sheet};
use crate::error::{Error, Result};
use crate::view::chart::{Chart, HeatMap};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters_backend::BackendCoord;

/// Draws a chart. `id` must be unique on the page, because the ids of the title and the description contain it.
///
/// # Errors
/// If plotters refuses to draw.
pub fn draw(chart: &Chart, id: &str) -> Result<String> {
    let sheet = Sheet::default();
    sheet.begin("chart", (WIDTH, HEIGHT), id, &chart.title, &chart.description);
    drawn(&chart.title, (WIDTH, HEIGHT), &sheet, |area| lines::plot(chart, area, &sheet))
}

/// Draws a heat map. `id` must be unique on the page.
///
/// # Errors
/// If plotters refuses to draw.
pub fn draw_heat(map: &HeatMap, id: &str) -> Result<String> {
    let (sheet, size) = (Sheet::default(), heat::size(map));
    sheet.begin("chart heat", size, id, &map.title, &map.description);
    drawn(&map.title, size, &sheet, |area| heat::plot(map, area, &sheet))
}

/// Draws a short line with a series' marker for a legend in HTML. Hidden from screen readers.
///
/// # Errors
/// If plotters refuses to draw.
pub fn swatch(place: usize, group: Option<usize>) -> Result<String> {
    key(&classes(place, group), place)
}

/// The same for a group of strategies that tie.
///
/// # Errors
/// If plotters refuses to draw.
pub fn group_swatch(nth: usize) -> Result<String> {
    key(&band_classes(nth), nth)
}

fn key(classes: &str, shape: usize) -> Result<String> {
    let (sheet, size) = (Sheet::default(), (40, 14));
    sheet.begin_hidden("swatch", size);
    drawn("legend", size, &sheet, |area| {
        sheet.open(&format!("series {classes}"), None);
        let middle = 7 * FINE;
        area.draw(&PathElement::new(vec![(FINE, middle), (39 * FINE, middle)], Ink::Line.style()))?;
        marker(area, shape, (20 * FINE, middle))?;
        sheet.close("g");
        Ok(())
    })
}

fn drawn(
    title: &str,
    (width, height): BackendCoord,
    sheet: &Sheet,
    draw: impl FnOnce(&DrawingArea<Pen, Shift>) -> Drawn,
) -> Result<String> {
    let area = Pen { sheet: sheet.clone(), size: (width * FINE, height * FINE) }.into_drawing_area();
    draw(&area)
        .and_then(|()| area.present())
        .map_err(|error| Error::Chart { chart: title.to_owned(), reason: error.to_string() })?;
    sheet.close("svg");
    Ok(sheet.take())
}
