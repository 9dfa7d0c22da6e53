//! `goldilocks runs`: lists the runs, so that the user finds an id.

use super::exit::Exit;
use super::options::Folders;
use super::output::{look, print};
use crate::{journal, overview};
use anyhow::Result;
use clap::Args;
use reports::render::wrap::wrap;
use system::printing::say;

#[derive(Args)]
#[command(after_help = "\
Examples:
  goldilocks runs                                     # the newest first
  goldilocks runs | head -n 3
  goldilocks runs --runs results")]
pub(crate) struct Runs {
    #[command(flatten)]
    folders: Folders,
}

impl Runs {
    pub(crate) fn run(self) -> Result<Exit> {
        let runs = overview::list(&self.folders.runs);
        if runs.is_empty() {
            say(format_args!("{}", journal::no_run(&self.folders.runs)));
        }
        for run in runs {
            let about = match run.summary {
                Ok(summary) => summary.line(),
                Err(reason) => format!("cannot be read: {reason}"),
            };
            print(wrap(&about, look(false).width, &format!("{}  ", run.id), "    "))?;
        }
        Ok(Exit::Done)
    }
}
