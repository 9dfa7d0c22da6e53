//! `goldilocks compare A B`: two runs beside each other.

use crate::cli::Places;
use crate::journal;
use anyhow::{Context, Result};
use clap::Args;
use record::Record;
use reports::comparison::compare;
use std::process::ExitCode;

#[derive(Args)]
pub(crate) struct Compare {
    /// The first run: its id or folder
    a: String,
    /// The second run: its id or folder
    b: String,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    places: Places,
}

impl Compare {
    /// Ends without success when the runs are not compared: a script must not take a refusal for "no difference".
    pub(crate) fn carry_out(self) -> Result<ExitCode> {
        let [a, b] = [self.read(&self.a)?, self.read(&self.b)?];
        match compare(&a, &b) {
            Ok(comparison) if self.json => {
                println!("{}", serde_json::to_string_pretty(&comparison).context("cannot write the comparison")?);
                Ok(ExitCode::SUCCESS)
            }
            Ok(comparison) => {
                print!("{}", reports::render::terminal::compared(&comparison));
                Ok(ExitCode::SUCCESS)
            }
            Err(refusal) => {
                if self.json {
                    println!("{}", serde_json::json!({ "refused": refusal.differences }));
                }
                Err(refusal.into())
            }
        }
    }

    fn read(&self, run: &str) -> Result<Record> {
        let folder = journal::find(&self.places.runs, Some(run))?;
        Ok(record::read(folder.join(journal::FILE))?)
    }
}
