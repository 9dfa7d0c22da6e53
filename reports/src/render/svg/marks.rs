//! What tells series apart: classes for colour and dash, and markers.

use super::pen::{Drawn, Ink, Pen};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters_backend::BackendCoord;

/// How many colours the style sheet has for series.
pub const COLOURS: usize = 10;
/// The number of dash styles for series in the style sheet.
pub const DASHES: usize = 3;
/// The number of markers.
pub const MARKERS: usize = 11;

/// The classes of a series: one of [`COLOURS`] colours and one of [`DASHES`] dashes. Colours, dashes and markers repeat
/// with different periods, so up to 330 strategies differ in at least one of them.
pub fn classes(place: usize, group: Option<usize>) -> String {
    let member = group.map_or_else(String::new, |nth| format!(" member m{nth}"));
    format!("p{place} s{} d{}{member}", place % COLOURS, place % DASHES)
}

/// The classes of a band: it has no colour of a series, because it stands for several.
pub fn band_classes(nth: usize) -> String {
    format!("band g{nth} b{} d{}", nth % DASHES, nth % DASHES)
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
pub(super) fn marker(area: &DrawingArea<Pen, Shift>, place: usize, (x, y): BackendCoord) -> Drawn {
    let style = Ink::Marker.style().filled();
    let Some(corners) = (place % MARKERS).checked_sub(1).map(|nth| CORNERS[nth]) else {
        return area.draw(&Circle::new((x, y), 45, style));
    };
    let polygon: Vec<BackendCoord> = corners.iter().map(|(right, down)| (x + right, y + down)).collect();
    area.draw(&Polygon::new(polygon, style))
}
