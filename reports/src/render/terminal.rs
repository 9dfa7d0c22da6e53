//! The findings, or a comparison, and a compact table of each task for the terminal.

use crate::analysis::conclusions::finding;
use crate::analysis::environment;
use crate::analysis::peers;
use crate::analysis::results::Sweep;
use crate::comparison::{By, Comparison, Difference, Figure, Outcome};
use crate::view::format::{self, NONE, SPACE};
use crate::view::table::{self, Entry, Table};
use record::Record;
use record::{BASELINE, Peer};
use std::fmt::Write as _;

/// What the page says first, as plain text: for each task its finding and the table of strategies.
pub fn text(record: &Record) -> String {
    let mut text = String::new();
    if let Some(alarm) = environment::alarm(record) {
        text.push_str(&alarm.headline);
        for (check, sentence) in &alarm.entries {
            // `write!` to a String cannot fail, here and below.
            let _ = write!(text, "\n  {check}: {sentence}");
        }
        text.push_str("\n\n");
    }
    for skipped in &record.skipped {
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
        text.push_str(&peer_lines(&sweep.peers));
    }
    if record.samples.is_empty() {
        text.push_str("Nothing was measured: the record has no sample.\n");
    }
    printable(&text)
}

/// Two runs beside each other as plain text: for each task a sentence and a table of its cells.
pub fn compared(comparison: &Comparison) -> String {
    let mut text = String::new();
    for (name, side) in [("A", &comparison.a), ("B", &comparison.b)] {
        // `write!` to a String cannot fail, here and below.
        let _ = writeln!(text, "{name}  {}  {}  {}\n   {}", side.run, side.began, side.program, side.machine);
    }
    text.push('\n');
    for task in &comparison.tasks {
        let _ = writeln!(text, "{}: {}\n\n{}", task.task, task.sentence, differences(comparison.by, &task.cells));
    }
    for note in &comparison.notes {
        let _ = writeln!(text, "{note}");
    }
    printable(&text)
}

fn differences(by: By, cells: &[Difference]) -> String {
    let head: &[&str] = match by {
        By::Time => &["", "cores", "A: median time", "B: median time", "B / A", ""],
        By::SpeedUp => &["", "cores", "A: speed-up", "B: speed-up", "B / A", "efficiency A, B", ""],
    };
    let mut rows = vec![head.iter().map(|&column| column.to_owned()).collect::<Vec<_>>()];
    let figure = |figure: Option<Figure>| {
        figure.map_or_else(
            || NONE.to_owned(),
            |figure| match by {
                By::Time => format::sentence(format::time_estimate(figure.into())),
                By::SpeedUp => format::sentence(format::speed_up(figure.into())),
            },
        )
    };
    for found in cells {
        let strategy = if found.cell.strategy == BASELINE { "plain loop" } else { &found.cell.strategy };
        let mut row = vec![strategy.to_owned(), format::count(found.cell.cores.into())];
        row.extend([figure(found.a), figure(found.b)]);
        let ratio = found.ratio.map(|ratio| format::sentence(format::speed_up(ratio.into())));
        row.push(ratio.unwrap_or_else(|| NONE.to_owned()));
        if by == By::SpeedUp {
            let percents = |shares: [f64; 2]| shares.map(format::percent).join(", ");
            row.push(found.efficiency.map_or_else(|| NONE.to_owned(), percents));
        }
        row.push(match (found.outcome, by) {
            (Outcome::NoneShown, _) => "no difference shown".into(),
            (Outcome::NotCompared, _) => format!("not compared: {}", found.reason),
            (Outcome::Worse, By::Time) => "slower in B".into(),
            (Outcome::Better, By::Time) => "faster in B".into(),
            (Outcome::Worse, By::SpeedUp) => "smaller in B".into(),
            (Outcome::Better, By::SpeedUp) => "greater in B".into(),
        });
        rows.push(row);
    }
    aligned(&rows)
}

/// Text that every terminal shows alike.
fn printable(text: &str) -> String {
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
    aligned(&rows)
}

/// What other programs took for the same job, as plain text; empty if none was asked.
pub fn of_peers(peers: &[Peer]) -> String {
    printable(&peer_lines(&peers.iter().collect::<Vec<_>>()))
}

fn peer_lines(peers: &[&Peer]) -> String {
    let Some(table) = peers::table(peers) else { return String::new() };
    let mut rows: Vec<Vec<String>> = vec![table.columns.iter().map(|&column| column.to_owned()).collect()];
    for row in &table.rows {
        let line = std::iter::once(row.name.clone()).chain(row.entries.iter().map(entry));
        rows.push(line.collect());
    }
    format!("{}\n\n{}\n", table.caption, aligned(&rows))
}

/// Rows of one length as columns: the first to the left, the others to the right.
pub fn aligned(rows: &[Vec<String>]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..rows[0].len()).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::from("  ");
        for (column, (entry, width)) in row.iter().zip(&widths).enumerate() {
            let _ = if column == 0 { write!(line, "{entry:<width$}") } else { write!(line, "  {entry:>width$}") };
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

fn entry(entry: &Entry) -> String {
    let notes: Vec<&str> =
        [&entry.note, &entry.doubt].into_iter().map(String::as_str).filter(|it| !it.is_empty()).collect();
    if notes.is_empty() { entry.value.clone() } else { format!("{} ({})", entry.value, notes.join("; ")) }
}
