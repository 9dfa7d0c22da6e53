//! `goldilocks whole`: the whole job of `word_totals` in one process, like a peer.

use super::exit::Exit;
use super::options::refuse_same_file;
use super::values::workers;
use crate::peers::whole_job;
use anyhow::Result;
use clap::Args;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use tasks::word_totals::{Options, TotalsOf, floor};

#[derive(Args)]
pub(crate) struct WholeJob {
    /// Threads that add up words
    #[arg(long, default_value = "1", value_parser = threads)]
    threads: NonZeroUsize,
    /// The file for every word's total
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Add up bytes instead of words: the floor
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
            println!("{}", floor::sum_of_bytes(file, self.options.read, self.threads, self.let_go)?);
            return Ok(Exit::Done);
        }
        refuse_same_file(self.output.as_deref(), self.options.file().map(PathBuf::as_path))?;
        let task = Arc::new(TotalsOf::new(&self.options)?);
        let totals = whole_job::totals(&task, self.threads)?;
        if let Some(path) = &self.output {
            whole_job::write(&totals, path)?;
        }
        println!("{}", whole_job::report(&totals));
        Ok(Exit::Done)
    }
}
