//! The list of all runs: a summary of each, and the page `index.html` in the runs' folder.

use crate::journal;
use reports::analysis::Analysis;
use reports::render::runs::{MARK, page};
use reports::view::runs::{Listed, Summary};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;
use system::atomic_file;

/// The name of the page in the folder of all runs.
pub const INDEX: &str = "index.html";

/// The name of a summary in a run's folder. A summary saves reading all records again whenever one run ends.
const SUMMARY: &str = "summary.json";

/// A summary with all that it was made from.
#[derive(Serialize, Deserialize)]
struct Kept {
    made_from: MadeFrom,
    summary: Summary,
}

/// What a summary was made from. If any of it differs, the summary is made again.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
struct MadeFrom {
    program: String,
    bytes: u64,
    modified_ns: u64,
}

/// Returns all runs, the newest first. A record that cannot be read hides no other.
pub fn list(runs: &Path) -> Vec<Listed> {
    let listed = |folder: PathBuf| Listed {
        id: folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        has_report: folder.join(journal::REPORT).is_file(),
        summary: summary(&folder),
    };
    journal::newest_first(runs).into_iter().map(listed).collect()
}

/// Writes the page that lists all runs, and returns its path.
///
/// # Errors
/// When the page cannot be written, or another page has its name. The reason says what happened.
pub fn write(runs: &Path) -> Result<PathBuf, String> {
    let path = runs.join(INDEX);
    let failed = |reason: &str| format!("{} is not written: {reason}", path.display());
    if path.exists() && !is_ours(&path) {
        return Err(failed("a page that goldilocks did not write has this name; move it away"));
    }
    let text = page(&list(runs)).map_err(|error| failed(&error.to_string()))?;
    atomic_file::write(&path, text.as_bytes()).map_err(|error| failed(&error.to_string()))?;
    Ok(path)
}

/// Whether a file begins like a list of runs.
fn is_ours(path: &Path) -> bool {
    let mut beginning = Vec::new();
    let read = File::open(path).and_then(|file| file.take(2_000).read_to_end(&mut beginning));
    read.is_ok() && String::from_utf8_lossy(&beginning).contains(MARK)
}

/// Returns the summary of a run: the kept one if the record is still the same, or else a new one, which is kept.
fn summary(folder: &Path) -> Result<Summary, String> {
    let (record, file) = (folder.join(journal::FILE), folder.join(SUMMARY));
    let made_from = made_from(&record);
    let kept = std::fs::read(&file).ok().and_then(|text| serde_json::from_slice::<Kept>(&text).ok());
    if let Some(kept) = kept.filter(|kept| Some(&kept.made_from) == made_from.as_ref()) {
        return Ok(kept.summary);
    }
    let record = record::read(record).map_err(|error| error.to_string())?;
    let summary = Summary::new(&Analysis::new(&record));
    if let Some(made_from) = made_from {
        let kept = Kept { made_from, summary: summary.clone() };
        // Without the file, the next list only takes longer.
        let _ = serde_json::to_vec(&kept).map(|text| atomic_file::write(&file, &text));
    }
    Ok(summary)
}

fn made_from(record: &Path) -> Option<MadeFrom> {
    let metadata = record.metadata().ok()?;
    let modified = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(MadeFrom {
        program: concat!(env!("CARGO_PKG_VERSION"), " ", env!("GOLDILOCKS_COMMIT")).to_owned(),
        bytes: metadata.len(),
        modified_ns: u64::try_from(modified.as_nanos()).ok()?,
    })
}
