//! `goldilocks runs`: lists the runs, so that the user finds an id.

use super::exit::Exit;
use super::options::Folders;
use super::output::print;
use crate::{counted, journal};
use anyhow::Result;
use clap::Args;
use record::Record;
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
        let folders = journal::newest_first(&self.folders.runs);
        if folders.is_empty() {
            say(format_args!("{}", journal::no_run(&self.folders.runs)));
        }
        for folder in folders {
            let id = folder.file_name().unwrap_or_default().to_string_lossy();
            // A record that cannot be read must not hide the others.
            let about = match record::read(folder.join(journal::FILE)) {
                Ok(record) => about(&record),
                Err(error) => format!("cannot be read: {error}"),
            };
            print(format_args!("{id}  {about}\n"))?;
        }
        Ok(Exit::Done)
    }
}

/// Describes a run in one line: its tasks, its size and its end.
fn about(record: &Record) -> String {
    let tasks: Vec<&str> = record.run.tasks.iter().map(|task| task.name.as_str()).collect();
    let end = match &record.ended {
        Some(ended) if ended.interrupted => ", interrupted",
        Some(_) => "",
        None => ", without an end",
    };
    let strategies = match record.run.strategies.as_slice() {
        [only] => only.name.clone(),
        several => format!("{} strategies", several.len()),
    };
    format!("{}; {strategies}, {}{end}", tasks.join(", "), counted(record.samples.len() as u64, "sample"))
}
