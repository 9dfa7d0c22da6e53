//! `goldilocks report`: writes a run's report again, or prints its analysis.

use super::exit::Exit;
use super::options::Folders;
use super::output::print;
use crate::journal;
use anyhow::Result;
use clap::Args;
use record::Record;
use reports::analysis::Analysis;
use reports::render::{bmf, html, json, markdown, terminal};
use std::path::{Path, PathBuf};

#[derive(Args)]
#[command(after_help = "\
Examples:
  goldilocks report                                   # the newest run
  goldilocks report --markdown >> $GITHUB_STEP_SUMMARY
  goldilocks report --json | jq '.tasks[].finding.headline'")]
pub(crate) struct Report {
    /// The run's id or folder [default: the newest]
    run: Option<String>,
    /// Print the whole analysis as JSON and write no file; reports/schema describes it
    #[arg(long, group = "format")]
    json: bool,
    /// Print the findings and a table for each task as Markdown, for a pull request or a CI job, and write no file
    #[arg(long, group = "format")]
    markdown: bool,
    /// Print medians and intervals in Bencher Metric Format and write no file
    #[arg(long, group = "format")]
    bmf: bool,
    #[command(flatten)]
    folders: Folders,
}

impl Report {
    pub(crate) fn run(self) -> Result<Exit> {
        let folder = journal::find(&self.folders.runs, self.run.as_deref())?;
        let format: fn(&Analysis) -> String = match self {
            Self { json: true, .. } => json::json,
            Self { markdown: true, .. } => markdown::markdown,
            Self { bmf: true, .. } => bmf::bmf,
            _ => return write_report(&folder).map(|_| Exit::Done),
        };
        print(format(&Analysis::new(&record::read(folder.join(journal::FILE))?)).as_bytes())
    }
}

/// Writes a run's report next to its record, and the conclusions to the terminal. Returns the record and the report's
/// path.
pub(crate) fn write_report(folder: &Path) -> Result<(Record, PathBuf)> {
    let record = record::read(folder.join(journal::FILE))?;
    let analysis = Analysis::new(&record);
    let path = folder.join("report.html");
    html::write(&analysis, &path)?;
    print(format!("{}\nreport: {}\n", terminal::text(&analysis), path.display()).as_bytes())?;
    Ok((record, path))
}
