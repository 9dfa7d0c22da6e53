//! The record of a run on disk: lines are only appended, so that a crash loses nothing that was measured.

use anyhow::{Context, Result, bail, ensure};
use record::Line;
use std::fmt::{self, Display, Formatter};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use system::atomic_file::same_file;
use system::process;

/// A run's folder, with the record open for appending. The record is locked, so that only one process appends.
#[derive(Debug)]
pub struct Journal {
    folder: PathBuf,
    file: File,
    /// The bytes of the record.
    length: u64,
}

/// The record is no longer the file that was opened, so the run cannot be continued.
#[derive(Debug)]
pub struct Lost(String);

impl Display for Lost {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Lost {}

/// The record's name in a run's folder.
pub const FILE: &str = "run.jsonl";

/// The report's name in a run's folder.
pub const REPORT: &str = "report.html";

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

    /// Opens the record of a run for appending, and locks it. Removes an incomplete last line, which a crash leaves behind.
    ///
    /// Read the record only after this, because the process that held the lock before may have added lines.
    ///
    /// # Errors
    /// When the record cannot be opened, or another process appends to it.
    pub fn resume(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        let file = OpenOptions::new().read(true).append(true).open(&path);
        let mut file = file.with_context(|| format!("cannot open {}", path.display()))?;
        lock(&file, &path)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).with_context(|| format!("cannot read {}", path.display()))?;
        let complete = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |feed| feed + 1);
        if complete < text.len() {
            file.set_len(complete as u64).with_context(|| format!("cannot repair {}", path.display()))?;
        }
        let journal = Journal { folder: folder.to_owned(), file, length: complete as u64 };
        journal.check_in_place().map(|()| journal)
    }

    /// Appends a line with a single write, so that a crash can cut off only the last line.
    ///
    /// # Errors
    /// When the disk is full, or the record is no longer the file that was opened. Earlier lines stay.
    pub fn write(&mut self, line: &Line) -> Result<()> {
        let path = self.folder.join(FILE);
        let failed = || format!("cannot write to {}; the lines before are safe", path.display());
        let text = text(line)?;
        let written = self.file.write_all(&text);
        if written.is_err() {
            // On a full disk a part of the line was written. Without this, the next line would continue it.
            self.file.set_len(self.length).with_context(failed)?;
        }
        written.with_context(failed)?;
        self.length += text.len() as u64;
        self.check_in_place()
    }

    /// Returns an error if the path of the record leads to another file than the open one, or if another program has
    /// written to it. Otherwise everything that is measured from now on would be lost without a word.
    fn check_in_place(&self) -> Result<()> {
        let path = self.folder.join(FILE);
        let open = self.file.metadata().with_context(|| format!("cannot look at {}", path.display()))?;
        let what = match std::fs::metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => "was deleted".to_owned(),
            Err(error) => format!("cannot be found any more ({error})"),
            Ok(found) if !same_file(&found, &open) => "was replaced by another file".to_owned(),
            Ok(found) if found.len() != self.length => "was changed by another program".to_owned(),
            Ok(_) => return Ok(()),
        };
        Err(Lost(format!(
            "{} {what} while this process wrote to it, so measuring stops: begin a new run",
            path.display()
        ))
        .into())
    }

    /// The run's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Locks a record until the file is closed or the process ends.
fn lock(file: &File, path: &Path) -> Result<()> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
        Err(TryLockError::WouldBlock) => {
            let holder = process::lock_holder(file).map_or_else(
                || "another process".to_owned(),
                |number| format!("process {number} ({})", process::name(number).unwrap_or_default()),
            );
            bail!("{holder} is adding to {}: wait until it ends, or end it", path.display())
        }
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
