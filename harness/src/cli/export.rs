//! `goldilocks export`: a record as a flat table.

use super::exit::Exit;
use super::options::Folders;
use super::output::{Output, print_bytes};
use crate::{journal, plan};
use anyhow::Result;
use clap::Args;
use system::printing::say;

#[derive(Args)]
#[command(after_help = "\
Examples:
  goldilocks export                                   # the newest run, to the terminal
  goldilocks export --output samples.csv              # to a file
  goldilocks export 20260101-120000-abcd | head -3    # the run with this id")]
pub(crate) struct Export {
    /// The run's id or folder [default: the newest]
    run: Option<String>,
    /// The file to write; `-` is the standard output [default: the standard output]
    #[arg(short, long, value_name = "FILE", value_parser = Output::parser())]
    output: Option<Output>,
    #[command(flatten)]
    folders: Folders,
}

impl Export {
    pub(crate) fn run(self) -> Result<Exit> {
        let folder = journal::find(&self.folders.runs, self.run.as_deref())?;
        let (path, plan) = (folder.join(journal::FILE), folder.join(plan::FILE));
        if let Some(output) = &self.output {
            output.check(&[("the record of a run", &path), ("the plan of a run", &plan)])?;
        }
        let record = record::read(path)?;
        let csv = reports::render::csv::csv(&record)?;
        let Some(output) = self.output else { return print_bytes(&csv).map(|()| Exit::Done) };
        output.fill(|out| out.write_all(&csv))?;
        if !output.is_standard_output() {
            say(format_args!("{} rows: {output}", record.samples.len()));
        }
        Ok(Exit::Done)
    }
}
