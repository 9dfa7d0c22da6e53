//! Renders the findings and a table for each task as GitHub-flavoured Markdown, for a pull request or a CI summary.

use crate::analysis::Analysis;
use crate::format::SPACE;
use crate::view::{results, run};
use std::fmt::Write as _;
use system::printable::printable;

/// The length beyond which prose is broken at spaces. Rows of tables stay whole.
const WIDTH: usize = 120;

/// The findings and a table for each task.
pub fn markdown(analysis: &Analysis) -> String {
    let mut text = format!("## Goldilocks: run {}\n\n", escape(&analysis.environment.run.id));
    text += &wrapped("", &run::subtitle(analysis));
    if let Some(alarm) = &analysis.environment.alarm {
        text += "\n> [!WARNING]\n";
        text += &wrapped("> ", alarm.headline);
        for (check, sentence) in run::alarm_entries(&analysis.environment) {
            text += &wrapped("> - ", &format!("{check}: {sentence}"));
        }
    }
    if !analysis.banners.is_empty() {
        text += "\n";
    }
    for banner in &analysis.banners {
        text += &wrapped("- ", &banner.sentence);
    }
    for task in analysis.shown() {
        // `write!` to a String cannot fail, here and below.
        let _ = write!(text, "\n### {}\n\n", escape(&task.results.task.name));
        text += &wrapped("", &task.finding.headline);
        if !task.conclusions.is_empty() {
            text += "\n";
        }
        for conclusion in &task.conclusions {
            text += &wrapped("- ", &conclusion.sentence);
        }
        if !task.results.cells.is_empty() {
            let _ = write!(text, "\n{}", table(&results::summary(&task.results).texts()));
        }
    }
    text
}

fn table(rows: &[Vec<String>]) -> String {
    let line = |row: &Vec<String>| {
        let entries: Vec<String> = row.iter().map(|entry| escape(entry)).collect();
        format!("| {} |\n", entries.join(" | "))
    };
    let mut lines: Vec<String> = rows.iter().map(line).collect();
    lines.insert(1, format!("|---|{}\n", "--:|".repeat(rows[0].len() - 1)));
    lines.concat()
}

/// Wraps a paragraph or, if `prefix` ends with `- `, an item of a list.
fn wrapped(prefix: &str, text: &str) -> String {
    let next = prefix.replace("- ", "  ");
    let mut lines = String::new();
    let mut line = prefix.to_owned();
    let mut empty = true;
    for word in escape(text).split(' ') {
        if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            let _ = writeln!(lines, "{line}");
            line.clone_from(&next);
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line += word;
        empty = false;
    }
    let _ = writeln!(lines, "{line}");
    lines
}

/// Escapes markup, HTML and line breaks. Code in backticks stays code.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for character in printable(text).chars() {
        match character {
            SPACE => escaped.push('\u{a0}'),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '|' | '\\' | '*' | '[' | ']' => escaped.extend(['\\', character]),
            '\n' => escaped.push(' '),
            other if other.is_control() => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}
