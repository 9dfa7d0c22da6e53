//! `goldilocks export`: a record as a flat table.

use crate::cli::Places;
use crate::journal;
use anyhow::{Context, Result};
use clap::Args;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Args)]
pub(crate) struct Export {
    /// The run's id or folder [default: the newest]
    run: Option<String>,
    /// Where to write it [default: the terminal]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    places: Places,
}

impl Export {
    pub(crate) fn carry_out(self) -> Result<ExitCode> {
        let folder = journal::find(&self.places.runs, self.run.as_deref())?;
        let record = record::read(folder.join(journal::FILE))?;
        if let Some(path) = self.output {
            reports::render::csv::write_csv(&record, &path)?;
            eprintln!("{} rows: {}", record.samples.len(), path.display());
            return Ok(ExitCode::SUCCESS);
        }
        match std::io::stdout().write_all(&reports::render::csv::csv(&record)?) {
            // Whoever reads has seen enough, as `head` has.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
            written => written.map(|()| ExitCode::SUCCESS).context("cannot write the table of samples"),
        }
    }
}
