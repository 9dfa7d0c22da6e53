//! Files that are there as a whole or not at all.

use crate::error::{Error, Result};
use std::path::Path;

/// Writes a file that nobody ever sees half of: it is written beside `path` and then renamed.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".unfinished");
    std::fs::write(&unfinished, bytes)
        .and_then(|()| std::fs::rename(&unfinished, path))
        .map_err(|source| Error::file("write", path, source))
}
