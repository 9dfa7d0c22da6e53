//! Draws a [`HeatMap`]: a tile for each number of cores and partition size.

use super::pen::{Drawn, FINE, Ink, Pen, Sheet, text};
use crate::view::chart::{HeatMap, Tile};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters_backend::BackendCoord;

const WIDTH: i32 = 640;
const LEFT: i32 = 92;
const RIGHT: i32 = 14;
const ABOVE: i32 = 34;
const BELOW: i32 = 52;
const ROW: i32 = 38;

/// The free space around a tile, in which the outline of the region runs.
const GAP: i32 = 2;

/// The size of the drawing.
pub(super) fn size(map: &HeatMap) -> BackendCoord {
    let rows = i32::try_from(map.rows.len()).unwrap_or(i32::MAX).clamp(1, 1_000);
    (WIDTH, ABOVE + rows * ROW + BELOW)
}

/// The corners of a tile with its part of the gap.
#[derive(Clone, Copy)]
struct Corners {
    left: i32,
    top: i32,
    right: i32,
    bottom: i32,
}

impl Corners {
    fn shrunk(self, by: i32) -> Self {
        let by = by * FINE;
        Self { left: self.left + by, top: self.top + by, right: self.right - by, bottom: self.bottom - by }
    }

    fn path(self) -> Vec<BackendCoord> {
        vec![(self.left, self.top), (self.right, self.top), (self.right, self.bottom), (self.left, self.bottom)]
    }

    fn middle(self) -> BackendCoord {
        (i32::midpoint(self.left, self.right), i32::midpoint(self.top, self.bottom))
    }

    /// Parallel lines from the lower left to the upper right.
    fn hatching(self) -> Vec<(BackendCoord, BackendCoord)> {
        let (width, height) = (self.right - self.left, self.bottom - self.top);
        let line = |down: i32| {
            let from = (self.left + (down - height).max(0), self.top + down.min(height));
            let to = (self.left + down.min(width), self.top + (down - width).max(0));
            (from, to)
        };
        (1..).map(|nth| nth * 9 * FINE).take_while(|down| *down < width + height).map(line).collect()
    }
}

pub(super) fn plot(map: &HeatMap, area: &DrawingArea<Pen, Shift>, sheet: &Sheet) -> Drawn {
    let (columns, rows) = (map.columns.len().max(1), map.rows.len().max(1));
    let (width, height) = (WIDTH - LEFT - RIGHT, size(map).1 - ABOVE - BELOW);
    let corners = |column: usize, row: usize| Corners {
        left: LEFT * FINE + width * FINE * column as i32 / columns as i32,
        right: LEFT * FINE + width * FINE * (column as i32 + 1) / columns as i32,
        top: ABOVE * FINE + height * FINE * (rows - 1 - row) as i32 / rows as i32,
        bottom: ABOVE * FINE + height * FINE * (rows - row) as i32 / rows as i32,
    };
    heads(map, area, sheet, &corners)?;
    let mut unmeasured = Vec::new();
    for (row, (_, tiles)) in map.rows.iter().enumerate() {
        for (column, tile) in tiles.iter().enumerate() {
            let corners = corners(column, row).shrunk(GAP);
            match tile {
                Some(tile) => draw_tile(tile, corners, area, sheet)?,
                None => unmeasured.extend(corners.hatching()),
            }
        }
    }
    if !unmeasured.is_empty() {
        sheet.open("unmeasured", Some("not measured"));
        sheet.segments(&unmeasured, Ink::Hatch);
        sheet.close("g");
    }
    sheet.segments(&outline(map, &corners), Ink::Region);
    Ok(())
}

fn heads(
    map: &HeatMap,
    area: &DrawingArea<Pen, Shift>,
    sheet: &Sheet,
    corners: &dyn Fn(usize, usize) -> Corners,
) -> Drawn {
    let label = |h_pos, v_pos| text(Ink::Label).pos(Pos::new(h_pos, v_pos));
    sheet.open("frame", None);
    // With many columns, some stay without a head.
    let every = map.columns.len() / 12 + 1;
    for (column, head) in map.columns.iter().enumerate().rev().step_by(every) {
        let corners = corners(column, 0);
        let at = (corners.middle().0, corners.bottom + 5 * FINE);
        area.draw_text(head, &label(HPos::Center, VPos::Top), at)?;
    }
    for (row, (head, _)) in map.rows.iter().enumerate() {
        let corners = corners(0, row);
        area.draw_text(head, &label(HPos::Right, VPos::Center), (corners.left - 6 * FINE, corners.middle().1))?;
    }
    area.draw_text(&map.axes[1], &label(HPos::Left, VPos::Top), (8 * FINE, 8 * FINE))?;
    let corner = ((WIDTH - RIGHT) * FINE, (size(map).1 - 3) * FINE);
    area.draw_text(&map.axes[0], &label(HPos::Right, VPos::Bottom), corner)?;
    sheet.close("g");
    Ok(())
}

fn draw_tile(tile: &Tile, corners: Corners, area: &DrawingArea<Pen, Shift>, sheet: &Sheet) -> Drawn {
    sheet.open_point(&format!("cell q{}", tile.step), &tile.words);
    area.draw(&Polygon::new(corners.path(), Ink::Tile.style().filled()))?;
    if tile.best {
        let inner = corners.shrunk(2).path();
        let first = inner[0];
        area.draw(&PathElement::new(inner.into_iter().chain([first]).collect::<Vec<_>>(), Ink::Best.style()))?;
    }
    area.draw_text(&tile.value, &text(Ink::Number).pos(Pos::new(HPos::Center, VPos::Center)), corners.middle())?;
    sheet.close("g");
    Ok(())
}

/// The sides between tiles that are close to the best and all others.
fn outline(map: &HeatMap, corners: &dyn Fn(usize, usize) -> Corners) -> Vec<(BackendCoord, BackendCoord)> {
    let close = |column: Option<usize>, row: Option<usize>| {
        let tile = || map.rows.get(row?)?.1.get(column?)?.as_ref();
        tile().is_some_and(|tile| tile.close)
    };
    let mut sides = Vec::new();
    for (row, (_, tiles)) in map.rows.iter().enumerate() {
        for column in (0..tiles.len()).filter(|column| close(Some(*column), Some(row))) {
            let Corners { left, top, right, bottom } = corners(column, row);
            // Row 0 is at the bottom.
            let neighbours = [
                (column.checked_sub(1), Some(row), ((left, top), (left, bottom))),
                (Some(column + 1), Some(row), ((right, top), (right, bottom))),
                (Some(column), row.checked_sub(1), ((left, bottom), (right, bottom))),
                (Some(column), Some(row + 1), ((left, top), (right, top))),
            ];
            let open = neighbours.into_iter().filter(|(column, row, _)| !close(*column, *row));
            sides.extend(open.map(|(.., side)| side));
        }
    }
    sides
}
