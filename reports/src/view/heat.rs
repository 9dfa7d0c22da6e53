//! The heat maps of a task: time over cores and partition sizes, for the leaders and for every other strategy.

use crate::analysis::groups::{Region, RegionCell, region};
use crate::analysis::results::{CLOSE, TaskResults};
use crate::format;
use crate::view::chart::{HeatMap, Tile};

/// One map for each group of strategies that tie and for each other strategy, the leaders first. Empty if only one number of
/// cores or one partition size was measured.
pub fn heat_maps(results: &TaskResults) -> Vec<HeatMap> {
    if results.cores.len() < 2 || results.sizes.len() < 2 {
        return Vec::new();
    }
    let placed = |name: &str| results.places.iter().flatten().any(|other| other == name);
    let others = results.strategies.iter().filter(|strategy| !placed(&strategy.name));
    let groups = results.places.iter().cloned().chain(others.map(|strategy| vec![strategy.name.clone()]));
    let map = |tied: Vec<String>| {
        let names = results.swept(&tied.iter().map(String::as_str).collect::<Vec<_>>());
        let region = region(results, &names)?;
        let cells = region.rows.iter().flatten().flatten().count();
        (cells > 1).then(|| heat_map(results, &names, &region))
    };
    groups.filter_map(map).collect()
}

fn heat_map(results: &TaskResults, names: &[&str], region: &Region) -> HeatMap {
    let unit = &results.task.unit;
    let cells = || region.rows.iter().flatten().flatten();
    let slowest = cells().map(|cell| cell.times_best).fold(1.0, f64::max);
    let at = |cores: u32, size: u64| format!("{}, {}", format::cores(cores), format::partitions(size, unit));
    let of = if results.task.grown.is_empty() { "" } else { " for the plain loop’s work" };
    let tile = |cores: u32, size: u64, cell: &RegionCell| {
        let speed_up = cell.speed_up.map(|it| format!(", speed-up {}", format::sentence(format::speed_up(it))));
        let text = format!("{}{of}{}", format::time(cell.ns), speed_up.unwrap_or_default());
        let times = format::digits(cell.times_best);
        Tile {
            words: format!("{}: {text}, {times}× the best time", at(cores, size)),
            step: step(cell.times_best, slowest),
            best: cell.times_best == 1.0,
            close: cell.close,
            value: times,
            text,
        }
    };
    let row = |(size, cells): (&u64, &Vec<Option<RegionCell>>)| {
        let tiles = region.cores.iter().zip(cells).map(|(cores, cell)| Some(tile(*cores, *size, cell.as_ref()?)));
        (format::count(*size), tiles.collect())
    };
    let close = cells().filter(|cell| cell.close).count();
    let rows: Vec<(String, Vec<Option<Tile>>)> = region.sizes.iter().zip(&region.rows).map(row).collect();
    let best = rows.iter().flat_map(|(_, tiles)| tiles.iter().flatten()).find(|tile| tile.best);
    let title =
        if names.len() > 1 { format!("{} tied: {}", names.len(), format::names(names)) } else { names[0].into() };
    HeatMap {
        description: format!(
            "Time of {} against cores and partition size, divided by the best time. The best is {}. {} within {} of the best.",
            names.join(", "),
            best.map_or("", |tile| &*tile.words),
            if close == 1 { "1 combination is".into() } else { format!("{close} combinations are") },
            format::percent(CLOSE),
        ),
        title,
        axes: ["Cores".into(), format!("Partition size in {unit}")],
        columns: region.cores.iter().map(|cores| format::count((*cores).into())).collect(),
        rows,
    }
}

/// The step of the colour scale: equal ratios of times are equal steps, and only the slowest has step 0.
fn step(times_best: f64, slowest: f64) -> usize {
    let share = if slowest > 1.0 { 1.0 - times_best.ln() / slowest.ln() } else { 1.0 };
    ((share * (Tile::STEPS - 1) as f64).round() as usize).min(Tile::STEPS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_monotone_and_use_the_whole_scale() {
        let steps: Vec<usize> = (0..=100).map(|nth| step(1.0 + f64::from(nth) / 10.0, 11.0)).collect();
        assert!(steps.is_sorted_by(|one, other| one >= other), "{steps:?}");
        assert_eq!((steps[0], steps[100]), (Tile::STEPS - 1, 0));
        assert_eq!(step(1.0, 1.0), Tile::STEPS - 1);
    }
}
