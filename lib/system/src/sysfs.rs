//! What the system shows of itself in `/proc` and `/sys`, read below a folder of choice: a test shows it another machine.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The place below which `/proc` and `/sys` are looked for.
#[derive(Debug, Clone)]
pub struct SystemFiles {
    root: PathBuf,
}

impl SystemFiles {
    /// This machine.
    pub fn here() -> Self {
        SystemFiles::below("/")
    }

    /// The machine whose files are kept below `root`.
    pub fn below(root: impl Into<PathBuf>) -> Self {
        SystemFiles { root: root.into() }
    }

    /// Where the absolute `path` is found.
    fn place(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// A file's text without the blanks around it; nothing if it cannot be read.
    pub fn text(&self, path: impl AsRef<Path>) -> Option<String> {
        let bytes = std::fs::read(self.place(path)).ok()?;
        Some(String::from_utf8_lossy(&bytes).trim().to_owned())
    }

    /// A file that holds one number; nothing if it holds anything else.
    pub fn number<T: FromStr>(&self, path: impl AsRef<Path>) -> Option<T> {
        self.text(path)?.parse().ok()
    }

    /// A file that holds a list of processors, such as `0-3,8`.
    pub fn list(&self, path: impl AsRef<Path>) -> Option<BTreeSet<usize>> {
        self.text(path).map(|text| list(&text))
    }

    /// The value behind `name` in a file of lines such as `MemTotal: 1024 kB` or `nr_throttled 7`.
    pub fn value(&self, path: impl AsRef<Path>, name: &str) -> Option<String> {
        let text = self.text(path)?;
        let behind = |line: &str| {
            let rest = line.strip_prefix(name)?;
            rest.starts_with([':', ' ', '\t']).then(|| rest.trim_start_matches([':', ' ', '\t']).to_owned())
        };
        text.lines().find_map(behind)
    }

    /// The number behind `name`, without its unit.
    pub fn count(&self, path: impl AsRef<Path>, name: &str) -> Option<u64> {
        self.value(path, name)?.split_whitespace().next()?.parse().ok()
    }

    /// The names in a folder, sorted; none if it cannot be read.
    pub fn names(&self, folder: impl AsRef<Path>) -> Vec<String> {
        let entries = std::fs::read_dir(self.place(folder)).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort_unstable();
        names
    }
}

/// The processors that a list such as `0-3,8` names. What is no number is passed over.
pub fn list(text: &str) -> BTreeSet<usize> {
    let ranges = text.trim().split(',').filter_map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(first.parse::<usize>().ok()?..=last.parse::<usize>().ok()?)
    });
    ranges.flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_processors_has_ranges_and_single_numbers() {
        assert_eq!(list("0-3,8\n").into_iter().collect::<Vec<_>>(), [0, 1, 2, 3, 8]);
        assert_eq!(list("").len(), 0);
        assert_eq!(list("x-3,5").into_iter().collect::<Vec<_>>(), [5]);
    }
}
