//! The findings and a compact table for the terminal.

use crate::figures::SPACE;
use crate::finding::finding;
use crate::read::Record;
use crate::sweep::Sweep;
use crate::table::{self, Entry, Table};
use std::fmt::Write as _;

/// What the page says first, as plain text: for each task its finding and the table of strategies.
pub fn text(record: &Record) -> String {
    let mut text = String::new();
    for skipped in &record.skipped {
        // `write!` to a String cannot fail, here and below.
        let _ = writeln!(text, "{} was not measured: {}\n", skipped.task, skipped.reason);
    }
    for task in &record.run.tasks {
        let sweep = Sweep::new(record, task);
        if sweep.cells.is_empty() && record.skipped.iter().any(|skipped| skipped.task == task.name) {
            continue;
        }
        let finding = finding(&sweep);
        let _ = writeln!(text, "{}: {}", finding.task, finding.headline);
        for detail in &finding.details {
            let _ = writeln!(text, "  {detail}");
        }
        if !sweep.cells.is_empty() {
            let _ = writeln!(text, "\n{}", lines(&table::strategies(&sweep, &finding)));
        }
    }
    if record.samples.is_empty() {
        text.push_str("Nothing was measured: the record has no sample.\n");
    }
    // Terminals differ in how they show a narrow space; all of them know the plain one. And some obey control
    // characters, which a record may hold in a reason.
    text.chars()
        .map(|letter| match letter {
            SPACE => ' ',
            '\n' => '\n',
            other if other.is_control() => '\u{fffd}',
            other => other,
        })
        .collect()
}

/// The columns a terminal has room for: the name, time, speed-up, efficiency, best size, samples.
const SHOWN: [usize; 5] = [0, 1, 2, 6, 7];

fn lines(table: &Table) -> String {
    let mut rows: Vec<Vec<String>> = vec![vec![String::new()]];
    rows[0].extend(SHOWN.iter().map(|&column| table.columns[column + 1].to_owned()));
    for row in &table.rows {
        let name = if row.remark.is_empty() { row.name.clone() } else { format!("{} ({})", row.name, row.remark) };
        let mut line = vec![name];
        line.extend(SHOWN.iter().map(|&column| entry(&row.entries[column])));
        rows.push(line);
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..rows[0].len()).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let mut line = String::from("  ");
        for (column, (entry, width)) in row.iter().zip(&widths).enumerate() {
            let _ = if column == 0 { write!(line, "{entry:<width$}") } else { write!(line, "  {entry:>width$}") };
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

fn entry(entry: &Entry) -> String {
    if entry.note.is_empty() { entry.value.clone() } else { format!("{} ({})", entry.value, entry.note) }
}
