//! Where the processor itself is the wall: what an increment takes, in its own cycles, and what handing over a job costs.

use crate::analysis::results::{Measured, Sweep};
use crate::view::chart::on;
use crate::view::format::{self, NONE, SPACE};
use crate::view::table::{Entry, Row, Table};
use record::statistics;
use record::{CLOCK, Detail, Machine, Times};
use std::collections::BTreeMap;

/// What one unit of a task's answer costs in the plain loop: its label, and its nanoseconds with, where the clock was
/// measured, its cycles. `None` for a task without [`Detail::UnitCost`] and without a sound baseline.
pub fn unit_cost(sweep: &Sweep, machine: &Machine) -> Option<(String, String)> {
    let (unit, figure, limit) = sweep.task.details.iter().find_map(|detail| match detail {
        Detail::UnitCost { unit, figure, limit } => Some((unit, figure, limit)),
        Detail::DispatchCost => None,
    })?;
    let (_, units) = sweep.task.answer.iter().find(|(name, _)| name == figure)?;
    let units = units.parse::<f64>().ok().filter(|units| *units > 0.0)?;
    let ns = sweep.baseline.as_ref()?.time?.value / units;
    let clock = machine.notes.get(CLOCK).and_then(|clock| clock.trim_end_matches("GHz").trim().parse::<f64>().ok());
    let cycles = clock.map_or_else(String::new, |clock| {
        format!(
            ", {} of them a cycle at {}{SPACE}GHz; {limit}",
            format::digits(1.0 / (ns * clock)),
            format::digits(clock)
        )
    });
    Some((format!("{unit} of the plain loop"), format!("{}{cycles}", format::time(ns))))
}

/// What handing over a job costs each strategy on the most cores: starting the workers, one job for idle workers, and one
/// of many jobs. `None` for a task without [`Detail::DispatchCost`].
pub fn dispatch(sweep: &Sweep) -> Option<Table> {
    if !sweep.task.details.contains(&Detail::DispatchCost) {
        return None;
    }
    let cores = sweep.most_cores()?;
    let row = |name: &str| {
        let cells: Vec<&Measured> =
            sweep.sizes().into_iter().filter_map(|size| sweep.sound(name, cores, size)).collect();
        let times = || cells.iter().flat_map(|cell| &cell.verified).filter_map(|sample| sample.times.as_ref());
        let most = times().map(|times| times.partitions).max().filter(|most| *most > 1)?;
        let spread = |figures: Vec<f64>| {
            let [tenth, half, ninth] = [0.1, 0.5, 0.9].map(|share| quantile(&figures, share));
            let note = tenth.zip(ninth).map(|(low, high)| format!("{}–{}", format::time(low), format::time(high)));
            Entry::new(half.map_or_else(|| NONE.into(), format::time), note.unwrap_or_default())
        };
        // Workers are started once for a cell's samples in a block, so they count once.
        let starts = || {
            let of_cell = |cell: &&Measured| {
                let blocks = cell
                    .verified
                    .iter()
                    .filter_map(|sample| Some((sample.block, sample.times.as_ref()?.start_ns as f64)));
                blocks.collect::<BTreeMap<_, _>>().into_values().collect::<Vec<_>>()
            };
            cells.iter().flat_map(of_cell).collect::<Vec<_>>()
        };
        let of = |figure: fn(&Times) -> f64, jobs: u64| {
            times().filter(|times| times.partitions == jobs).map(figure).collect::<Vec<_>>()
        };
        Some(Row {
            name: name.to_owned(),
            remark: String::new(),
            leads: false,
            entries: vec![
                spread(starts()),
                spread(of(|times| times.wall_ns as f64, 1)),
                spread(of(|times| times.wall_ns as f64 / times.partitions as f64, most)),
                Entry::bare(format::count(most)),
            ],
        })
    };
    let rows: Vec<Row> = sweep.strategies.iter().filter_map(|(_, strategy)| row(&strategy.name)).collect();
    (!rows.is_empty()).then(|| Table {
        caption: format!(
            "What it costs to hand over a job in which nothing is done, on {}: medians, and between which the middle four \
             fifths of the samples lie. A mean would say little: often there are two kinds of samples, as when a worker is \
             still awake and when it must be woken.",
            on(cores)
        ),
        columns: vec!["strategy", "start the workers", "one job alone", "one of many jobs", "how many"],
        rows,
    })
}

/// The value below which so large a share of the values lies.
fn quantile(values: &[f64], share: f64) -> Option<f64> {
    if share == 0.5 {
        return statistics::median(values);
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = (sorted.len().checked_sub(1)? as f64 * share).round() as usize;
    sorted.get(place).copied()
}
