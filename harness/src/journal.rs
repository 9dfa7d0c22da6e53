//! The record of a run on disk: lines are only appended, so that a crash loses nothing that was measured.

use anyhow::{Context, Result, ensure};
use record::Line;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// A run's folder, with the record open for appending.
#[derive(Debug)]
pub struct Journal {
    folder: PathBuf,
    file: File,
}

/// The record's name in a run's folder.
pub const FILE: &str = "run.jsonl";

impl Journal {
    /// Begins the record of a new run in `folder` with its `first` lines.
    ///
    /// The file appears only when all first lines are written. If a crash prevents that, [`find`] ignores the folder.
    ///
    /// # Errors
    /// When the record cannot be written, or the folder already has one.
    pub fn begin(folder: &Path, first: &[Line]) -> Result<Self> {
        let path = folder.join(FILE);
        ensure!(!path.exists(), "{} already exists", path.display());
        let lines: Vec<Vec<u8>> = first.iter().map(text).collect::<Result<_>>()?;
        let written = system::atomic_file::write(&path, &lines.concat());
        written.with_context(|| format!("cannot create {}", path.display()))?;
        Journal::resume(folder)
    }

    /// Opens the record of a run for appending. Removes an incomplete last line, which a crash leaves behind.
    ///
    /// # Errors
    /// When the record cannot be opened.
    pub fn resume(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        let text = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let complete = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |feed| feed + 1);
        let file = OpenOptions::new().append(true).open(&path);
        let file = file.with_context(|| format!("cannot open {}", path.display()))?;
        if complete < text.len() {
            file.set_len(complete as u64).with_context(|| format!("cannot repair {}", path.display()))?;
        }
        Ok(Journal { folder: folder.to_owned(), file })
    }

    /// Appends a line with a single write, so that a crash can cut off only the last line.
    ///
    /// # Errors
    /// When the disk is full or the folder has gone. Earlier lines stay.
    pub fn write(&mut self, line: &Line) -> Result<()> {
        let path = self.folder.join(FILE);
        let failed = || format!("cannot write to {}; the lines before are safe", path.display());
        let length = self.file.metadata().with_context(failed)?.len();
        let written = self.file.write_all(&text(line)?);
        if written.is_err() {
            // On a full disk a part of the line was written. Without this, the next line would continue it.
            self.file.set_len(length).with_context(failed)?;
        }
        written.with_context(failed)
    }

    /// The run's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Serialises a line as JSON that ends with a line feed.
fn text(line: &Line) -> Result<Vec<u8>> {
    let mut text = serde_json::to_vec(line).context("cannot serialise a line of the record")?;
    text.push(b'\n');
    Ok(text)
}

/// Returns the folder of the run with this id or path, or of the newest run if `run` is not given.
///
/// # Errors
/// When there is no such run.
pub fn find(runs: &Path, run: Option<&str>) -> Result<PathBuf> {
    if let Some(run) = run {
        let folders = [PathBuf::from(run), runs.join(run)];
        let found = folders.iter().find(|folder| folder.join(FILE).is_file());
        return found.cloned().with_context(|| {
            let neither = format!("no run `{run}`: neither {run} nor {} has a {FILE}", folders[1].display());
            let newest = newest_first(runs);
            let ids: Vec<_> = newest.iter().take(SHOWN).filter_map(|folder| folder.file_name()?.to_str()).collect();
            match ids.is_empty() {
                true => format!("{neither}; {}", no_run(runs)),
                false => {
                    format!("{neither}; the newest: {}; `{}` lists all", ids.join(", "), crate::command("runs"))
                }
            }
        });
    }
    newest_first(runs).into_iter().next().with_context(|| no_run(runs))
}

/// The number of runs that an error names.
const SHOWN: usize = 5;

/// Returns the folders of all runs, the newest first.
pub fn newest_first(runs: &Path) -> Vec<PathBuf> {
    let folders = std::fs::read_dir(runs).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut folders: Vec<PathBuf> = folders.filter(|path| path.join(FILE).is_file()).collect();
    // An id begins with date and time, so the greatest id is the newest.
    folders.sort_unstable_by(|a, b| b.cmp(a));
    folders
}

/// Returns the sentence about a folder without runs.
pub(crate) fn no_run(runs: &Path) -> String {
    format!("there is no run in {}; `{}` makes one", runs.display(), crate::command("sweep"))
}
