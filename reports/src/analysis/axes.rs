//! The other axes of a sweep: cells that differ in workers, delivery or combine only.

use crate::analysis::results::{CellResult, TaskResults};
use record::Cell;
use std::collections::BTreeSet;

/// An axis of a sweep besides cores and partition sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    /// The number of workers.
    Workers,
    /// The order in which partials reach the total.
    Delivery,
    /// Where partials are merged first.
    Combine,
}

/// Every axis, in the order of the page.
pub const AXES: [Axis; 3] = [Axis::Workers, Axis::Delivery, Axis::Combine];

/// The cells along one axis, with every other choice as in comparisons.
#[derive(Debug, Clone, PartialEq)]
pub struct Along<'a> {
    /// The axis.
    pub axis: Axis,
    /// The cores on which the cells were measured.
    pub cores: u32,
    /// The measured values, ascending; numbers as text.
    pub values: Vec<String>,
    /// Each strategy with its sound cell for each value.
    pub lines: Vec<(&'a str, Vec<Option<&'a CellResult>>)>,
}

impl Axis {
    fn value(self, cell: &Cell) -> Value<'_> {
        match self {
            Self::Workers => Value::Number(cell.workers),
            Self::Delivery => Value::Name(&cell.delivery),
            Self::Combine => Value::Name(&cell.combine),
        }
    }
}

/// A value on an axis. Numbers are sorted as numbers.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Value<'a> {
    Number(u32),
    Name(&'a str),
}

/// The sound cells along `axis` at the default partition size, on the largest number of cores for which the axis has several
/// values; `None` if it has only one everywhere.
pub fn along(results: &TaskResults, axis: Axis) -> Option<Along<'_>> {
    let setting = results.setting.as_ref()?;
    let on_axis = |cell: &Cell, cores: u32| {
        (cell.cores, cell.size) == (cores, results.task.default_size)
            && (axis == Axis::Workers || Some(cell.workers) == results.workers(cores))
            && (axis == Axis::Delivery || cell.delivery == setting.delivery)
            && (axis == Axis::Combine || cell.combine == setting.combine)
    };
    results.cores.iter().rev().find_map(|&cores| {
        let cells: Vec<&CellResult> = results.cells.iter().filter(|it| it.sound && on_axis(&it.cell, cores)).collect();
        let values: BTreeSet<Value> = cells.iter().map(|it| axis.value(&it.cell)).collect();
        let at = |name: &str, value: &Value| {
            cells.iter().copied().find(|it| it.cell.strategy == name && axis.value(&it.cell) == *value)
        };
        let line = |name| (name, values.iter().map(|value| at(name, value)).collect());
        (values.len() > 1).then(|| Along {
            axis,
            cores,
            lines: results.strategies.iter().map(|strategy| line(strategy.name.as_str())).collect(),
            values: values
                .iter()
                .map(|value| match value {
                    Value::Number(number) => number.to_string(),
                    Value::Name(name) => (*name).to_owned(),
                })
                .collect(),
        })
    })
}
