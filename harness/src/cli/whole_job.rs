//! `goldilocks whole`: the whole job of `word_totals` in one process, like a peer.

use super::exit::Exit;
use super::output::{Output, print};
use super::values::workers;
use crate::peers::whole_job;
use anyhow::Result;
use clap::Args;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use system::printing::say;
use tasks::word_totals::{Options, TotalsOf, floor};

#[derive(Args)]
pub(crate) struct WholeJob {
    /// Threads that add up words
    #[arg(long, default_value = "1", value_parser = threads)]
    threads: NonZeroUsize,
    /// The file for every word's total
    #[arg(long, value_name = "FILE", value_parser = Output::parser())]
    output: Option<Output>,
    /// Add up the file's bytes instead of its words: a lower bound (the floor) for every program that reads the file
    #[arg(long)]
    floor: bool,
    /// The floor's threads unmap what they have read, like the threads that add up words
    #[arg(long, requires = "floor")]
    let_go: bool,
    #[command(flatten)]
    options: Options,
}

fn threads(text: &str) -> Result<NonZeroUsize, String> {
    let number = usize::try_from(workers(text)?).ok().and_then(NonZeroUsize::new);
    number.ok_or_else(|| "expected a whole number from 1".to_owned())
}

impl WholeJob {
    pub(crate) fn run(self) -> Result<Exit> {
        if self.floor {
            let file = self
                .options
                .file()
                .cloned()
                .ok_or_else(|| Exit::Usage.error("--floor reads a file; name it with --input FILE"))?;
            let sum = floor::sum_of_bytes(file, self.options.read, self.threads, self.let_go)?;
            print(format_args!("{sum}\n"))?;
            return Ok(Exit::Done);
        }
        if let Some(output) = &self.output {
            let input = self.options.file().map(PathBuf::as_path);
            output.check(&input.map(|input| ("the input file", input)).into_iter().collect::<Vec<_>>())?;
        }
        let task = Arc::new(TotalsOf::new(&self.options)?);
        let totals = whole_job::totals(&task, self.threads)?;
        if let Some(output) = &self.output {
            output.fill(|out| whole_job::write(&totals, out))?;
        }
        match self.output.is_some_and(|output| output.is_standard_output()) {
            true => say(whole_job::report(&totals)),
            false => print(format_args!("{}\n", whole_job::report(&totals)))?,
        }
        Ok(Exit::Done)
    }
}
