//! `goldilocks compare A B`: compares two runs.

use super::cell_list::cell_list;
use super::exit::Exit;
use super::options::Folders;
use super::output::{Output, look, print, print_json};
use super::values::percent;
use crate::journal;
use anyhow::{Context, Result, bail};
use clap::Args;
use record::Cell;
use record::statistics::BLOCKS_FOR_A_VERDICT;
use reports::analysis::Analysis;
use reports::comparison::compare;
use reports::comparison::difference::{By, Comparison, Difference, Outcome};
use reports::render::comparison as html;
use std::path::{Path, PathBuf};
use system::printing::say;

#[derive(Args)]
#[command(after_help = "\
Examples:
  goldilocks compare                                  # the newest run with the one before it
  goldilocks compare before after --fail-on-slower 5  # for CI: ends with 4 if a cell is over 5 % slower
  goldilocks compare before after --html              # a page in the folder of all runs; --json for programs")]
pub(crate) struct Compare {
    /// The first run: its id or folder [default: the one before the newest]
    a: Option<String>,
    /// The second run: its id or folder [default: the newest]
    b: Option<String>,
    /// End with code 4 if a cell of B is decidedly slower than in A by more than PERCENT, and with 3 if a cell is undecided
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    fail_on_slower: Option<f64>,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Also write a page to FILE [default: compare-A-B.html in the folder of all runs]. `-` is the standard output, which then
    /// gets nothing else
    #[arg(long, value_name = "FILE", num_args = 0..=1, value_parser = Output::parser_of("--html"), conflicts_with = "json")]
    html: Option<Option<Output>>,
    /// Print all cells, not only those that differ, in a table wider than 80 letters
    #[arg(short, long)]
    verbose: bool,
    #[command(flatten)]
    folders: Folders,
}

impl Compare {
    /// Returns an error if the runs cannot be compared, because a script must not mistake a refusal for "no
    /// difference".
    pub(crate) fn run(self) -> Result<Exit> {
        let folders = self.folders()?;
        let page = self.page(&folders);
        if let Some(page) = &page {
            page.check(&[])?;
        }
        let [a, b] = folders;
        let runs = [read(&a)?, read(&b)?];
        let comparison = match compare(&runs[0], &runs[1]) {
            Ok(comparison) => comparison,
            Err(refusal) => {
                if self.json {
                    print_json(serde_json::json!({ "refused": refusal.differences }))?;
                }
                return Err(refusal.into());
            }
        };
        if self.json {
            print_json(serde_json::to_string_pretty(&comparison).context("cannot write the comparison")?)?;
        } else if !page.as_ref().is_some_and(Output::is_standard_output) {
            print(html::text(&comparison, &look(self.verbose)))?;
        }
        if let Some(page) = &page {
            let text = html::page(&comparison)?;
            page.fill(|out| out.write_all(text.as_bytes()))?;
            if !page.is_standard_output() {
                print(format_args!("\npage: {page}\n"))?;
            }
        }
        let Some(percent) = self.fail_on_slower else { return Ok(Exit::Done) };
        fail_on_slower(&comparison, &runs, percent)?;
        let passed = format!("No cell is slower in B by more than {percent} %.\n");
        if page.as_ref().is_some_and(Output::is_standard_output) {
            say(passed.trim_end())
        } else {
            print(passed)?
        }
        Ok(Exit::Done)
    }

    /// Returns where the page goes, if the user wants one.
    fn page(&self, folders: &[PathBuf; 2]) -> Option<Output> {
        let [a, b] = folders.each_ref().map(|folder| folder.file_name().unwrap_or_default().to_string_lossy());
        let usual = || Output::new("--html", self.folders.runs.join(format!("compare-{a}-{b}.html")));
        Some(self.html.clone()?.unwrap_or_else(usual))
    }

    /// Returns the folders of both runs. Without ids these are the two newest.
    fn folders(&self) -> Result<[PathBuf; 2]> {
        let Folders { runs, .. } = &self.folders;
        if let Some(a) = &self.a {
            return Ok([journal::find(runs, Some(a))?, journal::find(runs, self.b.as_deref())?]);
        }
        match journal::newest_first(runs).as_slice() {
            [b, a, ..] => {
                say(format_args!("A is {}, B is {}", a.display(), b.display()));
                Ok([a.clone(), b.clone()])
            }
            [only] => bail!("{} is the only run; `{}` makes another", only.display(), crate::command("sweep")),
            [] => bail!(journal::no_run(runs)),
        }
    }
}

fn read(folder: &Path) -> Result<Analysis> {
    Ok(Analysis::new(&record::read(folder.join(journal::FILE))?))
}

/// Succeeds if the intervals rule out, for every cell, that B is slower than A by more than `percent`. Otherwise returns an error that names the slower or undecided cells.
fn fail_on_slower(comparison: &Comparison, runs: &[Analysis; 2], percent: f64) -> Result<()> {
    let limit = 1.0 + percent / 100.0;
    let (mut slower, mut undecided) = (Vec::new(), Vec::new());
    for found in comparison.tasks.iter().flat_map(|task| &task.cells) {
        let enough = runs.iter().all(|run| blocks(run, &found.cell) >= BLOCKS_FOR_A_VERDICT);
        match slowdown(found, comparison.by) {
            Some((low, high)) if found.outcome == Outcome::Worse && low > limit => {
                slower.push((&found.cell, format!("{low:.2} to {high:.2} times as long")));
            }
            Some((_, high)) if enough && high <= limit => {}
            Some((low, high)) => undecided.push((&found.cell, format!("{low:.2} to {high:.2} times as long"))),
            None if found.reason.is_empty() => undecided.push((&found.cell, "too few blocks".to_owned())),
            None => undecided.push((&found.cell, found.reason.clone())),
        }
    }
    if !slower.is_empty() {
        return Err(Exit::Slower.error(format!("slower in B by more than {percent} %: {}", cell_list(&slower))));
    }
    if !undecided.is_empty() {
        return Err(Exit::NotVerified.error(format!(
            "undecided at {percent} %: {}; measure more blocks of both runs: `{} --resume RUN --budget TIME`",
            cell_list(&undecided),
            crate::command("sweep")
        )));
    }
    if comparison.tasks.iter().all(|task| task.cells.is_empty()) {
        return Err(Exit::NotVerified.error("nothing decided: the runs have no cell in common; measure the same cells"));
    }
    Ok(())
}

/// Returns the interval of the ratio of B's time to A's time.
fn slowdown(found: &Difference, by: By) -> Option<(f64, f64)> {
    let ratio = found.ratio?;
    let (low, high) = ratio.low.zip(ratio.high)?;
    Some(if by == By::Time { (low, high) } else { (1.0 / high, 1.0 / low) })
}

/// Counts the blocks in which a cell has a verified sample.
fn blocks(run: &Analysis, cell: &Cell) -> usize {
    let mut results = run.tasks.iter().flat_map(|task| task.results.baseline.iter().chain(&task.results.cells));
    results.find(|result| result.cell == *cell).map_or(0, |result| result.blocks.len())
}
