//! Writing a run down, line by line, so that nothing measured can be lost.

use anyhow::{Context, Result, bail, ensure};
use record::Line;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// A run's folder, open for appending.
#[derive(Debug)]
pub struct Journal {
    folder: PathBuf,
    file: File,
}

/// The record's name in a run's folder.
pub const FILE: &str = "run.jsonl";

impl Journal {
    /// Begins the record of a new run in `folder`, with its `first` lines.
    ///
    /// The record gets its name when they are written: a folder in which a crash left less is no run, and
    /// [`find`] passes it by.
    ///
    /// # Errors
    /// When it cannot be written, or one has been begun here before.
    pub fn begin(folder: &Path, first: &[Line]) -> Result<Self> {
        let path = folder.join(FILE);
        ensure!(!path.exists(), "there is a record already: {}", path.display());
        let lines: Vec<Vec<u8>> = first.iter().map(text).collect::<Result<_>>()?;
        let written = system::atomic_file::write(&path, &lines.concat());
        written.with_context(|| format!("cannot create {}", path.display()))?;
        Self::go_on(folder)
    }

    /// Goes on with a run. A last line that was cut off by a crash is taken away first: it was never complete.
    ///
    /// # Errors
    /// When the record cannot be opened.
    pub fn go_on(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        let text = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |feed| feed + 1);
        let file = OpenOptions::new().append(true).open(&path);
        let file = file.with_context(|| format!("cannot open {}", path.display()))?;
        if whole < text.len() {
            file.set_len(whole as u64).with_context(|| format!("cannot mend {}", path.display()))?;
        }
        Ok(Journal { folder: folder.to_owned(), file })
    }

    /// Appends one line, in one write: a crash leaves it whole or not there, or cut off as the last one.
    ///
    /// # Errors
    /// When the disk is full or the folder gone; what was written before stays.
    pub fn write(&mut self, line: &Line) -> Result<()> {
        let written = self.file.write_all(&text(line)?).and_then(|()| self.file.flush());
        written.with_context(|| {
            let file = self.folder.join(FILE);
            let go_on = format!("`{} --resume {}`", crate::command("sweep"), self.folder.display());
            format!(
                "cannot write to {}; what it holds already stays: when that is cured, {go_on} goes on",
                file.display()
            )
        })
    }

    /// The run's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// A line's bytes.
fn text(line: &Line) -> Result<Vec<u8>> {
    let mut text = serde_json::to_vec(line).context("cannot write a line down")?;
    text.push(b'\n');
    Ok(text)
}

/// The folder of a run that is named by its id or its path, or the newest if it is not named.
///
/// # Errors
/// When there is no such run.
pub fn find(runs: &Path, run: Option<&str>) -> Result<PathBuf> {
    if let Some(run) = run {
        let places = [PathBuf::from(run), runs.join(run)];
        let found = places.iter().find(|place| place.join(FILE).is_file());
        return found
            .cloned()
            .with_context(|| format!("no run `{run}`: neither {run} nor {} has a {FILE}", places[1].display()));
    }
    let entries = std::fs::read_dir(runs);
    let newest =
        entries.into_iter().flatten().flatten().map(|entry| entry.path()).filter(|path| path.join(FILE).is_file());
    // An id begins with the date and the time.
    match newest.max() {
        Some(newest) => Ok(newest),
        None => bail!("there is no run in {}; `{}` makes one", runs.display(), crate::command("sweep")),
    }
}
