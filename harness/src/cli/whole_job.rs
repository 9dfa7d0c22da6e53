//! `goldilocks whole`: the whole job of `word_totals` in one process, as a peer does it.

use super::not_the_same;
use crate::peers::whole_job;
use anyhow::{Context, Result};
use clap::Args;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use tasks::word_totals::{Options, TotalsOf, floor};

#[derive(Args)]
pub(crate) struct Whole {
    /// How many threads add up words
    #[arg(long, default_value = "1")]
    threads: NonZeroUsize,
    /// Write every word's total here
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Add up bytes instead of words: the floor
    #[arg(long)]
    floor: bool,
    /// The floor's threads let go of what they have read, as the threads that add up words do
    #[arg(long, requires = "floor")]
    let_go: bool,
    #[command(flatten)]
    options: Options,
}

impl Whole {
    pub(crate) fn carry_out(self) -> Result<ExitCode> {
        if self.floor {
            let file = self.options.input.context("give a file with --input FILE")?;
            println!("{}", floor::sum_of_bytes(file, self.options.read, self.threads, self.let_go)?);
            return Ok(ExitCode::SUCCESS);
        }
        not_the_same(self.output.as_deref(), self.options.input.as_deref())?;
        let task = Arc::new(TotalsOf::new(&self.options)?);
        let totals = whole_job::totals(&task, self.threads)?;
        if let Some(path) = &self.output {
            whole_job::write(&totals, path)?;
        }
        println!("{}", whole_job::report(&totals));
        Ok(ExitCode::SUCCESS)
    }
}
