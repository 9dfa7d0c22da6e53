//! Options that several commands share.

use super::exit::Exit;
use anyhow::Result;
use clap::Args;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The folders of runs and data.
#[derive(Args)]
pub(crate) struct Folders {
    /// The folder of all runs
    #[arg(long, value_name = "FOLDER", default_value = "reports/runs")]
    pub(crate) runs: PathBuf,
    /// The folder of generated and fetched data
    #[arg(long, value_name = "FOLDER", default_value = "datasets/generated")]
    pub(crate) data: PathBuf,
}

/// Refuses an output file that is the input file, even under a different name.
pub(crate) fn refuse_same_file(output: Option<&Path>, input: Option<&Path>) -> Result<()> {
    let identity = |path: Option<&Path>| path.and_then(|path| path.metadata().ok()).map(|it| (it.dev(), it.ino()));
    let same = identity(output).is_some_and(|output| Some(output) == identity(input));
    match same {
        true => Err(Exit::Usage.error("--output names the input file, which would be lost; name another file")),
        false => Ok(()),
    }
}
