//! Renders the findings or a comparison, with a compact table for each task, for the terminal.

use crate::analysis::Analysis;
use crate::analysis::peers::PeerResult;
use crate::comparison::difference::Comparison;
use crate::comparison::view;
use crate::format::SPACE;
use crate::view::{peers, results, run};
use std::fmt::Write as _;
use system::printable;

/// The alarm, then for each task the finding, the conclusions and a table of strategies, as plain text.
pub fn text(analysis: &Analysis) -> String {
    let mut text = String::new();
    if let Some(alarm) = &analysis.environment.alarm {
        text.push_str(alarm.headline);
        for (check, sentence) in run::alarm_entries(&analysis.environment) {
            // `write!` to a String cannot fail, here and below.
            let _ = write!(text, "\n  {check}: {sentence}");
        }
        text.push_str("\n\n");
    }
    let skipped = &analysis.environment.skipped;
    for skipped in skipped {
        let _ = writeln!(text, "{} was not measured: {}\n", skipped.task, skipped.reason);
    }
    for task in &analysis.tasks {
        let (results, name) = (&task.results, &task.results.task.name);
        if results.cells.is_empty() && skipped.iter().any(|skipped| skipped.task == *name) {
            continue;
        }
        let _ = writeln!(text, "{name}: {}", task.finding.headline);
        for conclusion in &task.conclusions {
            let _ = writeln!(text, "  {}", conclusion.sentence);
        }
        if !results.cells.is_empty() {
            let mut rows = results::summary(results).texts();
            // A column of names needs no head.
            rows[0][0].clear();
            let _ = writeln!(text, "\n{}", aligned(&rows));
        }
        text.push_str(&peer_lines(name, &task.peers.results));
    }
    if analysis.environment.samples == 0 {
        text.push_str("Nothing was measured: the record has no sample.\n");
    }
    printable(&text)
}

/// A comparison of two runs as plain text: for each task a sentence and a table of cells.
pub fn compared(comparison: &Comparison) -> String {
    let mut text = String::new();
    for (name, side) in [("A", &comparison.a), ("B", &comparison.b)] {
        // `write!` to a String cannot fail, here and below.
        let _ = writeln!(text, "{name}  {}  {}  {}\n   {}", side.run, side.began, side.program, side.machine);
    }
    text.push('\n');
    for task in &comparison.tasks {
        let _ =
            writeln!(text, "{}: {}\n\n{}", task.task, task.sentence, aligned(&view::rows(comparison.by, &task.cells)));
    }
    for note in &comparison.notes {
        let _ = writeln!(text, "{note}");
    }
    printable(&text)
}

/// Replaces characters that terminals show differently or obey.
fn printable(text: &str) -> String {
    // Some terminals show a narrow space badly.
    printable::printable(text).replace(SPACE, " ")
}

/// The times of other programs for the job of `task`, as plain text; empty without peers.
pub fn of_peers(task: &str, peers: &[PeerResult]) -> String {
    printable(&peer_lines(task, peers))
}

fn peer_lines(task: &str, peers: &[PeerResult]) -> String {
    let Some(table) = peers::table(task, peers) else { return String::new() };
    format!("{}\n\n{}\n", table.caption, aligned(&table.texts()))
}

/// Aligns rows of equal length: the first column to the left, the others to the right.
pub fn aligned(rows: &[Vec<String>]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..rows[0].len()).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::from("  ");
        for (column, (entry, width)) in row.iter().zip(&widths).enumerate() {
            // Not by a width in the format, because that panics beyond 65,535.
            let blanks = " ".repeat(width - entry.chars().count());
            line += &if column == 0 { format!("{entry}{blanks}") } else { format!("  {blanks}{entry}") };
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}
