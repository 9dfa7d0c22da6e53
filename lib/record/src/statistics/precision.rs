//! Finds the cells that need more blocks, so that the time budget is spent where it can decide a comparison.

use super::interval::time;
use super::verdict::{Verdict, against_the_fastest};
use super::{BLOCKS_FOR_A_VERDICT, Blocks, LEVEL, modes};
use crate::line::{BASELINE, Cell};
use std::collections::BTreeMap;

/// The default target precision: half the width of the interval, divided by the median.
pub const TARGET: f64 = 0.02;

/// A cell that needs more blocks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Want {
    /// The cell's place in the given list.
    pub place: usize,
    /// Why the cell needs more blocks.
    pub need: Need,
    /// Half the width of the cell's interval, divided by its median. `None` without an interval.
    pub half_width: Option<f64>,
}

/// The reason why a cell needs more blocks. The most urgent reason is first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// The cell has fewer than [`BLOCKS_FOR_A_VERDICT`] blocks.
    Few,
    /// A comparison with this cell is open, and one of the two intervals is too wide. Both cells need blocks, because
    /// only shared blocks compare them.
    Undecided,
    /// The cell's interval is too wide.
    Wide,
    /// A comparison with this cell is open, although both intervals are narrow. More blocks are not necessary, but the
    /// best use of leftover time.
    Close,
}

/// The cells that need more blocks, the most urgent first: sorted by [`Need`], then by width of the interval.
///
/// `target` is the target precision, such as [`TARGET`]. Cells that differ only in the strategy are compared; the
/// baseline is not. A cell with two kinds of processes (see [`modes`]) never counts as wide, because its interval
/// covers both kinds and does not shrink.
///
/// A sweep that stops once an interval is narrow favours intervals that are narrow by luck. A nominal 95 % interval
/// then covers about 91 % with normal noise, and less with large, skewed noise; `just prove truth` simulates this.
/// Requiring narrow intervals two or three times in a row did not help.
pub fn wanting(cells: &[(&Cell, &Blocks)], target: f64) -> Vec<Want> {
    let widths: Vec<Option<f64>> = cells.iter().map(|(_, blocks)| half_width(blocks)).collect();
    let wide: Vec<bool> = (cells.iter().zip(&widths))
        .map(|((_, blocks), width)| width.is_none_or(|width| width > target) && modes(blocks).is_none())
        .collect();
    let mut needs: Vec<Option<Need>> = (cells.iter().zip(&wide))
        .map(|((_, blocks), wide)| match filled(blocks) {
            few if few < BLOCKS_FOR_A_VERDICT => Some(Need::Few),
            _ => wide.then_some(Need::Wide),
        })
        .collect();
    for (one, other) in undecided(cells) {
        let need = if wide[one] || wide[other] { Need::Undecided } else { Need::Close };
        for place in [one, other] {
            needs[place] = Some(needs[place].map_or(need, |known| known.min(need)));
        }
    }
    let mut wants: Vec<Want> = (needs.into_iter().zip(widths).enumerate())
        .filter_map(|(place, (need, half_width))| Some(Want { place, need: need?, half_width }))
        .collect();
    let width = |want: &Want| want.half_width.unwrap_or(f64::INFINITY);
    wants.sort_by(|one, other| one.need.cmp(&other.need).then(width(other).total_cmp(&width(one))));
    wants
}

/// Half the width of the interval of a cell's time, divided by that time. `None` without an interval.
pub fn half_width(blocks: &Blocks) -> Option<f64> {
    let time = time(blocks, LEVEL)?;
    let interval = time.interval?;
    Some((interval.high - interval.low) / 2.0 / time.value)
}

