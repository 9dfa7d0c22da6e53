//! `goldilocks man`: manual pages.

use super::exit::Exit;
use super::output::print_bytes;
use anyhow::{Context, Result};
use clap::{Args, Command};
use std::path::PathBuf;

#[derive(Args)]
#[command(after_help = "\
Examples:
  goldilocks man | man -l -                           # read the page
  goldilocks man > goldilocks.1                       # keep it
  goldilocks man --output ~/.local/share/man/man1     # a page for each command, too")]
pub(crate) struct Man {
    /// Write a page for the program and one for each command into this folder
    #[arg(short, long, value_name = "FOLDER")]
    output: Option<PathBuf>,
}

impl Man {
    pub(crate) fn run(self, command: Command) -> Result<Exit> {
        let Some(folder) = self.output else {
            let mut page = Vec::new();
            clap_mangen::Man::new(command).render(&mut page).context("cannot write the page")?;
            print_bytes(&page)?;
            return Ok(Exit::Done);
        };
        let written = std::fs::create_dir_all(&folder).and_then(|()| clap_mangen::generate_to(command, &folder));
        written.with_context(|| format!("cannot write to {}", folder.display()))?;
        Ok(Exit::Done)
    }
}
