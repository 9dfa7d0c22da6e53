//! Renders a comparison of two runs: a page, and text for the terminal.

use crate::comparison::difference::{By, Compared, Comparison, Outcome, Side};
use crate::comparison::view::{Mark, Row, Rows};
use crate::error::{Error, Result};
use crate::format;
use crate::render::wrap::{Look, aligned, fitted, printable, wrap};
use askama::Template;
use std::path::Path;

/// Renders the page of a comparison: one HTML file without scripts or network requests.
///
/// # Errors
/// If the page cannot be rendered.
pub fn page(comparison: &Comparison) -> Result<String> {
    let tasks = comparison.tasks.iter().map(|task| Section { task, rows: Rows::new(comparison.by, task) });
    let page = Page {
        style: concat!(include_str!("../../templates/page.css"), include_str!("../../templates/comparison.css")),
        figure: if comparison.by == By::Time { "median time" } else { "speed-up" },
        speed_ups: comparison.by == By::SpeedUp,
        sides: [("A", &comparison.a), ("B", &comparison.b)],
        tasks: tasks.collect(),
        comparison,
    };
    Ok(page.render()?)
}

/// Writes the page of a comparison atomically.
///
/// # Errors
/// If the page cannot be rendered or the file cannot be written.
pub fn write(comparison: &Comparison, path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    let page = page(comparison)?;
    system::atomic_file::write(path, page.as_bytes()).map_err(|cause| Error::File { path: path.to_owned(), cause })
}

/// A comparison as plain text: the headline, then for each task a sentence and a table of the cells that differ. If
/// everything is shown, the table has all cells.
pub fn text(comparison: &Comparison, look: &Look) -> String {
    let mut text = wrap(&comparison.headline, look.width, "", "") + "\n";
    for (name, side) in [("A", &comparison.a), ("B", &comparison.b)] {
        let Side { run, began, program, machine } = side;
        text += &wrap(&format!("{run} {began} {program}, {machine}"), look.width, &format!("{name}  "), "   ");
    }
    if !comparison.notes.is_empty() {
        text += "\n";
    }
    comparison.notes.iter().for_each(|note| text += &wrap(note, look.width, "", "  "));
    for task in &comparison.tasks {
        text += "\n";
        text += &wrap(&format!("{}: {}", task.task, task.sentence), look.width, "", "  ");
        text += &table(comparison.by, task, look);
    }
    printable(&text)
}

fn table(by: By, task: &Compared, look: &Look) -> String {
    let rows = Rows::new(by, task);
    if look.verbose {
        let heads: &[&str] = match by {
            By::Time => &["", "cores", "A: median time", "B: median time", "B / A", ""],
            By::SpeedUp => &["", "cores", "A: speed-up", "B: speed-up", "B / A", "", "efficiency A, B"],
        };
        let row = |row: Row| {
            let efficiency = (by == By::SpeedUp).then_some(row.efficiency);
            [row.strategy, row.cores, row.a, row.b, row.ratio, row.verdict].into_iter().chain(efficiency).collect()
        };
        let heads = heads.iter().map(|&head| head.to_owned()).collect();
        let all: Vec<Vec<String>> =
            [heads].into_iter().chain(rows.decided.into_iter().chain(rows.others).map(row)).collect();
        return format!("\n{}", aligned(&all));
    }
    if rows.decided.is_empty() {
        return String::new();
    }
    let heads = ["", "cores", "B / A", "", "A → B"].map(str::to_owned).to_vec();
    let row = |row: Row| vec![row.strategy, row.cores, row.ratio, row.verdict, row.both];
    let all = [heads].into_iter().chain(rows.decided.into_iter().map(row)).collect();
    format!("\n{}", fitted(all, look.width, 4))
}

#[derive(Template)]
#[template(path = "comparison.html")]
struct Page<'a> {
    style: &'static str,
    /// What is compared: the head of the columns of A and B.
    figure: &'static str,
    speed_ups: bool,
    sides: [(&'static str, &'a Side); 2],
    tasks: Vec<Section<'a>>,
    comparison: &'a Comparison,
}

struct Section<'a> {
    task: &'a Compared,
    rows: Rows,
}

impl Rows {
    /// The ratios at the left end of the chart, in its middle and at its right end.
    fn ends(&self) -> [String; 3] {
        [1.0 / self.most, 1.0, self.most].map(|ratio| format!("{}×", format::digits(ratio)))
    }
}

impl Row {
    /// The names of the style rules of the row.
    fn class(&self) -> &'static str {
        match self.outcome {
            Outcome::Better => "better",
            Outcome::Worse => "worse",
            Outcome::NoneShown | Outcome::NotCompared => "open",
        }
    }
}

/// The places on a chart that is 200 wide.
impl Mark {
    fn x(place: f64) -> String {
        format!("{:.1}", 100.0 + 94.0 * place)
    }

    fn dot(&self) -> String {
        Self::x(self.value)
    }

    fn ends(&self) -> Option<[String; 2]> {
        self.interval.map(|(low, high)| [low, high].map(Self::x))
    }
}
