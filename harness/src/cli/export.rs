//! `goldilocks export`: a record as a flat table.

use super::exit::Exit;
use super::options::Folders;
use super::output::print;
use crate::journal;
use anyhow::Result;
use clap::Args;
use std::path::PathBuf;

#[derive(Args)]
#[command(after_help = "\
Examples:
  goldilocks export                                   # the newest run, to the terminal
  goldilocks export --output samples.csv              # to a file
  goldilocks export 20260101-120000-abcd | head -3    # the run with this id")]
pub(crate) struct Export {
    /// The run's id or folder [default: the newest]
    run: Option<String>,
    /// The file to write [default: the terminal]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    folders: Folders,
}

impl Export {
    pub(crate) fn run(self) -> Result<Exit> {
        let folder = journal::find(&self.folders.runs, self.run.as_deref())?;
        let record = record::read(folder.join(journal::FILE))?;
        if let Some(path) = self.output {
            reports::render::csv::write_csv(&record, &path)?;
            eprintln!("{} rows: {}", record.samples.len(), path.display());
            return Ok(Exit::Done);
        }
        print(&reports::render::csv::csv(&record)?)
    }
}
