//! The commands that measure a cell again.

use crate::analysis::Analysis;
use crate::analysis::results::TaskResults;
use crate::view::table::{Entry, Table};
use record::Cell;

/// The command that measures cells of one task again, cut where cells differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reproduction {
    /// The program, the task and its input.
    pub command: String,
    /// Whether delivery and combine follow with each cell, because they vary.
    settings_vary: bool,
}

impl Reproduction {
    /// The command for a task. `None` if the work grows with the cores, because the record has only the options of one core.
    pub fn new(analysis: &Analysis, results: &TaskResults) -> Option<Self> {
        if !results.task.grown.is_empty() {
            return None;
        }
        let mut words = ["goldilocks", "run", "--task", &results.task.name].map(str::to_owned).to_vec();
        words.extend(results.task.arguments());
        let settings_vary = results.cells.iter().any(|result| !results.is_usual(&result.cell));
        if let Some(usual) = results.setting.as_ref().filter(|_| !settings_vary) {
            words.extend(["--delivery", &usual.delivery, "--combine", &usual.combine].map(str::to_owned));
        }
        Some(Self { command: quoted(&words) + &analysis.environment.run.secrets(), settings_vary })
    }

    /// Adds the rest of the command to each row of a table with all cells.
    pub fn complete(&self, table: &mut Table, results: &TaskResults) {
        table.columns.push("to measure it again");
        for (row, result) in table.rows.iter_mut().zip(&results.cells) {
            row.entries.push(Entry::bare(self.rest(&result.cell)));
        }
    }

    /// The rest of the command for one cell.
    fn rest(&self, cell: &Cell) -> String {
        let numbers = [u64::from(cell.cores), u64::from(cell.workers), cell.size].map(|number| number.to_string());
        let [cores, workers, size] = &numbers;
        let mut words = vec!["-s", &cell.strategy, "--cores", cores, "-j", workers, "--size", size];
        if self.settings_vary {
            words.extend(["--delivery", &cell.delivery, "--combine", &cell.combine]);
        }
        quoted(&words.into_iter().map(str::to_owned).collect::<Vec<_>>())
    }
}

/// Words as a shell reads them. A word with a zero byte, which no command line can hold, stays as it is.
fn quoted(words: &[String]) -> String {
    let quoted = words.iter().map(|word| shlex::try_quote(word).map_or_else(|_| word.clone(), String::from));
    quoted.collect::<Vec<_>>().join(" ")
}
