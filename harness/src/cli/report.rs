//! `goldilocks report`: writes a run's report again, or prints its analysis.

use super::exit::Exit;
use super::options::Folders;
use super::output::{look, print, print_json};
use crate::{journal, overview};
use anyhow::{Context, Result};
use clap::Args;
use record::{Record, Trace};
use reports::analysis::Analysis;
use reports::render::{bmf, html, json, markdown, terminal, trace};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use system::printing::say;

#[derive(Args)]
#[command(after_help = "\
Examples:
  goldilocks report --verbose                         # the newest run, with every conclusion and column
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
    /// Print every conclusion, and tables with all columns, which are wider than 80 letters
    #[arg(short, long, conflicts_with = "format")]
    verbose: bool,
    #[command(flatten)]
    folders: Folders,
}

impl Report {
    pub(crate) fn run(self) -> Result<Exit> {
        let folder = journal::find(&self.folders.runs, self.run.as_deref())?;
        let analysis = || record::read(folder.join(journal::FILE)).map(|record| Analysis::new(&record));
        match self {
            Self { json: true, .. } => print_json(json::json(&analysis()?))?,
            Self { markdown: true, .. } => print(markdown::markdown(&analysis()?))?,
            Self { bmf: true, .. } => print_json(bmf::bmf(&analysis()?))?,
            _ => drop(write_report(&folder, &self.folders, self.verbose)?),
        }
        Ok(Exit::Done)
    }
}

/// Writes each trace of a run for Perfetto: the first of each task and strategy under their names, and further ones with
/// their delivery.
fn write_traces(folder: &Path, traces: &[Trace]) -> Result<()> {
    let folder = folder.join("traces");
    let (mut names, mut written) = (BTreeSet::new(), BTreeSet::new());
    for (cell, run) in traces.iter().filter_map(|trace| Some((&trace.cell, trace.run.as_ref()?))) {
        let first = format!("{}-{}", cell.task, cell.strategy);
        let name = if names.insert(first.clone()) { first } else { format!("{first}-{}", cell.delivery) };
        // A record from elsewhere may have any names.
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
        let name: String = name.chars().map(|letter| if is_plain(letter) { letter } else { '_' }).take(200).collect();
        let path = folder.join(name + ".json");
        let filled = fs::create_dir_all(&folder)
            .and_then(|()| system::atomic_file::fill(&path, |out| trace::write(cell, run, out)));
        filled.with_context(|| format!("cannot write {}", path.display()))?;
        written.insert(path);
    }
    // A resumed sweep may trace other cells. Traces that the record no longer has would mislead.
    let files = fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path());
    for stale in files.filter(|it| it.extension().is_some_and(|it| it == "json") && !written.contains(it)) {
        fs::remove_file(&stale).with_context(|| format!("cannot remove {}", stale.display()))?;
    }
    Ok(())
}

/// Writes a run's report and its traces next to its record, the list of runs, and the conclusions to the terminal. Returns
/// the record and the report's path.
pub(crate) fn write_report(folder: &Path, folders: &Folders, verbose: bool) -> Result<(Record, PathBuf)> {
    let record = record::read(folder.join(journal::FILE))?;
    let analysis = Analysis::new(&record);
    let path = folder.join(journal::REPORT);
    html::write(&analysis, &path)?;
    write_traces(folder, &record.traces)?;
    print(format_args!("{}\nreport: {}\n", terminal::text(&analysis, &look(verbose)), path.display()))?;
    list_runs(folder, &folders.runs)?;
    Ok((record, path))
}

/// Writes the list of runs if the run is one of them. A list that cannot be written is worth no more than a message.
fn list_runs(folder: &Path, runs: &Path) -> Result<()> {
    let parent = folder.canonicalize().ok().and_then(|folder| Some(folder.parent()?.to_owned()));
    if parent.is_none() || parent != runs.canonicalize().ok() {
        return Ok(());
    }
    match overview::write(runs) {
        Ok(path) => print(format_args!("all runs: {}\n", path.display())),
        Err(reason) => {
            say(reason);
            Ok(())
        }
    }
}
