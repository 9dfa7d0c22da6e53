//! Short lists of cells for messages.

use crate::counted;
use record::Cell;

/// The maximum number of cells that a message names.
const MOST: usize = 5;

/// Returns the number of cells and names the first few, each with a remark.
pub(crate) fn cell_list(cells: &[(&Cell, String)]) -> String {
    let named = cells.iter().take(MOST).map(|(cell, remark)| {
        format!("{} {} on {}: {remark}", cell.task, cell.strategy, counted(cell.cores.into(), "core"))
    });
    let mut named: Vec<String> = named.collect();
    if cells.len() > MOST {
        named.push(format!("{} more", cells.len() - MOST));
    }
    format!("{} ({})", counted(cells.len() as u64, "cell"), named.join("; "))
}