/// The pairs of places whose comparison is open: the fastest of each group with every open candidate.
fn undecided(cells: &[(&Cell, &Blocks)]) -> Vec<(usize, usize)> {
    let mut groups: BTreeMap<Cell, Vec<usize>> = BTreeMap::new();
    for (place, (cell, blocks)) in cells.iter().enumerate() {
        if cell.strategy != BASELINE && filled(blocks) > 0 {
            let setting = Cell { strategy: String::new(), ..(*cell).clone() };
            groups.entry(setting).or_default().push(place);
        }
    }
    let mut pairs = Vec::new();
    for places in groups.values() {
        let candidates: Vec<(&str, &Blocks)> =
            places.iter().map(|place| (cells[*place].0.strategy.as_str(), cells[*place].1)).collect();
        let compared = against_the_fastest(&candidates);
        let Some(best) = compared.iter().position(|it| it.verdict == Verdict::Fastest) else { continue };
        for (comparison, place) in compared.iter().zip(places) {
            if comparison.verdict == Verdict::Open {
                pairs.push((places[best], *place));
            }
        }
    }
    pairs
}

/// The number of blocks with a sample.
fn filled(blocks: &Blocks) -> usize {
    blocks.values().filter(|samples| !samples.is_empty()).count()
}

#[cfg(test)]
mod tests {
    use super::super::{Noise, always};
    use super::*;
    use fastrand::Rng;

    fn cell(strategy: &str, cores: u32) -> Cell {
        Cell {
            task: "count".into(),
            strategy: strategy.into(),
            cores,
            workers: cores,
            size: 10,
            delivery: "gather".into(),
            combine: "per_partition".into(),
        }
    }

    fn noisy(ns: f64, noise: f64, blocks: u32) -> Blocks {
        Noise::normal(noise, 0.8).blocks(ns, blocks, 2, &mut Rng::with_seed(11))
    }

    #[test]
    fn cells_come_in_order_of_need_and_narrow_ones_are_left_out() {
        let (rayon, smol, split, plain) = (cell("rayon", 2), cell("smol", 2), cell("split", 2), cell(BASELINE, 1));
        let single = cell("rayon", 1);
        let (quick, open, slow) = (noisy(100.0, 0.002, 6), noisy(101.0, 0.08, 6), always(300.0, 6));
        let (few, wide) = (always(50.0, 2), noisy(400.0, 0.10, 6));
        let cells = [(&split, &slow), (&plain, &wide), (&smol, &open), (&rayon, &quick), (&single, &few)];
        let wants: Vec<(usize, Need)> = wanting(&cells, TARGET).iter().map(|want| (want.place, want.need)).collect();
        assert_eq!(wants, [(4, Need::Few), (2, Need::Undecided), (3, Need::Undecided), (1, Need::Wide)]);
    }

    #[test]
    fn narrow_and_decided_cells_need_no_blocks() {
        let (rayon, smol) = (cell("rayon", 2), cell("smol", 2));
        let (quick, slow) = (noisy(100.0, 0.001, 6), noisy(150.0, 0.001, 6));
        assert_eq!(wanting(&[(&rayon, &quick), (&smol, &slow)], TARGET), []);
        assert_eq!(wanting(&[], TARGET), []);
    }

    #[test]
    fn two_narrow_cells_that_tie_come_last() {
        let (rayon, smol, plain) = (cell("rayon", 2), cell("smol", 2), cell(BASELINE, 1));
        // 1.5 % slower on average; between 3.5 % quicker and 6.4 % slower in single blocks.
        let quick = always(100.0, 12);
        let slow: Blocks = (0..12).map(|block| (block, vec![96.5 + 0.9 * f64::from(block)])).collect();
        let wants = wanting(&[(&rayon, &quick), (&smol, &slow), (&plain, &Blocks::new())], 0.05);
        assert_eq!(wants.iter().map(|want| want.need).collect::<Vec<_>>(), [Need::Few, Need::Close, Need::Close]);
    }

    #[test]
    fn a_cell_of_two_kinds_needs_no_more_blocks() {
        let rayon = cell("rayon", 2);
        let two: Blocks = (0..10).map(|block| (block, vec![if block % 2 == 0 { 30.0 } else { 50.0 }])).collect();
        assert!(half_width(&two).is_some_and(|width| width > 0.2));
        assert_eq!(wanting(&[(&rayon, &two)], TARGET), []);
    }
}
