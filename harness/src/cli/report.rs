//! `goldilocks report`: writes a run's report again.

use super::exit::Exit;
use super::options::Folders;
use crate::journal;
use anyhow::Result;
use clap::Args;
use record::Record;
use std::path::{Path, PathBuf};

#[derive(Args)]
#[command(after_help = "\
Examples:
  goldilocks report                                   # the newest run
  goldilocks report 20260101-120000-abcd              # the run with this id
  goldilocks report reports/runs/20260101-120000-abcd # the run in this folder")]
pub(crate) struct Report {
    /// The run's id or folder [default: the newest]
    run: Option<String>,
    #[command(flatten)]
    folders: Folders,
}

impl Report {
    pub(crate) fn run(self) -> Result<Exit> {
        write_report(&journal::find(&self.folders.runs, self.run.as_deref())?)?;
        Ok(Exit::Done)
    }
}

/// Writes a run's report beside its record, and its conclusions to the terminal. Returns the record and the report's path.
pub(crate) fn write_report(folder: &Path) -> Result<(Record, PathBuf)> {
    let record = record::read(folder.join(journal::FILE))?;
    let path = folder.join("report.html");
    reports::write(&record, &path)?;
    println!("{}", reports::text(&record));
    println!("report: {}", path.display());
    Ok((record, path))
}
